package vfs

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func strictDB(t testing.TB) (*Strict, Dir) {
	t.Helper()
	s := NewStrict(42)
	d, err := s.OpenDir("/db", true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return s, d
}

// look opens the directory in an image.
func look(t testing.TB, s *Strict) Dir {
	t.Helper()
	d, err := s.OpenDir("/db", false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// outcomes draws images and counts what describe makes of them.
func outcomes(t *testing.T, s *Strict, describe func(Dir) string) map[string]int {
	t.Helper()
	r, seen := rand.New(rand.NewPCG(3, 5)), map[string]int{}
	for range 3000 {
		seen[describe(look(t, s.CrashImage(r)))]++
	}
	return seen
}

func wantOutcomes(t *testing.T, got map[string]int, want ...string) {
	t.Helper()
	for _, w := range want {
		if got[w] == 0 {
			t.Errorf("never saw %q", w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("saw %v, want only %q", got, want)
	}
}

func listing(t *testing.T) func(Dir) string {
	return func(d Dir) string {
		var parts []string
		for _, name := range must(d.List())(t) {
			parts = append(parts, name+"="+get(t, d, name))
		}
		return strings.Join(parts, " ")
	}
}

func TestUnsyncedCreationIsLostOrKept(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", "data") // synced, its name is not
	wantOutcomes(t, outcomes(t, s, listing(t)), "", "f=data")
	check(t, d.Sync())
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=data")
}

func TestUnsyncedDataIsLostOrKept(t *testing.T) {
	s, d := strictDB(t)
	f := must(d.Create("f"))(t)
	defer closeIt(t, f)
	check(t, d.Sync())
	must(f.WriteAt([]byte("ab"), 0))(t)
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=", "f=ab", "f=\x00\x00")
	check(t, f.SyncData())
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=ab")
	must(f.WriteAt([]byte("AB"), 0))(t)
	must(f.WriteAt([]byte("x"), 1))(t)
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=ab", "f=AB", "f=Ax")
	check(t, f.StartWriteback(0, 2))
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=ab", "f=AB", "f=Ax")
}

func TestSectorsTearAndReorder(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", strings.Repeat("-", 3*SectorBytes))
	check(t, d.Sync())
	f := must(d.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	must(f.WriteAt(bytes.Repeat([]byte("1"), 2*SectorBytes), 0))(t)
	must(f.WriteAt(bytes.Repeat([]byte("2"), 2*SectorBytes), SectorBytes))(t)
	first := func(d Dir) string {
		all := get(t, d, "f")
		return all[:1] + all[SectorBytes:SectorBytes+1] + all[2*SectorBytes:2*SectorBytes+1]
	}
	var want []string
	for _, a := range "-1" {
		for _, b := range "-12" {
			for _, c := range "-2" {
				want = append(want, string([]rune{a, b, c}))
			}
		}
	}
	wantOutcomes(t, outcomes(t, s, first), want...)
}

func TestRenameIsAtomic(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "CURRENT", "old")
	check(t, d.Sync())
	put(t, d, "tmp", "new")
	check(t, d.Rename("tmp", "CURRENT"))
	wantOutcomes(t, outcomes(t, s, listing(t)), "CURRENT=old", "CURRENT=old tmp=new", "CURRENT=new")
	check(t, d.Sync())
	wantOutcomes(t, outcomes(t, s, listing(t)), "CURRENT=new")
}

func TestRenameBeforeSyncMayNameHoles(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "CURRENT", "old")
	check(t, d.Sync())
	f := must(d.Create("tmp"))(t)
	defer closeIt(t, f)
	must(f.WriteAt([]byte("new"), 0))(t)
	check(t, d.Rename("tmp", "CURRENT"))
	check(t, d.Sync())
	wantOutcomes(t, outcomes(t, s, listing(t)), "CURRENT=", "CURRENT=new", "CURRENT=\x00\x00\x00")
}

func TestEntriesAreIndependentButOrderedPerName(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "1.log", "a")
	check(t, d.Sync())
	put(t, d, "2.log", "b")
	check(t, d.Remove("1.log"))
	wantOutcomes(t, outcomes(t, s, listing(t)), "1.log=a", "", "2.log=b", "1.log=a 2.log=b")
	put(t, d, "1.log", "c") // only where the removal happened
	wantOutcomes(t, outcomes(t, s, listing(t)), "1.log=a", "", "1.log=c", "2.log=b", "1.log=a 2.log=b", "1.log=c 2.log=b")
}

func TestRenamedAwayNameReusedNeverLosesTheFile(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "a", "first")
	check(t, d.Sync())
	check(t, d.Rename("a", "b"))
	put(t, d, "a", "second")
	wantOutcomes(t, outcomes(t, s, listing(t)), "a=first", "b=first", "a=second b=first")
}

func TestRenameChainNeverLosesTheFirstFile(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "p", "first")
	check(t, d.Sync())
	check(t, d.Rename("p", "a"))
	put(t, d, "p", "second")
	check(t, d.Rename("p", "q"))
	wantOutcomes(t, outcomes(t, s, listing(t)), "p=first", "a=first", "a=first p=second", "a=first q=second")
}

// TestImageKeepsItsOwnDurableState: a torn image is as good a disk as any: what
// is written into it and not synced is lost again.
func TestImageKeepsItsOwnDurableState(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", strings.Repeat("-", 3*SectorBytes))
	check(t, d.Sync())
	f := must(d.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	must(f.WriteAt(bytes.Repeat([]byte("1"), 2*SectorBytes), 0))(t)
	for range 50 {
		img := s.CrashImage(nil)
		id := look(t, img)
		before := get(t, id, "f")
		g := must(id.OpenReadWrite("f"))(t)
		must(g.WriteAt(bytes.Repeat([]byte("2"), 2*SectorBytes), SectorBytes))(t)
		check(t, g.Truncate(SectorBytes+7))
		check(t, g.Close())
		if get(t, look(t, img.CrashImageStrict()), "f") != before {
			t.Fatal("an unsynced write reached the disk")
		}
	}
}

func TestLinkedFileStaysOne(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "a", "x")
	check(t, d.Link("a", d, "b"))
	check(t, d.Sync())
	img := look(t, s.CrashImage(nil))
	f := must(img.OpenReadWrite("a"))(t)
	defer closeIt(t, f)
	must(f.WriteAt([]byte("y"), 0))(t)
	if get(t, img, "b") != "y" || get(t, d, "b") != "x" {
		t.Fatal("a link became a copy, or an image wrote through")
	}
}

func TestTruncationIsLostOrKept(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", "abcdef")
	check(t, d.Sync())
	f := must(d.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	check(t, f.Truncate(2))
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=abcdef", "f=ab")
	must(f.WriteAt([]byte("Z"), 3))(t)
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=abcdef", "f=ab", "f=ab\x00Z", "f=ab\x00\x00", "f=ab\x00Z\x00\x00")
}

func TestRangeSyncSavesItsRangeOnly(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", strings.Repeat("-", 2*SectorBytes))
	check(t, d.Sync())
	f := must(d.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	must(f.WriteAt(bytes.Repeat([]byte("1"), 2*SectorBytes), 0))(t)
	must(WriteAtSync(f, bytes.Repeat([]byte("2"), SectorBytes), SectorBytes))(t)
	must(WriteAtSync(f, []byte("3"), 3*SectorBytes-1))(t)
	ends := func(d Dir) string {
		all := get(t, d, "f")
		return fmt.Sprint(all[:1], all[SectorBytes:SectorBytes+1], all[len(all)-1:], len(all))
	}
	wantOutcomes(t, outcomes(t, s, ends), "-231536", "1231536")
	check(t, f.Sync())
	wantOutcomes(t, outcomes(t, s, ends), "1231536")
}

func TestNoSyncSavesWhatAFailedOneLost(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", "old")
	check(t, d.Sync())
	under := NewFault(s, func(Op) error { return nil })
	fault := NewFault(under, FailNth(3, syscall.EIO))
	fd := must(fault.OpenDir("/db", false))(t)
	defer closeIt(t, fd)
	f := must(fd.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	must(f.WriteAt([]byte("new"), 0))(t)
	wantErr(t, f.Sync(), syscall.EIO, "/db/f")
	check(t, f.Sync())
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=old", "f=new")
	must(f.WriteAt([]byte("NEW"), 0))(t) // dirty again: this one counts
	check(t, f.Sync())
	wantOutcomes(t, outcomes(t, s, listing(t)), "f=NEW")
}

func TestImagesAreDeterministicAndOneDoesNotTouchAnother(t *testing.T) {
	s, d := strictDB(t)
	f := must(d.Create("f"))(t)
	defer closeIt(t, f)
	check(t, d.Sync())
	for i := range 40 {
		must(f.WriteAt(bytes.Repeat([]byte{byte(i)}, 3000), int64(i*700)))(t)
	}
	before := s.Fingerprint()
	draw := func() (sums []uint64) {
		r := rand.New(rand.NewPCG(1, 1))
		for range 50 {
			img := s.CrashImage(r)
			sums = append(sums, img.Fingerprint())
			if id := look(t, img); len(must(id.List())(t)) == 1 {
				g := must(id.OpenReadWrite("f"))(t)
				must(g.WriteAt(bytes.Repeat([]byte("!"), 5000), 100))(t)
				check(t, g.Truncate(7))
				check(t, g.Close())
			}
		}
		return sums
	}
	a, b := draw(), draw()
	if !slices.Equal(a, b) || s.Fingerprint() != before {
		t.Fatal("images differ, or changed their origin")
	}
	slices.Sort(a)
	if distinct := len(slices.Compact(a)); distinct < 30 {
		t.Fatalf("%d distinct images of 50", distinct)
	}
}

// TestImageIsOneInstant: what was synced before another file's write began is in
// every image that holds that write.
func TestImageIsOneInstant(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "first", "\x00")
	put(t, d, "second", "\x00")
	check(t, d.Sync())
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		a, b := must(d.OpenReadWrite("first"))(t), must(d.OpenReadWrite("second"))(t)
		for i := range 250 {
			for _, f := range []File{a, b} {
				must(f.WriteAt([]byte{byte(i)}, 0))(t)
				check(t, f.Sync())
			}
		}
		check(t, a.Close())
		check(t, b.Close())
	}()
	for range 2000 {
		img := look(t, s.CrashImage(nil))
		if first, second := get(t, img, "first")[0], get(t, img, "second")[0]; second > first {
			t.Fatalf("second %d is ahead of first %d", second, first)
		}
	}
	wg.Wait()
}

func TestCapacity(t *testing.T) {
	s, d := strictDB(t)
	s.SetCapacity(4*SectorBytes, 2)
	f := must(d.Create("f"))(t)
	defer closeIt(t, f)
	n, err := f.WriteAt(make([]byte, 5*SectorBytes), 0)
	wantErr(t, err, syscall.ENOSPC, "/db/f")
	if n != 4*SectorBytes || must(d.FreeBytes())(t) != 0 {
		t.Fatalf("%d bytes fitted, %d free", n, must(d.FreeBytes())(t))
	}
	must(f.WriteAt([]byte("over old ones"), 0))(t)
	wantErr(t, f.Truncate(9*SectorBytes), syscall.ENOSPC)
	put(t, d, "g", "")
	_, err = d.Create("h")
	wantErr(t, err, syscall.ENOSPC)
	check(t, d.Remove("g"))
	check(t, d.Link("f", d, "f2"))
	check(t, d.Remove("f2")) // one name of two: nothing is free
	_, err = f.WriteAt([]byte("x"), 4*SectorBytes)
	wantErr(t, err, syscall.ENOSPC)
	put(t, d, "empty", "")
	check(t, d.Rename("empty", "f")) // the last one
	put(t, d, "h", "space again")
	for _, dir := range []Dir{d, look(t, s.CrashImageKept())} {
		if free := must(dir.FreeBytes())(t); free != 3*SectorBytes {
			t.Fatalf("%d free", free)
		}
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", "x")
	s.SetReadOnly(true)
	_, err := d.Create("g")
	wantErr(t, err, fs.ErrPermission)
	_, err = d.OpenReadWrite("f")
	wantErr(t, err, fs.ErrPermission)
	_, err = d.Lock("LOCK", false)
	wantErr(t, err, fs.ErrPermission)
	wantErr(t, d.Remove("f"), fs.ErrPermission)
	closeIt(t, must(d.Lock("LOCK", true))(t))
	if got := listing(t)(d); got != "f=x" {
		t.Fatal(got)
	}
}

func TestHookMayDrawImages(t *testing.T) {
	s, d := strictDB(t)
	var seen []string
	s.SetHook(func(op Op) { seen = append(seen, fmt.Sprint(op.Kind, s.CrashImageKept().Fingerprint() != 0)) })
	from := s.Ops()
	put(t, d, "f", "x")
	check(t, d.Sync())
	s.SetHook(nil)
	if want := []string{"create true", "write true", "sync true", "close true", "sync directory true"}; !slices.Equal(seen, want) || s.Ops()-from != 5 {
		t.Fatalf("%q, %d calls", seen, s.Ops()-from)
	}
	if s.Unsynced() != 0 {
		t.Fatal("something is unsynced")
	}
}

// TestWrittenZerosAreVersionsToo: zeros are held without memory of their own,
// and still hide, outlive and lose to what was there.
func TestWrittenZerosAreVersionsToo(t *testing.T) {
	s, d := strictDB(t)
	old := strings.Repeat("x", 10*SectorBytes)
	put(t, d, "f", old)
	check(t, d.Sync())
	f := must(d.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	must(f.WriteAt(make([]byte, 9*SectorBytes), 0))(t)
	blank := strings.Repeat("\x00", 9*SectorBytes) + old[:SectorBytes]
	if get(t, d, "f") != blank || get(t, look(t, s.CrashImageStrict()), "f") != old {
		t.Fatal("zeros were not written, or were durable at once")
	}
	must(f.WriteAt(append(make([]byte, 8*SectorBytes), 'y'), SectorBytes))(t)
	check(t, f.Sync())
	if got := get(t, look(t, s.CrashImageStrict()), "f"); got != blank[:9*SectorBytes]+"y"+old[:SectorBytes-1] {
		t.Fatal("zeros were lost")
	}
	must(f.WriteAt(make([]byte, SectorBytes-1), 9*SectorBytes+1))(t) // from the middle to the end
	must(f.WriteAt([]byte("z"), 5*SectorBytes+9))(t)
	must(f.WriteAt(make([]byte, 9), 5*SectorBytes))(t) // from the start to the middle
	if got := get(t, d, "f"); got[9*SectorBytes:] != "y"+blank[:SectorBytes-1] || got[5*SectorBytes+9] != 'z' {
		t.Fatal("zeros spread to their neighbours")
	}
}

func TestFingerprintTellsFileSystemsApart(t *testing.T) {
	seen := map[uint64]string{}
	see := func(what string, build func(t *testing.T, d Dir)) {
		s, d := strictDB(t)
		build(t, d)
		if other, ok := seen[s.Fingerprint()]; ok {
			t.Errorf("%s looks like %s", what, other)
		}
		seen[s.Fingerprint()] = what
	}
	see("nothing", func(*testing.T, Dir) {})
	see("an empty file", func(t *testing.T, d Dir) { put(t, d, "f", "") })
	see("another name", func(t *testing.T, d Dir) { put(t, d, "g", "") })
	see("a zero", func(t *testing.T, d Dir) { put(t, d, "f", "\x00") })
	see("a byte", func(t *testing.T, d Dir) { put(t, d, "f", "a") })
	see("a byte early", func(t *testing.T, d Dir) { put(t, d, "f", "a"+strings.Repeat("\x00", SectorBytes)) })
	see("a byte later", func(t *testing.T, d Dir) { put(t, d, "f", strings.Repeat("\x00", SectorBytes)+"a") })
	a, da := strictDB(t)
	b, db := strictDB(t)
	put(t, da, "f", "")
	put(t, db, "f", strings.Repeat("q", 999))
	f := must(da.OpenReadWrite("f"))(t)
	defer closeIt(t, f)
	for i := range 999 {
		must(f.WriteAt([]byte("q"), int64(i)))(t)
	}
	if a.Fingerprint() != b.Fingerprint() {
		t.Error("equal contents, different fingerprints")
	}
}

func TestTimeGoesOnInImages(t *testing.T) {
	s, d := strictDB(t)
	put(t, d, "f", "x")
	check(t, d.Sync())
	for range 50 {
		must(d.List())(t)
	}
	f := must(d.OpenReadWrite("f"))(t)
	check(t, f.Truncate(1))
	check(t, f.Close())
	img := look(t, s.CrashImageKept())
	before := must(img.Stat("f"))(t).ModTime
	put(t, img, "g", "x")
	if after := must(img.Stat("g"))(t).ModTime; !after.After(before) {
		t.Fatalf("%v, then %v", before, after)
	}
}
