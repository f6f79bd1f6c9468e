package memtable

import "github.com/varvekv/varve/internal/hash"

// EntrySum is the sum of hash.Entry over every version, modulo 2^64: the "in"
// side of a flush's conservation law.
//
// It is computed here and not by Add: there it cost 11 ns for a value of 100
// bytes (3 where Add waits for memory anyway; EPYC, 2026-11), and more for
// longer ones, under the writers' lock. It goes through the hash index and the
// chains, so that it is independent of what a flush reads: a key that the tree
// or a cursor loses is missing on the other side only. What it cannot see is
// memory that went bad between Add and now.
//
// REQUIRES: the table is frozen, or the caller is the writer. It takes about as
// long as a scan.
func (t *Table) EntrySum() uint64 {
	var sum uint64
	var nodes [entrySumAhead]ref
	n := 0
	for _, w := range t.index.table.Load().words {
		if w == 0 {
			continue
		}
		nodes[n] = ref(w)
		if n++; n == len(nodes) {
			sum += t.sumOf(nodes[:n])
			n = 0
		}
	}
	return sum + t.sumOf(nodes[:n])
}

// entrySumAhead nodes are loaded together, so that their cache misses overlap.
const entrySumAhead = 32

func (t *Table) sumOf(nodes []ref) (sum uint64) {
	s := &t.arena.space
	var heads [entrySumAhead]ref
	for i, n := range nodes {
		heads[i] = s.head(n)
	}
	for i, n := range nodes {
		key := s.key(n)
		for v := heads[i]; v != 0; v = s.older(v) {
			sum += hash.Entry(key, uint64(s.trailer(v)), s.value(v))
		}
	}
	return sum
}
