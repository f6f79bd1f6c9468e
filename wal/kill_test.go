package wal

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const killDirEnv = "VARVE_WAL_KILL_DIR"

// TestKilledProcessLosesNothingThatWasWritten kills an appending process with
// signal 9 on the real file system, again and again in one directory: every
// append that returned is there, Written ones too.
func TestKilledProcessLosesNothingThatWasWritten(t *testing.T) {
	if dir := os.Getenv(killDirEnv); dir != "" {
		appendUntilKilled(dir)
		return
	}
	dir := filepath.Join(t.TempDir(), "log")
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	rounds := 12
	if n, err := strconv.Atoi(os.Getenv("VARVE_KILLS")); err == nil {
		rounds = n
	}
	next, verdicts := uint64(0), map[Verdict]int{}
	for round := range rounds {
		acked := killOnce(t, dir, time.Duration(1+r.IntN(60))*time.Millisecond)
		next = checkKilled(t, dir, max(acked, next), round, verdicts)
	}
	t.Logf("%d kills, %d records, verdicts %v", rounds, next, verdicts)
}

// killOnce runs a child and returns the count of records it acknowledged.
func killOnce(t *testing.T, dir string, after time.Duration) (acked uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcess")
	cmd.Env = append(os.Environ(), killDirEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	if in.Scan() { // it is open: now it may be killed
		time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	}
	for in.Scan() {
		if n, err := strconv.ParseUint(in.Text(), 10, 64); err == nil {
			acked = n
		}
	}
	_ = cmd.Wait()
	return acked
}

func checkKilled(t *testing.T, dir string, acked uint64, round int, verdicts map[Verdict]int) (next uint64) {
	t.Helper()
	l, rep, err := Open(dir, &Options{SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatalf("round %d: %v (%+v)", round, err, *rep)
	}
	verdicts[rep.Verdict]++
	for r, err := range l.Records() {
		if err != nil {
			t.Fatal(err)
		}
		if n := binary.LittleEndian.Uint64(r.Data); n != next {
			t.Fatalf("round %d: record %d where %d is due", round, n, next)
		}
		next++
	}
	if next < acked {
		t.Fatalf("round %d: %d records, %d were acknowledged: %+v", round, next, acked, *rep)
	}
	mustClose(t, l)
	return next
}

// appendUntilKilled is the child: it numbers its records on from what is there.
func appendUntilKilled(dir string) {
	l, _, err := Open(dir, &Options{SegmentBytes: 64 << 10})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	next := uint64(0)
	for range l.Records() {
		next++
	}
	fmt.Println("open")
	for begin := time.Now(); time.Since(begin) < 10*time.Second; next++ {
		p := binary.LittleEndian.AppendUint64(nil, next)
		p = append(p, make([]byte, next%700)...)
		if next%5 == 0 {
			_, err = l.AppendSync(p)
		} else {
			_, err = l.Append(p)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		os.Stdout.WriteString(strconv.FormatUint(next+1, 10) + "\n")
	}
}
