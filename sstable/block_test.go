package sstable

import (
	"bytes"
	"fmt"
	"math/rand"
	"sort"
	"testing"

	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/internal/invariants"
)

// buildBlock builds one block; predicted is what sizeWith said before the last entry.
func buildBlock(entries []entry) (data []byte, predicted uint64) {
	var b blockBuilder
	for _, e := range entries {
		if b.count() > 0 {
			predicted = b.sizeWith(e.k.User, uint64(e.k.Trailer), len(e.v))
		}
		b.add(e.k.User, hash.Sum(e.k.User), uint64(e.k.Trailer), len(e.v))
		data = append(data, e.v...)
	}
	return b.finish(data), predicted
}

func put(user string, seq uint64, value string) entry {
	return entry{ikey.Make([]byte(user), seq, ikey.KindPut), []byte(value)}
}

func del(user string, seq uint64) entry {
	return entry{ikey.Make([]byte(user), seq, ikey.KindDelete), nil}
}

// blockCases is blocks that reach every branch of the layout.
func blockCases() map[string][]entry {
	cases := map[string][]entry{
		"one":            {put("a", 1, "v")},
		"empty key":      {put("", 9, "v"), put("", 3, ""), put("\x00", 1, "x")},
		"ties in words":  {put("a", 5, "1"), put("a\x00", 5, "2"), put("a\x00\x00", 5, "3"), put("aa", 5, "4")},
		"no values":      {put("a", 0, ""), put("b", 0, "")},
		"zero sequences": {put("key1", 0, "one"), put("key2", 0, "two")},
		"same kind":      {put("key1", 900, "one"), put("key2", 7, "two")},
		"kinds":          {put("key1", 900, "one"), del("key1", 800), del("key2", 3)},
		"wide trailers":  {put("key1", ikey.MaxSeq, "one"), del("key1", 0)},
		"long sequences": {put("key1", ikey.MaxSeq, "one"), put("key1", 1<<40, ""), put("key1", 0, "")},
		"wide ends":      {put("a", 1, string(make([]byte, 70_000))), put("b", 1, "x")},
		"wide keys":      {put("a", 1, "x"), put("b"+string(make([]byte, 65_535)), 1, "yy"), put("c", 1, "")},
		"long prefix":    {put(string(make([]byte, MaxKeyBytes)), 2, "x"), put(string(make([]byte, MaxKeyBytes)), 1, "y")},
	}
	for i, s := range []shape{{n: 50, maxVersions: 5, maxValue: 40}, {n: 80, fixedKey: true, minValue: 9, maxValue: 9}} {
		cases[fmt.Sprint("random ", i)] = makeEntries(int64(i), s)
	}
	return cases
}

func TestBlockRoundTrip(t *testing.T) {
	for name, entries := range blockCases() {
		t.Run(name, func(t *testing.T) {
			data, predicted := buildBlock(entries)
			if len(entries) > 1 && uint64(len(data)) != predicted {
				t.Fatalf("block of %d bytes, %d predicted", len(data), predicted)
			}
			if err := validateBlock(data); err != nil {
				t.Fatal(err)
			}
			var b block
			b.parse(data)
			if b.count != len(entries) {
				t.Fatalf("%d entries, want %d", b.count, len(entries))
			}
			for i, e := range entries {
				key := append(bytes.Clone(b.prefix()), suffixOf(&b, i)...)
				if !bytes.Equal(key, e.k.User) || b.trailer(i) != e.k.Trailer || !bytes.Equal(b.value(i), e.v) {
					t.Fatalf("entry %d is %q %v %q, want %v %q", i, key, b.trailer(i), b.value(i), e.k, e.v)
				}
			}
			seekEverywhere(t, &b, entries)
		})
	}
}

func suffixOf(b *block, i int) []byte {
	lo, hi := b.suffix(i)
	return b.data[lo:hi]
}

