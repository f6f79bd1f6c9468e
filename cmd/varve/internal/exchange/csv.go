package exchange

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

// columns are what the header line says.
var columns = []string{"key", "value"}

type csvReader struct {
	csv      *csv.Reader
	bound    *bounded
	encoding quote.Encoding
	header   bool // still to come
}

func newCSVReader(r io.Reader, o Options) *csvReader {
	b := &bounded{r: r}
	c := &csvReader{csv: csv.NewReader(b), bound: b, encoding: o.Encoding, header: o.Header}
	c.csv.FieldsPerRecord = 2
	c.csv.ReuseRecord = true
	return c
}

// Next implements Reader.
func (r *csvReader) Next() (key, value []byte, err error) {
	record, err := r.record()
	if err == nil && r.header {
		r.header = false
		record, err = r.record()
	}
	if err != nil {
		return nil, nil, err
	}
	line, _ := r.csv.FieldPos(0)
	if key, err = r.parse(record[0]); err != nil {
		return nil, nil, &Malformed{Line: line, Reason: fmt.Sprintf("key %v", err)}
	}
	if value, err = r.parse(record[1]); err != nil {
		return nil, nil, &Malformed{Line: line, Reason: fmt.Sprintf("value %v", err)}
	}
	if reason := checkSizes(key, value); reason != "" {
		return nil, nil, &Malformed{Line: line, Reason: reason}
	}
	return key, value, nil
}

func (r *csvReader) record() ([]string, error) {
	r.bound.left = lineBytesMax
	record, err := r.csv.Read()
	if bad := new(csv.ParseError); errors.As(err, &bad) {
		return nil, &Malformed{Line: bad.StartLine, Reason: csvReason(bad, len(record))}
	}
	return record, err
}

func csvReason(err *csv.ParseError, count int) string {
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Sprintf("%d fields, want key and value", count)
	case err.Line != err.StartLine:
		return fmt.Sprintf("%v, up to line %d", err.Err, err.Line)
	}
	return fmt.Sprintf("column %d: %v", err.Column, err.Err)
}

func (r *csvReader) parse(field string) ([]byte, error) {
	if r.encoding == quote.Escaped { // CSV has quotes of its own
		return []byte(field), nil
	}
	return r.encoding.Parse(field)
}

// bounded ends a record that does not end itself: a quote that nobody closes
// would have the whole file read into memory.
type bounded struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an entry is longer than any can be (%d bytes)", lineBytesMax)
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

type csvWriter struct {
	csv      *csv.Writer
	encoding quote.Encoding
	header   bool // still to come
}

func newCSVWriter(w io.Writer, o Options) *csvWriter {
	return &csvWriter{csv: csv.NewWriter(w), encoding: o.Encoding, header: o.Header}
}

// Write implements Writer.
func (w *csvWriter) Write(key, value []byte) error {
	if err := w.begin(); err != nil {
		return err
	}
	if w.encoding != quote.Escaped {
		return w.csv.Write([]string{w.encoding.String(key), w.encoding.String(value)})
	}
	// Readers of CSV drop a carriage return before a newline, some drop every one.
	if bytes.IndexByte(key, '\r') >= 0 || bytes.IndexByte(value, '\r') >= 0 {
		return fmt.Errorf("key %q: CSV does not keep carriage returns: take --hex, --base64 or another format", quote.Escaped.String(key))
	}
	return w.csv.Write([]string{string(key), string(value)})
}

func (w *csvWriter) begin() error {
	if !w.header {
		return nil
	}
	w.header = false
	return w.csv.Write(columns)
}

// Close implements Writer.
func (w *csvWriter) Close() error {
	err := w.begin()
	w.csv.Flush()
	return errors.Join(err, w.csv.Error())
}
