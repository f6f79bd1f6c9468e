// Package dump prints what is in the files of a database, one line for each
// thing, with its offset in hex and decimal, or one JSON object for each. It only
// reads, goes on after damage, and tells of it beside.
package dump

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
	"github.com/varvekv/varve/internal/corruption"
)

// Options say how much is printed.
type Options struct {
	Values bool // values too, whole; without it only how long they are
	Hex    bool // bytes as they are, as a hex dump

	Ops bool // of a log: operations

	Blocks  bool // of a table: a line for each data block
	Entries bool // of a table: a line for each entry
	Block   int  // of a table: only this data block; negative = all
}

// Printer prints one file.
type Printer struct {
	Console *console.Console
	Path    string // of the file, as it was given
	Options
	// Complain is told each finding, at once.
	Complain func(error)

	Findings int
	ctx      context.Context
}

// New is a printer that stops when ctx ends.
func New(ctx context.Context, c *console.Console, path string, o Options, complain func(error)) *Printer {
	return &Printer{Console: c, Path: path, Options: o, Complain: complain, ctx: ctx}
}

// thing is what is printed: itself as JSON, or text.
type thing interface {
	text(p *Printer)
}

// what is common to all things, in JSON.
type what struct {
	Type string `json:"type"`
	File string `json:"file"`
}

func (p *Printer) what(kind string) what { return what{kind, p.Path} }

// put prints one thing. Its error ends the dump: an output that failed, or Ctrl-C.
func (p *Printer) put(t thing) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if p.Console.JSON {
		return p.Console.Line(t)
	}
	t.text(p)
	_, err := p.Console.Out.Write(nil) // tells of an output that failed
	return err
}

// finding tells of damage where the reader is: behind what was printed so far.
func (p *Printer) finding(err error) error {
	p.Findings++
	if err := p.Console.Out.Flush(); err != nil {
		return err
	}
	p.Complain(err)
	return nil
}

// at begins a line with an offset.
func (p *Printer) at(offset int64, format string, args ...any) {
	p.Console.Printf("0x%08x %10d  ", offset, offset)
	p.Console.Printf(format+"\n", args...)
}

// under is a line that belongs to the one above it.
func (p *Printer) under(format string, args ...any) {
	p.Console.Printf("%23s"+format+"\n", append([]any{""}, args...)...)
}

func (p *Printer) title(format string, args ...any) {
	p.Console.Printf("%s\n", p.Console.Paint(console.Bold, p.Path+": "+fmt.Sprintf(format, args...)))
}

func (p *Printer) dim(text string) string { return p.Console.Paint(console.Dim, text) }

func (p *Printer) bad(text string) string { return p.Console.Paint(console.Red, text) }

// hexDump prints bytes under a line. Offsets in it count from its beginning.
func (p *Printer) hexDump(data []byte) {
	for line := range strings.Lines(hex.Dump(data)) {
		p.Console.Printf("    %s", line)
	}
}

// key is a key as text.
func key(raw []byte) string { return `"` + quote.Escaped.String(raw) + `"` }

// value is a value as text, or how long it is.
func (p *Printer) value(raw []byte) string {
	if !p.Values {
		return console.Plural(len(raw), "byte", "bytes")
	}
	return `"` + quote.Escaped.String(raw) + `"`
}

// id is a random number, which is a name and no quantity. It is text in JSON too,
// where numbers have 53 bits.
func id(n uint64) string { return fmt.Sprintf("%016x", n) }

func sum(n uint32) string { return fmt.Sprintf("%08x", n) }

// when is a time for people and for JSON; empty where it is not known.
func when(t time.Time) string {
	if t.UnixNano() == 0 {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// features is the three sets, where one is not empty.
func features(incompatible, readCompatible, compatible uint64) string {
	if incompatible|readCompatible|compatible == 0 {
		return "none"
	}
	return fmt.Sprintf("incompatible %#x, read-compatible %#x, compatible %#x", incompatible, readCompatible, compatible)
}

// reason is what is wrong, without the place that stands beside it anyway.
func reason(err error) string {
	var damage *corruption.Error
	if errors.As(err, &damage) {
		return damage.Reason
	}
	var newer *corruption.UnsupportedError
	if errors.As(err, &newer) {
		return newer.What
	}
	return err.Error()
}

// Base is the name by which the formats know a file.
func (p *Printer) Base() string { return filepath.Base(p.Path) }

// IsStopped says that a dump ended because its context did.
func IsStopped(err error) bool { return errors.Is(err, context.Canceled) }
