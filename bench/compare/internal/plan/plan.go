// Package plan is what a comparison does: which engines run which jobs at which
// sizes, how often, and in which order. It runs nothing.
//
// A plan expands to units; a unit is one job by one engine in one process. Within
// a round every engine takes its turn at a job before the next job begins, and
// the turns rotate from round to round, so that a machine that slows down in the
// course of hours slows down everybody.
package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/row"
	"github.com/varvekv/varve/bench/internal/value"
	"github.com/varvekv/varve/bench/internal/workload"
)

// Schema is the version of a plan's JSON form. It changes when a field changes
// meaning.
const Schema = 1

// Plan is a comparison. Its JSON form is what the command `plan` reads.
type Plan struct {
	Schema        int            `json:"schema"`
	Name          string         `json:"name"`
	Engines       []string       `json:"engines"`
	Profiles      []peer.Profile `json:"profiles"` // of jobs that have none of their own
	Sizes         []Size         `json:"sizes"`    // of jobs that have none of their own
	Rounds        int            `json:"rounds"`
	Threads       int            `json:"threads"`
	Seed          uint64         `json:"seed"` // round r uses Seed + r, every engine the same
	CacheBytes    int64          `json:"cache_bytes"`
	MemtableBytes int64          `json:"memtable_bytes"`
	Timeout       Duration       `json:"timeout,omitempty"` // of a unit; 0: from its durations
	Jobs          []Job          `json:"jobs"`
}

// Kind is which program runs a job.
type Kind string

// Kinds.
const (
	YCSB Kind = "ycsb" // a load, then workloads, each on what the one before left
	Rows Kind = "rows" // single-purpose rows; those that read share a database
)

// Load is the name of YCSB's first phase, which always runs.
const Load = "load"

// Job is what one process does.
type Job struct {
	Name         string         `json:"name"`
	Kind         Kind           `json:"kind"`
	Rows         []string       `json:"rows"` // or workloads, in the order to run
	Durability   string         `json:"durability"`
	Duration     Duration       `json:"duration"`           // ends a row or workload
	LoadDuration Duration       `json:"load_duration"`      // ends a load or fill early
	Sizes        []Size         `json:"sizes,omitempty"`    // empty: the plan's
	Profiles     []peer.Profile `json:"profiles,omitempty"` // empty: the plan's
}

// Promise is the durability of the job's writes. REQUIRES: Validate.
func (j *Job) Promise() engine.Durability {
	d, _ := engine.ParseDurability(j.Durability)
	return d
}

// Validate tells what is wrong with a plan, in the user's words.
func (p *Plan) Validate() error {
	switch {
	case p.Schema != Schema:
		return fmt.Errorf("plan: schema %d; this program understands %d", p.Schema, Schema)
	case p.Rounds < 1:
		return errors.New("plan: rounds must be at least 1")
	case p.Threads < 1:
		return errors.New("plan: threads must be at least 1")
	case len(p.Engines) == 0:
		return errors.New("plan: there are no engines")
	case len(p.Jobs) == 0:
		return errors.New("plan: there are no jobs")
	case p.CacheBytes <= 0 || p.MemtableBytes <= 0:
		return errors.New("plan: cache and memtable must have a size")
	}
	names := map[string]bool{}
	for i := range p.Jobs {
		j := &p.Jobs[i]
		if names[j.Name] {
			return fmt.Errorf("plan: two jobs are called %q", j.Name)
		}
		names[j.Name] = true
		if err := p.validateJob(j); err != nil {
			return fmt.Errorf("plan: job %q: %w", j.Name, err)
		}
	}
	return nil
}

func (p *Plan) validateJob(j *Job) error {
	_, known := engine.ParseDurability(j.Durability)
	switch {
	case !isFileName(j.Name):
		return errors.New("its name must be letters, digits, - and _")
	case !known:
		return fmt.Errorf("durability %q must be buffered, written or synced", j.Durability)
	case len(j.Rows) == 0:
		return errors.New("it has no rows")
	case j.Duration <= 0 || j.LoadDuration <= 0:
		return errors.New("duration and load_duration must be set")
	case len(p.sizesOf(j)) == 0 || len(p.profilesOf(j)) == 0:
		return errors.New("neither it nor the plan has sizes and profiles")
	}
	for _, z := range p.sizesOf(j) {
		if z.Records < 2 || z.ValueBytes < value.MinBytes {
			return fmt.Errorf("size %v: at least 2 records of at least %d bytes", z, value.MinBytes)
		}
	}
	for _, profile := range p.profilesOf(j) {
		if !slices.Contains(peer.Profiles(), profile) {
			return fmt.Errorf("no profile is called %q; there are %v", profile, peer.Profiles())
		}
	}
	return validateRows(j)
}

func validateRows(j *Job) error {
	known := RowNames(j.Kind)
	if known == nil {
		return fmt.Errorf("kind %q must be %s or %s", j.Kind, YCSB, Rows)
	}
	for _, name := range j.Rows {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no row is called %q; there are %v", name, known)
		}
	}
	return nil
}

// RowNames is what a job of a kind can run; nil where there is no such kind. What
// is larger than the cache is a size here, not a row of its own.
func RowNames(k Kind) []string {
	switch k {
	case YCSB:
		names := []string{Load}
		for _, m := range workload.Core() {
			names = append(names, m.Name)
		}
		return names
	case Rows:
		return slices.DeleteFunc(row.Names(), func(name string) bool { return strings.HasPrefix(name, "big-") })
	}
	return nil
}

func isFileName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	return s != "" && strings.Trim(strings.ToLower(s), letters) == ""
}

func (p *Plan) sizesOf(j *Job) []Size {
	if len(j.Sizes) > 0 {
		return j.Sizes
	}
	return p.Sizes
}

func (p *Plan) profilesOf(j *Job) []peer.Profile {
	if len(j.Profiles) > 0 {
		return j.Profiles
	}
	return p.Profiles
}

// Keep leaves only the named jobs, rows and workloads. A name that nothing has
// is an error.
func (p *Plan) Keep(names []string) error {
	used := map[string]bool{}
	var kept []Job
	for _, j := range p.Jobs {
		if slices.Contains(names, j.Name) {
			used[j.Name] = true
			kept = append(kept, j)
			continue
		}
		rows := slices.DeleteFunc(slices.Clone(j.Rows), func(r string) bool { return !slices.Contains(names, r) })
		for _, r := range rows {
			used[r] = true
		}
		if len(rows) > 0 {
			j.Rows = rows
			kept = append(kept, j)
		}
	}
	for _, n := range names {
		if !used[n] {
			return fmt.Errorf("plan %s has no job and no row called %q", p.Name, n)
		}
	}
	p.Jobs = kept
	return nil
}
