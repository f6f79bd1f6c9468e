package vfs

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// history is an independent model of one file: every content it had since the
// last sync, the synced one first.
type history struct{ states [][]byte }

func (h *history) now() []byte { return h.states[len(h.states)-1] }

func (h *history) write(p []byte, off int) {
	next := append([]byte(nil), h.now()...)
	next = append(next, make([]byte, max(0, off+len(p)-len(next)))...)
	copy(next[off:], p)
	h.states = append(h.states, next)
}

func (h *history) resize(n int) {
	next := append([]byte(nil), h.now()[:min(n, len(h.now()))]...)
	h.states = append(h.states, append(next, make([]byte, n-len(next))...))
}

// verify finds each sector of an image in some state, and its size between the
// smallest and the greatest.
func (h *history) verify(t *testing.T, img []byte) {
	t.Helper()
	lo, hi := len(img), len(img)
	for _, s := range h.states {
		lo, hi = min(lo, len(s)), max(hi, len(s))
	}
	known := false
	for i, s := range h.states {
		grew := i > 0 && len(h.states[i-1]) < len(img) && len(img) < len(s) && len(img)%SectorBytes == 0
		known = known || len(s) == len(img) || grew
	}
	if !known {
		t.Fatalf("size %d was never one of %d..%d", len(img), lo, hi)
	}
	for at := 0; at < len(img); at += SectorBytes {
		got := img[at:min(at+SectorBytes, len(img))]
		if !h.holds(got, at) {
			t.Fatalf("sector at %d holds what was never there: %x", at, got[:16])
		}
	}
}

// holds tells whether a sector had that content once, up to bytes of it cut off
// by sizes.
func (h *history) holds(got []byte, at int) bool {
	for _, s := range h.states {
		var sector [SectorBytes]byte
		if at < len(s) {
			copy(sector[:], s[at:])
		}
		if bytes.Equal(sector[:len(got)], got) {
			return true
		}
		for _, cut := range h.states { // a truncation kept beside an older or newer version
			if n := len(cut) - at; n < len(got) {
				short := append(append([]byte(nil), sector[:max(0, n)]...), make([]byte, SectorBytes)...)
				if bytes.Equal(short[:len(got)], got) {
					return true
				}
			}
		}
	}
	return false
}

// TestImagesHoldOnlyWhatWasThere plays random changes and checks images against
// the model, through merges of the list of changes and images of images.
func TestImagesHoldOnlyWhatWasThere(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		s, d := strictDB(t)
		put(t, d, "f", "")
		check(t, d.Sync())
		f := must(d.OpenReadWrite("f"))(t)
		h := &history{states: [][]byte{nil}}
		for range 60 {
			off, p := r.IntN(5000), bytes.Repeat([]byte{byte(1 + r.IntN(250))}, 1+r.IntN(2500))
			switch r.IntN(12) {
			case 0:
				check(t, f.Sync())
				h.states = [][]byte{h.now()}
			case 1:
				check(t, f.Truncate(int64(off)))
				h.resize(off)
			case 2: // merge early what add merges late
				n := f.(*strictFile).n
				half := len(n.pending) / 2
				n.pending = append(merge(n.pending[:half]), n.pending[half:]...)
			default:
				must(f.WriteAt(p, int64(off)))(t)
				h.write(p, off)
			}
			img := s.CrashImage(r)
			h.verify(t, []byte(get(t, look(t, img), "f")))
			if img.Unsynced() != 0 || img.CrashImage(r).Fingerprint() != img.Fingerprint() {
				t.Fatal("an image is not durable")
			}
			if got := get(t, look(t, s.CrashImageStrict()), "f"); got != string(h.states[0]) {
				t.Fatalf("strict image differs from the synced state (%d, %d bytes)", len(got), len(h.states[0]))
			}
			if got := get(t, look(t, s.CrashImageKept()), "f"); got != string(h.now()) || got != get(t, d, "f") {
				t.Fatalf("kept image differs from the present")
			}
		}
		check(t, f.Close())
	}
}

// TestRangeSyncedBytesSurvive mixes range syncs and failed syncs in: what was
// written with WriteAtSync and not touched again is in every image.
func TestRangeSyncedBytesSurvive(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 13))
		s, d := strictDB(t)
		put(t, d, "f", "")
		check(t, d.Sync())
		f := must(d.OpenReadWrite("f"))(t)
		h := &history{states: [][]byte{nil}}
		for i := range 40 {
			off, p := 1000*(r.IntN(4)), bytes.Repeat([]byte{byte(1 + i)}, 1+r.IntN(900))
			switch r.IntN(4) {
			case 0:
				must(WriteAtSync(f, p, int64(off)))(t)
				h.write(p, off)
				img := get(t, look(t, s.CrashImage(r)), "f")
				if len(img) < off+len(p) || img[off:off+len(p)] != string(p) {
					t.Fatalf("seed %d: range synced bytes at %d lost", seed, off)
				}
			case 1:
				f.(*strictFile).failSync()
			case 2:
				check(t, f.Truncate(int64(off)))
				h.resize(off)
			default:
				must(f.WriteAt(p, int64(off)))(t)
				h.write(p, off)
			}
			h.verify(t, []byte(get(t, look(t, s.CrashImage(r)), "f")))
			if get(t, look(t, s.CrashImageKept()), "f") != string(h.now()) {
				t.Fatalf("seed %d: kept image differs from the present", seed)
			}
		}
		check(t, f.Close())
	}
}

// TestNeverSyncedFileStaysBounded: the list of changes does not grow with the
// number of writes.
func TestNeverSyncedFileStaysBounded(t *testing.T) {
	s, d := strictDB(t)
	f := must(d.Create("f"))(t)
	defer closeIt(t, f)
	check(t, d.Sync())
	for i := range 40000 {
		must(f.WriteAt([]byte{byte(i), 1}, int64(i%20)*300))(t)
	}
	if n := s.Unsynced(); n > 2*mergeAt {
		t.Fatalf("%d changes held", n)
	}
	if get(t, look(t, s.CrashImageKept()), "f") != get(t, d, "f") || get(t, look(t, s.CrashImageStrict()), "f") != "" {
		t.Fatal("merging changed the file")
	}
}
