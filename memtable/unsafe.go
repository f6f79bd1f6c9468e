package memtable

import (
	"sync/atomic"
	"unsafe"
)

// This file is the memtable's only use of unsafe, and why it may:
//
//   - The bytes it reads are the table's own, written by Add a moment ago. Bytes
//     from disk never reach it as anything but the contents of keys and values.
//   - Every ref comes from arena.alloc, which hands out 8-byte aligned pieces
//     that lie in one chunk; chunks stay mapped, at one address, until Free.
//   - Go has no other way to do an atomic load in memory that the collector
//     does not own, and the slice arithmetic of encoding/binary, with a bounds
//     check per field, costs more than the fields.
//
// Publication: whatever a ref leads to is written before the ref is stored
// atomically (a node's head, an index word, the tail's count) or under the
// tree's lock, and is never written again, but for a node's head.
//
// The race detector ignores memory outside Go's heap. The tests therefore also
// run on tables whose memory is taken from the heap, where it sees everything.

// A ref is the place of something in the arena in words of 8 bytes; 0 is none.
// 32 bits reach 32 GiB.
type ref uint32

// The space of refs is cut into granules: a chunk starts at a granule and takes
// as many as it needs, so that a ref leads to its address by one table.
const (
	granuleShift = 20                       // words, as a power of two
	granuleBytes = 8 << granuleShift        // 8 MiB
	granuleCount = 1 << (32 - granuleShift) // 4096: 32 KiB of bases
	wordBytes    = 8
)

// space turns refs into addresses. bases are stored by the writer before it
// publishes a ref into them, and loaded atomically (a plain load on amd64 and
// arm64) because the publication may be invisible to the race detector.
type space struct {
	bases [granuleCount]unsafe.Pointer
}

// attach makes chunk the memory behind the granules from first on.
// REQUIRES: they are free, and chunk is 8-byte aligned.
func (s *space) attach(first int, chunk []byte) {
	for at := 0; at < len(chunk); at += granuleBytes {
		atomic.StorePointer(&s.bases[first], unsafe.Pointer(&chunk[at]))
		first++
	}
}

// detach forgets every chunk: a late reader meets address 0, not foreign memory.
func (s *space) detach() {
	for i := range s.bases {
		atomic.StorePointer(&s.bases[i], nil)
	}
}

func (s *space) at(r ref) unsafe.Pointer {
	base := atomic.LoadPointer(&s.bases[r>>granuleShift])
	return unsafe.Add(base, uintptr(r&(1<<granuleShift-1))*wordBytes)
}

// bytes are the n bytes that begin skip bytes behind r, in the same chunk.
func (s *space) bytes(r ref, skip, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(s.at(r), skip)), n)
}

// field32 and field64 read the word that begins skip bytes behind r.
func (s *space) field32(r ref, skip uintptr) uint32 {
	return *(*uint32)(unsafe.Add(s.at(r), skip))
}

func (s *space) field64(r ref, skip uintptr) uint64 {
	return *(*uint64)(unsafe.Add(s.at(r), skip))
}

// setField32 and setField64 write a word of something not yet published.
func (s *space) setField32(r ref, skip uintptr, v uint32) {
	*(*uint32)(unsafe.Add(s.at(r), skip)) = v
}

func (s *space) setField64(r ref, skip uintptr, v uint64) {
	*(*uint64)(unsafe.Add(s.at(r), skip)) = v
}

// loadRef and storeRef read and publish the ref in the first 4 bytes behind r.
func (s *space) loadRef(r ref) ref { return ref(atomic.LoadUint32((*uint32)(s.at(r)))) }

func (s *space) storeRef(r, v ref) { atomic.StoreUint32((*uint32)(s.at(r)), uint32(v)) }

// wordsOf views memory as 8-byte words. REQUIRES: mem is 8-byte aligned.
func wordsOf(mem []byte) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/wordBytes)
}
