package peer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
)

const records = 3000

// Everything is there before and after it was brought into tables, and after the
// database was closed and opened.
func TestSettleAndReopenKeepData(t *testing.T) {
	eachPeer(t, func(t *testing.T, o *opened) {
		value := strings.Repeat("x", 500)
		for n := 0; n < records; n += 500 {
			o.load(n, n+500, value)
		}
		o.ok(o.client.Delete(record(7)))
		o.flush()
		o.settle() // with nothing to bring
		o.wantAllBut(7, value)
		o.put("later", "is in the log")
		o.ok(o.client.Close())
		o.ok(o.engine.Close())
		o.open()
		o.want("later", "is in the log")
		o.ok(o.client.Delete([]byte("later")))
		o.wantAllBut(7, value)
		if text := o.engine.Metrics(); len(text) > 1<<20 {
			t.Errorf("metrics of %d bytes", len(text))
		}
	})
}

func (o *opened) wantAllBut(missing int, stamp string) {
	o.t.Helper()
	n := 0
	for _, entry := range o.scan("", -1) {
		if n == missing {
			n++
		}
		if want := fmt.Sprintf("%s=%s%d", record(n), stamp, n); entry != want {
			o.t.Fatalf("record %d is %.40q…, want %.40q…", n, entry, want)
		}
		n++
	}
	if n != records {
		o.t.Fatalf("the last is record %d, want %d", n-1, records-1)
	}
	o.wantMissing(string(record(missing)))
	for n := 0; n < records; n += 97 {
		if n != missing {
			o.want(string(record(n)), fmt.Sprintf("%s%d", stamp, n))
		}
	}
}

// Every durability either opens and keeps what it wrote, or is refused in words
// that a caller can branch on.
func TestDurabilities(t *testing.T) {
	for _, p := range All() {
		for _, d := range []engine.Durability{engine.Buffered, engine.Written, engine.Synced} {
			t.Run(p.Name+"/"+d.String(), func(t *testing.T) {
				if p.Durability[d] == "" {
					if _, err := p.Open(budgets(t.TempDir(), d), Tuned); !errors.Is(err, ErrDurability) {
						t.Fatalf("%v, want ErrDurability", err)
					}
					return
				}
				keepsOneKey(t, p, d)
			})
		}
		if _, err := p.Open(budgets(t.TempDir(), 0), Tuned); !errors.Is(err, ErrDurability) {
			t.Errorf("%s without a durability: %v, want ErrDurability", p.Name, err)
		}
	}
}

func keepsOneKey(t *testing.T, p Peer, d engine.Durability) {
	dir := t.TempDir()
	for _, write := range []bool{true, false} {
		e, err := p.Open(budgets(dir, d), Tuned)
		if err != nil {
			t.Fatal(err)
		}
		o := &opened{t: t, engine: e}
		o.client, err = e.NewClient()
		o.ok(err)
		if write {
			o.put("a", "1")
		}
		if s, ok := e.(engine.Syncer); ok {
			o.ok(s.Sync())
		}
		o.want("a", "1")
		o.close()
	}
}

func TestTrafficGrows(t *testing.T) {
	eachPeer(t, func(t *testing.T, o *opened) {
		before := o.engine.Traffic()
		for n := 0; n < 1000; n += 100 {
			o.load(n, n+100, strings.Repeat("y", 1000))
		}
		o.flush()
		grown := o.engine.Traffic().Since(before)
		if grown.Bytes() < 500_000 { // half of it may be squeezed out
			t.Errorf("a megabyte was written, but %+v counted", grown)
		}
	})
}

// A directory that cannot be made is an error, and leaves no goroutine behind
// that a later database would stumble over.
func TestOpenFails(t *testing.T) {
	for _, p := range All() {
		for _, profile := range Profiles() {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(file, "db")
			if e, err := p.Open(budgets(dir, engine.Buffered), profile); err == nil {
				t.Errorf("%s opened in %q: %v", p.Name, dir, e.Close())
			} else if !strings.Contains(err.Error(), p.Name) {
				t.Errorf("%s: the error does not say who failed: %v", p.Name, err)
			}
		}
	}
}
