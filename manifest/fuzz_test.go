package manifest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
	"github.com/varvekv/varve/vfs"
)

// forgePayloads writes a manifest whose frames hold these payloads, all
// checksums valid, numbered from 1.
func forgePayloads(t testing.TB, payloads ...[]byte) map[string][]byte {
	t.Helper()
	d := openDir(t, vfs.NewStrict(1))
	h := header{database: 9, identity: 8, number: 1, firstEdit: 1, fileBytes: headerBytes}
	writeAll(t, d, liveName, h.encode())
	f, err := d.OpenReadWrite(liveName)
	if err != nil {
		t.Fatal(err)
	}
	w, err := recordio.NewWriter(f, region(&h, 0), headerBytes)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range payloads {
		number := uint64(i) + 1
		if e, err := decodeEdit(here, p); err == nil {
			number = e.Number
		}
		w.Append(recordio.Header{Kind: recordio.KindEdit, FirstSeq: number, Count: 1}, p)
	}
	if err := errors.Join(w.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	writeAll(t, d, "CURRENT", current{1, h.identity}.encode())
	return filesOf(t, d)
}

func FuzzDecodeEdit(f *testing.F) {
	f.Add(appendEdit(nil, wholeEdit()))
	for _, e := range scriptEdits(2) {
		e.Number = 3
		f.Add(appendEdit(nil, e))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		e, err := decodeEdit(here, p)
		if err != nil {
			if !isClearError(err) {
				t.Fatal(err)
			}
			return
		}
		again, err := decodeEdit(here, appendEdit(nil, e))
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Fatalf("%+v\n%+v\n%v", e, again, err)
		}
	})
}

// FuzzOpenEdits opens manifests whose payloads are arbitrary and whose checksums
// are right: a first edit with some content, and two fuzzed ones.
func FuzzOpenEdits(f *testing.F) {
	start := &Edit{Number: 1, snapshot: true, LastSeq: 300, NextFile: 66, Added: []*Slice{newSlice(2, 0, 2, "a", "m")}}
	edits := scriptEdits(2)
	for i := range edits[1:] {
		a, b := *edits[i], *edits[i+1]
		a.Number, b.Number = 2, 3
		f.Add(appendEdit(nil, &a), appendEdit(nil, &b))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a)+len(b) > 1<<16 {
			return
		}
		st, err := openFiles(t, forgePayloads(t, appendEdit(nil, start), a, b))
		if err != nil {
			if !isClearError(err) {
				t.Fatal(err)
			}
			return
		}
		if st.Edit != 3 {
			t.Fatalf("edit %d", st.Edit)
		}
	})
}

func FuzzCurrent(f *testing.F) {
	f.Add(current{7, 8}.encode())
	f.Add([]byte("MANIFEST-000001\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		for _, q := range [][]byte{p, sealCurrent(1, string(p))} {
			c, err := decodeCurrent(q)
			if err == nil && !bytes.Equal(c.encode(), q) {
				t.Fatalf("%q is read as %+v", q, c)
			}
			if err != nil && !isClearError(err) {
				t.Fatal(err)
			}
		}
	})
}

// FuzzFile damages a whole manifest at a few places at once.
func FuzzFile(f *testing.F) {
	f.Add(uint64(1), 4200, 4600, []byte("x"), true)
	files, states := scripted(f, true)
	whole := files[liveName]
	f.Fuzz(func(t *testing.T, seed uint64, from, to int, insert []byte, fixHeader bool) {
		p := bytes.Clone(whole)
		r := rand.New(rand.NewPCG(seed, 1))
		if from >= 0 && from < len(p) {
			copy(p[from:], insert)
		}
		if to > from && from >= 0 && to < len(p) && r.IntN(2) == 0 {
			clear(p[from:to])
		}
		for range r.IntN(4) {
			p[r.IntN(6000)] ^= byte(r.Uint32())
		}
		if fixHeader {
			copy(p, whole[:headerBytes])
		}
		damaged := map[string][]byte{liveName: p, "CURRENT": files["CURRENT"]}
		st, err := openFiles(t, damaged)
		switch {
		case err != nil && !isClearError(err):
			t.Fatal(err)
		case err != nil && errors.Is(err, ErrUnsupported) && errors.Is(err, corruption.Err):
			t.Fatal(err)
		case err == nil && !st.Report.Torn && !bytes.HasPrefix(whole, p[:usedBytes(p)]):
			// Zeros from the end of an edit on are a clean end, to a manifest
			// alone: ProveEdit is there for them.
			t.Fatal("silent")
		case err == nil && !describesCounter(st, states):
			t.Fatalf("a state that never was:\n%s", describe(st))
		}
	})
}
