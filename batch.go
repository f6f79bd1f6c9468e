package varve

import (
	"fmt"
	"iter"

	"github.com/varvekv/varve/internal/ikey"
	"github.com/varvekv/varve/wal"
)

// Kind is what an operation does to its key.
type Kind = ikey.Kind

// The kinds of operation in a batch.
const (
	KindPut    = ikey.KindPut    // 1
	KindDelete = ikey.KindDelete // 2
)

// Op is one operation of a batch. Key and Value are borrowed from the batch:
// valid until it is changed or reset.
type Op struct {
	Kind       Kind
	Key, Value []byte
}

// Batch is a list of operations that are applied all or none, in order. The
// zero Batch is ready to use. It copies what it is given, and is kept as it was
// by Write: it can be written again. It is used by one goroutine at a time.
type Batch struct {
	ops   []byte // as the log stores them; see wal's ops payload
	count int
	seq   uint64
	err   error // the first limit that was passed; reported by Write
}

// Put sets key to value. A nil or empty value is a value. A key or value past
// its limit makes Write fail with ErrTooLarge.
func (b *Batch) Put(key, value []byte) {
	if err := checkSizes(key, value); err != nil {
		b.fail(err)
		return
	}
	b.ops = wal.AppendPut(b.ops, key, value)
	b.added()
}

// Delete removes key; a key that is not there is no error.
func (b *Batch) Delete(key []byte) {
	if err := checkSizes(key, nil); err != nil {
		b.fail(err)
		return
	}
	b.ops = wal.AppendDelete(b.ops, key)
	b.added()
}

func (b *Batch) added() {
	b.count++
	if len(b.ops) > MaxBatchBytes {
		b.fail(fmt.Errorf("varve: batch of %d bytes: %w: the limit is %d", len(b.ops), ErrTooLarge, int64(MaxBatchBytes)))
	}
}

func (b *Batch) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Len is the number of operations.
func (b *Batch) Len() int { return b.count }

// Size is the bytes the batch will take in the log, frame headers included.
func (b *Batch) Size() int { return wal.FramedBytes(len(b.ops)) }

// Reset empties the batch and keeps its memory for reuse.
func (b *Batch) Reset() { *b = Batch{ops: b.ops[:0]} }

// Seq is the sequence of the first operation, once the batch was written (the
// newest write counts); 0 before.
func (b *Batch) Seq() uint64 { return b.seq }

// Ops walks the operations in order.
func (b *Batch) Ops() iter.Seq[Op] {
	return func(yield func(Op) bool) {
		for d := wal.DecodeOps(b.ops); d.Next(); {
			if !yield(Op{Kind(d.Op.Kind), d.Op.Key, d.Op.Value}) {
				return
			}
		}
	}
}

func checkSizes(key, value []byte) error {
	if len(key) > MaxKeyBytes {
		return fmt.Errorf("varve: key of %d bytes: %w: the limit is %d", len(key), ErrTooLarge, MaxKeyBytes)
	}
	if len(value) > MaxValueBytes {
		return fmt.Errorf("varve: value of %d bytes: %w: the limit is %d", len(value), ErrTooLarge, MaxValueBytes)
	}
	return nil
}
