package vfs

import (
	"maps"
	"slices"

	"github.com/varvekv/varve/internal/hash"
)

// Fingerprint is a hash of all directories, names and file contents as they
// read now: equal file systems have equal ones, so that distinct images can be
// counted. Sectors remember theirs, so images of one origin are cheap to tell.
func (s *Strict) Fingerprint() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := uint64(0)
	for _, path := range slices.Sorted(maps.Keys(s.dirs)) {
		d := s.dirs[path]
		sum = hash.SumSeed([]byte(path), sum)
		for _, name := range sortedNames(d.now) {
			sum = hash.SumSeed([]byte(name), sum)
			sum = d.now[name].fingerprint(sum)
		}
	}
	return sum
}

func (n *inode) fingerprint(sum uint64) uint64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	sum = stir(sum, uint64(n.now.size))
	for i, s := range n.now.sectors {
		if v := s.fingerprint(); v != 0 {
			sum = stir(sum, v+uint64(i))
		}
	}
	return sum
}

// fingerprint is 0 for zeros, however they are held.
func (s *sector) fingerprint() uint64 {
	if s == nil {
		return 0
	}
	if v := s.sum.Load(); v != 0 {
		return v >> 1
	}
	v := uint64(0)
	if !isZero(s.data[:]) {
		v = hash.Sum(s.data[:])>>1 | 1
	}
	s.sum.Store(v<<1 | 1) // bit 0 tells that the rest is known
	return v
}

// stir mixes v into sum, order kept (splitmix64).
func stir(sum, v uint64) uint64 {
	d := dice{state: sum ^ v}
	return d.next() + sum
}
