package wal

import (
	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/internal/recordio"
)

// Appending: positions are assigned and bytes copied under one short mutex. A
// lock-free reservation bought nothing over it on two cores (measured 2026).

// chunk is memory for a stretch of one segment file. It begins on a block
// boundary with the bytes of a partial block that an earlier write already
// handed out, so that the leader writes whole blocks without copying.
type chunk struct {
	seg    *segment
	offset int64 // file offset of buf[0], a multiple of the block size
	clean  int   // bytes at the start that are in the file already
	used   int
	buf    []byte // chunkBytes and the scratch of a header
}

const chunkAlloc = chunkBytes + recordio.ScratchBytes

func (c *chunk) room() int { return chunkBytes - c.used }

// Ticket is where an append stands.
type Ticket struct {
	LSN LSN // of its first frame
	End LSN // behind its last: what to Commit
}

// AppendOps appends a unit of operations in memory; it never blocks on I/O and
// keeps nothing of payload. payloadCRC is the CRC32C of payload, computed by the
// caller outside its locks. Pair it with Commit, and with WaitRoom before the
// next one. REQUIRES: firstSeq > 0 and growing, count > 0. On a log that has
// stopped it does nothing; Commit then returns the error.
func (l *Log) AppendOps(payload []byte, payloadCRC uint32, firstSeq uint64, count uint32) Ticket {
	h := recordio.Header{
		PayloadCRC: payloadCRC, Length: uint32(len(payload)), Kind: recordio.KindOps,
		Flags: recordio.FlagWhole, FirstSeq: firstSeq, Count: count,
	}
	l.mu.Lock()
	n := int64(recordio.HeaderBytes + len(payload))
	if (n > l.active.room || l.stopped) && !l.makeRoomLocked(int64(FramedBytes(len(payload)))) {
		defer l.mu.Unlock()
		return Ticket{LSN: l.end, End: l.end}
	}
	t := Ticket{LSN: l.end}
	if len(payload) <= recordio.MaxFrameBytes {
		l.frameLocked(h, payload)
	} else {
		l.chainLocked(h, payload)
	}
	l.lastSeq = firstSeq + uint64(count) - 1
	l.active.units++
	t.End = l.end
	l.dataEnd = t.End
	l.mu.Unlock()
	return t
}

// chainLocked appends a payload that is longer than a frame.
func (l *Log) chainLocked(h recordio.Header, payload []byte) {
	flags := recordio.FlagFirst
	for {
		n := min(len(payload), recordio.MaxFrameBytes)
		if n == len(payload) {
			flags |= recordio.FlagLast
		}
		h.Flags, h.Length, h.PayloadCRC = flags, uint32(n), crc.Sum(payload[:n])
		l.frameLocked(h, payload[:n])
		if flags&recordio.FlagLast != 0 {
			return
		}
		payload, flags = payload[n:], 0
	}
}

// frameLocked appends one frame to the active segment.
func (l *Log) frameLocked(h recordio.Header, payload []byte) {
	n := recordio.HeaderBytes + len(payload)
	seg, c := l.active, l.cur
	l.pending += int64(n)
	seg.room -= int64(n)
	if c.room() >= n {
		sum := recordio.PutHeader(c.buf[c.used:], seg.seed, uint64(l.end), h)
		copy(c.buf[c.used+recordio.HeaderBytes:], payload)
		c.used += n
		seg.chain = chained(seg.chain, sum)
	} else {
		l.splitFrameLocked(h, payload)
	}
	l.end += LSN(n)
	seg.end = l.end
}

// splitFrameLocked appends a frame that goes over the end of the chunk.
func (l *Log) splitFrameLocked(h recordio.Header, payload []byte) {
	var head [recordio.ScratchBytes]byte
	sum := recordio.PutHeader(head[:], l.active.seed, uint64(l.end), h)
	l.active.chain = chained(l.active.chain, sum)
	l.copyLocked(head[:recordio.HeaderBytes])
	l.copyLocked(payload)
}

func (l *Log) copyLocked(p []byte) {
	for len(p) > 0 {
		if l.cur.room() == 0 {
			l.nextChunkLocked(l.active, l.cur.offset+chunkBytes)
			l.flusher.kick()
		}
		n := copy(l.cur.buf[l.cur.used:chunkBytes], p)
		l.cur.used += n
		p = p[n:]
	}
}

