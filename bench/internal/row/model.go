package row

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"

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

// model knows which of the records [0, size) exist, and the version of each.
// Which exist changes between phases only; in them any goroutine may read it. A
// version is changed by the one goroutine that writes its record.
type model struct {
	size, count uint64
	words       []uint64
	versions    []uint8 // the stamps of values: a byte finds any lost overwrite but the 255th
	valueBytes  int
}

func newModel(size uint64, valueBytes int) *model {
	return &model{
		size: size, words: make([]uint64, (size+63)/64), versions: make([]uint8, size), valueBytes: valueBytes,
	}
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

// renew gives a record its next version. It is never again that of the load.
func (m *model) renew(n uint64) { m.versions[n] = m.versions[n]%255 + 1 }

// appendValue appends what a record's value is in its present version.
func (m *model) appendValue(dst []byte, n uint64) []byte {
	return value.Append(dst, n, value.Stamp(m.versions[n]), m.valueBytes)
}

// verify checks that a value is a record's, in its present version.
func (m *model) verify(val []byte, n uint64) error {
	s, err := value.Verify(val, n, m.valueBytes)
	if err == nil && s != value.Stamp(m.versions[n]) {
		err = fmt.Errorf("%w: version %d of record %d, not %d", value.ErrWrong, s, n, m.versions[n])
	}
	return err
}

// entryBytes is a record's key and value.
func (m *model) entryBytes() int64 { return int64(keyBytes + m.valueBytes) }

// liveBytes is what all records that exist hold.
func (m *model) liveBytes() int64 { return int64(m.count) * m.entryBytes() }

// expectation walks the model beside a scan.
type expectation struct {
	model *model
	at    uint64 // the next expected record is the first that exists from here
	key   []byte // scratch
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
	if err := e.model.verify(val, n); err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	return nil
}
