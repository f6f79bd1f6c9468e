package wal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// Recovery: from whatever bytes lie in the directory to a log that goes on. It
// is idempotent and crash-safe at every step: until the new segment's header is
// durable nothing has changed but bytes rewritten as they were, and from then on
// that header says where the older segments end.

type recoverer struct {
	log     *Log
	dir     vfs.Dir
	options *Options
	report  *Recovery

	files    []*found // every segment file, ascending by number
	torn     []string // names that an earlier recovery set aside
	greatest uint64   // number of all of them
	chain    []*found // the live segments, linked, ascending
	start    LSN      // nothing before it is needed

	proof  LSN    // everything before it was durable once
	edit   uint64 // a manifest edit that was
	stamp  int64
	seq    uint64 // everything up to it was durable once
	end    LSN    // accepted up to here
	sum    uint64 // chained checksum up to end
	cut    *found // the segment that holds end; nil when there is none
	sealed bool   // the log ends with a seal
	closed bool   // … which says that it was closed

	salvaging bool // corruption was found, and what is valid behind it is taken too

	kept []*found // the accepted part of the chain
	prev link     // to what the new segment links
}

// run is Open, step by step.
func (r *recoverer) run() error {
	begin := r.options.Clock()
	defer func() { r.report.Duration = r.options.Clock().Sub(begin) }()
	r.report.Verdict = Clean
	if a := r.options.Archive.Dir; a != nil && !r.options.ReadOnly {
		if err := checkArchive(a, r.dir.Path()); err != nil {
			return err
		}
	}
	r.start, r.proof = r.options.ReplayFrom, r.options.ProvenLSN
	steps := []func() error{r.list, r.readHeaders, r.link, r.leaveOutReleased, r.scan, r.judgeNewest, r.judgeEmpty}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	r.report.LastEdit = r.edit
	r.report.LastSeq = max(r.report.LastSeq, r.seq)
	if r.options.Judge != nil {
		if err := r.options.Judge(r.start, r.report.LastEdit); err != nil {
			return err
		}
	}
	if err := r.applyPolicy(); err != nil {
		return err
	}
	if r.options.ReadOnly {
		return r.installReadOnly()
	}
	return r.goOn()
}

// list finds the segment files and the greatest number ever used.
func (r *recoverer) list() error {
	names, err := r.dir.List()
	if err != nil {
		return fmt.Errorf("wal: open: %w", err)
	}
	r.greatest = r.options.MinSegment - 1
	for _, name := range names {
		kind, number := filename.Parse(name)
		if kind == filename.Torn {
			// Others' names that end so are none of the log's business.
			if kind, number = filename.Parse(strings.TrimSuffix(name, tornSuffix)); kind == filename.Log {
				r.torn = append(r.torn, name)
				r.greatest = max(r.greatest, number)
			}
			continue
		}
		if kind != filename.Log {
			continue
		}
		r.greatest = max(r.greatest, number)
		r.files = append(r.files, &found{number: number, name: name})
	}
	sortFound(r.files)
	return nil
}

// readHeaders reads and classifies every header block.
func (r *recoverer) readHeaders() error {
	identity := r.options.Identity
	for _, f := range r.files {
		if err := f.readHeader(r.dir); err != nil {
			return err
		}
		if f.class != live {
			continue
		}
		if err := f.checkFeatures(r.options.ReadOnly); err != nil {
			return err
		}
		if f.header.number != f.number {
			return r.stale(f, 40, "the header is that of segment %d", f.header.number)
		}
		if identity == 0 {
			identity = f.header.identity
		}
		if f.header.identity != identity {
			return r.stale(f, 48, "the segment belongs to another log (%016x, not %016x)", f.header.identity, identity)
		}
	}
	r.report.Identity = identity
	return nil
}

func (r *recoverer) stale(f *found, offset int64, format string, args ...any) error {
	return r.refuse(Stale, corruption.New(f.name, offset, format, args...))
}

// refuse fills in the report beside the error that ends Open.
func (r *recoverer) refuse(v Verdict, e *corruption.Error) error {
	r.report.Verdict, r.report.File, r.report.Offset, r.report.Reason = v, e.File, e.Offset, e.Reason
	return fmt.Errorf("wal: open: %w", e)
}

// link follows the headers from the newest live segment to the oldest needed one.
func (r *recoverer) link() error {
	var cur *found
	for _, f := range r.files {
		if f.class == live {
			cur = f
			r.start = max(r.start, f.header.start)
			r.proof = max(r.proof, f.header.durable)
			r.edit = max(r.edit, f.header.edit)
			r.seq = max(r.seq, f.header.durableSeq)
		}
	}
	for cur != nil {
		r.chain = append([]*found{cur}, r.chain...)
		prev := cur.header.prev
		if prev.number == 0 {
			break
		}
		p := r.file(prev.number)
		if p != nil && p.class == live && p.number < cur.number {
			p.bounded, p.bound, p.boundSum = true, prev.end, prev.chain
			cur = p
			continue
		}
		if prev.end <= r.start {
			break // released
		}
		cur.missing = prev.number
		cur = r.liveBelow(min(prev.number, cur.number))
	}
	return nil
}

// leaveOutReleased settles holes in the chain that a release made: where files
// go in any order, marks further on say that nothing before them is needed.
func (r *recoverer) leaveOutReleased() error {
	if !slices.ContainsFunc(r.chain, func(f *found) bool { return f.missing != 0 }) {
		return nil
	}
	if _, err := r.proofFrom(0); err != nil {
		return err
	}
	for i := len(r.chain) - 1; i >= 0; i-- {
		f := r.chain[i]
		f.dropped = 0
		if f.missing != 0 && f.header.prev.end <= r.start {
			f.missing = 0
			r.chain = r.chain[i:]
			return nil
		}
	}
	return nil
}

func (r *recoverer) file(number uint64) *found {
	for _, f := range r.files {
		if f.number == number {
			return f
		}
	}
	return nil
}

func (r *recoverer) liveBelow(number uint64) (below *found) {
	for _, f := range r.files {
		if f.class == live && f.number < number {
			below = f
		}
	}
	return below
}

// applyPolicy turns the verdict into an error where the policy asks for it.
func (r *recoverer) applyPolicy() error {
	rep := r.report
	switch {
	case rep.Verdict == Clean:
		return nil
	case rep.Verdict == TornTail && r.options.Policy != Strict:
		return nil
	case rep.Verdict != TornTail && (r.options.Policy == PointInTime || r.options.Policy == Salvage):
		return nil
	}
	return fmt.Errorf("wal: open: %s: %w", rep.Verdict, corruption.New(rep.File, rep.Offset, "%s", rep.Reason))
}
