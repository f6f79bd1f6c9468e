package varve

// What a Get does, told step by step: for people who ask why a key is not there,
// or why reading it took so long. It goes the way of search in read.go, at the
// same view and sequence, through the same functions; a test holds the two
// together.

import (
	"bytes"
	"time"

	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/internal/hash"
	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/sstable"
)

// Answer is what a Get finds.
type Answer string

// Answers.
const (
	AnswerFound   Answer = "found"
	AnswerDeleted Answer = "deleted" // there is a deletion, which for Get is the same as AnswerAbsent
	AnswerAbsent  Answer = "absent"
)

// Outcome is what one step of a Get came to.
type Outcome string

// Outcomes. Only the first two end a Get, and OutcomeFailed.
const (
	OutcomePut           Outcome = "put"            // the version that the Get sees
	OutcomeDelete        Outcome = "delete"         // likewise, a deletion
	OutcomeAbsent        Outcome = "absent"         // no version of the key that it may see
	OutcomeOutOfRange    Outcome = "out of range"   // no table of the run covers the key
	OutcomeFiltered      Outcome = "filtered"       // the filter says that the key is not there: no block was read
	OutcomeFalsePositive Outcome = "false positive" // the filter let it pass, and no version that it may see was there
	OutcomeFailed        Outcome = "failed"         // the error that Explain returns
)

// Explanation is what one Get did, in order.
type Explanation struct {
	Key        []byte        `json:"key"`
	Seq        uint64        `json:"seq"` // versions up to here were visible
	Steps      []Step        `json:"steps"`
	Answer     Answer        `json:"answer"`      // empty beside an error
	VersionSeq uint64        `json:"version_seq"` // of what was found; 0 too where compactions no longer needed it
	ValueBytes int           `json:"value_bytes"`
	Duration   time.Duration `json:"duration_ns"`
}

// Step is one place where a Get looked.
type Step struct {
	Place      Place         `json:"place"`
	Level      int           `json:"level"`  // of a run
	Number     int           `json:"number"` // of the immutable, or of the run in its level, from 0, newest first
	File       string        `json:"file"`   // of the one table of the run that covers the key; empty: none
	IsOpened   bool          `json:"opened"` // the table was not open, and had to be
	HasFilter  bool          `json:"has_filter"`
	Blocks     []BlockRead   `json:"blocks"`
	Outcome    Outcome       `json:"outcome"`
	VersionSeq uint64        `json:"version_seq"` // of a put or delete
	ValueBytes int           `json:"value_bytes"`
	FilterTime time.Duration `json:"filter_time_ns"`
	Duration   time.Duration `json:"duration_ns"` // of the whole step
}

// Place is where a Step looked.
type Place string

// Places, in the order in which a Get comes to them.
const (
	PlaceMemtable  Place = "memtable"
	PlaceImmutable Place = "immutable" // a memtable that waits for its flush
	PlaceRun       Place = "run"       // of sorted tables
)

// BlockRead is one data block that a Get looked into.
type BlockRead struct {
	Index    int           `json:"index"`
	Offset   int64         `json:"offset"` // in the file
	Stored   int           `json:"stored_bytes"`
	Decoded  int           `json:"decoded_bytes"`
	Codec    string        `json:"codec"`  // empty where it came from the cache, which does not know
	IsCached bool          `json:"cached"` // otherwise it was read from the file
	Duration time.Duration `json:"duration_ns"`
}

// Explain does what Get does, and tells what that was. What it reads from disk may
// stay in the cache, as with Get; Metrics does not count it. A missing key is no
// error: see Answer. Beside an error stand the steps up to it.
func (db *DB) Explain(key []byte) (Explanation, error) { return db.explain(key, nil) }

// Explain is DB.Explain as of the snapshot.
func (s *Snapshot) Explain(key []byte) (Explanation, error) { return s.db.explain(key, s) }

// explaining is an Explanation in the making.
type explaining struct {
	Explanation
	db      *DB
	hash    uint64
	scratch tableScratch // not the reader's: nothing is counted
}

