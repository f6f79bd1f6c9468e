package row

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/varvekv/varve/bench/internal/session"
	"github.com/varvekv/varve/bench/internal/value"
)

const keyBytes = 16

// appendKey appends a record's number in 16 decimal digits. REQUIRES: n < 1e16.
func appendKey(dst []byte, n uint64) []byte {
	at := len(dst)
	dst = strconv.AppendUint(dst, 1e16+n, 10) // one digit more, and zeros after it
	copy(dst[at:], dst[at+1:])
	return dst[:at+keyBytes]
}

// model knows which of the records [0, size) exist. It is changed between
// phases only; in them any goroutine may read it.
type model struct {
	size, count uint64
	words       []uint64
}

func newModel(size uint64) *model {
	return &model{size: size, words: make([]uint64, (size+63)/64)}
}

func (m *model) has(n uint64) bool { return m.words[n/64]>>(n%64)&1 == 1 }

func (m *model) add(n uint64) {
	if !m.has(n) {
		m.words[n/64] |= 1 << (n % 64)
		m.count++
	}
}

func (m *model) remove(n uint64) {
	if m.has(n) {
		m.words[n/64] &^= 1 << (n % 64)
		m.count--
	}
}

// next is the first record >= n that exists.
func (m *model) next(n uint64) (uint64, bool) {
	if n >= m.size {
		return 0, false
	}
	word := m.words[n/64] >> (n % 64) << (n % 64)
	for i := n / 64; ; {
		if word != 0 {
			return i*64 + uint64(bits.TrailingZeros64(word)), true
		}
		if i++; i == uint64(len(m.words)) {
			return 0, false
		}
		word = m.words[i]
	}
}

// table is one open database and the model of what is in it.
type table struct {
	session    *session.Session
	discard    func(ended error) error
	valueBytes int
	model      *model
}

func (t *table) liveBytes() int64 { return int64(t.model.count) * int64(keyBytes+t.valueBytes) }

// expectation walks the model beside a scan.
type expectation struct {
	model      *model
	valueBytes int
	at         uint64 // the next expected record is the first that exists from here
	key        []byte // scratch
}

// visit judges one entry: it is exactly the one that the model has next.
func (e *expectation) visit(key, val []byte) error {
	n, ok := e.model.next(e.at)
	if !ok {
		return fmt.Errorf("key %q behind the last record", key)
	}
	e.at = n + 1
	e.key = appendKey(e.key[:0], n)
	if !bytes.Equal(key, e.key) {
		return fmt.Errorf("key %q where %q is next", key, e.key)
	}
	if _, err := value.Verify(val, n, e.valueBytes); err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	return nil
}

// audit scans everything and compares it with the model.
func (t *table) audit(ctx context.Context) (err error) {
	c, err := t.session.Engine.NewClient()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	e := expectation{model: t.model, valueBytes: t.valueBytes}
	n, err := c.Scan(nil, -1, func(key, val []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return e.visit(key, val)
	})
	if err != nil {
		return err
	}
	if uint64(n) != t.model.count {
		return fmt.Errorf("%d records, not %d", n, t.model.count)
	}
	return nil
}
