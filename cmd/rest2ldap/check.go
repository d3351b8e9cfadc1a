package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rest2ldap/rest2ldap/pkg/app"
	"github.com/rest2ldap/rest2ldap/pkg/config"
)

func newCheck(environ []string) *cobra.Command {
	s := &sources{environ: environ}
	var strict bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and the mapping files",
		Long: `Check the configuration and the mapping files without starting anything:
neither the directory nor the issuer of tokens is asked.

Every problem is one line: place, path, and a sentence. The exit status is 1
when there is one. Warnings do not count, unless --strict is given: a secret
that everyone may read, a certificate that has expired or soon will, a key
of an older mapping file that has no effect.`,
		Example: `  rest2ldap check --config gateway.yaml
  rest2ldap check --strict --set mapping.dir=/etc/rest2ldap/mappings`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, problems := s.loadAndCheck()
			if strict {
				for i := range problems {
					problems[i].Warning = false
				}
			}
			report(cmd.ErrOrStderr(), problems)
			if len(problems.Errors()) > 0 {
				return errReported
			}
			_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s: no errors, %s\n", cmp.Or(s.path, "configuration"), warnings(len(problems)))
			return nil
		},
	}
	s.register(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings are errors")
	return cmd
}

func warnings(n int) string {
	switch n {
	case 0:
		return "no warnings"
	case 1:
		return "1 warning"
	}
	return fmt.Sprintf("%d warnings", n)
}

// loadAndCheck reads the configuration and judges all that can be judged without
// listening, so that every problem is told at once.
func (s *sources) loadAndCheck() (*config.File, config.Problems) {
	file, problems := s.load()
	if file != nil {
		problems = append(problems, app.Check(file)...)
		problems.Sort()
	}
	return file, problems
}