// nextChunkLocked puts the current chunk in line to be written and starts one
// at the file offset of seg.
func (l *Log) nextChunkLocked(seg *segment, offset int64) {
	if l.cur != nil {
		l.full = append(l.full, l.cur)
	}
	l.cur = l.newChunkLocked(seg, offset)
	l.gateLocked()
}

func (l *Log) newChunkLocked(seg *segment, offset int64) *chunk {
	var c *chunk
	if n := len(l.pool); n > 0 {
		c, l.pool = l.pool[n-1], l.pool[:n-1]
	} else {
		c = &chunk{buf: make([]byte, chunkAlloc)}
		l.chunks++
	}
	c.seg, c.offset, c.clean, c.used = seg, offset, 0, 0
	return c
}

// makeRoomLocked begins a new segment where n more bytes do not fit into the
// active one; a unit is never split over two, a long one gets a segment of its
// own. False: the log has stopped.
func (l *Log) makeRoomLocked(n int64) bool {
	if l.stopped {
		return false
	}
	if n > l.active.room && l.active.units > 0 {
		l.rotateLocked()
	}
	return true
}

// markLocked appends a mark, where it adds to the one before.
func (l *Log) markLocked(m mark) {
	if l.active.room < 0 || l.active.end == 0 {
		return // no room but for the seal, or nothing before it
	}
	var p [markBytes]byte
	putMark(p[:], m)
	l.frameLocked(recordio.Header{PayloadCRC: crc.Sum(p[:]), Length: markBytes, Kind: recordio.KindMark, Flags: recordio.FlagWhole, FirstSeq: l.lastSeq, Count: 1}, p[:])
	l.lastMark = m
}

// sealLocked ends the active segment with a seal that says why.
func (l *Log) sealLocked(why uint64) {
	seg := l.active
	var p [sealBytes]byte
	m := l.newMarkLocked()
	putSeal(p[:], seal{m, seg.units, seg.chain, why})
	l.frameLocked(recordio.Header{PayloadCRC: crc.Sum(p[:]), Length: sealBytes, Kind: recordio.KindSeal, Flags: recordio.FlagWhole, FirstSeq: l.lastSeq, Count: 1}, p[:])
	seg.sealed = true
	l.lastMark = m
}

func (l *Log) newMarkLocked() mark {
	return mark{
		durable: LSN(l.durable.Load()), durableSeq: l.durableSeq.Load(), start: l.start,
		time: l.stampLocked(), epoch: l.epoch, edit: l.edit.Load(),
	}
}

// stampLocked is the time, never before one it gave out earlier.
func (l *Log) stampLocked() int64 {
	now := max(l.options.Clock().UnixNano(), l.lastTime.Load())
	l.lastTime.Store(now)
	return now
}

// WaitRoom waits, outside the caller's locks, while too much is appended and not
// written. It returns the error of a log that has stopped. Mostly it is one atomic
// load: it may stand before every append.
func (l *Log) WaitRoom() error {
	if l.gate.Load() == 0 {
		return l.Err() // a failure is known a moment before the gate shuts
	}
	return l.waitRoom()
}

// IsCrowded reports whether WaitRoom is about to wait. It is one atomic load.
func (l *Log) IsCrowded() bool { return l.gate.Load()&gateCrowded != 0 }

func (l *Log) waitRoom() error {
	if l.IsCrowded() {
		begin := l.options.Clock()
		defer func() { l.stats.noteRoomWait(l.options.Clock().Sub(begin)) }()
	}
	l.mu.Lock()
	for l.pending > pendingMaxBytes && !l.stopped {
		l.gateLocked()
		l.flusher.kick()
		l.room.Wait()
	}
	l.mu.Unlock()
	return l.Err()
}

// Cut makes the next append start a new segment, without I/O, and returns where
// it will stand. It is for a memtable that is being replaced.
func (l *Log) Cut() (start LSN, number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped && l.active.units > 0 {
		l.rotateLocked()
	}
	return l.end, l.active.number
}
