package recordio

// Unit puts the frames of a chain together again. The zero Unit is ready.
type Unit struct {
	open    bool // a chain has begun and is not complete
	single  bool // the unit is one frame: whole is its payload
	first   Header
	lsn     uint64
	offset  int64
	payload []byte // joined so far; reused
	whole   []byte // the single frame's payload, borrowed
}

// Add takes the next frame. done means that the unit is complete; ok is false
// where the frame does not continue the chain (Reset says where it had begun).
func (u *Unit) Add(f *Frame) (done, ok bool) {
	first, last := f.Flags&FlagFirst != 0, f.Flags&FlagLast != 0
	if first == u.open || u.open && (f.Kind != u.first.Kind || f.FirstSeq != u.first.FirstSeq || f.Count != u.first.Count) {
		return false, false
	}
	if first {
		u.first, u.lsn, u.offset = f.Header, f.LSN, f.Offset
		if last {
			u.single, u.whole = true, f.Payload
			return true, true
		}
		u.open, u.single, u.whole, u.payload = true, false, nil, u.payload[:0]
	}
	u.payload = append(u.payload, f.Payload...)
	u.open = !last
	return last, true
}

// Open reports whether a chain has begun that is not complete.
func (u *Unit) Open() bool { return u.open }

// Reset forgets an incomplete chain.
func (u *Unit) Reset() { u.open = false }

// Start is the position and file offset of the unit's first frame.
func (u *Unit) Start() (lsn uint64, offset int64) { return u.lsn, u.offset }

// Header is the first frame's header; its length and checksum are that frame's.
func (u *Unit) Header() Header { return u.first }

// Payload is the unit's joined payload, valid until the next Add.
// REQUIRES: Add returned done.
func (u *Unit) Payload() []byte {
	if u.single {
		return u.whole
	}
	return u.payload
}
