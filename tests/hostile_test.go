package tests

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve"
)

const (
	hostileBytes     = 1 << 20 // of one directory
	hostileRSSMax    = 128 << 20
	hostileOpenTime  = 2 * time.Second
	childHostileList = "VARVE_TESTS_HOSTILE" // directories, one below it each
)

// TestHostileDirectoriesAreCheap opens directories of 1 MiB made to hurt, each
// with the default options in a process of its own kind: none may cost more than
// 128 MiB or two seconds (G18).
func TestHostileDirectoriesAreCheap(t *testing.T) {
	onLinux(t)
	guard(t)
	rng, _ := seeded(t)
	bases := hostileBases(t, rng)
	opened, failed, worst, slowest := 0, 0, int64(0), time.Duration(0)
	parent := t.TempDir()
	count := budget(0, 12, 60, 3000)
	for i := range count {
		base := bases[i%len(bases)]
		writeHostile(t, rng, base, filepath.Join(parent, fmt.Sprintf("%04d-%s", i, base.name)), i >= len(bases))
	}
	for _, line := range openHostiles(t, parent) {
		if line.peak > worst+(4<<20) || line.took > slowest+20*time.Millisecond {
			t.Logf("%s: %s, %d ms, peak %d MiB", line.name, line.outcome, line.took.Milliseconds(), line.peak>>20)
		}
		if strings.HasPrefix(line.outcome, "opened") {
			opened++
		} else {
			failed++
		}
		worst, slowest = max(worst, line.peak), max(slowest, line.took)
		if line.took > hostileOpenTime*raceFactor {
			t.Errorf("%s took %v to open", line.name, line.took)
		}
		if line.peak > hostileRSSMax*raceFactor {
			t.Fatalf("%s brought the process to %d MiB", line.name, line.peak>>20)
		}
	}
	t.Logf("%d directories, %d opened, %d refused, slowest %v, peak %d MiB", opened+failed, opened, failed, slowest, worst>>20)
	minimum{"directories", opened + failed, count}.hold(t)
	minimum{"refused", failed, count / 10}.hold(t)
	minimum{"opened", opened, count / 5}.hold(t)
}

// A hostileBase is a valid database that is small on disk and wants to be large
// in memory.
type hostileBase struct {
	name  string
	files map[string][]byte
}

func hostileBases(t *testing.T, rng *rand.Rand) []hostileBase {
	t.Helper()
	zeros := make([]byte, 2<<20)
	long := strings.Repeat("k", 60_000)
	makers := map[string]func(db *varve.DB) error{
		"large values": func(db *varve.DB) error {
			for i := range budget(0, 12, 60, 60) {
				if err := db.Put([]byte{byte(i)}, zeros); err != nil {
					return err
				}
			}
			return nil
		},
		"long keys": func(db *varve.DB) error {
			for i := range 300 {
				if err := db.Put(fmt.Appendf(nil, "%s%06d", long, i*7919%300), nil); err != nil {
					return err
				}
			}
			return nil
		},
		"many keys": func(db *varve.DB) error {
			for i := range budget(0, 20_000, 200_000, 200_000) {
				if err := db.Put(fmt.Appendf(nil, "%08d", i), nil); err != nil {
					return err
				}
			}
			return nil
		},
	}
	var bases []hostileBase
	for name, fill := range makers {
		s := emptySpecimen(t, rng, true)
		db, err := varve.Open(worldDir, &varve.Options{FS: s.strict, Compression: varve.CompressionZstd, Durability: varve.Buffered, BloomBits: 1})
		s.must("Open", err)
		s.must("fill", fill(db))
		s.must("Flush", db.Flush())
		s.must("Compact", db.Compact(context.Background(), nil, nil))
		s.must("Close", db.Close())
		bases = append(bases, hostileBase{name, s.all()})
	}
	bases = append(bases, hostileBase{"ordinary", newSpecimen(t, rng, true).all()}, hostileBase{"cut off", newSpecimen(t, rng, false).all()})
	return bases
}

// writeHostile writes the directory, one kind of its files harmed where asked
// for, and no larger than the bound: the logs are cut.
func writeHostile(t *testing.T, rng *rand.Rand, base hostileBase, dir string, harmed bool) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	victim := []string{"current", "manifest", "table", "table", "log", "log", "log"}[rng.IntN(7)]
	left := hostileBytes
	for _, kind := range []string{"other", "current", "manifest", "table", "log"} {
		for _, name := range slices.Sorted(maps.Keys(base.files)) {
			if kindOf(name) != kind {
				continue
			}
			data := slices.Clone(base.files[name])
			data = data[:min(len(data), left)]
			if end := logicalEnd(data); harmed && kind == victim && end > 0 {
				for range 1 + rng.IntN(3) {
					spoil(rng, data[:end])
				}
			}
			left -= len(data)
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// spoil writes numbers that are lengths and counts wherever they hit.
func spoil(rng *rand.Rand, data []byte) {
	at := rng.IntN(len(data))
	n := min(len(data)-at, 1+rng.IntN(8))
	for i := range n {
		data[at+i] = []byte{0, 1, 0x7f, 0x80, 0xff, byte(rng.Uint32())}[rng.IntN(6)]
	}
}

type hostileLine struct {
	name, outcome string
	took          time.Duration
	peak          int64
}

// openHostiles has one child open all of them after each other.
func openHostiles(t *testing.T, parent string) (lines []hostileLine) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), roleVariable+"=hostile", childHostileList+"="+parent)
	out, err := cmd.CombinedOutput()
	for scan := bufio.NewScanner(strings.NewReader(string(out))); scan.Scan(); {
		f := strings.Split(scan.Text(), "\t")
		if len(f) != 4 {
			continue
		}
		ns, _ := strconv.ParseInt(f[2], 10, 64)
		peak, _ := strconv.ParseInt(f[3], 10, 64)
		lines = append(lines, hostileLine{f[0], f[1], time.Duration(ns), peak})
	}
	if err != nil {
		t.Fatalf("the opening process, after %d directories: %v\n%.4000s", len(lines), err, out)
	}
	return lines
}

func runHostileChild() {
	parent := os.Getenv(childHostileList)
	entries, err := os.ReadDir(parent)
	if err != nil {
		say("error %v", err)
		os.Exit(1)
	}
	for _, e := range entries {
		began := time.Now()
		db, err := varve.Open(filepath.Join(parent, e.Name()), nil)
		took, outcome := time.Since(began), "opened"
		if err != nil {
			outcome = "refused: " + strings.NewReplacer("\n", " ", "\t", " ").Replace(err.Error())
		} else {
			_, err := db.Has([]byte("none")) // tables open by need
			if err := errors.Join(err, db.Close()); err != nil {
				outcome = "opened: " + strings.ReplaceAll(err.Error(), "\n", " ")
			}
		}
		say("%s\t%s\t%d\t%d", e.Name(), outcome, took, peakRSS())
	}
}

// peakRSS is the most memory this process ever had resident, in bytes.
func peakRSS() int64 { return processStatus("VmHWM:") }

// processStatus is one figure of /proc/self/status, in bytes.
func processStatus(field string) int64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), field)
	var kib int64
	fmt.Sscan(rest, &kib)
	return kib << 10
}
