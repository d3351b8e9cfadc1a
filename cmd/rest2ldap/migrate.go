package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rest2ldap/rest2ldap/pkg/config"
	"github.com/rest2ldap/rest2ldap/pkg/legacy"
)

func newMigrate(environ []string) *cobra.Command {
	var out string
	var set []string
	cmd := &cobra.Command{
		Use:   "migrate DIR",
		Short: "Make a configuration of that of an older gateway",
		Long: `Make a configuration of that of an older gateway.

DIR is the folder of a REST to LDAP gateway, 3.5 to 7.x: the one that holds
config.json, or the web application around it. It may also be the folder of a
directory server that answered REST itself, its config.ldif, or a text of
dsconfig. What becomes of each setting is one line on standard error: kept,
changed (why), or in need of a decision (what to decide, and how).

Without --out the gateway.yaml is printed. With it, a new folder gets it, the
mapping files, certificates in PEM, and secrets that only you can read.

The exit status is 0 when the result would start as it is, and 1 when something
needs a decision or is wrong; it is made all the same. Decide in the old files,
in the new one, or with --set. Names of files in --set are relative to the
working directory.`,
		Example: `  rest2ldap migrate /opt/tomcat/webapps/rest2ldap
  rest2ldap migrate old --out new --set server.certificates.0.cert=gateway.pem \
    --set server.certificates.0.key=gateway.key`,
		Args: oneArgument("the folder or file of the older gateway"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			// Only what is written counts: variables that set keys may be gone tomorrow.
			m, err := prepare(args[0], out, set, withoutKeys(environ))
			if err != nil {
				return failure{err}
			}
			if out == "" {
				text, err := m.gateway.YAML()
				if err == nil {
					_, err = cmd.OutOrStdout().Write(text)
				}
				if err = errors.Join(err, m.remove()); err != nil {
					return failure{err}
				}
			}
			for _, f := range m.gateway.Findings {
				_, _ = fmt.Fprintln(cmd.ErrOrStderr(), f)
			}
			report(cmd.ErrOrStderr(), m.problems)
			m.summary(cmd.ErrOrStderr())
			if !m.fit() {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "a new `folder` for gateway.yaml and its files")
	cmd.Flags().StringArrayVar(&set, "set", nil, "a `path=value` that decides;\nmay be given several times")
	_ = cmd.MarkFlagDirname("out") // The flag has just been made.
	return cmd
}

// withoutKeys returns the environment without what sets keys of the configuration.
func withoutKeys(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, "REST2LDAP_") })
}

// migration is an old configuration, and the new one that was made of it.
type migration struct {
	gateway *legacy.Gateway
	// dir is where the new one was written.
	dir  string
	file *config.File
	// open are the decisions that nobody has made, and problems what else is wrong.
	open     []legacy.Finding
	problems config.Problems
}

// prepare reads the old configuration, writes the new one, and judges it. Without a folder
// it is written to one that is to be removed.
func prepare(dir, out string, set, environ []string) (*migration, error) {
	settings, problems := config.ReadSet(set)
	if len(problems) > 0 {
		return nil, problems
	}
	gateway, err := legacy.Read(dir)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		gateway.Decide(s.Path, s.Value)
	}
	m := &migration{gateway: gateway, dir: out}
	if out == "" {
		if m.dir, err = os.MkdirTemp("", "rest2ldap-legacy-"); err != nil {
			return nil, err
		}
	}
	if err := gateway.Write(m.dir); err != nil {
		if out == "" {
			err = errors.Join(err, m.remove())
		}
		return nil, err
	}
	m.judge(out, environ)
	return m, nil
}

// forget removes passwords that have been read. Keys stay, for they are read again when
// their files change.
func (m *migration) forget() error {
	var errs []error
	for _, f := range m.gateway.Files {
		if f.Secret && !strings.HasSuffix(f.Name, ".key") {
			errs = append(errs, os.Remove(filepath.Join(m.dir, filepath.FromSlash(f.Name))))
		}
	}
	return errors.Join(errs...)
}

// remove removes the new configuration.
func (m *migration) remove() error { return os.RemoveAll(m.dir) }

// judge checks the new configuration, as "check" does.
func (m *migration) judge(out string, environ []string) {
	s := sources{path: filepath.Join(m.dir, "gateway.yaml"), environ: environ}
	m.file, m.problems = s.loadAndCheck()
	m.open = slices.DeleteFunc(m.gateway.Decisions(), func(f legacy.Finding) bool {
		return slices.ContainsFunc(f.Keys, func(key string) bool {
			return m.file != nil && m.file.IsSet(key) && m.file.Position(key).Source != ""
		})
	})
	m.problems = slices.DeleteFunc(m.problems, m.told)
	for i := range m.problems {
		m.problems[i].Place.File = m.origin(m.problems[i].Place.File, out)
	}
}

// told reports whether a problem is about what is to be decided, and told with it.
func (m *migration) told(p config.Problem) bool {
	path := strings.NewReplacer("[", ".", "]", "").Replace(p.Path)
	return slices.ContainsFunc(m.open, func(f legacy.Finding) bool {
		return slices.ContainsFunc(f.Keys, func(key string) bool {
			return path != "" && (strings.HasPrefix(key+".", path+".") || strings.HasPrefix(path+".", key+"."))
		})
	})
}

// origin returns the old file that a file of the new configuration is a copy of. What was
// written only to be judged is called by its name alone.
func (m *migration) origin(name, out string) string {
	within, err := filepath.Rel(m.dir, name)
	if err != nil || out != "" {
		return name
	}
	for _, f := range m.gateway.Files {
		if f.From != "" && filepath.FromSlash(f.Name) == within {
			return f.From
		}
	}
	if filepath.IsLocal(within) {
		return within
	}
	return name
}

// fit reports whether the new configuration can be started.
func (m *migration) fit() bool { return len(m.open) == 0 && len(m.problems.Errors()) == 0 }

// summary counts the findings.
func (m *migration) summary(w io.Writer) {
	counts := map[legacy.Status]int{}
	for _, f := range m.gateway.Findings {
		counts[f.Status]++
	}
	_, _ = fmt.Fprintf(w, "%d kept, %d changed, %d to decide, %d wrong\n",
		counts[legacy.Kept], counts[legacy.Changed], len(m.open), len(m.problems.Errors()))
}
