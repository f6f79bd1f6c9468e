package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/internal/engine"
)

// budgets are small, so that tests reach tables.
func budgets(dir string, d engine.Durability) engine.Options {
	return engine.Options{
		Dir: dir, Durability: d, CacheBytes: 8 << 20, MemtableBytes: 4 << 20,
		Compression: engine.DefaultCompression,
	}
}

// eachPeer runs a test on every engine of this build, tuned and as it comes, on
// a fresh database which it closes.
func eachPeer(t *testing.T, test func(t *testing.T, o *opened)) {
	for _, p := range All() {
		for _, profile := range Profiles() {
			t.Run(p.Name+"/"+string(profile), func(t *testing.T) {
				t.Parallel() // much of it waits for engines to rest
				o := &opened{t: t, peer: p, profile: profile, dir: t.TempDir()}
				o.open()
				test(t, o)
				o.close()
			})
		}
	}
}

// opened is a database under test. Its methods fail the test on any error.
type opened struct {
	t       *testing.T
	peer    Peer
	profile Profile
	dir     string
	engine  engine.Engine
	client  engine.Client
}

func (o *opened) open() {
	o.t.Helper()
	e, err := o.peer.Open(budgets(o.dir, engine.Buffered), o.profile)
	o.ok(err)
	o.engine = e
	o.client, err = e.NewClient()
	o.ok(err)
}

func (o *opened) close() {
	o.t.Helper()
	o.ok(o.client.Close())
	o.ok(o.engine.Check(context.Background()))
	o.ok(o.engine.Close())
}

func (o *opened) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *opened) put(key, value string) {
	o.t.Helper()
	o.ok(o.client.Put([]byte(key), []byte(value)))
}

// want checks what a key has: it is appended to what dst holds.
func (o *opened) want(key, value string) {
	o.t.Helper()
	got, err := o.client.Get([]byte("kept"), []byte(key))
	o.ok(err)
	if string(got) != "kept"+value {
		o.t.Fatalf("%s: %q, want %q behind \"kept\"", key, got, value)
	}
}

func (o *opened) wantMissing(key string) {
	o.t.Helper()
	got, err := o.client.Get([]byte("kept"), []byte(key))
	if !errors.Is(err, engine.ErrNotFound) || string(got) != "kept" {
		o.t.Fatalf("%s: %q and %v, want nothing", key, got, err)
	}
}

// load writes records [from, to) with values of this stamp in one batch.
func (o *opened) load(from, to int, stamp string) {
	o.t.Helper()
	var keys, values [][]byte
	for n := from; n < to; n++ {
		keys, values = append(keys, record(n)), append(values, fmt.Appendf(nil, "%s%d", stamp, n))
	}
	o.ok(o.client.Load(keys, values))
}

func record(n int) []byte { return fmt.Appendf(nil, "record%06d", n) }

// scan is what a scan saw, as "key=value" each.
func (o *opened) scan(from string, count int) (seen []string) {
	o.t.Helper()
	n, err := o.client.Scan([]byte(from), count, func(key, value []byte) error {
		seen = append(seen, string(key)+"="+string(value))
		return nil
	})
	o.ok(err)
	if n != len(seen) {
		o.t.Fatalf("it says that it visited %d, but visited %d", n, len(seen))
	}
	return seen
}

func (o *opened) wantScan(from string, count int, want ...string) {
	o.t.Helper()
	if got := o.scan(from, count); fmt.Sprint(got) != fmt.Sprint(want) {
		o.t.Fatalf("scan of %d from %q: %v, want %v", count, from, got, want)
	}
}

// flush brings everything into tables and does not wait for what follows.
func (o *opened) flush() {
	o.t.Helper()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	o.ok(o.engine.Settle(ended))
}

// settle waits until background work rests.
func (o *opened) settle() {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	o.ok(o.engine.Settle(ctx))
	if ctx.Err() != nil {
		o.t.Fatal("it did not settle")
	}
}

func TestOneKey(t *testing.T) {
	eachPeer(t, func(t *testing.T, o *opened) {
		o.wantMissing("a")
		o.put("a", "1")
		o.want("a", "1")
		o.put("a", "2")
		o.want("a", "2")
		o.wantMissing("b")
		o.wantMissing("aa")
		o.ok(o.client.Delete([]byte("a")))
		o.wantMissing("a")
		o.ok(o.client.Delete([]byte("a"))) // again
		o.put("e", "")
		o.want("e", "")
		o.wantScan("", -1, "e=")
	})
}

// A client keeps no slice it is given, and what Get returned is the caller's.
func TestSlicesAreNotKept(t *testing.T) {
	eachPeer(t, func(t *testing.T, o *opened) {
		key, value := []byte("key"), []byte("value")
		o.ok(o.client.Put(key, value))
		o.ok(o.client.Load([][]byte{append([]byte("b"), key...)}, [][]byte{value}))
		clear(key)
		clear(value)
		o.want("key", "value")
		o.want("bkey", "value")
		got, err := o.client.Get(nil, []byte("key"))
		o.ok(err)
		o.put("key", "other")
		if !bytes.Equal(got, []byte("value")) {
			t.Errorf("what Get returned has become %q", got)
		}
	})
}

func TestScans(t *testing.T) {
	eachPeer(t, func(t *testing.T, o *opened) {
		o.wantScan("", -1)
		for _, key := range []string{"d", "b", "f"} {
			o.put(key, key)
		}
		o.wantScan("", -1, "b=b", "d=d", "f=f")
		o.wantScan("c", -1, "d=d", "f=f")
		o.wantScan("d", 1, "d=d")
		o.wantScan("a", 2, "b=b", "d=d")
		o.wantScan("a", 0)
		o.wantScan("a", 10, "b=b", "d=d", "f=f")
		o.wantScan("g", -1)
		o.ok(o.client.Delete([]byte("d")))
		o.wantScan("", -1, "b=b", "f=f")
	})
}

func TestErrorOfVisitEndsScan(t *testing.T) {
	eachPeer(t, func(t *testing.T, o *opened) {
		o.load(0, 10, "v")
		enough, calls := errors.New("enough"), 0
		n, err := o.client.Scan(nil, -1, func(_, _ []byte) error {
			if calls++; calls == 3 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || calls != 3 || n != 2 {
			t.Errorf("%d visited by %d calls, and %v", n, calls, err)
		}
		o.want("record000000", "v0") // the client is still good
	})
}
