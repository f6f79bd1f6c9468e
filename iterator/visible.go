package iterator

import (
	"bytes"
	"fmt"

	"github.com/varvekv/varve/internal/ikey"
)

const (
	// skipMax is how many versions of one key are stepped over before a seek
	// goes past the rest: a seek costs about as much as that many steps.
	skipMax = 32
	// copyBytesMax is the greatest value that a backward move copies; a greater
	// one is sought again, so that no second copy of it is kept.
	copyBytesMax = 64 << 10
)

// Visible is what a reader at one sequence sees of a cursor: of each user key
// the newest version at or below that sequence, and nothing where that is a
// tombstone.
//
// It behaves as users expect of an iterator: on a fresh one Next is First and
// Prev is Last; past an end it stays until a seek, and a move back from there
// returns the entry at that end. An error ends it and stays until a seek.
//
// Put bounds below it (NewVisible(NewBound(...), seq)), so that it never walks
// tombstones beyond them.
type Visible struct {
	cur   Cursor
	seq   uint64
	state state
	key   ikey.Key // of the entry; memory of cur, or user
	user  []byte   // copy of the user key last dealt with
	value []byte   // copy of the value, in state onCopy
	// hidden tells forward moves to skip versions of user at or below this
	// trailer; 0 hides nothing.
	hidden ikey.Trailer
	err    error
}

// state is where a Visible stands.
type state uint8

const (
	fresh  state = iota // not positioned
	onCur               // on an entry: the version under cur
	onCopy              // on an entry: key and value are copies, cur stands before all versions of it, or ran off the front
	front               // before the first entry
	end                 // behind the last entry
	failed              // see err
)

// NewVisible makes the view of cur, which it owns, at seq.
func NewVisible(cur Cursor, seq uint64) *Visible {
	v := new(Visible)
	v.Init(cur, seq)
	return v
}

// Init makes v a fresh view of cur at seq, reusing its memory.
func (v *Visible) Init(cur Cursor, seq uint64) {
	*v = Visible{cur: cur, seq: seq, user: v.user[:0], value: v.value[:0]}
}

// First moves to the smallest user key.
func (v *Visible) First() bool {
	v.hidden = 0
	return v.forward(v.cur.First())
}

// Last moves to the greatest user key.
func (v *Visible) Last() bool { return v.backward(v.cur.Last()) }

// SeekGE moves to the first entry at or after user.
func (v *Visible) SeekGE(user []byte) bool {
	v.hidden = 0
	return v.forward(v.cur.SeekGE(ikey.Seek(user, v.seq)))
}

// SeekLT moves to the last entry before user.
func (v *Visible) SeekLT(user []byte) bool {
	return v.backward(v.cur.SeekLT(ikey.First(user)))
}

// Next moves to the next user key.
func (v *Visible) Next() bool {
	switch v.state {
	case onCur:
		v.hide(v.key)
		return v.forward(v.cur.Next())
	case onCopy:
		v.hidden = v.key.Trailer
		if v.cur.Valid() {
			return v.forward(v.cur.Next())
		}
		return v.forward(v.cur.SeekGE(ikey.Key{User: v.user}))
	case fresh, front:
		return v.First()
	}
	return false
}

// Prev moves to the previous user key.
func (v *Visible) Prev() bool {
	switch v.state {
	case onCur:
		return v.backward(v.leaveBack())
	case onCopy:
		return v.backward(v.cur.Valid())
	case fresh, end:
		return v.Last()
	}
	return false
}

// Valid reports whether v stands on an entry.
func (v *Visible) Valid() bool { return v.state == onCur || v.state == onCopy }

// Key is the user key, valid until the next move. REQUIRES: Valid.
func (v *Visible) Key() []byte { return v.key.User }

// Version is the version of the user key that is seen, valid until the next
// move. REQUIRES: Valid.
func (v *Visible) Version() ikey.Key { return v.key }

// Value is valid until the next move. REQUIRES: Valid.
func (v *Visible) Value() []byte {
	if v.state == onCopy {
		return v.value
	}
	return v.cur.Value()
}

// Err is the error that ended the last move, if it was one.
func (v *Visible) Err() error { return v.err }

// Close closes the cursor below.
func (v *Visible) Close() error {
	v.state, v.key = failed, ikey.Key{}
	return v.cur.Close()
}

// forward finds the first entry at or after cur's place; ok is what moving cur
// there returned.
func (v *Visible) forward(ok bool) bool {
	for hidden, newer := 0, 0; ok; {
		k := v.cur.Key()
		switch {
		case k.Trailer <= v.hidden && bytes.Equal(k.User, v.user):
			if hidden++; hidden == skipMax {
				v.hidden, hidden = 0, 0
				ok = v.cur.SeekGE(ikey.Key{User: v.user})
				continue
			}
		case k.Trailer.Seq() > v.seq:
			if newer++; newer == skipMax {
				newer = 0
				ok = v.skipNewer(k)
				continue
			}
		case k.Trailer.Kind() == ikey.KindPut:
			v.state, v.key, v.err = onCur, k, nil
			return true
		case k.Trailer.Kind() == ikey.KindDelete:
			v.hide(k)
			hidden = 0
		default:
			return v.unknown(k)
		}
		ok = v.cur.Next()
	}
	return v.ran(end)
}

