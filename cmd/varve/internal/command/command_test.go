package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/manifest"
)

// varveCommand runs one command line in this process.
func varveCommand(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(ctx, args, strings.NewReader("a\tb\n"), &out, &err)
	return code, out.String(), err.String()
}

func interruptedContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// newDatabase holds one entry, in a table.
func newDatabase(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "db")
	for _, args := range [][]string{{"put", dir, "key", "value"}, {"compact", dir}} {
		if code, _, errs := varveCommand(context.Background(), args...); code != exitOK {
			t.Fatal(errs)
		}
	}
	return dir
}

func TestInterruptsEndCleanly(t *testing.T) {
	dir := newDatabase(t)
	if code, _, errs := varveCommand(context.Background(), "put", dir, "another", "value"); code != exitOK {
		t.Fatal(errs) // something to flush and to merge
	}
	out := filepath.Join(t.TempDir(), "out.frames")
	for _, args := range [][]string{
		{"scan", dir}, {"scan", dir, "--count"}, {"export", dir, out}, {"export", dir, "-"},
		{"check", dir}, {"compact", dir}, {"import", dir, "-", "--format", "tsv"},
	} {
		code, _, errs := varveCommand(interruptedContext(), args...)
		if code != exitFailed || !strings.Contains(errs, "interrupted") || strings.Contains(errs, "context") {
			t.Errorf("%v: code %d, %q", args, code, errs)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
		t.Errorf("an interrupted export left %v, %v", left, err)
	}
	if code, got, errs := varveCommand(context.Background(), "get", dir, "key"); code != exitOK || got != "value" {
		t.Errorf("afterwards: code %d, %q, %q", code, got, errs)
	}
}

func TestFailedOutputIsAFailure(t *testing.T) {
	dir := newDatabase(t)
	for _, args := range [][]string{{"get", dir, "key"}, {"scan", dir}, {"version"}, {"stats", dir, "--json"}, {"export", dir, "-"}} {
		var errs strings.Builder
		if code := run(context.Background(), args, strings.NewReader(""), fullDisk{}, &errs); code != exitFailed || !strings.Contains(errs.String(), "no space") {
			t.Errorf("%v: code %d, %q", args, code, errs.String())
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWhoseFaultAnErrorIs(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		json string
	}{
		{errors.New("unknown flag"), exitInput, `{"error":"unknown flag"}`},
		{attempt{errors.New("varve: disk on fire")}, exitFailed, `{"error":"disk on fire"}`},
		{attempt{usagef("KEY %d", 1)}, exitInput, `{"error":"KEY 1"}`},
		{attempt{varve.ErrLocked}, exitFailed, ""},
		{attempt{varve.ErrPoisoned}, exitFailed, ""},
		{attempt{manifest.ErrNoDatabase}, exitInput, ""},
		{attempt{located{"db", fmt.Errorf("open: %w", corruption.New("1.sst", 7, "bad"))}}, exitInput,
			`{"error":"open: corruption in 1.sst at offset 7: bad","file":"db/1.sst","offset":7,"reason":"bad"}`},
		{attempt{located{"db", corruption.New("CURRENT", -1, "bad")}}, exitInput,
			`{"error":"corruption in CURRENT: bad","file":"db/CURRENT","reason":"bad"}`},
		{attempt{located{"db", corruption.Unsupported("1.sst", 0, "block kind 9")}}, exitInput,
			`{"error":"1.sst at offset 0: block kind 9: format is newer than this version of varve understands","file":"db/1.sst","offset":0,"reason":"block kind 9: format is newer than this version of varve understands"}`},
		{attempt{&fs.PathError{Op: "open", Path: "x/y", Err: fs.ErrPermission}}, exitInput,
			`{"error":"open x/y: permission denied","file":"x/y","reason":"permission denied"}`},
		{attempt{&inputError{File: "a.csv", Line: 3, Err: errors.New("bad")}}, exitInput,
			`{"error":"a.csv:3: bad","file":"a.csv","line":3,"reason":"bad"}`},
	} {
		if got := exitCode(c.err); got != c.code {
			t.Errorf("%v: code %d, want %d", c.err, got, c.code)
		}
		var errs strings.Builder
		complainJSON(console.New(strings.NewReader(""), &strings.Builder{}, &errs), c.err)
		if got := strings.TrimSpace(errs.String()); c.json != "" && got != filepath.FromSlash(c.json) {
			t.Errorf("%s\nwant %s", got, c.json)
		}
	}
}

func TestEveryFindingOfAJoinedErrorIsTold(t *testing.T) {
	err := located{"db", fmt.Errorf("db: %w", errors.Join(
		nil, fmt.Errorf("varve: check: %w", corruption.New("1.sst", 3, "one")),
		errors.Join(corruption.New("2.sst", -1, "two"), errors.New("other")), corruption.New("1.log", 9, "three")))}
	got := fmt.Sprint(findings(err))
	if want := "[1.sst at offset 3: one 2.sst: two 1.log at offset 9: three]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if findings(nil) != nil {
		t.Error("findings in no error")
	}
}

// Every command has what a user expects of each: help that says what it does and
// what its JSON is, a group, and arguments that are counted.
func TestCommandsAreDescribed(t *testing.T) {
	root := newRoot(console.New(strings.NewReader(""), &strings.Builder{}, &strings.Builder{}))
	each(root, func(c *cobra.Command) {
		if c.Short == "" || c.RunE == nil {
			t.Errorf("%s: no Short or no RunE", c.CommandPath())
		}
		if c.Flag("json") == nil {
			t.Errorf("%s: no --json", c.CommandPath())
		}
		if c.HasParent() && !c.HasSubCommands() && c.Args == nil {
			t.Errorf("%s: takes any arguments", c.CommandPath())
		}
	})
}

func each(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, child := range c.Commands() {
		each(child, do)
	}
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "\x00": "\x01"} {
		if got := prefixEnd([]byte(prefix)); string(got) != want {
			t.Errorf("%q: %q, want %q", prefix, got, want)
		}
	}
	if prefixEnd([]byte("\xff\xff")) != nil || prefixEnd(nil) != nil {
		t.Error("a prefix without an end has one")
	}
}
