// Package results keeps a comparison in a directory: the plan, and a file for
// each unit that was run. A file appears whole or not at all, so that a run can
// be stopped at any moment and taken up again.
//
//	plan.json
//	units/r1-ycsb-200000x100-pebble-tuned.json
//	LOCK
package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvekv/varve/bench/compare/internal/child"
	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
)

// Schema is the version of an outcome's JSON form. It changes when a field
// changes meaning.
const Schema = 1

// Outcome is what became of one unit.
type Outcome struct {
	Schema  int           `json:"schema"`
	Unit    plan.Unit     `json:"unit"`
	Build   string        `json:"build"` // of the program: its own hash
	Started time.Time     `json:"started"`
	Took    time.Duration `json:"took_ns"`
	Others  float64       `json:"others,omitempty"` // share of the machine that others used meanwhile, 0 to 1
	Error   string        `json:"error,omitempty"`  // empty: all went well
	Tail    string        `json:"tail,omitempty"`   // the end of what a failed child printed
	*child.Result
}

// Failed tells that the unit did not run to its end.
func (o *Outcome) Failed() bool { return o.Error != "" }

// Record is a plan with what was true of every engine when it began.
type Record struct {
	Plan    plan.Plan `json:"plan"`
	Engines []Engine  `json:"engines"`
}

// Engine is one engine's own words.
type Engine struct {
	Name       string                          `json:"name"`
	Version    string                          `json:"version,omitempty"`
	Durability map[string]string               `json:"durability"` // by name; a missing one cannot be had
	Settings   map[peer.Profile][]peer.Setting `json:"settings"`
}

// Promises tells whether an engine can promise a durability, both by name.
func (r *Record) Promises(engine, durability string) bool {
	for _, e := range r.Engines {
		if e.Name == engine {
			return e.Durability[durability] != ""
		}
	}
	return false
}

// Directory is where one comparison is kept.
type Directory struct {
	path string
	done map[string]*Outcome
}

const (
	planName = "plan.json"
	unitsDir = "units"
	tmpEnd   = ".tmp"
)

// Create opens the directory of a comparison, making it where it is missing. One
// that was made by another plan is refused: its results would be mixed. So is one
// that holds anything else: things below it are removed as if they were ours.
func Create(path string, r *Record) (*Directory, error) {
	if err := refuseForeign(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(path, unitsDir), 0o755); err != nil {
		return nil, err
	}
	d, old, err := Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d = &Directory{path: path, done: map[string]*Outcome{}}
		return d, writeJSON(filepath.Join(path, planName), r)
	case err != nil:
		return nil, err
	}
	if differs := difference(old, r); differs != "" {
		return nil, fmt.Errorf("%s holds a comparison by another plan: %s; take its options, or another directory", path, differs)
	}
	return d, nil
}

func refuseForeign(path string) error {
	names, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	foreign := ""
	for _, n := range names {
		switch n.Name() {
		case planName:
			return nil
		case unitsDir, planName + tmpEnd: // of a run that was killed at once
		default:
			foreign = n.Name()
		}
	}
	if foreign != "" {
		return fmt.Errorf("%s holds no comparison, but %s: name a directory that is missing or empty", path, foreign)
	}
	return nil
}

// Open reads a comparison. It is fs.ErrNotExist where there is none.
func Open(path string) (*Directory, *Record, error) {
	r := &Record{}
	if err := readJSON(filepath.Join(path, planName), r); err != nil {
		return nil, nil, err
	}
	d := &Directory{path: path, done: map[string]*Outcome{}}
	names, err := os.ReadDir(filepath.Join(path, unitsDir))
	if err != nil {
		return nil, nil, err
	}
	for _, n := range names {
		if err := d.load(n.Name()); err != nil {
			return nil, nil, err
		}
	}
	return d, r, nil
}

func (d *Directory) load(name string) error {
	id, ok := strings.CutSuffix(name, ".json")
	if !ok {
		return nil // a file that was being written when a run was killed
	}
	path := filepath.Join(d.path, unitsDir, name)
	o := &Outcome{}
	if err := readJSON(path, o); err != nil {
		return err
	}
	if o.Schema != Schema || o.Unit.ID() != id {
		return fmt.Errorf("%s: schema %d, unit %s: not written by this program", path, o.Schema, o.Unit.ID())
	}
	if !o.Failed() && o.Result == nil {
		return fmt.Errorf("%s: neither a result nor an error", path)
	}
	d.done[id] = o
	return nil
}

// Outcome is what became of a unit; nil while it has not run.
func (d *Directory) Outcome(u *plan.Unit) *Outcome { return d.done[u.ID()] }

// Outcomes is all of them, in no order.
func (d *Directory) Outcomes() []*Outcome {
	var all []*Outcome
	for _, o := range d.done {
		all = append(all, o)
	}
	return all
}

// Add keeps an outcome, in the place of an earlier one of the same unit.
func (d *Directory) Add(o *Outcome) error {
	id := o.Unit.ID()
	if err := writeJSON(filepath.Join(d.path, unitsDir, id+".json"), o); err != nil {
		return err
	}
	d.done[id] = o
	return nil
}

// Path is a path below the directory.
func (d *Directory) Path(name string) string { return filepath.Join(d.path, name) }

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file at once: what is half written never has its name.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	if err := os.WriteFile(path+tmpEnd, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+tmpEnd, path)
}
