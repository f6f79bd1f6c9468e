// Package console is how a command speaks: results on standard output, for
// people or as JSON, and everything else on standard error. Colour and progress
// appear on a terminal only.
package console

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Console is the three streams of a process. Its methods are called from one
// goroutine.
type Console struct {
	In   io.Reader
	Out  *bufio.Writer // results; flushed by Flush
	Err  io.Writer     // errors, progress, notes
	JSON bool          // results and errors are JSON

	Width      int  // columns of the terminal on Out; widthElsewhere where there is none
	OnTerminal bool // Out is a terminal
	Progress   Progress

	colour      bool // Out takes colour
	colourOnErr bool
	errTerminal bool
}

// widthElsewhere is the line width where output goes to a file or a pipe.
const widthElsewhere = 100

// New is a console over the streams. Colour is for terminals, and for none of
// them where NO_COLOR is set (no-color.org) or TERM is dumb.
func New(in io.Reader, out, err io.Writer) *Console {
	c := &Console{In: in, Out: bufio.NewWriterSize(out, 64<<10), Err: err, Width: widthElsewhere}
	c.OnTerminal, c.errTerminal = isTerminal(out), isTerminal(err)
	if f, ok := out.(*os.File); ok && c.OnTerminal {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			c.Width = width
		}
	}
	isWanted := os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	c.colour, c.colourOnErr = c.OnTerminal && isWanted, c.errTerminal && isWanted
	return c
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Flush writes out what Out still holds; its error is the first that any write
// to Out met.
func (c *Console) Flush() error {
	if err := c.Out.Flush(); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// Printf writes to Out; Flush tells of its error.
func (c *Console) Printf(format string, args ...any) { fmt.Fprintf(c.Out, format, args...) }

// Notef writes a line for people to Err, at once; in JSON mode there is none.
func (c *Console) Notef(format string, args ...any) {
	if !c.JSON {
		fmt.Fprintf(c.Err, format+"\n", args...)
	}
}

// Show writes one result: v as indented JSON, or what people writes.
func (c *Console) Show(v any, people func()) error {
	if !c.JSON {
		people()
		return nil
	}
	return c.encode(v, "  ")
}

// Line writes v as one line of JSON.
func (c *Console) Line(v any) error { return c.encode(v, "") }

func (c *Console) encode(v any, indent string) error {
	e := json.NewEncoder(c.Out)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(v)
}
