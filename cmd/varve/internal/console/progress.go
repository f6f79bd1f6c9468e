package console

import (
	"fmt"
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

// Type is for package pflag.
func (p *Progress) Type() string { return "when" }

// Where nobody watches, a bar is drawn rarely, so that a log stays short.
const (
	drawTerminal  = 100 * time.Millisecond
	drawElsewhere = 5 * time.Second
)

// Bar shows how far something is. The zero Bar shows nothing.
type Bar struct{ bar *progressbar.ProgressBar }

// NewBar is a bar over total bytes; a total below 0 is not known.
func (c *Console) NewBar(what string, total int64) *Bar {
	isWanted := c.Progress == Always || c.Progress == Auto && c.errTerminal
	if !isWanted || c.JSON && c.Progress != Always {
		return &Bar{}
	}
	every := drawElsewhere
	if c.errTerminal {
		every = drawTerminal
	}
	return &Bar{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(c.Err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(every),
		progressbar.OptionShowBytes(true),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionSpinnerCustom([]string{" "}),
	)}
}

// Add counts n more bytes. A bar fails when standard error does, which is no
// reason to stop what it tells of.
func (b *Bar) Add(n int) {
	if b.bar != nil {
		_ = b.bar.Add(n)
	}
}

// Describe changes the words beside the bar.
func (b *Bar) Describe(what string) {
	if b.bar != nil {
		b.bar.Describe(what)
	}
}

// End ends the bar's line, however far it came.
func (b *Bar) End() {
	if b.bar != nil {
		_ = b.bar.Exit()
	}
}
