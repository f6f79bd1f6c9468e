package command

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/varvekv/varve/cmd/varve/internal/console"
)

// shells are what completions can be written for.
var shells = map[string]func(*cobra.Command, io.Writer) error{
	"bash":       func(c *cobra.Command, w io.Writer) error { return c.GenBashCompletionV2(w, true) },
	"zsh":        func(c *cobra.Command, w io.Writer) error { return c.GenZshCompletion(w) },
	"fish":       func(c *cobra.Command, w io.Writer) error { return c.GenFishCompletion(w, true) },
	"powershell": func(c *cobra.Command, w io.Writer) error { return c.GenPowerShellCompletionWithDesc(w) },
}

func newCompletion(c *console.Console) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes commands in a shell",
		Long: `Print a script that completes the commands, flags and files of varve in a shell.

    bash         varve completion bash > /etc/bash_completion.d/varve
    zsh          varve completion zsh > "${fpath[1]}/_varve"
    fish         varve completion fish > ~/.config/fish/completions/varve.fish
    powershell   varve completion powershell | Out-String | Invoke-Expression

JSON: shell, script.`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			var script strings.Builder
			if err := shells[args[0]](cmd.Root(), &script); err != nil {
				return err
			}
			return c.Show(struct {
				Shell  string `json:"shell"`
				Script string `json:"script"`
			}{args[0], script.String()}, func() { c.Printf("%s", script.String()) })
		},
	}
}
