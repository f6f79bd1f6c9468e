package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/bench/compare/internal/campaign"
	"github.com/varvekv/varve/bench/compare/internal/peer"
	"github.com/varvekv/varve/bench/compare/internal/plan"
	"github.com/varvekv/varve/bench/compare/internal/process"
	"github.com/varvekv/varve/bench/compare/internal/results"
	"github.com/varvekv/varve/bench/compare/internal/show"
	"github.com/varvekv/varve/bench/compare/internal/summary"
	"github.com/varvekv/varve/bench/internal/report"
	"github.com/varvekv/varve/vfs"
)

// run does what the plan says, or shows it.
func (o *options) run(c *cobra.Command, p *plan.Plan, peers []peer.Peer) error {
	if err := errors.Join(p.Validate(), checkEngines(p, peers)); err != nil {
		return err
	}
	r := record(p, peers)
	units, left := p.Expand(r.Promises)
	if len(units) == 0 {
		return errors.New("the plan has nothing to run: no engine can promise what its jobs ask for")
	}
	if err := show.Preface(c.ErrOrStderr(), r, left); err != nil {
		return failure{err}
	}
	if o.dryRun {
		return dryRun(c, p, units)
	}
	d, err := o.directory(p, r)
	if err != nil {
		return err
	}
	runErr := o.campaign(c.Context(), c.ErrOrStderr(), d, units)
	s := summary.Make(d, r, units, left)
	if err := errors.Join(runErr, o.files.write(c.OutOrStdout(), s)); err != nil {
		return failure{err}
	}
	return nil
}

func dryRun(c *cobra.Command, p *plan.Plan, units []plan.Unit) error {
	sayNeeds(c.ErrOrStderr(), units)
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	return e.Encode(p)
}

func sayNeeds(w io.Writer, units []plan.Unit) {
	fmt.Fprintf(w, "\n%d units, about %s; up to %s of disk at once\n", len(units),
		campaign.Rounded(campaign.Estimate(units)), report.Bytes(plan.DiskBytes(units)))
}

// directory is where results are kept; the default has a name of its own each time.
func (o *options) directory(p *plan.Plan, r *results.Record) (*results.Directory, error) {
	if o.out == "" {
		o.out = filepath.Join("results", p.Name+"-"+time.Now().Format("20060102-150405"))
	}
	return results.Create(o.out, r)
}

// campaign runs the units that are not done.
func (o *options) campaign(ctx context.Context, stderr io.Writer, d *results.Directory, units []plan.Unit) (err error) {
	lock, err := d.Lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	scratch := o.scratch
	if scratch == "" {
		scratch = d.Scratch()
		defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	}
	for _, dir := range []string{scratch, o.cpuProfile} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := checkDisk(scratch, units); err != nil {
		return err
	}
	sayNeeds(stderr, units)
	fmt.Fprintf(stderr, "results are in %s: to go on with a run that was stopped, say --out %[1]s\n\n", o.out)
	program, build, err := self()
	if err != nil {
		return err
	}
	say := func(line string) { fmt.Fprintln(stderr, line) }
	s := &process.Spawner{
		Command: []string{program, childCommand}, Scratch: scratch, ProfileDir: o.cpuProfile,
		Log: func(line string) { say("    " + line) },
	}
	m := campaign.Campaign{
		Units: units, Directory: d, Execute: s.Run, Build: build, Retry: o.retry, Say: say, Now: time.Now,
	}
	return m.Run(ctx)
}

// self is this program's file and what identifies its build: a hash.
func self() (path, build string, err error) {
	if path, err = os.Executable(); err != nil {
		return "", "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", "", err
	}
	return path, hex.EncodeToString(h.Sum(nil)[:8]), nil
}

func checkDisk(path string, units []plan.Unit) (err error) {
	dir, err := vfs.OS.OpenDir(path, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	free, err := dir.FreeBytes()
	if err != nil {
		return fmt.Errorf("disk left at %s: %w", path, err)
	}
	if need := plan.DiskBytes(units); free < uint64(need) {
		return fmt.Errorf("%s has %s of disk left, a unit may need %s: name another --dir, or take smaller --sizes",
			path, report.Bytes(int64(free)), report.Bytes(need))
	}
	return nil
}
