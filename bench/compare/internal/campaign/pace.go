package campaign

import (
	"fmt"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/plan"
)

// pace guesses how long the rest takes: by a unit's like in an earlier round
// where there was one, else by the plan's estimate and how far off it was so far.
type pace struct {
	rest             []*plan.Unit
	like             map[string]time.Duration
	taken, estimated time.Duration
}

func newPace(todo []*plan.Unit) *pace {
	return &pace{rest: todo, like: map[string]time.Duration{}}
}

// done tells how long the first of the rest took.
func (p *pace) done(u *plan.Unit, took time.Duration) {
	p.rest = p.rest[1:]
	p.like[kindred(u)] = took
	p.taken += took
	p.estimated += u.Estimate()
}

func (p *pace) remaining() (total time.Duration) {
	for _, u := range p.rest {
		if took, ok := p.like[kindred(u)]; ok {
			total += took
			continue
		}
		guess := u.Estimate()
		if p.estimated > 0 {
			guess = time.Duration(float64(guess) * float64(p.taken) / float64(p.estimated))
		}
		total += guess
	}
	return total
}

// kindred is the same for a unit and its like in other rounds.
func kindred(u *plan.Unit) string {
	v := *u
	v.Round = 0
	return v.ID()
}

// Estimate is how long units take, as far as one can tell beforehand.
func Estimate(units []plan.Unit) (total time.Duration) {
	for i := range units {
		total += units[i].Estimate()
	}
	return total
}

// Rounded is a duration for people: "40 s", "12 min", "3 h 5 min".
func Rounded(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	m := int(d.Round(time.Minute).Minutes())
	return fmt.Sprintf("%d h %d min", m/60, m%60)
}
