package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rest2ldap/rest2ldap/pkg/app"
	"github.com/rest2ldap/rest2ldap/pkg/config"
)

func newServe(environ []string) *cobra.Command {
	s := &sources{environ: environ}
	var old string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer requests until a signal ends it",
		Long: `Answer requests until a signal ends it.

When the gateway listens it prints one line on standard output, with admin=
behind it where there is an admin listener:

  ready https=https://127.0.0.1:8443

It starts whether or not the directory answers; requests get 503 until it does.
Logs go to standard error, and so do audit events unless audit.file is set.

SIGTERM and SIGINT end it: no new connections, requests at work are finished
(15 s at most), the audit file is complete, the directory is told goodbye. A
second signal ends it at once. SIGHUP opens the audit file anew, for rotation,
and reads mapping files, certificates, keys and authorities anew.

With --legacy the configuration is made of that of an older gateway, as with
"migrate", and kept in a folder that is removed at the end. What needs a
decision is printed, and then nothing starts.`,
		Example: `  rest2ldap serve --config gateway.yaml
  rest2ldap serve --config gateway.yaml --set server.listen=127.0.0.1:0
  rest2ldap serve --legacy /opt/tomcat/webapps/rest2ldap \
    --set server.certificates.0.cert=gateway.pem \
    --set server.certificates.0.key=gateway.key`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch legacy := cmd.Flags().Changed("legacy"); {
			case legacy && cmd.Flags().Changed("config"):
				return errors.New("--legacy stands in place of --config; give one of them")
			case legacy:
				return serveLegacy(cmd, old, s)
			}
			file, problems := s.loadAndCheck()
			report(cmd.ErrOrStderr(), problems)
			if len(problems.Errors()) > 0 {
				return errReported
			}
			return serve(cmd, file, environ)
		},
	}
	s.register(cmd)
	cmd.Flags().StringVar(&old, "legacy", "", "the `folder` of an older gateway, in place of --config")
	_ = cmd.MarkFlagDirname("legacy") // The flag has just been made.
	return cmd
}

// serve runs the gateway until a signal ends it.
func serve(cmd *cobra.Command, file *config.File, environ []string) error {
	tuneCollector(environ)
	a, err := app.New(file, app.Options{Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Environ: environ})
	if err != nil {
		return failure{err}
	}
	if err := a.Run(cmd.Context()); err != nil {
		return failure{err}
	}
	return nil
}

// serveLegacy runs the gateway with the configuration of an older one.
func serveLegacy(cmd *cobra.Command, old string, s *sources) (err error) {
	m, err := prepare(old, "", s.set, s.environ)
	if err != nil {
		return failure{err}
	}
	defer func() { err = errors.Join(err, m.remove()) }()
	for _, f := range m.open {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), f)
	}
	report(cmd.ErrOrStderr(), m.problems)
	if !m.fit() {
		return errReported
	}
	if err := m.forget(); err != nil {
		return failure{err}
	}
	return serve(cmd, m.file, s.environ)
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
