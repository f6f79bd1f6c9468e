package command

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/internal/filename"
)

// stats is what `varve stats` says.
type stats struct {
	Dir      string            `json:"dir"`
	Files    map[string]amount `json:"files"` // by kind: tables, log, manifest, aside, other
	Levels   []levelStats      `json:"levels"`
	Entries  uint64            `json:"entries"` // in tables, versions and tombstones counted
	Sequence uint64            `json:"sequence"`
	Log      logStats          `json:"log"`
	Manifest manifestStats     `json:"manifest"`
}

type amount struct {
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
}

type levelStats struct {
	Level      int    `json:"level"`
	Runs       int    `json:"runs"`
	Tables     int    `json:"tables"`
	Bytes      int64  `json:"bytes"`
	Entries    uint64 `json:"entries"`
	Tombstones uint64 `json:"tombstones"`
}

type logStats struct {
	Verdict    string `json:"verdict"`
	Segments   int    `json:"segments"`
	Operations uint64 `json:"operations"` // that are in no table yet
	Dropped    int64  `json:"dropped_bytes"`
	File       string `json:"file,omitempty"` // where it was cut, with offset and reason
	Offset     int64  `json:"offset,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

type manifestStats struct {
	File   string `json:"file"`
	Edits  int    `json:"edits"`
	Torn   bool   `json:"torn"`
	Offset int64  `json:"offset,omitempty"` // where the torn end begins
	Reason string `json:"reason,omitempty"`
}

// kinds are the files of a directory, in the order in which they are shown.
var kinds = []struct{ name, what string }{
	{"tables", "tables"}, {"log", "log segments"}, {"manifest", "manifests"}, {"aside", "set aside by recovery"}, {"other", "other"},
}

func newStats(c *console.Console) *cobra.Command {
	return &cobra.Command{
		Use:   "stats DIR",
		Short: "Print levels, files and what opening found",
		Long: `Print what a database holds: its files, its levels, the end of its log. Nothing
is written. Entries count every version and tombstone that tables hold.

JSON: dir, files (tables, log, manifest, aside, other: count, bytes), levels
(level, runs, tables, bytes, entries, tombstones), entries, sequence, log
(verdict, segments, operations, dropped_bytes; file, offset, reason where it was
cut), manifest (file, edits, torn; offset, reason).`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var s stats
			err := reading(args[0], func(db *varve.DB) (err error) {
				s = statsOf(args[0], db.Metrics())
				s.Files, err = filesIn(args[0])
				return err
			})
			if err != nil {
				return err
			}
			return c.Show(s, func() { s.print(c) })
		},
	}
}

func statsOf(dir string, m varve.Metrics) stats {
	s := stats{Dir: dir, Levels: []levelStats{}, Sequence: m.LastSeq}
	for i, l := range m.Levels {
		if l.Tables > 0 {
			s.Levels = append(s.Levels, levelStats{i, l.Runs, l.Tables, l.Bytes, l.Entries, l.Tombstones})
			s.Entries += l.Entries
		}
	}
	log, man := m.Recovery.Log, m.Recovery.Manifest
	s.Log = logStats{log.Verdict.String(), log.Segments, m.Recovery.Operations, log.Dropped, log.File, log.Offset, log.Reason}
	s.Manifest = manifestStats{man.File, man.Edits, man.Torn, man.Offset, man.Reason}
	if !man.Torn {
		s.Manifest.Offset = 0 // the end of a whole file is no place of interest
	}
	return s
}

// filesIn counts the files of dir by kind.
func filesIn(dir string) (map[string]amount, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := make(map[string]amount)
	for _, k := range kinds {
		files[k.name] = amount{}
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // gone, or not a file
		}
		kind := kindOf(e.Name())
		if kind == "" {
			continue
		}
		a := files[kind]
		files[kind] = amount{a.Count + 1, a.Bytes + info.Size()}
	}
	return files, nil
}

// kindOf is the name of a file's kind; the lock, which is always empty, has none.
func kindOf(name string) string {
	switch kind, _ := filename.Parse(name); kind {
	case filename.Table:
		return "tables"
	case filename.Log:
		return "log"
	case filename.Manifest, filename.Current:
		return "manifest"
	case filename.Torn:
		return "aside"
	case filename.Lock:
		return ""
	}
	return "other"
}

func (s *stats) print(c *console.Console) {
	s.printFiles(c)
	if len(s.Levels) > 0 {
		c.Printf("\n")
		s.printLevels(c)
	}
	c.Printf("\nlog        %s, %s, %s that no table has\n", s.Log.Verdict, console.Plural(s.Log.Segments, "segment", "segments"),
		console.Plural(s.Log.Operations, "operation", "operations"))
	if s.Log.File != "" {
		c.Printf("           %s\n", c.Paint(console.Yellow, place(s.Log.File, s.Log.Offset, s.Log.Reason)))
	}
	c.Printf("manifest   %s, %s\n", s.Manifest.File, console.Plural(s.Manifest.Edits, "edit", "edits"))
	if s.Manifest.Torn {
		c.Printf("           %s\n", c.Paint(console.Yellow, place(s.Manifest.File, s.Manifest.Offset, s.Manifest.Reason)))
	}
	c.Printf("sequence   %s\n", console.Count(s.Sequence))
}

func (s *stats) printFiles(c *console.Console) {
	var rows [][]string
	for _, k := range kinds {
		if a := s.Files[k.name]; a.Count > 0 {
			rows = append(rows, []string{k.what, console.Count(a.Count), console.Bytes(a.Bytes)})
		}
	}
	c.Table([]console.Column{{Name: c.Paint(console.Bold, s.Dir), Left: true}, {Name: "files"}, {Name: "size"}}, rows)
}

func (s *stats) printLevels(c *console.Console) {
	rows := make([][]string, len(s.Levels))
	for i, l := range s.Levels {
		rows[i] = []string{console.Count(l.Level), console.Count(l.Runs), console.Count(l.Tables), console.Bytes(l.Bytes),
			console.Count(l.Entries), console.Count(l.Tombstones)}
	}
	c.Table([]console.Column{{Name: "level"}, {Name: "runs"}, {Name: "tables"}, {Name: "size"}, {Name: "entries"}, {Name: "tombstones"}}, rows)
}
