package main

import (
	"github.com/spf13/cobra"
)

func newConfig(environ []string) *cobra.Command {
	s := &sources{environ: environ}
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration that is in force",
		Long: `Print the configuration that is in force: the defaults, the file, the
environment and the flags put together. A comment behind each value says where
it comes from. Secrets read [redacted].

The file itself is checked first; mapping files are not.`,
		Example: `  rest2ldap config --config gateway.yaml
  REST2LDAP_DIRECTORY__POOL__MAX=8 rest2ldap config --set auth.realm=Staff`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, problems := s.load()
			report(cmd.ErrOrStderr(), problems)
			if len(problems.Errors()) > 0 {
				return errReported
			}
			text, err := file.Dump()
			if err != nil {
				return failure{err}
			}
			if _, err := cmd.OutOrStdout().Write(text); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	s.register(cmd)
	return cmd
}
