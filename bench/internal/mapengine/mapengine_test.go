package mapengine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvekv/varve/bench/internal/engine"
)

func open(t *testing.T, dir string, d engine.Durability) (*Engine, engine.Client) {
	t.Helper()
	e, err := Open(engine.Options{Dir: dir, Durability: d})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := e.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	return e.(*Engine), c
}

func contents(t *testing.T, c engine.Client) string {
	t.Helper()
	var all strings.Builder
	if _, err := c.Scan(nil, -1, func(k, v []byte) error {
		all.WriteString(string(k) + "=" + string(v) + " ")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// What is in the file while the engine is open is what a crash would leave.
func TestFilesHoldWhatWasPromised(t *testing.T) {
	for _, d := range []engine.Durability{engine.Buffered, engine.Written, engine.Synced} {
		dir := t.TempDir()
		e, c := open(t, dir, d)
		for _, err := range []error{
			c.Put([]byte("a"), []byte("1")), c.Put([]byte("b"), []byte("2")), c.Put([]byte("empty"), nil),
			c.Delete([]byte("a")), c.Load([][]byte{[]byte("c"), []byte("b")}, [][]byte{[]byte("3"), []byte("4")}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		want := "b=4 c=3 empty= "
		early := want
		if d == engine.Buffered {
			early = ""
		}
		if _, crashed := open(t, dir, d); contents(t, crashed) != early {
			t.Errorf("%v: %q, want %q", d, contents(t, crashed), early)
		}
		if err := e.Sync(); err != nil {
			t.Fatal(err)
		}
		if _, again := open(t, dir, d); contents(t, again) != want {
			t.Errorf("%v, synced: %q, want %q", d, contents(t, again), want)
		}
	}
}

func TestATornLogIsAnError(t *testing.T) {
	dir := t.TempDir()
	e, c := open(t, dir, engine.Written)
	if err := c.Put([]byte("key"), []byte("value")); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "map.log")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(text); n++ {
		if err := os.WriteFile(path, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(engine.Options{Dir: dir}); err == nil {
			t.Errorf("%d of %d bytes were accepted", n, len(text))
		}
	}
}

func TestClosedEnginesRefuse(t *testing.T) {
	e, c := open(t, t.TempDir(), engine.Buffered)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if c.Put([]byte("k"), nil) == nil || c.Delete([]byte("k")) == nil {
		t.Error("it wrote")
	}
}
