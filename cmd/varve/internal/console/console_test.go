package console

import (
	"math"
	"strings"
	"testing"
	"time"
)

func newTestConsole() (c *Console, out, err *strings.Builder) {
	out, err = new(strings.Builder), new(strings.Builder)
	return New(strings.NewReader(""), out, err), out, err
}

func TestFigures(t *testing.T) {
	for got, want := range map[string]string{
		Bytes(0): "0 B", Bytes(1023): "1023 B", Bytes(1024): "1.00 KiB", Bytes(1536): "1.50 KiB",
		Bytes(10 << 10): "10.0 KiB", Bytes(1 << 20): "1.00 MiB", Bytes(1<<20 - 1): "1.00 MiB",
		Bytes(999 << 20): "999 MiB", Bytes(math.MaxInt64): "8.00 EiB",
		Count(0): "0", Count(999): "999", Count(1000): "1,000", Count(-1234567): "-1,234,567", Count(-100): "-100",
		Count(uint64(math.MaxUint64)): "18,446,744,073,709,551,615",
		Duration(0):                   "0s", Duration(1234): "1.23µs", Duration(999): "999ns",
		Duration(1234567 * time.Microsecond): "1.23s", Duration(-5 * time.Millisecond): "-5ms",
		Plural(1, "table", "tables"): "1 table", Plural(2000, "table", "tables"): "2,000 tables",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNoColourAndNoProgressOffTheTerminal(t *testing.T) {
	c, _, err := newTestConsole()
	if got := c.Paint(Red, "x") + c.PaintErr(Bold, "y"); got != "xy" {
		t.Errorf("%q", got)
	}
	b := c.NewBar("work", 100)
	b.Add(100)
	b.End()
	if err.Len() > 0 {
		t.Errorf("progress: %q", err)
	}
	c.Progress = Always
	b = c.NewBar("work", 100)
	b.Add(50)
	b.End()
	b.End()
	if !strings.Contains(err.String(), "50%") || !strings.HasSuffix(err.String(), "\n") {
		t.Errorf("progress: %q", err)
	}
}

func TestPaintEndsItsStyle(t *testing.T) {
	if got := paint(true, Green, "x"); got != "\x1b[32mx\x1b[0m" || paint(true, Green, "") != "" {
		t.Errorf("%q", got)
	}
}

func TestShowSpeaksForPeopleOrForPrograms(t *testing.T) {
	for isJSON, want := range map[bool]string{false: "people", true: "{\n  \"n\": \"<1>\"\n}\n"} {
		c, out, _ := newTestConsole()
		c.JSON = isJSON
		err := c.Show(map[string]string{"n": "<1>"}, func() { c.Printf("people") })
		if err != nil || c.Flush() != nil || out.String() != want {
			t.Errorf("%q, %v, want %q", out, err, want)
		}
	}
}

func TestTableAlignsItsColumns(t *testing.T) {
	c, out, _ := newTestConsole()
	c.Table([]Column{{Name: "name", Left: true}, {Name: "size"}}, [][]string{{"a", "1 B"}, {"longer name", "1.00 KiB"}})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = "name             size\na                 1 B\nlonger name  1.00 KiB\n"
	if out.String() != want {
		t.Errorf("%q\nwant %q", out, want)
	}
}
