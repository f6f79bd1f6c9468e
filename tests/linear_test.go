package tests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/varvekv/varve"
	"github.com/varvekv/varve/vfs"
)

const (
	linearKeys    = 3
	linearClients = 4
	linearOps     = 9 // of each client
)

// linearState is the value of each key; 0 is none.
type linearState [linearKeys]int32

// linearInput is one call: what it writes where (-1: nothing, 0: a delete), or
// what it reads.
type linearInput struct {
	how   string
	write linearState
	read  [linearKeys]bool
}

// linearModel says what each call may return, were the calls made one by one.
var linearModel = porcupine.Model{
	Init: func() any { return linearState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(linearState), input.(linearInput), output.(linearState)
		for k := range linearKeys {
			if in.read[k] && out[k] != s[k] {
				return false, s
			}
			if in.write[k] >= 0 {
				s[k] = in.write[k]
			}
		}
		return true, s
	},
	DescribeOperation: func(input, output any) string {
		in := input.(linearInput)
		if in.read == [linearKeys]bool{} {
			return fmt.Sprintf("%s %v", in.how, in.write)
		}
		return fmt.Sprintf("%s %v = %v", in.how, in.read, output)
	},
}

// TestConcurrentCallsAreLinearizable records histories of concurrent calls, beside
// flushes and compactions, and has porcupine look for an order that explains
// them (G12). A batch and a scan are one call each.
func TestConcurrentCallsAreLinearizable(t *testing.T) {
	guard(t)
	rng, _ := seeded(t)
	want := budget(0, 150, 1200, 100_000)
	seen := new(sightings)
	histories, calls, overlapping := 0, 0, 0
	began := time.Now()
	for histories < want {
		fs := vfs.NewStrict(rng.Uint64())
		o := randomOptions(rng, fs, seen)
		db, err := varve.Open(worldDir, &o)
		if err != nil {
			t.Fatal(err)
		}
		stop := watchdog(3*time.Minute, "a series of histories")
		ballast := carry(db, rng.Uint64())
		for range min(want-histories, 300) {
			h, err := history(db, rng, histories)
			if err != nil {
				t.Fatalf("history %d, options %s: %v", histories, describe(&o), err)
			}
			histories++
			calls += len(h)
			overlapping += overlaps(h)
			if !porcupine.CheckOperations(linearModel, h) {
				t.Fatalf("history %d is not linearizable, options %s:\n%s", histories, describe(&o), tell(h))
			}
		}
		if err := ballast(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Check(context.Background()), db.Close()); err != nil {
			t.Fatal(err)
		}
		stop()
		noHandles(t, fs)
	}
	t.Logf("%d histories, %d calls, %d overlapping pairs, %v", histories, calls, overlapping, time.Since(began).Round(time.Second))
	t.Logf("%s", (&world{seen: seen}).background())
	minimum{"overlapping pairs", overlapping, histories}.hold(t)
	minimum{"flushes", int(seen.flushes.Load()), histories / 20}.hold(t)
}

// carry writes ballast so that memtables rotate, flushes and compactions run.
func carry(db *varve.DB, seed uint64) (stop func() error) {
	done, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		rng := rand.New(rand.NewPCG(seed, 0))
		var err error
		for err == nil {
			select {
			case <-done:
				failed <- nil
				return
			case <-time.After(100 * time.Microsecond):
			}
			err = db.With(varve.Buffered).Put(fmt.Appendf(nil, "ballast%03d", rng.IntN(400)), make([]byte, rng.IntN(30_000)))
			if err == nil && chance(rng, 100) {
				err = db.Compact(context.Background(), nil, nil)
			}
		}
		failed <- err
	}()
	return func() error { close(done); return <-failed }
}

// history has clients call concurrently on keys that nobody used before.
func history(db *varve.DB, rng *rand.Rand, number int) ([]porcupine.Operation, error) {
	c := &caller{db: db, prefix: fmt.Sprintf("h%07d/", number)}
	var wg sync.WaitGroup
	parts := make([][]porcupine.Operation, linearClients)
	begin := make(chan struct{})
	for client := range linearClients {
		rng := rand.New(rand.NewPCG(rng.Uint64(), 0))
		wg.Add(1)
		go func() {
			defer wg.Done()
			<-begin
			for range linearOps {
				in := c.input(rng)
				call := c.clock.Add(1)
				out, err := c.call(in, rng)
				if err != nil {
					c.failed.CompareAndSwap(nil, &err)
					return
				}
				parts[client] = append(parts[client], porcupine.Operation{
					ClientId: client, Input: in, Output: out, Call: call, Return: c.clock.Add(1),
				})
			}
		}()
	}
	close(begin)
	wg.Wait()
	var h []porcupine.Operation
	for _, p := range parts {
		h = append(h, p...)
	}
	if err := c.failed.Load(); err != nil {
		return h, *err
	}
	return h, nil
}

