package varve

// Open as named steps, in the order that makes a crash at any of them harmless:
// lock, archive, manifest, references, log (which judges the manifest), sweep, acceptance,
// view, background.

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/varvekv/varve/internal/cache"
	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/offheap"
	"github.com/varvekv/varve/manifest"
	"github.com/varvekv/varve/wal"
)

// RecoveryReport is what Open found and did.
type RecoveryReport struct {
	Log            wal.Recovery    `json:"log"`
	Manifest       manifest.Report `json:"manifest"`
	Operations     uint64          `json:"operations"`      // replayed from the log
	OrphansRemoved int             `json:"orphans_removed"` // tables that no edit named
	Created        bool            `json:"created"`         // there was no database before
	Duration       time.Duration   `json:"duration_ns"`
}

// opening is the state that the steps of Open hand on.
type opening struct {
	db       *DB
	state    *manifest.State
	mems     []*mem         // replayed, oldest first
	sorting  sync.WaitGroup // of all mems but the one that takes units
	lastSeq  uint64
	version  *version
	recovery *wal.Recovery
}

// Open opens the database in dir, and makes it (mode 0700) when it is missing,
// unless ReadOnly. nil options mean defaults. One writer may have a directory
// open: a second gets ErrLocked. Damage that destroyed durable data is a
// *CorruptionError; a torn end of the log is set aside and reported in Metrics.
func Open(dir string, opts *Options) (*DB, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	begin := monotonic()
	db := newDB(o)
	op := &opening{db: db}
	for _, step := range []func(*opening, string) error{
		(*opening).lockDirectory,
		(*opening).openArchive,
		(*opening).readManifest,
		(*opening).checkReferences,
		(*opening).replayLog,
		(*opening).sweep,
		(*opening).recordAcceptance,
		(*opening).installView,
	} {
		if err := step(op, dir); err != nil {
			return nil, fmt.Errorf("varve: open %s: %w", dir, errors.Join(err, op.abandon()))
		}
	}
	db.report.Duration = monotonic() - begin
	op.log(dir)
	db.startBackground()
	return db, nil
}

func newDB(o Options) *DB {
	db := &DB{opts: o, clock: systemClock, tallies: newReadTallies()}
	for d := range db.writers {
		db.writers[d] = writer{db, Durability(d)}
	}
	db.readers.New = func() any { return db.tallies.newReader(db.epochs.NewSlot()) }
	db.machines.New = func() any { return new(machine) }
	db.arenas = offheap.NewPool(int(o.MemtableBytes), 1)
	db.stall.init(monotonic)
	db.work.init()
	db.graves.kick = func() { kick(db.work.clean) }
	db.users.Store(1)
	return db
}

// lockDirectory takes the one place from which the directory may be touched.
func (op *opening) lockDirectory(path string) error {
	db := op.db
	d, err := db.opts.FS.OpenDir(path, !db.opts.ReadOnly)
	if err != nil {
		return err
	}
	db.dir = d
	db.lock, err = d.Lock(filename.LockName, db.opts.ReadOnly)
	return err
}

// readManifest finds out what is alive, or makes an empty database.
func (op *opening) readManifest(string) error {
	db := op.db
	o := manifest.Options{Now: db.clock.wall, Random: db.clock.random, ReadOnly: db.opts.ReadOnly}
	store, state, err := manifest.Open(db.dir, o)
	if errors.Is(err, manifest.ErrNoDatabase) && !db.opts.ReadOnly {
		store, state, err = manifest.Create(db.dir, o)
		db.report.Created = true
	}
	if err != nil {
		return err
	}
	db.manifest, op.state = store, state
	db.report.Manifest = state.Report
	db.flushedSeq.Store(state.LastSeq)
	op.lastSeq = state.LastSeq
	return nil
}

// checkReferences finds missing and cut tables before anything is swept.
func (op *opening) checkReferences(string) error {
	checked := make(map[uint64]bool)
	for s := range op.state.Version.All() {
		if checked[s.File] {
			continue
		}
		checked[s.File] = true
		name := filename.Make(filename.Table, s.File)
		info, err := op.db.dir.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return corruption.New(name, -1, "the manifest names this table, but it is missing")
		case err != nil:
			return err
		case info.SizeBytes != s.FileBytes:
			return corruption.New(name, info.SizeBytes, "the table is %d bytes long, the manifest says %d", info.SizeBytes, s.FileBytes)
		}
	}
	return nil
}

