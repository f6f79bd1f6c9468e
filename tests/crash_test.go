package tests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

// crashFigures are what the crash tests covered.
type crashFigures struct {
	lives, images, distinct, second, empty, lost, partial int
	deepest                                               int
	prints                                                map[uint64]bool
}

// TestCrashImages cuts the power at random moments of random workloads, and
// again during the recovery that follows (G1; I1 to I8).
func TestCrashImages(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	want := budget(*imagesFlag, 300, 4000, 1_000_000)
	fig, seen := crashFigures{prints: make(map[uint64]bool)}, new(sightings)
	began := time.Now()
	for fig.images < want {
		generations(t, rng, &fig, seen)
	}
	t.Logf("%d lives, %d images, %d of them distinct, %d second crashes in recovery, %d images lost commits, %d were empty; %d generations deep; %v",
		fig.lives, fig.images, fig.distinct, fig.second, fig.partial, fig.empty, fig.deepest, time.Since(began).Round(time.Second))
	t.Logf("%s", (&world{seen: seen}).background())
	minimum{"distinct images", fig.distinct, want * 6 / 10}.hold(t)
	minimum{"second crashes", fig.second, want / 4}.hold(t)
	minimum{"images that lost commits", fig.partial, want / 20}.hold(t)
	minimum{"flushes", int(seen.flushes.Load()), want / 30}.hold(t)
}

// generations lives, crashes, and lives on from a crash, some times over.
func generations(t *testing.T, rng *rand.Rand, fig *crashFigures, seen *sightings) {
	t.Helper()
	var nextID atomic.Uint64
	keys := universe(rng, 8+rng.IntN(200))
	keys = slices.DeleteFunc(keys, func(k string) bool { return len(k) > 1000 })
	fs, base := vfs.NewStrict(rng.Uint64()), newLedger(keys).base
	for depth := range 1 + rng.IntN(4) {
		l := &life{fs: fs, rng: rng, keys: keys, base: base, seen: seen, nextID: &nextID, chance: 1 + rng.IntN(30), most: 24, quiet: rng.IntN(3) == 0}
		l.o = l.tiny(rng.IntN(3) == 0)
		stop := watchdog(time.Minute, "a life")
		err := l.run(1+rng.IntN(4), 20+rng.IntN(120))
		stop()
		if err != nil {
			t.Fatalf("life %d: %v", fig.lives, err)
		}
		noHandles(t, fs)
		fig.lives++
		fig.deepest = max(fig.deepest, depth+1)
		fs, base = l.verify(t, fig)
	}
}

// verify opens every image and chooses one to go on from.
func (l *life) verify(t *testing.T, fig *crashFigures) (*vfs.Strict, []stamp) {
	t.Helper()
	led, units := l.ledger()
	var next *vfs.Strict
	var base []stamp
	chosen := l.rng.IntN(len(l.images))
	for i, img := range l.images {
		floor := floorUnits(units, img.floor)
		if !fig.prints[img.fs.Fingerprint()] {
			fig.prints[img.fs.Fingerprint()] = true
			fig.distinct++
		}
		fig.images++
		r := recovery{led: led, floor: floor, rng: l.rng, o: l.tiny(l.o.Archive.Dir != "")}
		n, err := r.check(img.fs)
		if err != nil {
			t.Fatalf("crash before %q, %d of %d commits durable, writers' options %s:\n%v\nfiles: %s",
				img.at, floor, len(units), describe(&l.o), err, listing(img.fs))
		}
		fig.second += r.second
		if n < len(units) {
			fig.partial++
		}
		if n == 0 {
			fig.empty++
		}
		if i == chosen {
			next, base = img.fs, led.state(n)
		}
	}
	return next, base
}

// A recovery opens an image, and images drawn while that goes on.
type recovery struct {
	led    *ledger
	floor  int
	rng    *rand.Rand
	o      varve.Options
	second int
}

