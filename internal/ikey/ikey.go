// Package ikey says what a versioned key is, and in which order versions stand.
//
// A versioned key is a user key with a trailer: a 56-bit sequence and a kind.
// Versions are ordered by user key ascending (bytewise, nothing else), then by
// trailer descending, so that the newest version of a key comes first.
package ikey

import (
	"bytes"
	"fmt"
)

// Kind is what an operation does to its key. Values are part of every format.
type Kind uint8

// Kinds. Zero is invalid, so that zeroed bytes never pass for an operation.
const (
	KindInvalid Kind = 0
	KindPut     Kind = 1
	KindDelete  Kind = 2
)

// KindMax is the greatest kind a trailer can hold; it is used for seeking only.
const KindMax Kind = 0xff

// MaxSeq is the greatest sequence: 56 bits.
const MaxSeq uint64 = 1<<56 - 1

func (k Kind) String() string {
	switch k {
	case KindPut:
		return "put"
	case KindDelete:
		return "delete"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Known reports whether this version of varve understands the kind.
func (k Kind) Known() bool { return k == KindPut || k == KindDelete }

// Trailer is a sequence (upper 56 bits) and a kind (lower 8 bits).
type Trailer uint64

// MakeTrailer packs a sequence and a kind. REQUIRES: seq <= MaxSeq.
func MakeTrailer(seq uint64, k Kind) Trailer { return Trailer(seq<<8 | uint64(k)) }

// Newest is the trailer that seeks to the newest version at or below seq:
// every version of the same user key with a sequence <= seq stands at or after it.
func Newest(seq uint64) Trailer { return MakeTrailer(seq, KindMax) }

// Seq is the sequence in t.
func (t Trailer) Seq() uint64 { return uint64(t) >> 8 }

// Kind is the kind in t.
func (t Trailer) Kind() Kind { return Kind(t) }

// Key is one version of a user key. User is borrowed: see whoever handed it out.
type Key struct {
	User    []byte
	Trailer Trailer
}

// Make builds a Key from its parts; it does not copy user.
func Make(user []byte, seq uint64, k Kind) Key { return Key{user, MakeTrailer(seq, k)} }

// Seek is the position of the newest version of user at or below seq.
func Seek(user []byte, seq uint64) Key { return Key{user, Newest(seq)} }

// First is the position before every version of user.
func First(user []byte) Key { return Key{user, Newest(MaxSeq)} }

// Compare orders versions: user key ascending, then trailer descending.
func Compare(a, b Key) int {
	if c := bytes.Compare(a.User, b.User); c != 0 {
		return c
	}
	switch {
	case a.Trailer > b.Trailer:
		return -1
	case a.Trailer < b.Trailer:
		return 1
	}
	return 0
}

// Clone copies the user key, so that the result outlives its source.
func (k Key) Clone() Key { return Key{append([]byte(nil), k.User...), k.Trailer} }

func (k Key) String() string {
	return fmt.Sprintf("%q#%d,%s", k.User, k.Trailer.Seq(), k.Trailer.Kind())
}