func (op *opening) sweep(string) error {
	if op.db.opts.ReadOnly {
		return nil
	}
	return op.db.sweep(op.state.Version, op.state.Report.Torn)
}

// replayLog brings back in memory what no table holds.
func (op *opening) replayLog(string) error {
	db := op.db
	log, report, err := wal.OpenDir(db.dir, op.logOptions())
	op.sorted()
	if report != nil {
		db.report.Log = *report
	}
	if err != nil {
		return err
	}
	db.log, op.recovery = log, report
	op.lastSeq = max(op.lastSeq, report.LastSeq)
	return nil
}

func (op *opening) logOptions() *wal.Options {
	db, st := op.db, op.state
	o := &wal.Options{
		ReadOnly:   db.opts.ReadOnly,
		Replay:     op.replay,
		ReplayFrom: wal.LSN(st.LogFrom.LSN),
		StartKept:  true,
		Judge:      op.judge,
		ProvenLSN:  wal.LSN(st.DurableLSN),
		Identity:   st.Log.Identity,
		MinSegment: max(st.Log.Segment, st.LogFrom.Segment) + 1,
		MinEpoch:   st.Log.Epoch,
		Clock:      db.clock.wall,
		Random:     db.clock.random,
		Events:     db.logEvents(),
	}
	if db.opts.ReadOnly {
		return o
	}
	a := db.opts.Archive
	o.Archive = wal.Archive{MaxBytes: a.MaxBytes, MaxAge: a.MaxAge, Compress: a.Compress, Handler: a.Handler}
	o.Archive.Dir = db.archive
	return o
}

// openArchive opens the archive's directory, where there is one, and refuses one
// in which a database lives: its segments would be taken for copies.
func (op *opening) openArchive(string) error {
	db, a := op.db, op.db.opts.Archive
	if a.Dir == "" || db.opts.ReadOnly {
		return nil
	}
	d, err := db.opts.FS.OpenDir(a.Dir, true)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	db.archive = d
	for _, name := range []string{filename.CurrentName, filename.LockName} {
		switch _, err := d.Stat(name); {
		case err == nil:
			return fmt.Errorf("archive %s holds %s: an archive needs a directory of its own", a.Dir, name)
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("archive: %w", err)
		}
	}
	return nil
}

// replay puts one unit of the log into memory, unless tables have it.
func (op *opening) replay(u wal.Unit) error {
	last := u.FirstSeq + uint64(u.Count) - 1
	if last <= op.state.LastSeq {
		return nil
	}
	if u.FirstSeq <= op.lastSeq || last < u.FirstSeq {
		return corruption.New(filename.Make(filename.Log, u.Segment), -1,
			"operations %d to %d at position %d come after operation %d", u.FirstSeq, last, u.LSN, op.lastSeq)
	}
	m, err := op.memFor(u)
	if err != nil {
		return err
	}
	n, err := addOps(m, u.Payload, u.FirstSeq)
	if err == nil && n != uint64(u.Count) {
		err = fmt.Errorf("%d operations where the frame says %d", n, u.Count)
	}
	if err != nil {
		return corruption.New(filename.Make(filename.Log, u.Segment), -1, "operations at position %d: %v", u.LSN, err)
	}
	op.lastSeq, m.lastSeq = last, last
	op.db.report.Operations += uint64(u.Count)
	return nil
}

// memFor is the memtable that takes the unit: the last one, or a fresh one when
// that is full.
func (op *opening) memFor(u wal.Unit) (*mem, error) {
	if n := len(op.mems); n > 0 && op.db.fits(op.mems[n-1], len(u.Payload), int(u.Count)) {
		return op.mems[n-1], nil
	}
	m, err := op.db.newMem()
	if err != nil {
		return nil, err
	}
	op.sortLast()
	m.BeginBulk()
	m.logStart, m.segment, m.firstSeq = u.LSN, u.Segment, u.FirstSeq
	if len(op.mems) == 0 {
		m.logStart, m.segment = wal.LSN(op.state.LogFrom.LSN), op.state.LogFrom.Segment
	}
	op.mems = append(op.mems, m)
	return m, nil
}

// sortLast puts the keys of the last memtable in order, beside the replay of what
// follows. sorted waits for all.
func (op *opening) sortLast() {
	if n := len(op.mems); n > 0 {
		op.sorting.Go(op.mems[n-1].EndBulk)
	}
}

