package command

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/varvekv/varve/cmd/varve/internal/console"
)

func newMan(c *console.Console) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write manual pages into a directory",
		Long: `Write a manual page for each command into DIR, which is made when it is missing.
They are the same for the same build: their date is SOURCE_DATE_EPOCH where that
is set, else that of the source's revision.

JSON: dir, pages.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pages, err := writeManual(cmd.Root(), args[0])
			if err != nil {
				return err
			}
			return c.Show(struct {
				Dir   string   `json:"dir"`
				Pages []string `json:"pages"`
			}{args[0], pages}, func() {
				c.Printf("%s in %s\n", console.Plural(len(pages), "page", "pages"), args[0])
			})
		},
	}
}

// writeManual writes the pages and tells their names.
func writeManual(root *cobra.Command, dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, &inputError{File: dir, Err: reasonOf(err)}
	}
	header := &doc.GenManHeader{Section: "1", Source: "varve " + root.Version, Manual: "varve", Date: manualDate()}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return nil, fmt.Errorf("write manual pages: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "varve*.1"))
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found, nil
}

// manualDate is the day of the source; nil leaves it to package doc, which reads
// SOURCE_DATE_EPOCH. Never the day of the writing.
func manualDate() *time.Time {
	if os.Getenv("SOURCE_DATE_EPOCH") != "" {
		return nil
	}
	day, err := time.Parse(time.RFC3339, version().Time)
	if err != nil {
		day = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC) // a build that knows no revision
	}
	return &day
}
