package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// An import that is interrupted keeps, and tells, what it has put.
func TestCtrlCEndsAnImportCleanly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signal can be sent to one process there")
	}
	dir := filepath.Join(t.TempDir(), "db")
	cmd := exec.Command("varve", "import", dir, "-", "--format", "tsv")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	// More than pipe and buffers hold: when it is written, the command reads,
	// and so its signal handler is there. The input does not end.
	line := strings.Repeat("v", 1000)
	for i := range 10_000 {
		if _, err := fmt.Fprintf(in, "key%06d\t%s\n", i, line); err != nil {
			t.Fatalf("line %d: %v; %s", i, err, &errs)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if failed := new(exec.ExitError); !errors.As(err, &failed) || failed.ExitCode() != 1 {
		t.Fatalf("ended with %v: %s", err, &errs)
	}
	told := regexp.MustCompile(`interrupted: ([\d,]+) entries are in`).FindStringSubmatch(errs.String())
	if told == nil {
		t.Fatalf("it said %q", &errs)
	}
	count, err := exec.Command("varve", "scan", dir, "--count").Output()
	if err != nil || !strings.HasPrefix(string(count), told[1]+" entries,") {
		t.Errorf("it told %s, there are %s, %v", told[1], count, err)
	}
	_ = in.Close() // the pipe's other end is gone
}

// A scan whose reader has seen enough ends without a word.
func TestAScanEndsWithItsReader(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no broken pipe ends a process there")
	}
	dir := filepath.Join(t.TempDir(), "db")
	var lines strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&lines, "key%06d\t%s\n", i, strings.Repeat("v", 200))
	}
	fill := exec.Command("varve", "import", dir, "-", "--format", "tsv")
	fill.Stdin = strings.NewReader(lines.String())
	if out, err := fill.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command("varve", "scan", dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = io.ReadFull(out, make([]byte, 10))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || errs.Len() > 0 {
		t.Errorf("ended with %v, and said %q", err, &errs)
	}
}
