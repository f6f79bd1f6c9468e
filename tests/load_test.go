package tests

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/varvekv/varve"
)

const (
	loadEntries   = 2_000_000
	loadPutMax    = 50 * time.Millisecond
	loadMemtables = 3 * 64 << 20 // at once, as Options says
	loadCache     = 256 << 20
	childOut      = "VARVE_TESTS_OUT"
)

// A loadReport is what the loading process measured of itself.
type loadReport struct {
	Err      string
	Elapsed  time.Duration
	Longest  time.Duration // of one Put
	At       int           // which one
	Over10ms int
	P9999    time.Duration
	Peak     int64 // bytes resident, at most
	Samples  []memorySample
	Missing  int
	Metrics  string
}

// A memorySample compares what Metrics says with what the process has.
type memorySample struct {
	Told, OffHeap, Heap, Resident int64 // bytes
}

// TestLargeRandomLoad loads two million entries of 100 bytes at default sizes,
// in a process of its own: no Put waits long, and memory stays within what the
// options promise and Metrics tells.
func TestLargeRandomLoad(t *testing.T) {
	onLinux(t)
	if !*loadFlag && !*soakFlag {
		t.Skip("with -load, VARVE_LOAD=1 or -soak only")
	}
	guard(t)
	_, seed := seeded(t)
	exe, err := os.Executable()
	must(t, "find the test binary", err)
	out := t.TempDir() + "/report"
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), roleVariable+"=bulk", childDir+"="+t.TempDir(), fmt.Sprintf("%s=%d", childSeed, seed), childOut+"="+out)
	cmd.Stderr = os.Stderr
	must(t, "run", cmd.Run())
	var r loadReport
	data, err := os.ReadFile(out)
	must(t, "read report", err)
	must(t, "parse report", json.Unmarshal(data, &r))
	if r.Err != "" {
		t.Fatal(r.Err)
	}
	t.Logf("%d entries in %v, %.0f/s; longest Put %v (number %d), p99.99 %v, %d above 10 ms; peak %d MiB",
		loadEntries, r.Elapsed.Round(time.Millisecond), loadEntries/r.Elapsed.Seconds(), r.Longest, r.At, r.P9999, r.Over10ms, r.Peak>>20)
	t.Logf("\n%s", r.Metrics)
	if r.Longest > loadPutMax {
		t.Errorf("a Put took %v, want none above %v", r.Longest, loadPutMax)
	}
	limit := int64(loadMemtables+loadCache+64<<20) * 5 / 4
	if r.Peak > limit {
		t.Errorf("%d MiB resident, want at most %d", r.Peak>>20, limit>>20)
	}
	if r.Missing > 0 {
		t.Errorf("%d sampled keys are not there", r.Missing)
	}
	for i, s := range r.Samples {
		t.Logf("sample %d: Metrics tells %d MiB, off heap %d MiB, Go heap %d MiB, resident %d MiB", i, s.Told>>20, s.OffHeap>>20, s.Heap>>20, s.Resident>>20)
		if s.Resident > (s.OffHeap+s.Heap+64<<20)*5/4 {
			t.Errorf("sample %d: more is resident than off heap, Go heap and 64 MiB account for", i)
		}
		if s.Told > s.OffHeap+s.Heap {
			t.Errorf("sample %d: Metrics tells of memory that is not there", i)
		}
	}
}

func runBulkChild() {
	r := bulk()
	data, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(os.Getenv(childOut), data, 0o600)
	}
	if err != nil {
		say("error %v", err)
		os.Exit(1)
	}
}

// bulk loads, and reads some of it back.
func bulk() (r loadReport) {
	var seed uint64
	fmt.Sscan(os.Getenv(childSeed), &seed)
	db, err := varve.Open(os.Getenv(childDir), &varve.Options{Durability: varve.Buffered})
	if err != nil {
		r.Err = err.Error()
		return r
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	key, value := make([]byte, 0, 16), make([]byte, 84)
	slow := make([]int, 100_000) // by microsecond
	began := time.Now()
	for i := range loadEntries {
		key = fmt.Appendf(key[:0], "%016x", rng.Uint64())
		for j := range 10 {
			value[j*8] = byte(rng.Uint32())
		}
		before := time.Now()
		err := db.Put(key, value)
		took := time.Since(before)
		if err != nil {
			r.Err = err.Error()
			return r
		}
		slow[min(int(took.Microseconds()), len(slow)-1)]++
		if took > r.Longest {
			r.Longest, r.At = took, i
		}
		if took > 10*time.Millisecond {
			r.Over10ms++
		}
		if i%(loadEntries/8) == loadEntries/8-1 {
			r.Samples = append(r.Samples, sample(db))
		}
	}
	r.Elapsed = time.Since(began)
	for us, above := len(slow)-1, 0; us >= 0 && above < loadEntries/10_000; us-- {
		above += slow[us]
		r.P9999 = time.Duration(us) * time.Microsecond
	}
	r.Missing = missing(db, seed)
	r.Samples = append(r.Samples, sample(db))
	r.Metrics = db.Metrics().String()
	if err := db.Close(); err != nil {
		r.Err = err.Error()
	}
	r.Peak = peakRSS()
	return r
}

func missing(db *varve.DB, seed uint64) (n int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range loadEntries {
		key := fmt.Appendf(nil, "%016x", rng.Uint64())
		for range 10 {
			rng.Uint32()
		}
		if i%37 != 0 {
			continue
		}
		if has, err := db.Has(key); err != nil || !has {
			n++
		}
	}
	return n
}

func sample(db *varve.DB) memorySample {
	m := db.Metrics().Memory
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return memorySample{
		Told: m.Memtable + m.Immutables + m.Cache + m.Tables, OffHeap: m.OffHeap,
		Heap: int64(stats.Sys - stats.HeapReleased), Resident: processStatus("VmRSS:"),
	}
}
