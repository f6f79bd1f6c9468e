package peer

import (
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
)

func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range All() {
		if p.Name == "" || seen[p.Name] {
			t.Errorf("name %q", p.Name)
		}
		seen[p.Name] = true
		if p.Durability[engine.Buffered] == "" || p.Durability[engine.Synced] == "" {
			t.Errorf("%s has no words for its durability", p.Name)
		}
		if found, ok := Find(p.Name); !ok || found.Name != p.Name {
			t.Errorf("%s is not found", p.Name)
		}
	}
	if All()[0].Name != "varve" || len(All()) < 5 {
		t.Errorf("%v", seen)
	}
	if _, ok := Find("nothing"); ok {
		t.Error("nothing is found")
	}
}

// Settings are named once each, and the budgets are among them, where an engine
// has use for them.
func TestDescribe(t *testing.T) {
	const cache, memtable = "7340033", "3145729"
	o := budgets("", engine.Buffered)
	o.CacheBytes, o.MemtableBytes = 7<<20+1, 3<<20+1
	unbound := map[string]bool{"bbolt": true, "lmdb": true} // no cache, no memtable
	for _, p := range All() {
		seen, values := map[string]bool{}, map[string]bool{}
		for _, s := range p.Describe(o, Tuned) {
			if s.Name == "" || s.Value == "" || seen[s.Name] {
				t.Errorf("%s: setting %+v", p.Name, s)
			}
			seen[s.Name], values[s.Value] = true, true
		}
		if (values[cache] && values[memtable]) == unbound[p.Name] {
			t.Errorf("%s: budgets in %v", p.Name, p.Describe(o, Tuned))
		}
		for _, s := range p.Describe(o, Defaults) {
			if s.Value == cache || s.Value == memtable {
				t.Errorf("%s sets %v by default", p.Name, s)
			}
		}
	}
}

// Every codec can be asked for, of every engine.
func TestCompressions(t *testing.T) {
	for _, p := range All() {
		for _, c := range []engine.Compression{engine.NoCompression, engine.S2, engine.Zstd} {
			t.Run(p.Name+"/"+c.String(), func(t *testing.T) {
				o := &opened{t: t, peer: p}
				options := budgets(t.TempDir(), engine.Buffered)
				options.Compression = c
				var err error
				o.engine, err = p.Open(options, Tuned)
				o.ok(err)
				o.client, err = o.engine.NewClient()
				o.ok(err)
				o.load(0, 500, "much the same value, again and again and again ")
				o.flush()
				o.want(string(record(321)), "much the same value, again and again and again 321")
				o.close()
			})
		}
	}
}
