package console

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress says where progress is shown.
type Progress uint8

// Where progress is shown. It goes to standard error in any case.
const (
	Auto   Progress = iota // where that is a terminal
	Always                 // also into a file, rarely
	Never
)

// Names of the choices, in their order.
var progressNames = [...]string{"auto", "always", "never"}

// Set is for package pflag.
func (p *Progress) Set(text string) error {
	for i, name := range progressNames {
		if text == name {
			*p = Progress(i)
			return nil
		}
	}
	return fmt.Errorf("must be auto, always or never")
}

// String is for package pflag.
func (p *Progress) String() string { return progressNames[*p] }

// Choices are for completion.
func (p *Progress) Choices() []string { return progressNames[:] }

// Type is for package pflag.
func (p *Progress) Type() string { return "when" }

// Where nobody watches, a bar is drawn rarely, so that a log stays short.
const (
	drawTerminal  = 100 * time.Millisecond
	drawElsewhere = 5 * time.Second
)

// Bar shows how far something is. The zero Bar shows nothing. Its methods may be
// called from any goroutine. They fail when standard error does, which is no
// reason to stop what the bar tells of.
type Bar struct {
	bar   *progressbar.ProgressBar
	out   io.Writer
	clear bool // leave no trace; a log keeps the last line
}

// NewBar is a bar over total bytes; a total below 0 is not known.
func (c *Console) NewBar(what string, total int64) *Bar {
	isWanted := c.Progress == Always || c.Progress == Auto && c.errTerminal && !c.JSON
	if !isWanted {
		return &Bar{}
	}
	every := drawElsewhere
	if c.errTerminal {
		every = drawTerminal
	}
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(c.Err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(every),
		progressbar.OptionShowBytes(true),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionSpinnerCustom([]string{" "}),
	)
	return &Bar{bar, c.Err, c.errTerminal}
}

// Add counts n more bytes.
func (b *Bar) Add(n int) {
	if b.bar != nil {
		_ = b.bar.Add(n)
	}
}

// End ends the bar, however far it came.
func (b *Bar) End() {
	switch {
	case b.bar == nil:
	case b.clear:
		_ = b.bar.Clear()
	default:
		_ = b.bar.RenderBlank()
		fmt.Fprintln(b.out)
	}
	b.bar = nil
}
