package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/pkg/demo"
)

func newDemo(environ []string) *cobra.Command {
	o := demo.Options{Environ: environ}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the gateway in front of an example directory in memory",
		Long: `Run the gateway in front of an example directory in memory.

The directory speaks LDAP over TLS, as a real one does, and the gateway is the
same as with "serve". When both listen, one line on standard output tells where:

  ready https=https://127.0.0.1:8443 ldaps=ldaps://127.0.0.1:1636 ca=/…/ca.pem

The lines after it are commands to paste into another terminal. Events and logs
go to standard error. Ctrl-C ends it.

It is for trying things out: its passwords are public, and what is written to
the directory is gone at the end.`,
		Example: `  rest2ldap demo
  rest2ldap demo --https 127.0.0.1:0 --ldaps 127.0.0.1:0
  rest2ldap demo --dir demo --entries 100000`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Entries < 0 || o.Entries > maxEntries {
				return fmt.Errorf("--entries %d is not between 0 and %d", o.Entries, maxEntries)
			}
			tuneCollector(environ)
			o.Stdout, o.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err := demo.Run(cmd.Context(), o); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.HTTPS, "https", "127.0.0.1:8443", "`address` of the gateway;\nport 0 picks a free one")
	flags.StringVar(&o.LDAPS, "ldaps", "127.0.0.1:1636", "`address` of the directory")
	flags.StringVar(&o.Dir, "dir", "", "`folder` for certificates and configuration, kept;\nwithout it one that is removed at the end")
	flags.IntVar(&o.Entries, "entries", exampledata.DefaultUsers, "`number` of users, a million at most")
	flags.StringVar(&o.Events, "events", "", "`file` for the audit events;\nwithout it, standard error")
	_ = cmd.MarkFlagDirname("dir")     // The flag is there.
	_ = cmd.MarkFlagFilename("events") // Likewise.
	return cmd
}

// maxEntries bounds the users of the demo: each takes a few KiB of memory.
const maxEntries = 1_000_000
