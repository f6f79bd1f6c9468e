package console

// Style is how a word looks on a terminal that takes colour.
type Style string

// Styles, as SGR parameters of ECMA-48.
const (
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Blue   Style = "34"
	Cyan   Style = "36"
)

// Paint is text in a style, for Out; the text alone where Out takes no colour.
func (c *Console) Paint(s Style, text string) string { return paint(c.colour, s, text) }

// PaintErr is Paint for Err.
func (c *Console) PaintErr(s Style, text string) string { return paint(c.colourOnErr, s, text) }

func paint(isWanted bool, s Style, text string) string {
	if !isWanted || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}
