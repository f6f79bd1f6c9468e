package tests

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// What API.md says under "Keys" and "Bounds".

// TestKeysAreOrderedBytewise over every kind of awkward key.
func TestKeysAreOrderedBytewise(t *testing.T) {
	keys := []string{"", "\x00", "\x00\x00", "\x00\xff", "a", "a\x00", "a\x00\x00", "aa", "ab", "b", "\x7f", "\x80", "é", "\xff", "\xff\x00", "\xff\xff",
		strings.Repeat("a", 64<<10), strings.Repeat("a", 64<<10-1) + "b", strings.Repeat("\xff", 64<<10), "longcommonprefix1", "longcommonprefix2", "12345678", "123456789"}
	want := slices.Clone(keys)
	slices.Sort(want)
	everywhere(t, fillWith(keys...), func(t *testing.T, r varve.Reader) {
		if got := keysOf(t, r.Scan(nil, nil)); !slices.Equal(got, want) {
			t.Fatalf("Scan: %d keys, want %d: %.200q", len(got), len(want), got)
		}
		for _, key := range keys {
			if v, err := r.Get([]byte(key)); err != nil || string(v) != key {
				t.Errorf("Get %q: %q, %v", clip(key), clip(string(v)), err)
			}
			if has, err := r.Has([]byte(key)); err != nil || !has {
				t.Errorf("Has %q: %v, %v", clip(key), has, err)
			}
		}
	})
}

// TestEmptyKeysAndValues: nil is the empty key, an empty value is a value.
func TestEmptyKeysAndValues(t *testing.T) {
	fill := func(w varve.Writer) error {
		return errors.Join(w.Put(nil, []byte("of nil")), w.Put([]byte("empty"), []byte{}), w.Put([]byte("nil"), nil), w.Put([]byte("gone"), nil), w.Delete([]byte("gone")))
	}
	everywhere(t, fill, func(t *testing.T, r varve.Reader) {
		for _, key := range [][]byte{nil, {}} {
			if v, err := r.Get(key); err != nil || string(v) != "of nil" {
				t.Errorf("Get of the empty key: %q, %v", v, err)
			}
		}
		for _, key := range []string{"empty", "nil"} {
			v, err := r.Get([]byte(key))
			if err != nil || v == nil || len(v) != 0 {
				t.Errorf("Get %s: %#v, %v, want an empty value that is not nil", key, v, err)
			}
			if has, err := r.Has([]byte(key)); !has || err != nil {
				t.Errorf("Has %s: %v, %v", key, has, err)
			}
		}
		v, err := r.Get([]byte("gone"))
		if !errors.Is(err, varve.ErrNotFound) || v != nil {
			t.Errorf("Get of a deleted key: %q, %v", v, err)
		}
		if has, err := r.Has([]byte("gone")); has || err != nil {
			t.Errorf("Has of a deleted key: %v, %v", has, err)
		}
		it := r.NewIter(nil)
		if !it.First() || it.Key() == nil || len(it.Key()) != 0 || string(it.Value()) != "of nil" {
			t.Errorf("the empty key is not first: %#v = %q", it.Key(), it.Value())
		}
		if !it.Next() || string(it.Key()) != "empty" || it.Value() == nil || len(it.Value()) != 0 {
			t.Errorf("second: %#v = %#v", it.Key(), it.Value())
		}
		must(t, "close", it.Close())
	})
}

// TestBoundsAreHalfOpen in all forms, of Scan, ScanPrefix and iterators.
func TestBoundsAreHalfOpen(t *testing.T) {
	keys := []string{"", "a", "a\x00", "b", "ba", "c", "\xff", "\xff\xff", "\xff\xffz"}
	slices.Sort(keys)
	everywhere(t, fillWith(keys...), func(t *testing.T, r varve.Reader) {
		bounds := [][]byte{nil, {}, []byte("a"), []byte("a\x00"), []byte("aa"), []byte("b"), []byte("bz"), []byte("c"), []byte("\xff"), []byte("\xff\xff"), []byte("\xff\xff\xff")}
		for _, lo := range bounds {
			for _, hi := range bounds {
				want := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k < string(lo) || hi != nil && k >= string(hi) })
				if got := keysOf(t, r.Scan(lo, hi)); !slices.Equal(got, want) {
					t.Errorf("Scan(%#v, %#v): %q, want %q", lo, hi, got, want)
				}
				if got := walked(t, r, lo, hi, false); !slices.Equal(got, want) {
					t.Errorf("iterator of %#v, %#v: %q, want %q", lo, hi, got, want)
				}
				slices.Reverse(want)
				if got := walked(t, r, lo, hi, true); !slices.Equal(got, want) {
					t.Errorf("backwards, iterator of %#v, %#v: %q, want %q", lo, hi, got, want)
				}
			}
			want := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !strings.HasPrefix(k, string(lo)) })
			if got := keysOf(t, r.ScanPrefix(lo)); !slices.Equal(got, want) {
				t.Errorf("ScanPrefix(%#v): %q, want %q", lo, got, want)
			}
		}
	})
}

func walked(t *testing.T, r varve.Reader, lo, hi []byte, backwards bool) (keys []string) {
	t.Helper()
	it := r.NewIter(&varve.IterOptions{Lower: lo, Upper: hi})
	move := it.Next
	if backwards {
		move = it.Prev
	}
	for move() {
		keys = append(keys, string(it.Key()))
	}
	must(t, "walk", it.Err())
	must(t, "close", it.Close())
	return keys
}

