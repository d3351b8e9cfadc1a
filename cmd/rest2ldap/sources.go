package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rest2ldap/rest2ldap/pkg/config"
)

// sources are the flags that every verb with a configuration has.
type sources struct {
	path    string
	set     []string
	environ []string
}

func (s *sources) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.path, "config", "c", "gateway.yaml", "the configuration `file`")
	cmd.Flags().StringArrayVar(&s.set, "set", nil, "a `path=value` that wins over the file;\nmay be given several times")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml") // The flag has just been made.
}

// load reads the configuration.
func (s *sources) load() (*config.File, config.Problems) {
	return config.Load(config.Sources{Path: s.path, Environ: s.environ, Set: s.set})
}

// report prints problems, one a line.
func report(w io.Writer, problems config.Problems) {
	for _, p := range problems {
		_, _ = fmt.Fprintln(w, p)
	}
}
