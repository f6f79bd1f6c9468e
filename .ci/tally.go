// Tally reads the events of `go test -json`, prints what go test itself would
// have printed, and counts the tests. Lines that are no events pass through.
//
//	go test -json ./... | tally COUNTS
//
// It ends with a line "N passed, N failed" (tests and subtests; a package
// that fails without a failed test, as when it does not compile, counts as one
// failure) and appends the two numbers to the file COUNTS. The verdict is the
// test command's own: use pipefail.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is what `go doc test2json` describes.
type event struct {
	Action, Package, Test, Output, ImportPath string
}

type tally struct {
	out                     io.Writer
	passed, failed, skipped int
	held                    map[string][]string // output by package and test, until its verdict
	blamed                  map[string]bool     // packages with a failed test
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("want the name of the file that counts are appended to")
	}
	t := &tally{out: os.Stdout, held: map[string][]string{}, blamed: map[string]bool{}}
	if err := t.read(os.Stdin); err != nil {
		return err
	}
	if t.skipped > 0 {
		fmt.Fprintf(t.out, "%d skipped\n", t.skipped)
	}
	fmt.Fprintf(t.out, "%d passed, %d failed\n", t.passed, t.failed)
	counts, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(counts, t.passed, t.failed)
	return errors.Join(err, counts.Close())
}

func (t *tally) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			t.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *tally) line(line string) {
	var e event
	if line[0] != '{' || json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		fmt.Fprint(t.out, line)
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "output":
		t.held[key] = append(t.held[key], e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			t.endPackage(e, key)
		} else {
			t.endTest(e, key)
		}
	}
}

func (t *tally) endTest(e event, key string) {
	switch e.Action {
	case "pass":
		t.passed++
	case "skip":
		t.skipped++
	case "fail":
		t.failed++
		t.blamed[e.Package] = true
		t.print(key)
	}
	delete(t.held, key)
}

// endPackage prints a good package's last line, and of a bad one all that its
// tests have left: a test cut short by a panic or a timeout has no verdict.
func (t *tally) endPackage(e event, key string) {
	if e.Action == "fail" {
		if !t.blamed[e.Package] {
			t.failed++
		}
		for k := range t.held {
			if k != key && strings.HasPrefix(k, e.Package+" ") {
				t.print(k)
			}
		}
		t.print(key)
	} else if lines := t.held[key]; len(lines) > 0 {
		fmt.Fprint(t.out, lines[len(lines)-1])
	}
	for k := range t.held {
		if strings.HasPrefix(k, e.Package+" ") {
			delete(t.held, k)
		}
	}
}

func (t *tally) print(key string) {
	for _, line := range t.held[key] {
		if !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(t.out, line)
		}
	}
}
