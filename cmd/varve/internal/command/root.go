package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/varvekv/varve/cmd/varve/internal/console"
)

// groups are the headings of the help, in its order, each with its commands. A
// new command is a line here; dispatch, exit codes, help, completion and manual
// pages follow from it.
var groups = []struct {
	id, title string
	commands  []func(*console.Console) *cobra.Command
}{
	{"data", "Data:", []func(*console.Console) *cobra.Command{newPut, newGet, newDel, newScan, newImport, newExport}},
	{"inspect", "Inspect:", []func(*console.Console) *cobra.Command{newStats, newCheck, newExplain, newLSM, newTop, newDump}},
	{"maintain", "Maintain and measure:", []func(*console.Console) *cobra.Command{newCompact, newBench}},
	{"other", "Other:", []func(*console.Console) *cobra.Command{newCompletion, newMan, newVersion}},
}

const rootLong = `varve reads, writes, checks and measures databases of the varve engine.

KEY and VALUE are text with Go's escapes (\x00 \n \t \\ \u00e9), and so are the
keys and values that are printed; --hex and --base64 change both. Commands that
read make nothing and write nothing. They share a database among themselves, not
with a process that has it open to write.

Exit codes: 0 fine; 1 the answer is no, or something failed; 2 bad input: usage,
no database, or a damaged file, which is named with offset and reason.`

func newRoot(c *console.Console) *cobra.Command {
	root := &cobra.Command{
		Use:               "varve",
		Short:             "Command line of varve, an embedded key-value engine",
		Long:              rootLong,
		Version:           version().Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true, // manual pages are the same on every day
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().BoolVar(&c.JSON, "json", false, "print results and errors as JSON")
	root.PersistentFlags().Var(&c.Progress, "progress", "show progress on standard error: auto (on a terminal), always or never")
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		_ = root.RegisterFlagCompletionFunc(f.Name, completeChoice(f)) // nobody else completes them
	})
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, create := range g.commands {
			child := create(c)
			child.GroupID = g.id
			finish(child)
			root.AddCommand(child)
		}
	}
	root.SetHelpCommandGroupID("other")
	root.RunE = wantSubcommand
	return root
}

// finish gives a command and those below it what all of them have in common.
func finish(c *cobra.Command) {
	if c.RunE == nil {
		c.RunE = wantSubcommand
		c.SuggestionsMinimumDistance = 2 // as cobra has it for the root
	} else {
		run := c.RunE
		c.RunE = func(c *cobra.Command, args []string) error {
			if err := run(c, args); err != nil {
				return attempt{err}
			}
			return nil
		}
	}
	if c.ValidArgsFunction == nil && strings.Contains(c.Use, " DIR") {
		c.ValidArgsFunction = completeDirectory
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		// It fails for a flag that the command itself completes.
		_ = c.RegisterFlagCompletionFunc(f.Name, completeChoice(f))
	})
	for _, child := range c.Commands() {
		finish(child)
	}
}

// completeChoice completes a flag that is one of some words; files otherwise.
func completeChoice(f *pflag.Flag) cobra.CompletionFunc {
	if v, ok := f.Value.(interface{ Choices() []string }); ok {
		return cobra.FixedCompletions(v.Choices(), cobra.ShellCompDirectiveNoFileComp)
	}
	return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
}

// wantSubcommand is what a command does that is only a heading for others.
func wantSubcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say which command: '%s --help' lists them", c.CommandPath())
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("%s", text)
}

// completeDirectory completes DIR, the first argument, with directories, and
// what follows with files.
func completeDirectory(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return nil, cobra.ShellCompDirectiveDefault
}
