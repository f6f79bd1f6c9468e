package lint

import "testing"

func TestSeams(t *testing.T) {
	uses := func(imports, expr string) string {
		return "package p\n\nimport " + imports + "\n\nfunc f() { " + expr + " }\n"
	}
	runCases(t, checkSeams, []ruleCase{
		{"clock", "wal/sync.go", uses(`"time"`, "_ = time.Now()"), []string{"wal/sync.go:5: time.Now outside its seam: take the clock from the options"}},
		{"clock as a value", "wal/sync.go", uses(`"time"`, "g := time.Since; _ = g"), []string{"time.Since"}},
		{"clock under another name", "wal/sync.go", uses(`tm "time"`, "_ = tm.Until(tm.Time{})"), []string{"tm.Until"}},
		{"sleep", "flush.go", uses(`"time"`, "time.Sleep(1)"), []string{"a sleeper cannot be stopped"}},
		{"timer and types", "flush.go", uses(`"time"`, "_ = time.NewTimer(time.Second)"), nil},
		{"clock in its seam", "options.go", uses(`"time"`, "_ = time.Now()"), nil},
		{"seam is one file", "sstable/options.go", uses(`"time"`, "_ = time.Now()"), []string{"time.Now"}},
		{"test", "wal/sync_test.go", uses(`"time"`, "time.Sleep(1)"), nil},
		{"program", "bench/main.go", uses(`"time"`, "_ = time.Now()"), nil},
		{"chance", "memtable/a.go", uses(`"math/rand/v2"`, "_ = rand.Uint64()"), []string{"rand.Uint64 outside its seam"}},
		{"seeded", "memtable/a.go", uses(`"math/rand/v2"`, "_ = rand.New(rand.NewPCG(1, 2))"), nil},
		{"old chance", "memtable/a.go", uses(`"math/rand"`, "_ = rand.Int()"), []string{"rand.Int"}},
		{"crypto", "sstable/a.go", uses(`"crypto/rand"`, "_, _ = rand.Read(nil)"), []string{"rand.Read"}},
		{"crypto in its seam", "wal/options.go", uses(`"crypto/rand"`, "_, _ = rand.Read(nil)"), nil},
		{"os", "obsolete.go", uses(`"os"`, `_ = os.Remove("x")`), []string{"obsolete.go:5: os.Remove outside its seam: go through vfs"}},
		{"os in the clock's seam", "options.go", uses(`"os"`, `_ = os.Getpid()`), []string{"os.Getpid"}},
		{"os errors and flags", "wal/a.go", uses(`"os"`, "_, _ = os.ErrNotExist, os.O_RDWR"), nil},
		{"os in vfs", "vfs/os.go", uses(`"os"`, `_ = os.Remove("x")`), nil},
		{"local name", "wal/a.go", uses(`"os"`, "os := struct{ Getpid int }{}; _ = os.Getpid"), nil},
		{"walking", "check.go", uses(`"path/filepath"`, `_, _ = filepath.Glob("*")`), []string{"filepath.Glob"}},
		{"joining", "check.go", uses(`"path/filepath"`, `_ = filepath.Join("a", "b")`), nil},
		{"ending the process", "db.go", uses(`"log"`, `log.Fatal("x")`), []string{"the process is never ended"}},
		{"dot import", "db.go", uses(`. "os"`, `Exit(1)`), []string{"dot import of os"}},
	})
}

func TestSeamsSayWhy(t *testing.T) {
	for _, s := range seams {
		if s.why == "" || len(s.may) == 0 {
			t.Errorf("seam %s says not what for, or not why", s.path)
		}
	}
}
