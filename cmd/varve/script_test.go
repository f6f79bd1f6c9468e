package main

// The scripts in testdata/script run the command as a process of its own, with
// some commands beside testscript's:
//
//	exits CODE command args...   runs it like exec, and wants that exit code
//	flip GLOB OFFSET             flips the bits of one byte of the one file that
//	                             matches; a negative offset counts from the end
//	cut GLOB SIZE                cuts the one file that matches to size bytes
//	golden DIR                   writes the golden files of all formats as binary
//	serve                        publishes the figures of the held one at $URL and
//	                             on the socket top.sock
//	hold DIR, release            keeps a database open to write, in the test itself

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/varvekv/varve"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"varve": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values[held{}] = new(*varve.DB)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "flip": flip, "cut": cut, "hold": hold, "release": release, "golden": golden, "serve": serve,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed := new(exec.ExitError)
		if !errors.As(err, &failed) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// theFile is the one file that matches a pattern.
func theFile(ts *testscript.TestScript, neg bool, args []string) (name string, n int64) {
	if neg || len(args) != 2 {
		ts.Fatalf("want a file and a number")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s matches %v, want one file", args[0], found)
	}
	n, err = strconv.ParseInt(args[1], 0, 64)
	ts.Check(err)
	return found[0], n
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	name, at := theFile(ts, neg, args)
	content, err := os.ReadFile(name)
	ts.Check(err)
	if at < 0 {
		at += int64(len(content))
	}
	if at < 0 || at >= int64(len(content)) {
		ts.Fatalf("%s has %d bytes, none at %s", name, len(content), args[1])
	}
	content[at] ^= 0xff
	ts.Check(os.WriteFile(name, content, 0o600))
}

func cut(ts *testscript.TestScript, neg bool, args []string) {
	name, size := theFile(ts, neg, args)
	ts.Check(os.Truncate(name, size))
}

// held is where a script keeps the database that it holds.
type held struct{}

func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold DIR")
	}
	db, err := varve.Open(ts.MkAbs(args[0]), nil)
	ts.Check(err)
	slot := ts.Value(held{}).(**varve.DB)
	*slot = db
	ts.Defer(func() {
		if *slot != nil {
			ts.Check(db.Close())
		}
	})
}

func release(ts *testscript.TestScript, neg bool, args []string) {
	slot := ts.Value(held{}).(**varve.DB)
	if neg || len(args) != 0 || *slot == nil {
		ts.Fatalf("usage: release, after hold")
	}
	ts.Check((*slot).Close())
	*slot = nil
}
