package memtable

import (
	"bytes"

	"github.com/varvekv/varve/internal/ikey"
)

// What lies in the arena. A node is one user key; its versions hang from it,
// newest first. A node's first version follows it directly, so that the common
// key, which has one version, is read from neighbouring cache lines.
//
//	node      0       4        8
//	          ┌───────┬────────┬─────────────┬─────────┬─────────────────┐
//	          │ head  │ keyLen │ key         │ 0 to 7  │ first version … │
//	          │ u32   │ u32    │             │ padding │                 │
//	          └───────┴────────┴─────────────┴─────────┴─────────────────┘
//	version   0         8       12         16
//	          ┌─────────┬───────┬──────────┬─────────────┬─────────┐
//	          │ trailer │ older │ valueLen │ value       │ 0 to 7  │
//	          │ u64     │ u32   │ u32      │             │ padding │
//	          └─────────┴───────┴──────────┴─────────────┴─────────┘
//
// head and older are refs. head is the only field that changes once readers can
// reach it, and is always accessed atomically. Byte order is the machine's:
// nothing of this is ever written to disk.
const (
	nodeKeyLen  = 4
	nodeKey     = 8
	verOlder    = 8
	verValueLen = 12
	verValue    = 16
)

// firstVersionBytes is the distance from a node to its first version.
func firstVersionBytes(keyLen int) int { return nodeKey + roundUp(keyLen, wordBytes) }

// addNode writes a node and its first version; nothing leads to them yet.
func (a *arena) addNode(key []byte, tr ikey.Trailer, value []byte) (ref, error) {
	skip := firstVersionBytes(len(key))
	n, err := a.alloc(skip + verValue + len(value))
	if err != nil {
		return 0, err
	}
	v := n + ref(skip/wordBytes)
	a.setField32(n, 0, uint32(v))
	a.setField32(n, nodeKeyLen, uint32(len(key)))
	copy(a.bytes(n, nodeKey, len(key)), key)
	a.writeVersion(v, 0, tr, value)
	return n, nil
}

// addVersion writes a version and makes it the newest of node n.
func (a *arena) addVersion(n ref, tr ikey.Trailer, value []byte) error {
	v, err := a.alloc(verValue + len(value))
	if err != nil {
		return err
	}
	a.writeVersion(v, a.head(n), tr, value)
	a.storeRef(n, v)
	return nil
}

func (a *arena) writeVersion(v, older ref, tr ikey.Trailer, value []byte) {
	a.setField64(v, 0, uint64(tr))
	a.setField32(v, verOlder, uint32(older))
	a.setField32(v, verValueLen, uint32(len(value)))
	copy(a.bytes(v, verValue, len(value)), value)
}

// head is the newest version of node n.
func (s *space) head(n ref) ref { return s.loadRef(n) }

// key is the user key of node n.
func (s *space) key(n ref) []byte {
	return s.bytes(n, nodeKey, int(s.field32(n, nodeKeyLen)))
}

// keyIs reports whether node n is the one of key.
func (s *space) keyIs(n ref, key []byte) bool {
	return int(s.field32(n, nodeKeyLen)) == len(key) && bytes.Equal(s.bytes(n, nodeKey, len(key)), key)
}

func (s *space) trailer(v ref) ikey.Trailer { return ikey.Trailer(s.field64(v, 0)) }

func (s *space) older(v ref) ref { return ref(s.field32(v, verOlder)) }

func (s *space) value(v ref) []byte {
	return s.bytes(v, verValue, int(s.field32(v, verValueLen)))
}

// visible is the newest version at or below seq, beginning at v; 0 when none is.
func (s *space) visible(v ref, seq uint64) ref {
	for v != 0 && s.trailer(v).Seq() > seq {
		v = s.older(v)
	}
	return v
}
