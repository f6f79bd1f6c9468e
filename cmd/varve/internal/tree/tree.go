// Package tree reads what a database is made of, tables in levels and the log in
// front of them, and draws it. It takes no lock and writes nothing, so that it
// sees a database that another process has open, as of its last edit.
package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/varvekv/varve/cmd/varve/internal/quote"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/vfs"
)

// Tree is a database at one edit. Bytes are those of files.
type Tree struct {
	Dir      string  `json:"dir"`
	Manifest string  `json:"manifest"`
	Edit     uint64  `json:"edit"`
	LastSeq  uint64  `json:"last_seq"` // greatest sequence in tables
	Bytes    int64   `json:"table_bytes"`
	Tables   int     `json:"tables"`
	Levels   []Level `json:"levels"` // those that are not empty
	Log      Log     `json:"log"`
	Torn     string  `json:"torn,omitempty"` // remains at the manifest's end that nothing proves durable

	state manifest.State
	read  time.Time
}

// Totals add up tables.
type Totals struct {
	Tables     int    `json:"tables"`
	Bytes      int64  `json:"bytes"`
	Entries    uint64 `json:"entries"`
	Tombstones uint64 `json:"tombstones"`
	Oldest     string `json:"oldest,omitempty"` // write
	Youngest   string `json:"youngest,omitempty"`

	oldest, youngest int64
}

// Level is one level.
type Level struct {
	Level int `json:"level"`
	Totals
	Runs []Run `json:"runs"` // newest first
}

// Run is a sorted sequence of tables that do not overlap.
type Run struct {
	ID uint64 `json:"run"`
	Totals
	Tables []Table `json:"slices"`
}

// Table is a live piece of a table file.
type Table struct {
	Name       string    `json:"table"`
	ID         uint64    `json:"id"`
	Bytes      int64     `json:"bytes"`
	Lower      quote.Key `json:"lower"`
	Upper      quote.Key `json:"upper"`
	Entries    uint64    `json:"entries"`
	Tombstones uint64    `json:"tombstones"`
	SeqMin     uint64    `json:"seq_min"`
	SeqMax     uint64    `json:"seq_max"`
	Oldest     string    `json:"oldest,omitempty"`
	Youngest   string    `json:"youngest,omitempty"`
	// What it shares keys with: in older runs of its level, and in the next level
	// below that is not empty.
	Overlap Overlap `json:"overlap"`

	slice *manifest.Slice
}

// Overlap is what a table shares keys with.
type Overlap struct {
	OlderTables int   `json:"older_tables"` // of its own level
	OlderBytes  int64 `json:"older_bytes"`
	Level       int   `json:"level"` // the next below; 0 = none
	Tables      int   `json:"tables"`
	Bytes       int64 `json:"bytes"`
}

// Read reads the database in dir, which d is. now is for ages.
func Read(d vfs.Dir, dir string, now time.Time) (*Tree, error) {
	st, err := readState(d)
	if err != nil {
		return nil, err
	}
	t := &Tree{
		Dir: dir, Manifest: st.Report.File, Edit: st.Edit, LastSeq: st.LastSeq,
		Levels: []Level{}, state: *st, read: now,
	}
	if st.Report.Torn {
		t.Torn = fmt.Sprintf("%s at offset %d: %s", st.Report.File, st.Report.Offset, st.Report.Reason)
	}
	for level := range st.Version.Levels {
		if l := t.level(level); l.Tables > 0 {
			t.Levels = append(t.Levels, l)
			t.Tables += l.Tables
			t.Bytes += l.Bytes
		}
	}
	return t, nil
}

// readState opens the manifest read-only. Its owner may switch to another one
// meanwhile, or append: then it is read again.
func readState(d vfs.Dir) (*manifest.State, error) {
	o := manifest.Options{ReadOnly: true, Now: time.Now, Random: rand.Uint64}
	for attempt := 1; ; attempt++ {
		store, st, err := manifest.Open(d, o)
		if err == nil {
			return st, store.Close()
		}
		changed := errors.Is(err, corruption.Err) || errors.Is(err, fs.ErrNotExist)
		if !changed || attempt == 3 {
			return nil, err
		}
	}
}

func (t *Tree) level(level int) Level {
	out := Level{Level: level, Runs: []Run{}}
	runs := t.state.Version.Levels[level].Runs
	for i := range runs {
		run := Run{ID: runs[i].ID, Tables: []Table{}}
		for _, s := range runs[i].Slices {
			table := tableOf(s)
			table.Overlap = t.overlap(s, runs[i+1:])
			run.Tables = append(run.Tables, table)
			run.add(s)
			out.add(s)
		}
		run.Totals.name()
		out.Runs = append(out.Runs, run)
	}
	out.Totals.name()
	return out
}

func tableOf(s *manifest.Slice) Table {
	return Table{
		Name: filename.Make(filename.Table, s.File), ID: s.ID, Bytes: s.FileBytes,
		Lower: quote.KeyOf(s.Lower), Upper: quote.KeyOf(s.Upper), Entries: s.Entries, Tombstones: s.Tombstones,
		SeqMin: s.SeqMin, SeqMax: s.SeqMax, Oldest: stamp(s.TimeMin), Youngest: stamp(s.TimeMax), slice: s,
	}
}

func (t *Tree) overlap(s *manifest.Slice, older []manifest.Run) (o Overlap) {
	for i := range older {
		for _, other := range older[i].Overlapping(s.Lower, s.Upper) {
			o.OlderTables++
			o.OlderBytes += other.FileBytes
		}
	}
	v := t.state.Version
	for below := s.Level + 1; below < len(v.Levels); below++ {
		if len(v.Levels[below].Runs) == 0 {
			continue
		}
		o.Level = below
		for _, other := range v.Overlapping(below, s.Lower, s.Upper) {
			o.Tables++
			o.Bytes += other.FileBytes
		}
		break
	}
	return o
}

func (t *Totals) add(s *manifest.Slice) {
	t.Tables++
	t.Bytes += s.FileBytes
	t.Entries += s.Entries
	t.Tombstones += s.Tombstones
	if s.TimeMin != 0 && (t.oldest == 0 || s.TimeMin < t.oldest) {
		t.oldest = s.TimeMin
	}
	t.youngest = max(t.youngest, s.TimeMax)
}

func (t *Totals) name() { t.Oldest, t.Youngest = stamp(t.oldest), stamp(t.youngest) }

// stamp is a time as text; empty where it is not known.
func stamp(nanoseconds int64) string {
	if nanoseconds == 0 {
		return ""
	}
	return time.Unix(0, nanoseconds).UTC().Format(time.RFC3339)
}
