package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program",
		Long: `Print the version of the program, the commit it was built from, the version of
Go that built it, and the system it was built for.`,
		Args: noArguments,
		Run: func(cmd *cobra.Command, _ []string) {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			_, _ = fmt.Fprintf(cmd.OutOrStdout(), "rest2ldap %s %s %s/%s\n", version(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// version returns what the go command recorded: the version of the module and, where it
// knew it, the commit.
func version(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	var b strings.Builder
	b.WriteString(info.Main.Version)
	if info.Main.Version == "" {
		b.WriteString("(devel)")
	}
	if commit := settings["vcs.revision"]; commit != "" {
		b.WriteString(" commit " + commit)
		if settings["vcs.modified"] == "true" {
			b.WriteString(" with changes")
		}
	}
	return b.String()
}
