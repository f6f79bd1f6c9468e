package ycsb

import (
	"bytes"
	"fmt"

	"github.com/varvekv/varve/bench/internal/engine"
	"github.com/varvekv/varve/bench/internal/value"
	"github.com/varvekv/varve/bench/internal/workload"
)

// loader inserts records in the order of the sequence.
type loader struct {
	sequence   *workload.Sequence
	keys       workload.Keys
	valueBytes int

	record   uint64
	key, val []byte
	greatest []byte
	written  int64 // bytes
}

func (l *loader) Prepare() int {
	l.record = l.sequence.Next()
	l.key = l.keys.Append(l.key[:0], l.record)
	l.val = value.Append(l.val[:0], l.record, value.Loaded, l.valueBytes)
	return 0
}

func (l *loader) Execute(c engine.Client) (int, error) { return 1, c.Put(l.key, l.val) }

func (l *loader) Verify() error {
	l.sequence.Acknowledge(l.record)
	l.written += int64(len(l.key) + len(l.val))
	if bytes.Compare(l.key, l.greatest) > 0 {
		l.greatest = append(l.greatest[:0], l.key...)
	}
	return nil
}

// client does the operations of a mix.
type client struct {
	// constant in a phase
	mix        *workload.Mix
	random     *workload.Random
	chooser    workload.Chooser
	sequence   *workload.Sequence
	lengths    *workload.ScanLength
	keys       workload.Keys
	valueBytes int
	writer     int
	greatest   []byte
	visit      engine.Visit // visitEntry, bound once: it must not allocate

	writes  uint64 // so far: the next stamp
	written int64  // bytes
	read    int64  // bytes

	// the operation under way
	kind   workload.Kind
	record uint64
	key    []byte
	val    []byte // to write
	got    []byte // read

	// the scan under way
	length, visited int
	previous        []byte
	expected        []byte // a key made from what a value says it is
}

func (w *client) Prepare() int {
	w.kind = w.mix.Next(w.random)
	if w.kind == workload.Insert {
		w.record = w.sequence.Next()
	} else {
		w.record = w.chooser.Next()
	}
	w.key = w.keys.Append(w.key[:0], w.record)
	switch w.kind {
	case workload.Update, workload.Insert, workload.ReadModifyWrite:
		w.writes++
		w.val = value.Append(w.val[:0], w.record, value.MakeStamp(w.writer, w.writes), w.valueBytes)
	case workload.Scan:
		w.length, w.visited = w.lengths.Next(), 0
	}
	return int(w.kind)
}

func (w *client) Execute(c engine.Client) (int, error) {
	var err error
	switch w.kind {
	case workload.Read:
		w.got, err = c.Get(w.got[:0], w.key)
	case workload.Scan:
		w.visited, err = c.Scan(w.key, w.length, w.visit)
	case workload.ReadModifyWrite:
		if w.got, err = c.Get(w.got[:0], w.key); err == nil {
			err = c.Put(w.key, w.val)
		}
	default:
		err = c.Put(w.key, w.val)
	}
	if err != nil {
		return 0, fmt.Errorf("record %d, key %q: %w", w.record, w.key, err)
	}
	return 1, nil
}

func (w *client) Verify() error {
	switch w.kind {
	case workload.Read:
		return w.verifyRead()
	case workload.Scan:
		return w.verifyScan()
	case workload.Insert:
		w.sequence.Acknowledge(w.record)
	}
	w.written += int64(len(w.key) + len(w.val))
	if w.kind == workload.ReadModifyWrite {
		return w.verifyRead()
	}
	return nil
}

func (w *client) verifyRead() error {
	w.read += int64(len(w.key) + len(w.got))
	if _, err := value.Verify(w.got, w.record, w.valueBytes); err != nil {
		return fmt.Errorf("key %q: %w", w.key, err)
	}
	return nil
}

// visitEntry verifies an entry while a scan holds it: it belongs to its key, and
// keys ascend from the one asked for, which exists.
func (w *client) visitEntry(key, val []byte) error {
	record, _, err := value.Identify(val, w.valueBytes)
	if err != nil {
		return fmt.Errorf("scanned key %q: %w", key, err)
	}
	w.expected = w.keys.Append(w.expected[:0], record)
	if !bytes.Equal(key, w.expected) {
		return fmt.Errorf("scanned key %q: %w: it belongs to key %q", key, value.ErrWrong, w.expected)
	}
	if w.visited == 0 && !bytes.Equal(key, w.key) {
		return fmt.Errorf("scan from %q began at %q", w.key, key)
	}
	if w.visited > 0 && bytes.Compare(key, w.previous) <= 0 {
		return fmt.Errorf("scan from %q: key %q after %q", w.key, key, w.previous)
	}
	w.previous = append(w.previous[:0], key...)
	w.read += int64(len(key) + len(val))
	w.visited++
	return nil
}

// verifyScan finds scans that ended before their time.
func (w *client) verifyScan() error {
	if w.visited > w.length {
		return fmt.Errorf("scan from %q gave %d entries, %d were asked for", w.key, w.visited, w.length)
	}
	if w.visited < w.length && (w.visited == 0 || bytes.Compare(w.previous, w.greatest) < 0) {
		return fmt.Errorf("scan from %q ended after %d of %d entries at %q, before the last key %q",
			w.key, w.visited, w.length, w.previous, w.greatest)
	}
	return nil
}
