package command

import (
	"github.com/spf13/cobra"

	"github.com/varvekv/varve/cmd/varve/internal/console"
	"github.com/varvekv/varve/cmd/varve/internal/dump"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

const dumpLong = `Print what is in a file of a database, one line for each thing, with its offset
in hex and decimal. Nothing is locked and nothing is written: a database that
another process has open can be looked at, as far as it has been written.

A damaged file is printed as far as it can be read, behind the damage too. Every
damaged place goes to standard error with file, offset and reason, and the exit
code is 2. docs/format.md explains the words.

JSON: one object in each line, each with type and file, and offset where it has
one. Random numbers and checksums are text in hex; keys are key, or key_base64
where they are no UTF-8, values likewise. `

func newDump(c *console.Console) *cobra.Command {
	d := &cobra.Command{
		Use:   "dump",
		Short: "Print what is in a file: log, manifest or table",
		Long:  dumpLong,
	}
	d.AddCommand(newDumpLog(c), newDumpManifest(c), newDumpTable(c))
	return d
}

func newDumpLog(c *console.Console) *cobra.Command {
	var o dump.Options
	d := &cobra.Command{
		Use:     "wal FILE...|DIR",
		Aliases: []string{"log"},
		Short:   "Print segments of the log: header, frames, operations, marks",
		Long: dumpLong + `Types:
packed (a block of a compressed copy), segment, frame, op and end.

FILE is a segment, or a compressed copy of one in an archive (.log.vz). DIR
stands for all segments in it; each is held against the header of the next, which
says where it was accepted to end.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dumping(cmd, c, args, o, filename.Log, dumpSegments)
		},
	}
	addDumpFlags(d, &o)
	d.Flags().BoolVar(&o.Ops, "ops", true, "print operations")
	return d
}

func newDumpManifest(c *console.Console) *cobra.Command {
	var o dump.Options
	d := &cobra.Command{
		Use:   "manifest FILE...|DIR",
		Short: "Print a manifest: header, edits, and the tree they add up to",
		Long: dumpLong + `Types:
current, header, edit and state.

DIR stands for CURRENT in it and the manifest that CURRENT names.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dumping(cmd, c, args, o, filename.Manifest, dumpManifests)
		},
	}
	return d
}

func newDumpTable(c *console.Console) *cobra.Command {
	o := dump.Options{Block: -1}
	d := &cobra.Command{
		Use:   "table FILE...|DIR",
		Short: "Print tables: footer, properties, filter, index, blocks, entries",
		Long: dumpLong + `Types:
footer, properties, filter, index, block and entry.

Every block is read and verified, printed or not; with --block only that one. DIR
stands for all tables in it.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("block") && o.Block < 0 {
				return usagef("--block %d: blocks are counted from 0", o.Block)
			}
			o.Entries = o.Entries || o.Block >= 0
			return dumping(cmd, c, args, o, filename.Table, dumpTables)
		},
	}
	addDumpFlags(d, &o)
	d.Flags().BoolVar(&o.Blocks, "blocks", false, "print a line for each data block")
	d.Flags().BoolVar(&o.Entries, "entries", false, "print every entry")
	d.Flags().IntVar(&o.Block, "block", o.Block, "only this data block, with its entries")
	return d
}

func addDumpFlags(c *cobra.Command, o *dump.Options) {
	c.Flags().BoolVar(&o.Values, "values", false, "print values, not only how long they are")
	c.Flags().BoolVar(&o.Hex, "hex", false, "print bytes in hex too: payloads of frames, decoded data blocks")
}

// dumped is one file that a dump prints.
type dumped struct {
	*dump.Printer
	dir  vfs.Dir
	next string // base name of the segment behind it, in the same directory
}

// dumping prints the files that the arguments stand for.
func dumping(cmd *cobra.Command, c *console.Console, args []string, o dump.Options, kind filename.Kind, print func(*dumped) error) error {
	files, err := dumpFiles(args, kind)
	if err != nil {
		return err
	}
	total, first := 0, ""
	for i, f := range files {
		if i > 0 && !c.JSON {
			c.Printf("\n")
		}
		found, err := dumpOne(cmd.Context(), c, f, o, print)
		switch {
		case dump.IsStopped(err):
			return errInterrupted
		case err != nil:
			return err
		case found > 0 && total == 0:
			first = f.path
		}
		total += found
	}
	if total > 0 {
		return &inputError{File: first, Err: damagedPlaces(total, len(files))}
	}
	return nil
}
