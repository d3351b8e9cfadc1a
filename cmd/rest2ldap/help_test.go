package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Every verb, those to come included, explains itself in lines that fit a terminal, with
// an example where it takes a configuration.
func TestHelp(t *testing.T) {
	root := newRoot(nil)
	root.InitDefaultHelpCmd()
	for _, verb := range append([]*cobra.Command{root}, root.Commands()...) {
		t.Run(verb.Name(), func(t *testing.T) {
			var help bytes.Buffer
			verb.SetOut(&help)
			if err := verb.Help(); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(help.String()) {
				line = strings.TrimSuffix(line, "\n")
				if n := utf8.RuneCountInString(line); n > 80 || strings.ContainsAny(line, "\t`") {
					t.Errorf("%d columns, or a tab or a backquote: %q", n, line)
				}
			}
			if verb.Short == "" || strings.HasSuffix(verb.Short, ".") || utf8.RuneCountInString(verb.Short) > 60 {
				t.Errorf("short help %q", verb.Short)
			}
			if verb.Flags().Lookup("config") != nil && verb.Example == "" {
				t.Error("no example")
			}
		})
	}
}
