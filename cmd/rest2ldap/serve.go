package main

import (
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rest2ldap/rest2ldap/pkg/app"
)

func newServe(environ []string) *cobra.Command {
	s := &sources{environ: environ}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer requests until a signal ends it",
		Long: `Answer requests until a signal ends it.

When the gateway listens it prints one line on standard output:

  ready https=https://127.0.0.1:8443

It starts whether or not the directory answers; requests get 503 until it does.
Logs go to standard error, and so do audit events unless audit.file is set.

SIGTERM and SIGINT end it: no new connections, requests at work are finished
(15 s at most), the audit file is complete, the directory is told goodbye. A
second signal ends it at once. SIGHUP opens the audit file anew, for rotation.`,
		Example: `  rest2ldap serve --config gateway.yaml
  rest2ldap serve --config gateway.yaml --set server.listen=127.0.0.1:0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, problems := s.loadAndCheck()
			report(cmd.ErrOrStderr(), problems)
			if len(problems.Errors()) > 0 {
				return errReported
			}
			tuneCollector(environ)
			a, err := app.New(file, app.Options{Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Environ: environ})
			if err != nil {
				return failure{err}
			}
			if err := a.Run(cmd.Context()); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	s.register(cmd)
	return cmd
}

// collectorPercent is how far the heap grows between two collections. What lives long
// is small here, a few MiB, and at Go's default of 100 the collector takes a tenth of
// the processor time of a request ("make bench" shows it).
const collectorPercent = 400

// tuneCollector sets the garbage collector, unless the operator has (GOGC).
func tuneCollector(environ []string) {
	if !slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GOGC=") }) {
		debug.SetGCPercent(collectorPercent)
	}
}
