package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/varvekv/varve"
)

// lineBytesMax is room for the greatest entry as base64. A longer line is no
// entry, and is refused before it fills the memory.
const lineBytesMax = (varve.MaxKeyBytes + varve.MaxValueBytes) / 2 * 3

// lines reads lines that may be long.
type lines struct {
	r      *bufio.Reader
	max    int
	number int // of the last line read, from 1
	buf    []byte
}

func newLines(r io.Reader) lines { return lines{r: bufio.NewReaderSize(r, 256<<10), max: lineBytesMax} }

// next is the next line that is not empty, without its end; io.EOF behind the last.
func (l *lines) next() ([]byte, error) {
	for {
		line, err := l.read()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")); len(line) > 0 {
			return line, nil
		}
	}
}

// read is one line with its end, borrowed from the reader where it fits there.
func (l *lines) read() ([]byte, error) {
	l.number++
	l.buf = l.buf[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) && len(l.buf)+len(part) <= l.max {
			l.buf = append(l.buf, part...)
			continue
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, l.malformed("longer than any entry can be (%d bytes)", l.max)
		case err == io.EOF && len(l.buf)+len(part) == 0:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, err
		case len(l.buf) == 0:
			return part, nil
		}
		l.buf = append(l.buf, part...)
		return l.buf, nil
	}
}

func (l *lines) malformed(format string, args ...any) error {
	return &Malformed{Line: l.number, Reason: fmt.Sprintf(format, args...)}
}
