// These settings are defaults of the Go release. Pinned here, neither a newer
// go.mod nor an older one can loosen TLS; app refuses an environment that does.
//
//go:debug tls10server=0
//go:debug tls3des=0
//go:debug tlsrsakex=0
//go:debug tlssha1=0
//go:debug tlsunsafeekm=0
//go:debug x509negativeserial=0
//go:debug rsa1024min=1

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errReported ends a command whose problems have been printed already.
var errReported = errors.New("problems were reported")

// failure is an error of the command itself, not of the command line.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run runs a command line and returns its exit status.
func run(args, environ []string, stdout, stderr io.Writer) int {
	root := newRoot(environ)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	verb, err := root.ExecuteC()
	return status(verb, err, stderr)
}

// status prints an error of a verb and returns the exit status for it.
func status(verb *cobra.Command, err error, stderr io.Writer) int {
	var failed failure
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &failed):
		_, _ = fmt.Fprintf(stderr, "rest2ldap: %v\n", err)
		return exitFailed
	}
	help := "rest2ldap help"
	if verb.HasParent() {
		help += " " + verb.Name()
	}
	_, _ = fmt.Fprintf(stderr, "rest2ldap: %v\nRun \"%s\" for usage.\n", err, help)
	return exitUsage
}

// newRoot makes the command with its verbs.
func newRoot(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "rest2ldap",
		Short: "A secure REST API in front of an LDAP directory",
		Long: `A secure REST API in front of an LDAP directory: HTTPS and JSON on one side,
LDAP over TLS on the other, nothing in clear.

"rest2ldap demo" shows it with a directory of its own, and needs nothing else.
For yours, begin with gateway.example.yaml, "check" it, and "serve".`,
		SilenceErrors: true, SilenceUsage: true, Args: knownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(newDemo(environ), newServe(environ), newCheck(environ), newConfig(environ), newMigrate(environ), newVersion(), newCompletion())
	root.SetHelpCommand(newHelp())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		text, _, _ := strings.Cut(err.Error(), ": strconv.") // What follows is about Go.
		return errors.New(text)
	})
	for _, verb := range root.Commands() {
		if verb.ValidArgs == nil && verb.ValidArgsFunction == nil {
			verb.ValidArgsFunction = cobra.NoFileCompletions // A verb without arguments.
		}
	}
	return root
}
