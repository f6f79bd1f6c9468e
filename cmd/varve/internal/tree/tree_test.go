package tree

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/vfs"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

var now = time.Unix(1_800_000_000, 0)

func newSlice(id uint64, level int, run uint64, lower, upper string, deletes uint64) *manifest.Slice {
	return &manifest.Slice{
		ID: id, File: id, Identity: id, Level: level, Run: run, FileBytes: int64(id) << 20,
		Lower: []byte(lower), Upper: []byte(upper), SeqMin: 1, SeqMax: id,
		TimeMin: now.Add(-time.Duration(id) * time.Minute).UnixNano(), TimeMax: now.Add(-time.Duration(id) * time.Second).UnixNano(),
		Entries: 1000 * id, Tombstones: deletes * id,
	}
}

// exampleDir is a database with three levels, in memory.
func exampleDir(t *testing.T) vfs.Dir {
	t.Helper()
	d, err := vfs.NewStrict(1).OpenDir("db", true)
	if err != nil {
		t.Fatal(err)
	}
	e := &manifest.Edit{NextFile: 100, LastSeq: 90, Added: []*manifest.Slice{
		newSlice(60, 0, 60, "apple", "zebra", 0), newSlice(50, 0, 50, "fig", "plum\x00", 300),
	}}
	for i := range uint64(12) {
		e.Added = append(e.Added, newSlice(10+i, 5, 3, fmt.Sprintf("k%02d", 2*i), fmt.Sprintf("k%02d", 2*i+1), 80*i))
	}
	e.Added = append(e.Added, newSlice(30, 6, 1, "a", "m", 0), newSlice(31, 6, 1, "n", "zz", 0))
	store, _, err := manifest.Create(d, manifest.Options{Now: func() time.Time { return now }, Random: func() uint64 { return 7 }, Initial: e})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDrawing(t *testing.T) {
	d := exampleDir(t)
	tree, err := Read(d, "db", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.ReadLog(d, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		golden string
		width  int
		all    bool
	}{{"tree-120.txt", 120, false}, {"tree-60-all.txt", 60, true}} {
		var out bytes.Buffer
		con := console.New(strings.NewReader(""), &out, &out)
		con.Width = c.width
		tree.Draw(con, c.all)
		if err := con.Flush(); err != nil {
			t.Fatal(err)
		}
		path := "testdata/" + c.golden
		if *rewrite {
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: %v\n%s", c.golden, err, &out)
		}
	}
}

func TestOverlapIsWhatSharesKeys(t *testing.T) {
	tree, err := Read(exampleDir(t), "db", now)
	if err != nil {
		t.Fatal(err)
	}
	l0 := tree.Levels[0]
	if l0.Level != 0 || len(l0.Runs) != 2 || l0.Runs[0].ID != 60 || tree.Tables != 16 {
		t.Fatalf("%+v", tree)
	}
	newest, older := l0.Runs[0].Tables[0].Overlap, l0.Runs[1].Tables[0].Overlap
	if newest != (Overlap{1, 50 << 20, 5, 12, (10 + 21) * 6 << 20}) {
		t.Errorf("%+v", newest)
	}
	if older.OlderTables != 0 || older.Tables != 12 {
		t.Errorf("%+v", older)
	}
	if k := tree.Levels[1].Runs[0].Tables[0].Overlap; k.Level != 6 || k.Tables != 1 || k.Bytes != 30<<20 {
		t.Errorf("%+v", k)
	}
}

func TestDamagedManifestIsNamed(t *testing.T) {
	d := exampleDir(t)
	f, err := d.OpenReadWrite("MANIFEST-000100")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{1}, 4200); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var damage *corruption.Error
	if _, err := Read(d, "db", now); !errors.As(err, &damage) || damage.File != "MANIFEST-000100" || damage.Offset != 4096 {
		t.Fatal(err)
	}
}