// check opens fs twice over and returns how many units it holds. fs is left
// recovered and closed.
func (r *recovery) check(fs *vfs.Strict) (int, error) {
	second := &drawing{rng: rand.New(rand.NewPCG(r.rng.Uint64(), 3)), fs: fs, left: 1 + r.rng.IntN(60)}
	if r.rng.IntN(2) == 0 {
		fs.SetHook(second.hook)
	}
	n, err := r.open(fs, r.floor, func() {
		fs.SetHook(nil)
		second.take(fs.CrashImageStrict())
	})
	if err != nil {
		return 0, err
	}
	for i, img := range second.images {
		r.second++
		m, err := r.open(img, r.floor, func() {})
		if err != nil {
			return 0, fmt.Errorf("after a second crash (%d) during or after recovery: %w", i, err)
		}
		if m != n && !slices.Equal(r.led.state(m), r.led.state(n)) {
			return 0, fmt.Errorf("recovery found %d commits, and after a second crash (%d) %d", n, i, m)
		}
	}
	return n, nil
}

// drawing draws one image after some calls of the file system.
type drawing struct {
	fs     *vfs.Strict
	mu     sync.Mutex
	rng    *rand.Rand
	left   int
	images []*vfs.Strict
}

func (d *drawing) hook(vfs.Op) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left == 0 {
		d.images = append(d.images, d.fs.CrashImage(d.rng))
	}
}

func (d *drawing) take(img *vfs.Strict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.images = append(d.images, img)
}

// open opens fs, reads all, checks, and closes; opened is called in between.
func (r *recovery) open(fs *vfs.Strict, floor int, opened func()) (int, error) {
	defer watchdog(time.Minute, "recovery")()
	o := r.o
	o.FS = fs
	db, err := varve.Open(worldDir, &o)
	if err != nil {
		return 0, fmt.Errorf("open: %w\nfiles: %s", err, listing(fs))
	}
	opened()
	n, err := r.compare(db, floor)
	if err != nil {
		db.Close()
		return 0, err
	}
	if err := db.Close(); err != nil {
		return 0, fmt.Errorf("close: %w", err)
	}
	if left := fs.Handles(); len(left) > 0 {
		return 0, fmt.Errorf("left open: %v", left)
	}
	return n, nil
}

func (r *recovery) compare(db *varve.DB, floor int) (int, error) {
	found, err := contents(db, r.led.keys, r.rng.IntN(2) == 0)
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	n, err := r.led.settle(found, floor)
	if err != nil {
		return 0, err
	}
	ctx, cancel := patience()
	defer cancel()
	if err := db.Check(ctx); err != nil {
		return 0, fmt.Errorf("Check: %w", err)
	}
	return n, nil
}

// TestPowerCutBetweenRotationAndSync cuts the power when a flush has released
// the log's first segment and nobody has synced the next one: its header may be
// lost, and all that is durable stands in tables. That is an honest torn tail.
func TestPowerCutBetweenRotationAndSync(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	fs := vfs.NewStrict(rng.Uint64())
	o := varve.Options{MemtableBytes: 64 << 10, CacheBytes: -1, FS: fs}
	db, err := varve.Open(worldDir, &o)
	must(t, "Open", err)
	for i := range 6 {
		must(t, "Put", db.With(varve.Synced).Put([]byte{byte(i)}, []byte("durable")))
	}
	images, flushes := 0, uint64(0)
	for flushes < uint64(budget(0, 3, 12, 500)) {
		must(t, "Put", db.With(varve.Written).Put([]byte{6, byte(rng.Uint32())}, make([]byte, 2500)))
		if now := db.Metrics().Flushes; now == flushes {
			continue
		} else {
			flushes = now
		}
		for range 40 {
			image := fs.CrashImage(rng)
			files := listing(image)
			o.FS = image
			cut, err := varve.Open(worldDir, &o)
			if err != nil {
				t.Fatalf("a power cut after flush %d: %v\nfiles: %s", flushes, err, files)
			}
			for i := range 6 {
				if v, err := cut.Get([]byte{byte(i)}); string(v) != "durable" {
					t.Fatalf("a power cut after flush %d: key %d: %q, %v", flushes, i, v, err)
				}
			}
			must(t, "Close", cut.Close())
			images++
		}
	}
	t.Logf("%d images after %d flushes", images, flushes)
	must(t, "Close", db.Close())
}

// listing is the files of the database with their sizes.
func listing(fs *vfs.Strict) string {
	d, err := fs.OpenDir(worldDir, false)
	if err != nil {
		return err.Error()
	}
	defer d.Close()
	names, _ := d.List()
	var s string
	for _, name := range names {
		info, err := d.Stat(name)
		s += fmt.Sprintf(" %s %d", name, info.SizeBytes)
		if err != nil {
			s += " " + err.Error()
		}
	}
	return s
}
