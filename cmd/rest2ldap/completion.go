package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// shells are those that there is a script for.
const shells = "bash, zsh or fish"

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the completion script for a shell",
		Long: `Print the script by which a shell completes verbs, flags and file names of this
program. Put it where your shell looks for such scripts; a new shell has it.`,
		Example: `  rest2ldap completion bash >/etc/bash_completion.d/rest2ldap
  rest2ldap completion zsh >"${fpath[1]}/_rest2ldap"
  rest2ldap completion fish >~/.config/fish/completions/rest2ldap.fish`,
		ValidArgs:             []string{"bash\tGNU Bash 4.4 or later", "zsh\tthe Z shell", "fish\tthe friendly shell"},
		Args:                  oneArgument(shells),
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			script, known := map[string]func(io.Writer) error{
				"bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
				"zsh":  root.GenZshCompletion,
				"fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
			}[args[0]]
			if !known {
				return fmt.Errorf("there is no script for %q; write %s", args[0], shells)
			}
			if err := script(cmd.OutOrStdout()); err != nil {
				return failure{err}
			}
			return nil
		},
	}
}
