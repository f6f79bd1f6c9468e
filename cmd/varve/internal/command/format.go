package command

import (
	"github.com/spf13/cobra"

	"github.com/varvekv/varve/cmd/varve/internal/exchange"
)

const formatHelp = `The format is taken from the file's name, or given with --format:

    jsonl    {"key":"a","value":"b"}, or key_base64 and value_base64
    csv      two columns, as they stand; --header, --hex and --base64 vary it
    tsv      key, tab, value, quoted as varve scan prints them
    frames   binary, smallest, checked entry by entry`

// exchangeFormat is the flags for how a file holds entries.
type exchangeFormat struct {
	format exchange.Format
	header bool
	flag   *cobra.Command
}

func (f *exchangeFormat) addFlags(c *cobra.Command) {
	f.flag = c
	c.Flags().Var(&f.format, "format", "jsonl, csv, tsv or frames (default: by the file's name, else jsonl)")
	c.Flags().BoolVar(&f.header, "header", false, "csv: the first line names the columns")
}

func (f *exchangeFormat) resolve(file string, e *encoding) (exchange.Format, exchange.Options, error) {
	format, o := f.format, exchange.Options{Encoding: e.chosen(), Header: f.header}
	if !f.flag.Flags().Changed("format") {
		format = exchange.FormatOf(file)
	}
	if err := o.Check(format); err != nil {
		return 0, o, usageError{err}
	}
	return format, o, nil
}