// seekEverywhere compares seek with a linear definition around every entry.
func seekEverywhere(t *testing.T, b *block, entries []entry) {
	t.Helper()
	for _, e := range entries {
		users := [][]byte{e.k.User, append(bytes.Clone(e.k.User), 0), append(bytes.Clone(e.k.User), 0xff), nil, {0xff}}
		if n := len(e.k.User); n > 0 {
			users = append(users, e.k.User[:n-1], e.k.User[:n/2])
		}
		for _, user := range users {
			for _, tr := range []ikey.Trailer{e.k.Trailer - 1, e.k.Trailer, e.k.Trailer + 1, ikey.Newest(ikey.MaxSeq), 0} {
				k := ikey.Key{User: user, Trailer: tr}
				want := sort.Search(len(entries), func(i int) bool { return ikey.Compare(entries[i].k, k) >= 0 })
				if got := b.seek(user, tr); got != want {
					t.Fatalf("seek(%v) = %d, want %d", k, got, want)
				}
				if i, ok := b.lookup(user, byte(hash.Sum(user))); tr == ikey.Newest(ikey.MaxSeq) {
					if isThere := want < len(entries) && bytes.Equal(entries[want].k.User, user); ok != isThere || ok && i != want {
						t.Fatalf("lookup(%q) = %d, %v, want %d, %v", user, i, ok, want, isThere)
					}
				}
				if want < len(entries) && b.isUser(want, user) != bytes.Equal(entries[want].k.User, user) {
					t.Fatalf("isUser(%d, %q)", want, user)
				}
			}
		}
	}
}

func TestBlockColumnsAreAbsentWhereTheySayNothing(t *testing.T) {
	var entries []entry
	for i := range 30 {
		entries = append(entries, put(fmt.Sprintf("common/prefix/%04d", i), 0, "value567"))
	}
	data, _ := buildBlock(entries)
	if want := 30*(2+8+1) + len("common/prefix/00") + blockTailBytes; len(data) != want {
		t.Fatalf("%d bytes, want %d", len(data), want)
	}
}

func TestSeparator(t *testing.T) {
	for _, c := range [][3]string{
		{"a", "b", "a"}, {"a", "c", "b"}, {"abc", "abe", "abd"}, {"abc", "abd", "abc"},
		{"abczzz", "abd", "abd"[:2] + "cz"}, {"a", "a", "a"}, {"", "a", ""}, {"a", "ab", "a"},
		{"a\xff\xffb", "b", "a\xff\xffb"}, {"a\xff\x01", "b", "a\xff\x02"}, {"12345678", "2", "13"},
	} {
		got := separator(nil, []byte(c[0]), []byte(c[1]))
		if string(got) < c[0] || c[0] != c[1] && string(got) >= c[1] || len(got) > len(c[0]) {
			t.Errorf("separator(%q, %q) = %q", c[0], c[1], got)
		}
	}
	rnd := rand.New(rand.NewSource(1))
	for range 20_000 {
		a, b := make([]byte, rnd.Intn(5)), make([]byte, rnd.Intn(5))
		for _, p := range [][]byte{a, b} {
			for i := range p {
				p[i] = []byte{0, 1, 2, 0xfe, 0xff}[rnd.Intn(5)]
			}
		}
		if bytes.Compare(a, b) > 0 {
			a, b = b, a
		}
		got := separator(nil, a, b)
		if bytes.Compare(got, a) < 0 || !bytes.Equal(a, b) && bytes.Compare(got, b) >= 0 {
			t.Fatalf("separator(%q, %q) = %q", a, b, got)
		}
	}
}

func TestEveryFlippedByteOfABlockStaysInBounds(t *testing.T) {
	for _, entries := range blockCases() {
		data, _ := buildBlock(entries)
		from := max(0, len(data)-2000) // the columns; before them are values
		step := 1
		if invariants.Enabled {
			step = 5 // the race detector takes its time
		}
		for i := from; i < len(data); i += step {
			for _, v := range []byte{1, 0x80, 0xff} {
				data[i] ^= v
				touchBlock(data)
				data[i] ^= v
			}
		}
	}
}

// touchBlock reads everything in a block that passes for one.
func touchBlock(data []byte) (sum int) {
	if validateBlock(data) != nil {
		return 0
	}
	var b block
	b.parse(data)
	for i := range b.count {
		sum += len(suffixOf(&b, i)) + len(b.value(i)) + int(b.trailer(i))
		if i < 50 {
			user := append(bytes.Clone(b.prefix()), suffixOf(&b, i)...)
			if b.printsAt != 0 {
				b.lookup(user, byte(i))
			}
			sum += b.seek(user, b.trailer(i)) + b.seek(user[:len(user)/2], 0)
		}
	}
	return sum
}