// skipNewer goes on after many versions that are too new: past the rest of
// them by a seek when the next one is of the same key, else by that one step.
func (v *Visible) skipNewer(k ikey.Key) bool {
	if v.hidden != 0 && bytes.Equal(k.User, v.user) { // its older ones are hidden
		v.hidden = 0
		return v.cur.SeekGE(ikey.Key{User: v.user})
	}
	v.hidden = 0 // of a smaller key: it lies behind
	v.user = append(v.user[:0], k.User...)
	if !v.cur.Next() {
		return false
	}
	if bytes.Equal(v.cur.Key().User, v.user) {
		return v.cur.SeekGE(ikey.Seek(v.user, v.seq))
	}
	return true
}

// hide makes forward skip what is older than k. Nothing is older than a
// sequence of zero, which spares the copy at the bottom of the tree.
func (v *Visible) hide(k ikey.Key) {
	if k.Trailer.Seq() == 0 {
		v.hidden = 0
		return
	}
	v.hidden = k.Trailer
	v.user = append(v.user[:0], k.User...)
}

// leaveBack moves cur from an entry to before every version of its user key.
func (v *Visible) leaveBack() bool {
	v.user = append(v.user[:0], v.key.User...)
	for range skipMax {
		if !v.cur.Prev() || !bytes.Equal(v.cur.Key().User, v.user) {
			return v.cur.Valid()
		}
	}
	return v.cur.SeekLT(ikey.First(v.user))
}

// backward finds the last entry at or before cur's place, which is the oldest
// version of a user key; ok is what moving cur there returned.
func (v *Visible) backward(ok bool) bool {
	for ok {
		if v.collect() {
			return true
		}
		if v.state == failed {
			return false
		}
		ok = v.cur.Valid()
	}
	return v.ran(front)
}

// collect walks the versions of the user key under cur, the oldest first, to
// before the newest, and reports whether one of them is an entry.
func (v *Visible) collect() bool {
	k := v.cur.Key()
	v.user = append(v.user[:0], k.User...)
	v.state = front
	var best ikey.Trailer // newest version that may be seen; 0 = none yet
	copied := false
	for steps := 0; ; steps++ {
		if k.Trailer.Seq() <= v.seq {
			best = k.Trailer
			copied = v.copyValue(best)
		}
		if steps == skipMax {
			return v.collectBySeek()
		}
		last := k.Trailer
		if !v.cur.Prev() {
			break
		}
		// A version that is not newer than the last is of another key.
		if k = v.cur.Key(); k.Trailer <= last || !bytes.Equal(k.User, v.user) {
			break
		}
	}
	switch {
	case v.cur.Err() != nil || best == 0 || best.Kind() == ikey.KindDelete:
		return false // backward looks at Err
	case best.Kind() != ikey.KindPut:
		return v.unknown(ikey.Key{User: v.user, Trailer: best})
	case !copied:
		return v.revisit(best)
	}
	v.state, v.err = onCopy, nil
	v.key = ikey.Key{User: v.user, Trailer: best}
	return true
}

// copyValue keeps the value under cur, when it is one and is not too large.
func (v *Visible) copyValue(t ikey.Trailer) bool {
	if t.Kind() != ikey.KindPut {
		return false
	}
	value := v.cur.Value()
	if len(value) > copyBytesMax {
		return false
	}
	v.value = append(v.value[:0], value...)
	return true
}

// collectBySeek is the rest of collect where one key has many versions.
func (v *Visible) collectBySeek() bool {
	if v.cur.SeekGE(ikey.Seek(v.user, v.seq)) {
		k := v.cur.Key()
		same := bytes.Equal(k.User, v.user)
		switch {
		case same && k.Trailer.Kind() == ikey.KindPut:
			v.state, v.key, v.err = onCur, k, nil
			return true
		case same && k.Trailer.Kind() != ikey.KindDelete:
			return v.unknown(k)
		}
	}
	if v.cur.Err() == nil {
		v.cur.SeekLT(ikey.First(v.user))
	}
	return false
}

// revisit stands on a version of user whose value was not copied.
func (v *Visible) revisit(t ikey.Trailer) bool {
	want := ikey.Key{User: v.user, Trailer: t}
	if !v.cur.SeekGE(want) || ikey.Compare(v.cur.Key(), want) != 0 {
		v.state, v.key, v.err = failed, ikey.Key{}, v.cur.Err()
		if v.err == nil {
			v.err = fmt.Errorf("iterator: %s: seen a moment ago, not found again", want)
		}
		return false
	}
	v.state, v.key, v.err = onCur, v.cur.Key(), nil
	return true
}

// ran is where a walk ends without an entry: at that end, or at an error.
func (v *Visible) ran(at state) bool {
	v.state, v.key, v.err = at, ikey.Key{}, v.cur.Err()
	if v.err != nil {
		v.state = failed
	}
	return false
}

func (v *Visible) unknown(k ikey.Key) bool {
	v.state, v.key = failed, ikey.Key{}
	v.err = fmt.Errorf("iterator: %s: this version of varve does not understand the operation", k)
	return false
}
