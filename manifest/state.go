package manifest

import "github.com/varvekv/varve/internal/ikey"

// State is everything that the edits so far add up to.
type State struct {
	Identity uint64 // random, of the database
	Manifest uint64 // number of the manifest file; all other manifests are obsolete
	Edit     uint64 // number of the last edit

	Version *Version
	LastSeq uint64 // greatest sequence that tables hold

	// NextFile bounds the file numbers in use: every one at or above it was
	// never handed out.
	NextFile uint64

	LogFrom    LogPoint    // oldest place of the log that is needed; zero = its beginning
	Log        LogAccepted // what was accepted of the log; Identity 0 = no log yet
	DurableLSN uint64      // proven durable by the edits

	Report Report
}

// Report is what Open found.
type Report struct {
	File  string `json:"file"`  // base name of the manifest
	Edits int    `json:"edits"` // read from it, the first one included

	// Torn says that the manifest ends in the remains of an edit that nothing
	// proves durable; it was dropped. Files that no edit names must then be set
	// aside instead of deleted, before the first Apply: the lost edit may have
	// named them. The file itself is set aside by the first Apply.
	Torn   bool   `json:"torn"`
	Offset int64  `json:"offset"` // where the remains begin
	Bytes  int64  `json:"bytes"`  // from there to the end of the file
	Reason string `json:"reason"` // what is wrong there
}

// after is the state that follows by e, with the version that follows.
func (st *State) after(e *Edit) (State, error) {
	next, err := st.afterMeta(e)
	if err != nil {
		return State{}, err
	}
	next.Version, err = st.Version.Apply(e)
	return next, err
}

// afterMeta is after without the version.
func (st *State) afterMeta(e *Edit) (State, error) {
	next := *st
	next.Edit = e.Number
	if err := next.takeCounters(e); err != nil {
		return State{}, err
	}
	if err := next.takeLog(e); err != nil {
		return State{}, err
	}
	for _, s := range e.Added {
		switch {
		case s.ID >= next.NextFile || s.File >= next.NextFile:
			return State{}, invalid("slice %d of file %d: the next number to hand out is %d", s.ID, s.File, next.NextFile)
		case s.SeqMax > next.LastSeq:
			return State{}, invalid("slice %d holds sequence %d, the last one in tables is %d", s.ID, s.SeqMax, next.LastSeq)
		}
	}
	return next, nil
}

// takeCounters holds I6: neither sequences nor file numbers go down.
func (st *State) takeCounters(e *Edit) error {
	if e.LastSeq != 0 {
		if e.LastSeq < st.LastSeq || e.LastSeq > ikey.MaxSeq {
			return invalid("last sequence %d after %d", e.LastSeq, st.LastSeq)
		}
		st.LastSeq = e.LastSeq
	}
	if e.NextFile != 0 {
		if e.NextFile < st.NextFile || e.NextFile > NumberMax {
			return invalid("next file %d after %d", e.NextFile, st.NextFile)
		}
		st.NextFile = e.NextFile
	}
	return nil
}

// takeLog holds that one log's positions and epochs do not go down. Another
// log's identity begins anew.
func (st *State) takeLog(e *Edit) error {
	if a := e.LogAccepted; a != nil {
		switch {
		case a.Identity == 0:
			return invalid("accepted log has no identity")
		case a.Identity != st.Log.Identity:
			if st.Log.Identity != 0 {
				st.LogFrom, st.DurableLSN = LogPoint{}, 0
			}
		case a.Epoch < st.Log.Epoch || a.End < st.Log.End:
			return invalid("log accepted up to %d in epoch %d, after %d in epoch %d",
				a.End, a.Epoch, st.Log.End, st.Log.Epoch)
		}
		st.Log = *a
	}
	if p := e.LogFrom; p != nil {
		if p.LSN < st.LogFrom.LSN || p.Segment < st.LogFrom.Segment {
			return invalid("log needed from segment %d, %d, after segment %d, %d",
				p.Segment, p.LSN, st.LogFrom.Segment, st.LogFrom.LSN)
		}
		st.LogFrom = *p
	}
	st.DurableLSN = max(st.DurableLSN, e.DurableLSN)
	return nil
}

// snapshot is one edit that adds up to the whole state.
func (st *State) snapshot() *Edit {
	e := &Edit{
		Number: st.Edit, NextFile: st.NextFile, LastSeq: st.LastSeq,
		DurableLSN: st.DurableLSN, snapshot: true,
	}
	if st.LogFrom != (LogPoint{}) {
		p := st.LogFrom
		e.LogFrom = &p
	}
	if st.Log.Identity != 0 {
		a := st.Log
		e.LogAccepted = &a
	}
	for s := range st.Version.All() {
		e.Added = append(e.Added, s)
	}
	return e
}