func (db *DB) explain(key []byte, s *Snapshot) (Explanation, error) {
	r := db.enter()
	defer db.exit(r)
	begin := db.now()
	v, seq, err := db.vantage(s)
	if err != nil {
		return Explanation{}, err
	}
	e := &explaining{db: db, hash: hash.Sum(key)}
	e.Key, e.Seq = bytes.Clone(key), seq
	err = e.walk(v)
	e.Duration = db.now() - begin
	return e.Explanation, err
}

// walk is search.
func (e *explaining) walk(v *view) error {
	e.Answer = AnswerAbsent
	if e.mem(Step{Place: PlaceMemtable}, v.mem) {
		return nil
	}
	for i, m := range v.imms {
		if e.mem(Step{Place: PlaceImmutable, Number: i}, m) {
			return nil
		}
	}
	number := 0
	for i := range v.ver.runs {
		run := &v.ver.runs[i]
		if i > 0 && v.ver.runs[i-1].level != run.level {
			number = 0
		}
		if isOver, err := e.run(Step{Place: PlaceRun, Level: run.level, Number: number}, run); isOver || err != nil {
			return err
		}
		number++
	}
	return nil
}

func (e *explaining) mem(s Step, m *mem) (isOver bool) {
	begin := e.db.now()
	value, tr, ok := m.Get(e.Key, e.hash, e.Seq)
	s.Outcome, s.Duration = OutcomeAbsent, e.db.now()-begin
	return e.add(s, tr, value, ok)
}

func (e *explaining) run(s Step, r *run) (isOver bool, err error) {
	begin := e.db.now()
	t := r.find(e.Key)
	if t == nil {
		s.Outcome, s.Duration = OutcomeOutOfRange, e.db.now()-begin
		return e.add(s, 0, nil, false), nil
	}
	tr, value, ok, err := e.table(&s, t)
	s.Duration = e.db.now() - begin
	if err != nil {
		s.Outcome, e.Answer = OutcomeFailed, ""
		e.Steps = append(e.Steps, s)
		return false, e.db.noteCorruption(err)
	}
	return e.add(s, tr, value, ok), nil
}

// table looks into one table, and says what it did in s.
func (e *explaining) table(s *Step, t *table) (tr ikey.Trailer, value []byte, ok bool, err error) {
	s.File = filename.Make(filename.Table, t.file.number)
	s.IsOpened = t.file.open.Load() == nil
	reader, err := e.db.tables.get(t)
	if err != nil {
		return 0, nil, false, err
	}
	tr, value, ok, trace, err := reader.GetTraced(e.Key, e.hash, e.Seq, &e.scratch, e.db.now)
	s.HasFilter, s.FilterTime = trace.HasFilter, trace.FilterTime
	for _, b := range trace.Blocks {
		s.Blocks = append(s.Blocks, blockRead(b))
	}
	switch {
	case !trace.MayContain:
		s.Outcome = OutcomeFiltered
	case trace.HasFilter:
		s.Outcome = OutcomeFalsePositive
	default:
		s.Outcome = OutcomeAbsent
	}
	return tr, value, ok, err
}

func blockRead(b sstable.BlockTrace) BlockRead {
	return BlockRead{
		Index: b.Index, Offset: b.Offset, Stored: b.Stored, Decoded: b.Decoded,
		Codec: b.Codec, IsCached: b.IsCached, Duration: b.Duration,
	}
}

// add appends the step; a version makes it the last one.
func (e *explaining) add(s Step, tr ikey.Trailer, value []byte, ok bool) (isOver bool) {
	if ok {
		s.Outcome, e.Answer = OutcomePut, AnswerFound
		if tr.Kind() != ikey.KindPut {
			s.Outcome, e.Answer = OutcomeDelete, AnswerDeleted
		}
		s.VersionSeq, s.ValueBytes = tr.Seq(), len(value)
		e.VersionSeq, e.ValueBytes = s.VersionSeq, s.ValueBytes
	}
	e.Steps = append(e.Steps, s)
	return ok
}
