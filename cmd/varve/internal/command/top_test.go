package command

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/varvekv/varve/cmd/varve/internal/live"
)

// scripted is a source that fails where its script has an x.
type scripted struct {
	script string
	looks  int
}

var errNoAnswer = errors.New("no answer")

func (s *scripted) Sample(context.Context) (live.Sample, error) {
	fails := s.looks < len(s.script) && s.script[s.looks] == 'x'
	s.looks++
	if fails {
		return live.Sample{}, errNoAnswer
	}
	return live.Sample{At: time.Unix(int64(s.looks), 0)}, nil
}

func (s *scripted) Close() {}

// A process may miss a look now and then; not the first one, nor three in a row.
func TestTopBearsSingleFailures(t *testing.T) {
	for _, c := range []struct {
		script string
		shown  int
		fails  bool
	}{{"....", 4, false}, {".xx.x..", 4, false}, {"x", 0, true}, {"..xxx", 2, true}} {
		run := &top{interval: time.Millisecond, count: 4}
		shown := 0
		err := run.follow(context.Background(), &scripted{script: c.script}, func(*live.Tick) error { shown++; return nil })
		if shown != c.shown || errors.Is(err, errNoAnswer) != c.fails {
			t.Errorf("%s: %d shown, %v", c.script, shown, err)
		}
	}
}

func TestTopEndsWithItsContextAndItsOutput(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	run := &top{interval: time.Millisecond}
	if err := run.follow(ctx, &scripted{}, func(*live.Tick) error { cancel(); return nil }); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	if err := run.follow(context.Background(), &scripted{}, func(*live.Tick) error { return full }); err != full {
		t.Fatal(err)
	}
}
