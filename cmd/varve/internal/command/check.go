package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/vfs"
)

// checked is what `varve check` says.
type checked struct {
	Dir         string    `json:"dir"`
	OK          bool      `json:"ok"`
	Tables      int       `json:"tables"`
	TableBytes  int64     `json:"table_bytes"`
	Entries     uint64    `json:"entries"`
	LogSegments int       `json:"log_segments"`
	Manifest    string    `json:"manifest"`
	Edits       int       `json:"manifest_edits"`
	Notes       []finding `json:"notes"`    // what a crash may leave: no damage
	Findings    []finding `json:"findings"` // damage
}

// finding is a place in a file, and what is wrong there.
type finding struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"` // -1 where none applies
	Reason string `json:"reason"`
}

func (f finding) String() string { return place(f.File, f.Offset, f.Reason) }

// place is a place in a file for people.
func place(file string, offset int64, reason string) string {
	if offset < 0 {
		return fmt.Sprintf("%s: %s", file, reason)
	}
	return fmt.Sprintf("%s at offset %d: %s", file, offset, reason)
}

func newCheck(c *console.Console) *cobra.Command {
	return &cobra.Command{
		Use:   "check DIR",
		Short: "Read and verify every byte of a database",
		Long: `Read every live file: checksums, order of keys, bounds, levels, references, and
that tables hold what the manifest says. Nothing is written. Damage is exit code
2, every place of it with file, offset and reason. What a crash leaves at the
end of the log or the manifest is no damage, and noted.

JSON: dir, ok, tables, table_bytes, entries, log_segments, manifest,
manifest_edits, notes and findings (file, offset, reason).`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return check(cmd.Context(), c, args[0]) },
	}
}

func check(ctx context.Context, c *console.Console, dir string) error {
	r := checked{Dir: dir, Notes: []finding{}, Findings: []finding{}}
	err := r.look(ctx, c)
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	r.OK = err == nil
	r.Findings = append(r.Findings, findings(err)...)
	if err != nil && len(r.Findings) == 0 {
		return err // it could not be looked at
	}
	if err := c.Show(r, func() { r.print(c) }); err != nil || r.OK {
		return err
	}
	return fmt.Errorf("check found %s: %w", console.Plural(len(r.Findings), "damaged place", "damaged places"), first(dir, err))
}

// look opens the database and has it checked; the bar moves with the bytes that
// are read for it.
func (r *checked) look(ctx context.Context, c *console.Console) error {
	if err := wantDatabase(r.Dir); err != nil {
		return err
	}
	files, err := filesIn(r.Dir)
	if err != nil {
		return err
	}
	bar := c.NewBar("check", files["tables"].Bytes+files["log"].Bytes+files["manifest"].Bytes)
	defer bar.End()
	o := &varve.Options{ReadOnly: true, FS: metered{vfs.OS, bar}}
	return using(r.Dir, o, func(db *varve.DB) error {
		r.count(db.Metrics())
		return db.Check(ctx)
	})
}

func (r *checked) count(m varve.Metrics) {
	for _, l := range m.Levels {
		r.Tables += l.Tables
		r.TableBytes += l.Bytes
		r.Entries += l.Entries
	}
	log, man := m.Recovery.Log, m.Recovery.Manifest
	r.LogSegments, r.Manifest, r.Edits = log.Segments, man.File, man.Edits
	if log.File != "" {
		r.Notes = append(r.Notes, finding{log.File, log.Offset, log.Reason})
	}
	if man.Torn {
		r.Notes = append(r.Notes, finding{man.File, man.Offset, man.Reason})
	}
}

// findings are the damaged places in an error that joins many.
func findings(err error) (all []finding) {
	for _, e := range leaves(err) {
		if d := new(varve.CorruptionError); errors.As(e, &d) {
			all = append(all, finding{d.File, d.Offset, d.Reason})
		}
	}
	return all
}

// first is the error of the first damaged place in one that joins many.
func first(dir string, err error) error {
	if d := new(varve.CorruptionError); errors.As(err, &d) {
		return located{dir, d}
	}
	return err
}

// leaves takes joined errors apart.
func leaves(err error) []error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		joined, ok := e.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		var all []error
		for _, part := range joined.Unwrap() {
			all = append(all, leaves(part)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func (r *checked) print(c *console.Console) {
	if r.Manifest != "" {
		c.Printf("tables     %s, %s, %s\n", console.Count(r.Tables), console.Bytes(r.TableBytes), console.Plural(r.Entries, "entry", "entries"))
		c.Printf("log        %s\n", console.Plural(r.LogSegments, "segment", "segments"))
		c.Printf("manifest   %s, %s\n", r.Manifest, console.Plural(r.Edits, "edit", "edits"))
	}
	for _, n := range r.Notes {
		c.Printf("%s      %s\n", c.Paint(console.Yellow, "note"), n)
	}
	for _, f := range r.Findings {
		c.Printf("%s    %s\n", c.Paint(console.Red, "damage"), f)
	}
	if r.OK {
		c.Printf("%s: every byte of them was read and holds\n", c.Paint(console.Green, "no damage"))
	}
}