// TestSeeksStayInBounds: a seek past a bound stands at the bound.
func TestSeeksStayInBounds(t *testing.T) {
	everywhere(t, fillWith("a", "b", "c", "d", "e"), func(t *testing.T, r varve.Reader) {
		it := r.NewIter(&varve.IterOptions{Lower: []byte("b"), Upper: []byte("d")})
		for _, c := range []struct {
			name string
			ok   bool
			key  string
		}{
			{"SeekGE a", it.SeekGE([]byte("a")), "b"}, {"SeekLT z", it.SeekLT([]byte("z")), "c"},
			{"SeekGE nil", it.SeekGE(nil), "b"}, {"SeekLT d", it.SeekLT([]byte("d")), "c"},
		} {
			if !c.ok {
				t.Errorf("%s is not valid, want %s", c.name, c.key)
			}
		}
		if it.SeekGE([]byte("a")); string(it.Key()) != "b" {
			t.Errorf("SeekGE below the lower bound: %q", it.Key())
		}
		if it.SeekLT([]byte("z")); string(it.Key()) != "c" {
			t.Errorf("SeekLT above the upper bound: %q", it.Key())
		}
		for name, ok := range map[string]bool{"SeekGE d": it.SeekGE([]byte("d")), "SeekLT b": it.SeekLT([]byte("b")), "SeekLT nil": it.SeekLT(nil), "SeekLT a": it.SeekLT([]byte("a"))} {
			if ok {
				t.Errorf("%s is valid out of bounds", name)
			}
		}
		must(t, "close", it.Close())
	})
}

// TestTooLargeNamesTheLimit: past a limit ErrTooLarge, which says which.
func TestTooLargeNamesTheLimit(t *testing.T) {
	guard(t)
	fs := vfs.NewStrict(1)
	db := mustOpen(t, fs, 0)
	long := bytes.Repeat([]byte("k"), 64<<10+1)
	must(t, "the longest key", db.Put(long[:64<<10], []byte("v")))
	huge := make([]byte, 1<<30+1) // never touched: that is what is tested
	var longPut, longDelete, hugePut varve.Batch
	longPut.Put([]byte("rides along"), nil)
	longPut.Put(long, nil)
	longDelete.Delete(long)
	hugePut.Put([]byte("k"), huge)
	for name, c := range map[string]struct {
		err    error
		limits []string
	}{
		"Put, key":               {db.Put(long, nil), limitWords(64 << 10)},
		"Delete, key":            {db.Delete(long), limitWords(64 << 10)},
		"Write, key of a put":    {db.Write(&longPut), limitWords(64 << 10)},
		"Write, key of a delete": {db.Write(&longDelete), limitWords(64 << 10)},
		"With, key":              {db.With(varve.Buffered).Put(long, nil), limitWords(64 << 10)},
		"Put, value":             {db.Put([]byte("k"), huge), limitWords(1 << 30)},
		"Write, value":           {db.Write(&hugePut), limitWords(1 << 30)},
	} {
		if !errors.Is(c.err, varve.ErrTooLarge) || !mentions(c.err, c.limits) {
			t.Errorf("%s: %v, want ErrTooLarge that names one of %q", name, c.err, c.limits)
		}
	}
	if got := keysOf(t, db.Scan(nil, nil)); len(got) != 1 {
		t.Errorf("refused writes left %d keys", len(got)-1)
	}
	must(t, "a write after refused ones", db.Put([]byte("k"), nil))
	for name, seek := range map[string]func() error{
		"Get":    func() error { _, err := db.Get(long); return ignore(err, varve.ErrNotFound, varve.ErrTooLarge) },
		"Has":    func() error { _, err := db.Has(long); return ignore(err, varve.ErrTooLarge) },
		"SeekGE": func() error { it := db.NewIter(nil); it.SeekGE(long); return errors.Join(it.Err(), it.Close()) },
	} {
		must(t, name+" of a key that cannot be", seek())
	}
	longPut.Reset()
	longPut.Put([]byte("after Reset"), nil)
	must(t, "the batch after Reset", db.Write(&longPut))
	mustClose(t, fs, db)
}

func ignore(err error, these ...error) error {
	for _, this := range these {
		if errors.Is(err, this) {
			return nil
		}
	}
	return err
}

// limitWords are the ways in which a message may write a limit.
func limitWords(n int) []string {
	return []string{fmt.Sprint(n), fmt.Sprintf("%d KiB", n>>10), fmt.Sprintf("%d MiB", n>>20), fmt.Sprintf("%d GiB", n>>30)}
}

// TestGreatestSizesAreAccepted takes gigabytes of memory, so only soak does it.
func TestGreatestSizesAreAccepted(t *testing.T) {
	if !*soakFlag {
		t.Skip("with -soak only: it takes 8 GiB of memory")
	}
	guard(t)
	db, err := varve.Open(t.TempDir(), &varve.Options{Durability: varve.Buffered})
	must(t, "Open", err)
	value := make([]byte, 1<<30)
	value[0], value[1<<30-1] = 1, 2
	must(t, "the greatest value", db.Put([]byte("k"), value))
	var b varve.Batch
	b.Put([]byte("a"), value)
	b.Put([]byte("b"), value)
	if err := db.Write(&b); !errors.Is(err, varve.ErrTooLarge) || !mentions(err, limitWords(2<<30)) {
		t.Errorf("a batch past 2 GiB: %v", err)
	}
	must(t, "Flush", db.Flush())
	if v, err := db.Get([]byte("k")); err != nil || !bytes.Equal(v, value) {
		t.Errorf("the greatest value: %d B, %v", len(v), err)
	}
	must(t, "Close", db.Close())
}
