package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve"
	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/quote"
)

type scanCommand struct {
	console  *console.Console
	encoding encoding
	bounds   bounds
	limit    int64
	reverse  bool
	keysOnly bool
	count    bool

	found scanned
	line  []byte
}

// scanned is what a scan counted.
type scanned struct {
	Entries    int64 `json:"entries"`
	KeyBytes   int64 `json:"key_bytes"`
	ValueBytes int64 `json:"value_bytes"`
}

func newScan(c *console.Console) *cobra.Command {
	s := &scanCommand{console: c}
	scan := &cobra.Command{
		Use:   "scan DIR",
		Short: "Print keys and values in order",
		Long: `Print the entries of a range in the order of their keys, a line each: key, tab,
value, quoted so that every line is one entry. ` + "`varve import --format tsv`" + ` reads it.

JSON: a line each with key or key_base64, value or value_base64; with --count one
object: entries, key_bytes, value_bytes.`,
		Example: `  varve scan data --prefix user/ --limit 10
  varve scan data --from b --to d --reverse --keys-only
  varve scan data --count`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return s.run(c, args[0]) },
	}
	s.encoding.addFlags(scan)
	s.bounds.addFlags(scan)
	scan.Flags().Int64Var(&s.limit, "limit", 0, "stop after so many entries (0: no limit)")
	scan.Flags().BoolVar(&s.reverse, "reverse", false, "from the last key to the first")
	scan.Flags().BoolVar(&s.keysOnly, "keys-only", false, "leave the values out")
	scan.Flags().BoolVar(&s.count, "count", false, "count entries and bytes instead of printing them")
	scan.MarkFlagsMutuallyExclusive("count", "keys-only")
	return scan
}

func (s *scanCommand) run(c *cobra.Command, dir string) error {
	lower, upper, err := s.bounds.resolve(c, &s.encoding)
	if err != nil {
		return err
	}
	if s.limit < 0 {
		return usagef("--limit %d: want 0 or more", s.limit)
	}
	err = reading(dir, func(db *varve.DB) error {
		return s.walk(c.Context(), db.NewIter(&varve.IterOptions{Lower: lower, Upper: upper}))
	})
	if err != nil || !s.count {
		return err
	}
	return s.console.Show(s.found, func() {
		s.console.Printf("%s, %s of keys, %s of values\n", console.Plural(s.found.Entries, "entry", "entries"),
			console.Bytes(s.found.KeyBytes), console.Bytes(s.found.ValueBytes))
	})
}

func (s *scanCommand) walk(ctx context.Context, it *varve.Iterator) (err error) {
	defer func() { err = errors.Join(err, it.Close()) }()
	move := it.Next // of a fresh iterator: the first
	if s.reverse {
		move = it.Prev
	}
	for (s.limit == 0 || s.found.Entries < s.limit) && move() {
		if ctx.Err() != nil {
			return fmt.Errorf("%w after %s", errInterrupted, console.Plural(s.found.Entries, "entry", "entries"))
		}
		s.found.Entries++
		s.found.KeyBytes += int64(len(it.Key()))
		s.found.ValueBytes += int64(len(it.Value()))
		if s.count {
			continue
		}
		if err := s.print(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Err()
}

// print writes one entry; its error is that of the output, which ends a scan
// whose reader has gone.
func (s *scanCommand) print(key, value []byte) error {
	if s.console.JSON {
		line := struct {
			quote.Key
			quote.Value
		}{Key: quote.KeyOf(key)}
		if !s.keysOnly {
			line.Value = quote.ValueOf(value)
		}
		return s.console.Line(line)
	}
	s.line = s.encoding.chosen().Append(s.line[:0], key)
	if !s.keysOnly {
		s.line = s.encoding.chosen().Append(append(s.line, '\t'), value)
	}
	_, err := s.console.Out.Write(append(s.line, '\n'))
	return err
}