func (op *opening) sorted() {
	op.sortLast()
	op.sorting.Wait()
}

// judge finds a manifest that lost edits which the log proves durable, before
// anything is written or swept. The log is released only after an edit says so:
// where it begins later than the manifest knows, that edit is gone.
func (op *opening) judge(start wal.LSN, lastEdit uint64) error {
	if err := op.db.manifest.ProveEdit(lastEdit); err != nil {
		return err
	}
	if from := wal.LSN(op.state.LogFrom.LSN); start > from {
		name := filename.Make(filename.Manifest, op.state.Manifest)
		return corruption.New(name, op.state.Report.Offset, "it needs the log from position %d, but the log was released up to %d: an edit is lost", from, start)
	}
	return nil
}

// recordAcceptance makes durable how far the log was accepted, before the fresh
// segment takes its first write.
func (op *opening) recordAcceptance(string) error {
	db, r := op.db, op.recovery
	if db.opts.ReadOnly {
		return nil
	}
	accepted := &manifest.LogAccepted{
		Identity: r.Identity, Epoch: r.Epoch, Chain: r.Chain,
		Segment: max(r.Segment, op.state.Log.Segment), End: max(uint64(r.End), op.state.Log.End),
	}
	e := &manifest.Edit{LogAccepted: accepted, DurableLSN: uint64(db.log.Durable())}
	if _, err := db.manifest.Apply(e); err != nil {
		db.log.Poison(err) // so that giving up writes nothing more
		return err
	}
	db.log.SetManifestEdit(e.Number)
	return nil
}

// installView makes what was found readable. The last memtable, if there is
// room in it, goes on taking writes; the others wait for their flush.
func (op *opening) installView(string) error {
	db := op.db
	blocks, err := cache.New(db.opts.CacheBytes, &db.epochs)
	if err != nil {
		return err
	}
	db.blocks = blocks
	db.tables = newTableCache(db.dir, blocks, db.retire, db.backgroundError)
	active, err := op.activeMem()
	if err != nil {
		return err
	}
	var imms []*mem // newest first
	for _, m := range op.mems {
		if m != active {
			m.Freeze()
			imms = append([]*mem{m}, imms...)
		}
	}
	db.lastSeq, db.tornUntil = op.lastSeq, op.lastSeq
	db.visible.Store(op.lastSeq)
	db.mu.Lock()
	defer db.mu.Unlock()
	ver := db.newVersionLocked(op.state.Version)
	db.installLocked(newView(active, imms, ver))
	db.unrefVersion(ver)
	return nil
}

func (op *opening) activeMem() (*mem, error) {
	if n := len(op.mems); n > 0 && op.mems[n-1].SizeBytes() < op.db.opts.MemtableBytes/2 {
		return op.mems[n-1], nil
	}
	m, err := op.db.newMem()
	if err != nil {
		return nil, err
	}
	m.logStart, m.segment = op.db.log.Cut()
	m.firstSeq = op.lastSeq + 1
	return m, nil
}

// abandon gives back what the steps so far have taken.
func (op *opening) abandon() error {
	db := op.db
	var errs []error
	for _, m := range op.mems {
		errs = append(errs, m.Free())
	}
	if db.log != nil {
		errs = append(errs, db.log.Close())
	}
	if db.manifest != nil {
		errs = append(errs, db.manifest.Close())
	}
	if db.blocks != nil {
		errs = append(errs, db.blocks.Close())
	}
	errs = append(errs, db.arenas.Close())
	for _, c := range []interface{ Close() error }{db.archive, db.lock, db.dir} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// log reports what Open found.
func (op *opening) log(dir string) {
	r := &op.db.report
	level := op.db.opts.Logger.Info
	if r.Log.Verdict != wal.Clean || r.Manifest.Torn {
		level = op.db.opts.Logger.Warn
	}
	level("varve: opened", "dir", dir, "created", r.Created, "verdict", r.Log.Verdict.String(),
		"operations", r.Operations, "segments", r.Log.Segments, "dropped_bytes", r.Log.Dropped,
		"file", r.Log.File, "offset", r.Log.Offset, "reason", r.Log.Reason,
		"manifest_torn", r.Manifest.Torn, "orphans", r.OrphansRemoved, "took", r.Duration)
}