// A caller makes the calls of one history.
type caller struct {
	db     *varve.DB
	prefix string
	failed atomic.Pointer[error] // the first
	clock  atomic.Int64
	value  atomic.Int32
}

func (c *caller) key(k int) []byte { return fmt.Appendf(nil, "%s%d", c.prefix, k) }

func (c *caller) input(rng *rand.Rand) linearInput {
	in := linearInput{write: linearState{-1, -1, -1}}
	k := rng.IntN(linearKeys)
	switch roll := rng.IntN(20); {
	case roll < 6:
		in.how, in.write[k] = "Put", c.value.Add(1)
	case roll < 8:
		in.how, in.write[k] = "Delete", 0
	case roll < 11:
		in.how = "Write"
		for k := range linearKeys {
			in.write[k] = []int32{-1, 0, c.value.Add(1)}[rng.IntN(3)]
		}
	case roll < 15:
		in.how, in.read[k] = []string{"Get", "GetTo"}[rng.IntN(2)], true
	default:
		in.how, in.read = []string{"Scan", "Snapshot", "Iterator", "ScanPrefix"}[rng.IntN(4)], [linearKeys]bool{true, true, true}
	}
	return in
}

// call makes one call.
func (c *caller) call(in linearInput, rng *rand.Rand) (out linearState, err error) {
	w := c.db.With(varve.Durability(rng.IntN(3)))
	end := append([]byte(c.prefix), 0xff)
	switch in.how {
	case "Put", "Delete", "Write":
		return out, c.write(w, in)
	case "Get", "GetTo":
		return c.read(c.db, in)
	case "Snapshot":
		s := c.db.Snapshot()
		out, err = c.read(s, in)
		return out, errors.Join(err, s.Close())
	case "Iterator":
		it := c.db.NewIter(&varve.IterOptions{Lower: []byte(c.prefix), Upper: end})
		for it.Prev() {
			out.set(it.Key(), it.Value())
		}
		return out, errors.Join(it.Err(), it.Close())
	}
	seq := c.db.Scan([]byte(c.prefix), end)
	if in.how == "ScanPrefix" {
		seq = c.db.ScanPrefix([]byte(c.prefix))
	}
	for e, err := range seq {
		if err != nil {
			return out, err
		}
		out.set(e.Key, e.Value)
	}
	return out, nil
}

func (c *caller) write(w varve.Writer, in linearInput) error {
	var b varve.Batch
	for k, v := range in.write {
		switch {
		case v == 0 && in.how == "Delete":
			return w.Delete(c.key(k))
		case v > 0 && in.how == "Put":
			return w.Put(c.key(k), fmt.Append(nil, v))
		case v == 0:
			b.Delete(c.key(k))
		case v > 0:
			b.Put(c.key(k), fmt.Append(nil, v))
		}
	}
	return w.Write(&b)
}

func (c *caller) read(r varve.Reader, in linearInput) (out linearState, err error) {
	for k := range linearKeys {
		if !in.read[k] {
			continue
		}
		v, err := r.Get(c.key(k))
		if in.how == "GetTo" {
			v, err = r.GetTo(nil, c.key(k))
		}
		if err == nil {
			out.set(c.key(k), v)
		} else if !errors.Is(err, varve.ErrNotFound) {
			return out, err
		}
	}
	return out, nil
}

func (s *linearState) set(key, value []byte) {
	fmt.Sscan(string(value), &s[key[len(key)-1]-'0'])
}

func overlaps(h []porcupine.Operation) (n int) {
	for i := range h {
		for j := range h[:i] {
			if h[i].Call < h[j].Return && h[j].Call < h[i].Return {
				n++
			}
		}
	}
	return n
}

func tell(h []porcupine.Operation) (s string) {
	for _, o := range h {
		s += fmt.Sprintf("client %d [%d, %d] %s\n", o.ClientId, o.Call, o.Return, linearModel.DescribeOperation(o.Input, o.Output))
	}
	return s
}
