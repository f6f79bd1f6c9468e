package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/varvekv/varve/internal/invariants"
	"github.com/varvekv/varve/vfs"
)

// What a power cut may leave, on the strict file system.

// model is what a workload has appended, in order.
type model struct {
	mu       sync.Mutex
	records  []Record
	batchOf  []int // index of the batch each record belongs to
	batches  int
	synced   int // records[:synced] were acknowledged as synced
	released LSN // Release(released) was called
}

// crash is one image and what must be true of it.
type crash struct {
	fs       *vfs.Strict
	synced   int // records that must be there
	released LSN // as of after the image: at most this may be gone
}

// workload runs random appends and calls crashed with images taken between file
// system calls.
func workload(t *testing.T, r *rand.Rand, steps int, chance float64, crashed func(*model, crash)) {
	fs := vfs.NewStrict(r.Uint64())
	m := &model{}
	var images []crash
	var imaging sync.Mutex
	pick := rand.New(rand.NewPCG(r.Uint64(), 1))
	fs.SetHook(func(op vfs.Op) {
		imaging.Lock()
		defer imaging.Unlock()
		if !op.Kind.Changes() || pick.Float64() >= chance {
			return
		}
		m.mu.Lock()
		c := crash{synced: m.synced}
		m.mu.Unlock()
		c.fs = fs.CrashImage(pick)
		m.mu.Lock()
		c.released = m.released
		m.mu.Unlock()
		images = append(images, c)
	})
	l, _ := mustOpen(t, fs, Options{SegmentBytes: 16 << 10})
	for range steps {
		step(t, r, l, m)
	}
	if r.IntN(2) == 0 {
		mustClose(t, l)
		m.synced = len(m.records)
	} else {
		defer mustClose(t, l)
	}
	fs.SetHook(nil)
	imaging.Lock() // the background may still be in the hook
	defer imaging.Unlock()
	for range 3 {
		images = append(images, crash{fs.CrashImage(pick), m.synced, m.released})
	}
	for _, c := range images {
		crashed(m, c)
	}
}

func step(t *testing.T, r *rand.Rand, l *Log, m *model) {
	size := r.IntN(100)
	switch r.IntN(20) {
	case 0:
		size = r.IntN(20_000)
	case 1, 2:
		size = r.IntN(4500)
	}
	switch n := r.IntN(100); {
	case n < 50:
		m.append(t, r, 1, size, func(data [][]byte) (LSN, error) { return l.Append(data[0]) })
	case n < 75:
		m.append(t, r, 1, size, func(data [][]byte) (LSN, error) { return l.AppendSync(data[0]) })
		m.ack()
	case n < 85:
		m.append(t, r, 1+r.IntN(5), size, l.AppendBatch)
	case n < 92:
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		m.ack()
	case n < 95:
		l.Cut()
	case n < 97 && len(m.records) > 10:
		m.mu.Lock()
		lsn := m.records[r.IntN(len(m.records))].LSN
		m.released = max(m.released, lsn)
		m.mu.Unlock()
		if err := l.Release(lsn); err != nil {
			t.Fatal(err)
		}
	default:
		m.append(t, r, 1, size, func(data [][]byte) (LSN, error) {
			c := l.AppendAsync(data[0], Buffered)
			return c.LSN(), c.Wait()
		})
	}
}

// append notes what is going to be appended before it can be in an image.
func (m *model) append(t *testing.T, r *rand.Rand, count, size int, f func([][]byte) (LSN, error)) {
	var data [][]byte
	m.mu.Lock()
	first := len(m.records)
	for i := range count {
		p := payload(first+i, 8+size)
		binary.LittleEndian.PutUint64(p, uint64(first+i))
		data = append(data, p)
		m.records = append(m.records, Record{Data: p})
		m.batchOf = append(m.batchOf, m.batches)
	}
	m.batches++
	m.mu.Unlock()
	lsn, err := f(data)
	if err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records[first].LSN = lsn
	for i := 1; i < count; i++ {
		m.records[first+i].LSN = m.records[first+i-1].LSN + LSN(FramedBytes(len(data[i-1])))
	}
}

func (m *model) ack() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.synced = len(m.records)
}

