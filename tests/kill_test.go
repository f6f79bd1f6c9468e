package tests

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvekv/varve"
)

var killPhases = []string{"opening", "loading", "flushing", "compacting", "rotating"}

// TestKill kills a loading process with signal 9 at random moments of every
// phase, on the real file system: what it was promised is there (G7).
func TestKill(t *testing.T) {
	guard(t)
	rng, seed := seeded(t)
	rounds := budget(*killsFlag, 6, 60, 10_000)
	hit, acks, unacked := make(map[string]int), 0, 0
	var v *victim
	least := max(1, rounds/15)
	for round := 0; round < rounds || round < 4*rounds && slices.ContainsFunc(killPhases, func(phase string) bool { return hit[phase] < least }); round++ {
		if round%5 == 0 {
			v = newVictim(t.TempDir(), seed+uint64(round))
		}
		v.target = killPhases[round%len(killPhases)]
		if round >= rounds { // only for what chance left out
			v.target = slices.MinFunc(killPhases, func(a, b string) int { return hit[a] - hit[b] })
		}
		stop := watchdog(time.Minute, "a round of kill")
		v.live(t, rng)
		v.examine(t, round)
		stop()
		for phase := range v.active {
			hit[phase]++
		}
		acks += len(v.acks)
		unacked += v.unacked
	}
	t.Logf("%d kills at least, %d acknowledgements, %d commits there that were not acknowledged yet; killed while: %v", rounds, acks, unacked, hit)
	for _, phase := range killPhases {
		minimum{"kills while " + phase, hit[phase], least}.hold(t)
	}
	minimum{"acknowledgements", acks, 20 * rounds}.hold(t)
}

type ack struct {
	writer, n int
	seq       uint64
}

// A victim is a directory and what the processes loading it were promised.
type victim struct {
	dir    string
	seed   uint64
	target string // the phase to kill in
	starts [killWriters]int
	base   []stamp

	acks    []ack
	active  map[string]bool // phases at the moment of the kill
	errs    []string
	unacked int
}

func newVictim(dir string, seed uint64) *victim {
	return &victim{dir: dir, seed: seed, base: newLedger(killKeyNames()).base}
}

// live runs a child until it is killed.
func (v *victim) live(t *testing.T, rng *rand.Rand) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"=load", childDir+"="+v.dir,
		fmt.Sprintf("%s=%d", childSeed, v.seed), childStart+"="+strings.Trim(strings.ReplaceAll(fmt.Sprint(v.starts), " ", ","), "[]"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v.acks, v.active, v.errs = nil, make(map[string]bool), nil
	v.listen(out, rng, func() { cmd.Process.Kill() })
	cmd.Wait()
	if len(v.errs) > 0 {
		t.Fatalf("the loading process: %v", v.errs)
	}
}

// delays are how long after the begin of its phase the child is killed, at most.
var delays = map[string]time.Duration{
	"opening": 2 * time.Millisecond, "loading": 400 * time.Millisecond, "flushing": 8 * time.Millisecond,
	"compacting": 25 * time.Millisecond, "rotating": time.Microsecond,
}

// listen notes what the child says, and kills it some time after the target
// phase has begun for the n-th time.
func (v *victim) listen(out io.Reader, rng *rand.Rand, kill func()) {
	begins := 1
	if v.target != "opening" && v.target != "loading" {
		begins += rng.IntN(6)
	}
	delay := time.Duration(rng.Int64N(int64(delays[v.target])))
	var killed atomic.Bool // from then on what was active counts
	shoot := func() { killed.Store(true); kill() }
	time.AfterFunc(8*time.Second, shoot)    // a phase that never begins
	lines, calm := bufio.NewScanner(out), 0 // acknowledgements since a rotation
	for lines.Scan() {
		line := lines.Text()
		var a ack
		if n, _ := fmt.Sscanf(line, "ack %d %d %d", &a.writer, &a.n, &a.seq); n == 3 {
			v.acks = append(v.acks, a)
			if calm++; calm > 20 && !killed.Load() {
				delete(v.active, "rotating")
			}
			continue
		}
		verb, phase, _ := strings.Cut(line, " ")
		switch verb {
		case "begin":
			calm = 0
			v.active[phase] = true
			if phase == v.target {
				if begins--; begins == 0 && phase == "rotating" {
					shoot() // it is over in no time
				} else if begins == 0 {
					time.AfterFunc(delay, shoot)
				}
			}
		case "end":
			if !killed.Load() {
				delete(v.active, phase)
			}
		case "error":
			v.errs = append(v.errs, line)
		}
	}
}

// examine opens what the killed process left.
func (v *victim) examine(t *testing.T, round int) {
	t.Helper()
	db, err := varve.Open(v.dir, nil)
	if err != nil {
		t.Fatalf("round %d: open after kill while %s: %v", round, v.target, err)
	}
	keys := killKeyNames()
	found, err := contents(db, keys, round%2 == 0)
	if err != nil {
		t.Fatalf("round %d: read after kill while %s: %v", round, v.target, err)
	}
	v.unacked = 0
	var there [killWriters]int
	for w := range killWriters {
		if there[w], err = v.settle(w, found); err != nil {
			t.Fatalf("round %d: killed while %s: writer %d (durability %d): %v", round, v.target, w, killDurability[w], err)
		}
	}
	if err := v.prefix(there); err != nil {
		t.Fatalf("round %d: killed while %s: %v", round, v.target, err)
	}
	v.starts, v.base = there, found
	ctx, cancel := patience()
	defer cancel()
	if err := db.Check(ctx); err != nil {
		t.Fatalf("round %d: Check after kill while %s: %v", round, v.target, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// settle finds how many commits of one writer are there: at least those that
// were acknowledged at Written or better.
func (v *victim) settle(w int, found []stamp) (int, error) {
	acked := v.starts[w]
	for _, a := range v.acks {
		if a.writer == w {
			acked = max(acked, a.n)
		}
	}
	from, to := w*killKeys, (w+1)*killKeys
	led := &ledger{keys: killKeyNames()[from:to], base: v.base[from:to]}
	for n := v.starts[w] + 1; n <= acked+1; n++ {
		unit := killUnit(v.seed, w, n)
		for i := range unit {
			unit[i].key -= from
		}
		led.units = append(led.units, unit)
	}
	floor := 0
	if killDurability[w] <= varve.Written {
		floor = acked - v.starts[w]
	}
	n, err := led.settle(found[from:to], floor)
	if err != nil {
		return 0, err
	}
	if n = led.greatest(n); n > acked-v.starts[w] {
		v.unacked++
	}
	return v.starts[w] + n, nil
}

// prefix: what was acknowledged before a commit that is there is there too,
// whoever wrote it at whatever durability.
func (v *victim) prefix(there [killWriters]int) error {
	newest := slices.MaxFunc(append(v.acks, ack{}), func(a, b ack) int {
		as, bs := a.seq, b.seq
		if a.n > there[a.writer] {
			as = 0
		}
		if b.n > there[b.writer] {
			bs = 0
		}
		return int(int64(as - bs))
	})
	for _, a := range v.acks {
		if a.seq < newest.seq && a.n > there[a.writer] && newest.n <= there[newest.writer] {
			return fmt.Errorf("commit %d of writer %d (sequence %d) is lost, though commit %d of writer %d (sequence %d) is there",
				a.n, a.writer, a.seq, newest.n, newest.writer, newest.seq)
		}
	}
	return nil
}
