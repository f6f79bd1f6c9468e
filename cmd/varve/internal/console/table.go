package console

import (
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Column is the heading of a column, and how its cells are set.
type Column struct {
	Name string
	Left bool // set left; figures are set right
}

// Table writes rows under headings, without lines. Cells may be painted.
func (c *Console) Table(columns []Column, rows [][]string) {
	w := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	w.SetStyle(style)
	head := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, column := range columns {
		align := text.AlignRight
		if column.Left {
			align = text.AlignLeft
		}
		head[i] = c.Paint(Dim, column.Name)
		configs[i] = table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align}
	}
	w.AppendHeader(head)
	w.SetColumnConfigs(configs)
	w.SuppressTrailingSpaces()
	for _, row := range rows {
		cells := make(table.Row, len(row))
		for i := range row {
			cells[i] = row[i]
		}
		w.AppendRow(cells)
	}
	c.Printf("%s\n", w.Render())
}
