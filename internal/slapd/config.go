package slapd

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// Files of a site, beside slapd.conf.
const (
	confFile = "slapd.conf"
	dataFile = "data.ldif"
	caFile   = "ca.pem"
	certName = "server"
)

// site is the folder that holds all that one server needs: configuration, data
// and certificates. A process uses it in place, a container gets a copy.
type site struct {
	dir          string
	options      Options
	member       *member // nil for a server that is alone
	ca           *testcert.CA
	rootPassword string
}

// layout says where slapd finds things on the machine, or in the image, that
// runs it.
type layout struct {
	// Root is the site's folder as slapd sees it.
	Root string
	// Modules and Schema are folders of the installation.
	Modules, Schema string
	// GnuTLS says that slapd is built with it, as Debian's is, and not with
	// OpenSSL.
	GnuTLS bool
}

//go:embed slapd.conf.tmpl
var confText string

// newSite makes the certificates and the data. The configuration follows when
// the layout is known.
func newSite(dir string, options Options, m *member) (*site, error) {
	if options.Users == 0 {
		options.Users = exampledata.DefaultUsers
	}
	switch options.LogLevel {
	case "":
		options.LogLevel = "stats"
	case "0":
		options.LogLevel = "none" // At 0 slapd does not even say its version.
	}
	s := &site{dir: dir, options: options, member: m, rootPassword: rand.Text()}
	var err error
	if m != nil {
		s.ca, s.rootPassword = m.ca, m.rootPassword
	} else if s.ca, err = testcert.NewCA(); err != nil {
		return nil, err
	}
	pair, err := s.ca.Issue(testcert.Leaf{})
	if err != nil {
		return nil, err
	}
	if _, _, err := pair.WriteFiles(dir, certName); err != nil {
		return nil, err
	}
	data := bytes.Join([][]byte{exampledata.LDIF(options.Users), exampledata.PolicyLDIF(), []byte(options.LDIF)}, []byte("\n"))
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, caFile), s.ca.PEM(), 0o644),
		os.WriteFile(filepath.Join(dir, dataFile), data, 0o600),
		os.Mkdir(filepath.Join(dir, "db"), 0o700),
		os.Mkdir(filepath.Join(dir, "accesslog"), 0o700))
	return s, err
}

// configure writes slapd.conf.
func (s *site) configure(l layout) error {
	parsed, err := template.New(confFile).Parse(confText)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	err = parsed.Execute(&b, map[string]any{
		"Layout":         l,
		"Options":        s.options,
		"Member":         s.member,
		"Schema":         schemaLines(s.options.Schema),
		"Access":         accessLines(s.options.access()),
		"Codes":          CodesDN,
		"Limit":          limitWords(s.options.CallerSizeLimit),
		"Base":           exampledata.BaseDN,
		"People":         exampledata.PeopleDN,
		"Administrators": exampledata.AdministratorsDN,
		"Service":        exampledata.ServiceDN,
		"Policy":         PolicyDN,
		"Policies":       exampledata.PoliciesDN,
		"Root":           RootDN,
		"RootPassword":   s.rootPassword,
		"Config":         ConfigDN,
		"AccessLog":      AccessLogDN,
		"AccountState":   strings.Join(AccountStateAttributes(), ","),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, confFile), b.Bytes(), 0o600)
}

// schemaLines says definitions in the words of slapd.conf.
func schemaLines(definitions string) string {
	return strings.NewReplacer("attributeTypes: ", "attributetype ", "objectClasses: ", "objectclass ").Replace(definitions)
}

// limitWords says a limit in the words of slapd.conf.
func limitWords(limit int) string {
	if limit == Unlimited {
		return "unlimited"
	}
	return fmt.Sprint(limit)
}

// AccountStateAttributes returns the operational attributes that tell whether an account
// is usable. The gateway's account may read them.
func AccountStateAttributes() []string { return exampledata.AccountStateAttributes() }
