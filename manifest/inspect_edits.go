package manifest

import (
	"fmt"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/recordio"
)

// edits walks the frames, past damage too.
func (i *inspector) edits() {
	l := &i.l
	scan := recordio.NewScanner(l.f, region(&l.h, l.size))
	for {
		for i.stop == nil && scan.Next() {
			i.frame(scan.Frame())
		}
		if i.stop != nil || !i.goOn(scan) {
			return
		}
	}
}

// goOn says what stopped the scan and looks behind it for the next sound frame.
func (i *inspector) goOn(scan *recordio.Scanner) bool {
	l := &i.l
	at, why := place{l.name, scan.Offset()}, scan.Stop()
	if why == recordio.ReadError {
		i.find(fmt.Errorf("manifest: read %s: %w", l.name, scan.Err()))
		return false
	}
	if why == recordio.Unknown {
		i.find(at.unsupported("%v", why))
	}
	found := scan.Resume()
	switch {
	case scan.Err() != nil:
		i.find(fmt.Errorf("manifest: read %s: %w", l.name, scan.Err()))
		return false
	case found:
		i.find(at.corrupt("%v; the next sound frame is at offset %d", why, scan.Offset()))
		i.dropOpen()
		i.behind = true
		return true
	}
	i.judge(at, why)
	i.dropOpen()
	return false
}

// judge tells a clean end from the remains of an edit. Behind the last one stand
// zeros only.
func (i *inspector) judge(at place, why recordio.Reason) {
	l := &i.l
	if l.first == nil && !i.behind {
		i.find(at.corrupt("the first edit, which holds the whole state: %v", why))
		return
	}
	if why == recordio.End || why == recordio.Zeros {
		zero, offset, err := recordio.AllZero(l.f, at.offset, l.size)
		if err != nil {
			i.find(fmt.Errorf("manifest: read %s: %w", l.name, err))
		}
		if zero || err != nil {
			return
		}
		i.find(corruption.New(l.name, offset, "bytes that are no edit behind the last one, which ends at offset %d", at.offset))
		return
	}
	if why != recordio.Unknown {
		i.find(at.corrupt("%v; no sound frame follows", why))
	}
}

// frame takes one sound frame.
func (i *inspector) frame(f *recordio.Frame) {
	at := place{i.l.name, f.Offset}
	switch {
	case !f.Kind.Known() && !i.unit.Open():
		return // may be skipped, says its kind
	case f.Kind != recordio.KindEdit || f.Flags&recordio.FlagContinues != 0:
		i.broken(at.corrupt("frame of kind %d, flags %#x in a manifest", f.Kind, f.Flags))
		return
	}
	if f.Flags&recordio.FlagFirst != 0 {
		i.dropOpen()
		i.frames = 0
	}
	done, ok := i.unit.Add(f)
	i.frames++
	if !ok {
		if !i.behind {
			i.broken(at.corrupt("frame of edit %d does not continue what stands before it", f.FirstSeq))
		}
		return
	}
	if done {
		_, start := i.unit.Start()
		i.edit(place{i.l.name, start}, i.unit.Header().FirstSeq, i.unit.Payload())
	}
}

// dropOpen forgets an edit whose last frame did not come.
func (i *inspector) dropOpen() {
	if i.unit.Open() {
		_, at := i.unit.Start()
		i.unit.Reset()
		i.broken(corruption.New(i.l.name, at, "the edit that begins here is not complete"))
	}
}

// broken is a finding behind which nothing is added up.
func (i *inspector) broken(err error) {
	i.find(err)
	i.behind = true
}

func (i *inspector) edit(at place, number uint64, payload []byte) {
	e, err := decodeEdit(at, payload)
	if err != nil {
		i.broken(err)
		return
	}
	i.l.synced = max(i.l.synced, e.fileBytes)
	tell(i, i.in.Edit, &EditInfo{
		Edit: e, Offset: at.offset, Bytes: int64(len(payload)), Frames: i.frames,
		IsSnapshot: e.snapshot, SyncedBytes: e.fileBytes, IsBehind: i.behind,
	})
	if i.behind {
		return
	}
	if !i.isSound && i.l.first == nil {
		i.l.h.firstEdit = number
	}
	if err := i.l.follow(at, number, e); err != nil {
		i.broken(err)
		return
	}
	i.l.lastStart = at.offset
}

// state tells what the edits add up to.
func (i *inspector) state() {
	l := &i.l
	if i.stop != nil {
		return
	}
	i.find(l.checkSize())
	if l.first == nil {
		return
	}
	var err error
	if l.st.Version, err = l.build.version(); err != nil {
		i.find(corruption.New(l.name, l.lastStart, "its edits add up to a broken tree: %v", err))
		return
	}
	st := l.st
	tell(i, i.in.State, &st)
}