// check opens an image: a prefix must be there, at least all that was synced.
func (m *model) check(c crash) (l *Log, rep *Recovery, got []Record, err error) {
	l, rep, err = Open("log", &Options{FS: c.fs, SegmentBytes: 16 << 10, Random: testRandom()})
	if err != nil {
		return nil, rep, nil, fmt.Errorf("open: %w (%+v)", err, *rep)
	}
	for r, rerr := range l.Records() {
		if rerr != nil {
			return l, rep, nil, rerr
		}
		got = append(got, r.Clone())
	}
	if len(got) == 0 {
		if c.released == 0 && c.synced > 0 || c.synced > 0 && c.released <= m.records[c.synced-1].LSN {
			return l, rep, got, fmt.Errorf("nothing there, %d records were synced (%+v)", c.synced, *rep)
		}
		return l, rep, got, nil
	}
	first := int(binary.LittleEndian.Uint64(got[0].Data))
	if m.records[first].LSN > c.released && first > 0 {
		return l, rep, got, fmt.Errorf("begins at record %d (LSN %d), released was %d", first, m.records[first].LSN, c.released)
	}
	for i, r := range got {
		if first+i >= len(m.records) || r.LSN != m.records[first+i].LSN || !bytes.Equal(r.Data, m.records[first+i].Data) {
			return l, rep, got, fmt.Errorf("record %d is not what was appended (LSN %d)", first+i, r.LSN)
		}
	}
	end := first + len(got)
	if end < c.synced {
		return l, rep, got, fmt.Errorf("ends at record %d, %d were synced (%+v)", end, c.synced, *rep)
	}
	if end < len(m.records) && m.batchOf[end] == m.batchOf[end-1] {
		return l, rep, got, fmt.Errorf("half a batch at record %d", end)
	}
	return l, rep, got, nil
}

// crashBudget is the number of workloads, more with VARVE_CRASHES.
func crashBudget(n int) int {
	if more, err := strconv.Atoi(os.Getenv("VARVE_CRASHES")); err == nil {
		return more
	}
	if invariants.Enabled {
		return n / 5
	}
	return n
}

func TestCrashImagesHoldAPrefixWithAllThatWasSynced(t *testing.T) {
	images, verdicts := 0, map[Verdict]int{}
	distinct := map[uint64]bool{}
	for seed := range crashBudget(60) {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		workload(t, r, 10+r.IntN(150), 0.15, func(m *model, c crash) {
			images++
			distinct[c.fs.Fingerprint()] = true
			twice := c.fs.CrashImageKept()
			l, rep, got, err := m.check(c)
			if err != nil {
				t.Fatalf("seed %d image %d: %v", seed, images, err)
			}
			verdicts[rep.Verdict]++
			secondCrash(t, r, l, c.fs, got, fmt.Sprintf("seed %d image %d", seed, images))
			if images%16 == 0 {
				crashWhileOpening(t, m, twice, c, fmt.Sprintf("seed %d image %d", seed, images))
			}
		})
	}
	t.Logf("%d images, %d distinct, verdicts %v", images, len(distinct), verdicts)
}

// secondCrash goes on in a recovered log and cuts the power again: what the
// first recovery served must stay, and what was synced since.
func secondCrash(t *testing.T, r *rand.Rand, l *Log, fs *vfs.Strict, before []Record, what string) {
	defer func() { mustClose(t, l) }()
	want := before
	count := r.IntN(4)
	for i := range count {
		p := payload(i, r.IntN(6000))
		lsn, err := l.AppendSync(p)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want = append(want, Record{lsn, p})
	}
	if _, err := l.Append([]byte("unsynced")); err != nil {
		t.Fatal(err)
	}
	image := fs.CrashImage(r)
	l2, rep, err := Open("log", &Options{FS: image, SegmentBytes: 16 << 10})
	if err != nil {
		t.Fatalf("%s: second open: %v (%+v)", what, err, *rep)
	}
	defer mustClose(t, l2)
	got := contents(t, l2)
	if n := len(got); n == len(want)+1 {
		got = got[:n-1]
	}
	if len(got) != len(want) {
		t.Fatalf("%s: second open: %d records, want %d (%d before) %+v", what, len(got), len(want), len(before), *rep)
	}
	same(t, got, want)
}

// crashWhileOpening cuts the power between all file system calls of recovery.
func crashWhileOpening(t *testing.T, m *model, fs *vfs.Strict, c crash, what string) {
	pick := rand.New(rand.NewPCG(3, 4))
	var mu sync.Mutex // the keeper works beside what follows Open; guards images and pick
	var images []*vfs.Strict
	fs.SetHook(func(op vfs.Op) {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind.Changes() {
			images = append(images, fs.CrashImage(pick))
		}
	})
	l, _, err := Open("log", &Options{FS: fs, SegmentBytes: 16 << 10, Random: testRandom()})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	fs.SetHook(nil)
	defer mustClose(t, l)
	mu.Lock()
	taken := images
	mu.Unlock()
	for i, image := range taken {
		l, _, _, err := m.check(crash{image, c.synced, c.released})
		if err != nil {
			t.Fatalf("%s: crash %d while opening: %v", what, i, err)
		}
		mustClose(t, l)
	}
}
