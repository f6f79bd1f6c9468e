package exchange

import (
	"bytes"
	"io"

	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

type tsvReader struct {
	lines
	encoding quote.Encoding
}

// Next implements Reader.
func (r *tsvReader) Next() (key, value []byte, err error) {
	line, err := r.next()
	if err != nil {
		return nil, nil, err
	}
	left, right, found := bytes.Cut(line, []byte("\t"))
	if !found || bytes.IndexByte(right, '\t') >= 0 {
		return nil, nil, r.malformed("want a key, one tab and a value; a tab inside is written \\t")
	}
	if key, err = r.encoding.Parse(string(left)); err != nil {
		return nil, nil, r.malformed("key %v", err)
	}
	if value, err = r.encoding.Parse(string(right)); err != nil {
		return nil, nil, r.malformed("value %v", err)
	}
	if reason := checkSizes(key, value); reason != "" {
		return nil, nil, r.malformed("%s", reason)
	}
	return key, value, nil
}

type tsvWriter struct {
	w        io.Writer
	encoding quote.Encoding
	line     []byte
}

// Write implements Writer.
func (w *tsvWriter) Write(key, value []byte) error {
	w.line = append(w.encoding.Append(w.line[:0], key), '\t')
	w.line = append(w.encoding.Append(w.line, value), '\n')
	_, err := w.w.Write(w.line)
	return err
}

// Close implements Writer.
func (w *tsvWriter) Close() error { return nil }
