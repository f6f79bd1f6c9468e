// Package exchange is entries in files of other programs: JSON lines, CSV, TSV,
// and frames, which are compact and checked. What a Writer wrote, the Reader of
// the same format and options reads back byte for byte.
package exchange

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

// Format is how entries are written.
type Format uint8

// Formats.
const (
	// JSONL is one object a line: {"key":"a","value":"b"}; bytes that are not
	// UTF-8 are "key_base64" and "value_base64".
	JSONL Format = iota
	// CSV is RFC 4180, two columns. Bytes stand as they are: what CSV cannot
	// carry needs an encoding.
	CSV
	// TSV is what `varve scan` prints: key, tab, value, both quoted.
	TSV
	// Frames is binary, with a checksum for each entry and an end mark.
	Frames
)

var formatNames = [...]string{"jsonl", "csv", "tsv", "frames"}

// Set is for package pflag.
func (f *Format) Set(text string) error {
	for i, name := range formatNames {
		if text == name {
			*f = Format(i)
			return nil
		}
	}
	return fmt.Errorf("must be jsonl, csv, tsv or frames")
}

// String is for package pflag.
func (f *Format) String() string { return formatNames[*f] }

// Choices are for completion.
func (f *Format) Choices() []string { return formatNames[:] }

// Type is for package pflag.
func (f *Format) Type() string { return "format" }

// extensions of files whose format is known without being told.
var extensions = map[string]Format{
	".jsonl": JSONL, ".ndjson": JSONL, ".csv": CSV, ".tsv": TSV, ".frames": Frames,
}

// FormatOf guesses from a file's name; JSONL where the name does not tell.
func FormatOf(file string) Format { return extensions[strings.ToLower(filepath.Ext(file))] }

// Options of a file that its format leaves open.
type Options struct {
	Encoding quote.Encoding // of CSV and TSV
	Header   bool           // CSV: the first line names the columns
}

// Check refuses options that the format has no use for.
func (o Options) Check(f Format) error {
	if o.Encoding != quote.Escaped && f != CSV && f != TSV {
		return fmt.Errorf("%s has an encoding of its own: --hex and --base64 are for csv and tsv", &f)
	}
	if o.Header && f != CSV {
		return fmt.Errorf("%s has no header line: --header is for csv", &f)
	}
	return nil
}

// Reader reads entries in the order of the file.
type Reader interface {
	// Next is the next entry, valid until the one after; io.EOF at the end.
	// What cannot be an entry is a *Malformed.
	Next() (key, value []byte, err error)
}

// Writer writes entries.
type Writer interface {
	Write(key, value []byte) error
	// Close ends the file; it does not close what the Writer writes to.
	Close() error
}

// NewReader reads r. Its memory is bounded by the longest entry.
func NewReader(f Format, r io.Reader, o Options) Reader {
	switch f {
	case CSV:
		return newCSVReader(r, o)
	case TSV:
		return &tsvReader{lines: newLines(r), encoding: o.Encoding}
	case Frames:
		return newFrameReader(r)
	}
	return &jsonReader{lines: newLines(r)}
}

// NewWriter writes to w, which should be buffered.
func NewWriter(f Format, w io.Writer, o Options) Writer {
	switch f {
	case CSV:
		return newCSVWriter(w, o)
	case TSV:
		return &tsvWriter{w: w, encoding: o.Encoding}
	case Frames:
		return newFrameWriter(w)
	}
	return newJSONWriter(w)
}

// Malformed says what is wrong with a file, and where.
type Malformed struct {
	Line   int   // from 1; 0 in a binary file
	Offset int64 // of the entry in a binary file
	Reason string
}

func (m *Malformed) Error() string {
	if m.Line > 0 {
		return fmt.Sprintf("line %d: %s", m.Line, m.Reason)
	}
	return fmt.Sprintf("offset %d: %s", m.Offset, m.Reason)
}

// checkSizes says what the engine would refuse, where the line is still known.
func checkSizes(key, value []byte) string {
	switch {
	case len(key) > varve.MaxKeyBytes:
		return fmt.Sprintf("key of %d bytes: the limit is %d", len(key), varve.MaxKeyBytes)
	case len(value) > varve.MaxValueBytes:
		return fmt.Sprintf("value of %d bytes: the limit is %d", len(value), varve.MaxValueBytes)
	}
	return ""
}
