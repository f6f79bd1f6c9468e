package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/plan"
)

// modeVariable makes this test binary a child that behaves in one way.
const modeVariable = "VARVE_COMPARE_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeVariable); mode != "" {
		os.Exit(behave(mode))
	}
	os.Exit(m.Run())
}

func behave(mode string) int {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	var q child.Request
	if err = errors.Join(err, json.Unmarshal(line, &q)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 9
	}
	fmt.Fprintln(os.Stderr, "child of", q.Unit.Engine)
	switch mode {
	case "hang": // whatever it is told
		fmt.Fprintln(os.Stderr, "waits for ever")
		for {
			time.Sleep(time.Hour)
		}
	case "obey":
		fmt.Fprintln(os.Stderr, "waits for the end")
		_, _ = io.Copy(io.Discard, in)
		return 1
	case "fail":
		fmt.Fprint(os.Stderr, strings.Repeat("much is said\n", 2000), "and this is why")
		return 3
	case "silent":
		return 0
	case "garbage":
		err = os.WriteFile(q.Result, []byte("{"), 0o600)
	case "work":
		err = os.WriteFile(q.Result, []byte(`{"written": {"load": 7}}`), 0o600)
	}
	if err = errors.Join(err, os.WriteFile(q.Dir+"/left-behind", nil, 0o600)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 9
	}
	return 0
}

// spawn runs one child in a mode; log sees its lines.
func spawn(t *testing.T, ctx context.Context, mode string, timeout time.Duration, log func(string)) (*child.Result, string, error) {
	t.Helper()
	t.Setenv(modeVariable, mode)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := Spawner{Command: []string{program}, Scratch: t.TempDir(), Grace: time.Millisecond, Log: log}
	u := &plan.Unit{Engine: "some", Timeout: plan.Duration(timeout)}
	r, e, err := s.Run(ctx, u)
	if left, readErr := os.ReadDir(s.Scratch); readErr != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, readErr)
	}
	return r, e.Tail, err
}

func TestChildThatWorks(t *testing.T) {
	var lines []string
	r, tail, err := spawn(t, t.Context(), "work", time.Minute, func(l string) { lines = append(lines, l) })
	if err != nil || r.Written["load"] != 7 {
		t.Errorf("%+v, %v", r, err)
	}
	if tail != "child of some" || !slices.Equal(lines, []string{"child of some"}) {
		t.Errorf("tail %q, lines %q", tail, lines)
	}
}

func TestChildThatFails(t *testing.T) {
	_, tail, err := spawn(t, t.Context(), "fail", time.Minute, nil)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
	if !strings.HasSuffix(tail, "said\nand this is why") || len(tail) > tailBytes {
		t.Errorf("a tail of %d bytes that ends in %q", len(tail), tail[max(0, len(tail)-30):])
	}
}

func TestChildWithoutAResult(t *testing.T) {
	for _, mode := range []string{"silent", "garbage"} {
		if _, _, err := spawn(t, t.Context(), mode, time.Minute, nil); err == nil || !strings.Contains(err.Error(), "result") {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestChildThatHangsIsKilled(t *testing.T) {
	_, tail, err := spawn(t, t.Context(), "hang", 2*time.Second, nil)
	if !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), "2s") {
		t.Errorf("%v", err)
	}
	if tail != "" && !strings.HasPrefix(tail, "child of some") {
		t.Errorf("tail %q", tail)
	}
}

func TestStopEndsTheChild(t *testing.T) {
	for _, mode := range []string{"obey", "hang"} {
		ctx, stop := context.WithCancel(t.Context())
		_, _, err := spawn(t, ctx, mode, time.Hour, func(line string) {
			if strings.HasPrefix(line, "waits") {
				stop()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", mode, err)
		}
		stop()
	}
}

func TestProgramThatIsMissing(t *testing.T) {
	s := Spawner{Command: []string{"./no-such-program"}, Scratch: t.TempDir()}
	if _, _, err := s.Run(t.Context(), &plan.Unit{}); err == nil || !strings.Contains(err.Error(), "start child") {
		t.Errorf("%v", err)
	}
}
