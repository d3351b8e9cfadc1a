package demo

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

const (
	// authorityLife is how long a kept authority is good, and renewal how long before its
	// end another one is made.
	authorityLife = 365 * 24 * time.Hour
	renewal       = 30 * 24 * time.Hour
)

// files is the folder of a demo.
type files struct {
	dir       string
	temporary bool
}

func (f *files) path(name string) string { return filepath.Join(f.dir, name) }

// ca is the certificate of the authority, which signs those of both listeners.
func (f *files) ca() string { return f.path("ca.pem") }

func (f *files) config() string { return f.path("gateway.yaml") }

// remove removes a folder that was made for this run.
func (f *files) remove() error {
	if !f.temporary {
		return nil
	}
	return os.RemoveAll(f.dir)
}

// certify makes the certificates of both listeners, and the authority where there is none.
func (f *files) certify(o *Options) error {
	authority, err := f.authority()
	if err != nil {
		return err
	}
	hosts := testcert.LocalHosts()
	for _, address := range []string{o.HTTPS, o.LDAPS} {
		host, _, _ := net.SplitHostPort(address) // It has been checked.
		if ip := net.ParseIP(host); host != "" && !slices.Contains(hosts, host) && (ip == nil || !ip.IsUnspecified()) {
			hosts = append(hosts, host)
		}
	}
	for _, name := range []string{"gateway", "directory"} {
		pair, err := authority.Issue(testcert.Leaf{CommonName: "rest2ldap demo " + name, Hosts: hosts, NotAfter: authority.Certificate.NotAfter})
		if err == nil {
			_, _, err = pair.WriteFiles(f.dir, name)
		}
		if err != nil {
			return err
		}
	}
	return os.WriteFile(f.path("service.password"), []byte(exampledata.ServicePassword+"\n"), 0o600)
}

// authority takes the authority of an earlier run, or makes one.
func (f *files) authority() (*testcert.CA, error) {
	cert, err := os.ReadFile(f.ca())
	key, err2 := os.ReadFile(f.path("ca.key"))
	if err := cmp.Or(err, err2); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if kept, err := testcert.LoadCA(cert, key); err == nil && time.Until(kept.Certificate.NotAfter) > renewal {
		return kept, nil
	}
	made, err := testcert.NewAuthority(testcert.Leaf{CommonName: "rest2ldap demo authority", NotAfter: time.Now().Add(authorityLife)})
	if err != nil {
		return nil, err
	}
	if key, err = made.KeyPEM(); err == nil {
		err = os.WriteFile(f.path("ca.key"), key, 0o600)
	}
	if err == nil {
		err = os.WriteFile(f.ca(), made.PEM(), 0o644) //nolint:gosec // Whoever connects needs it.
	}
	return made, err
}

func (f *files) directoryTLS() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.path("directory.pem"), f.path("directory.key"))
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, err
}

// writeConfig writes the configuration of the gateway. "rest2ldap serve --config" takes it
// as well, while the directory runs.
func (f *files) writeConfig(o *Options, ldaps string) error {
	events := "# Events go to standard error."
	if o.Events != "" {
		name, err := filepath.Abs(o.Events)
		if err != nil {
			return err
		}
		events = fmt.Sprintf("audit: {file: %q}", name)
	}
	text := fmt.Sprintf(`# Written by "rest2ldap demo", anew with every start.
version: 1
server:
  listen: %q
  certificates: [{cert: gateway.pem, key: gateway.key}]
directory:
  servers: [{url: "ldaps://%s"}]
  ca: ca.pem
  bind: {dn: %q, password: "file:service.password"}
  passwordPolicy: %q
auth:
  basic:
    mode: search
    baseDn: %q
    scope: one
    filter: (&(uid={username})(objectClass=inetOrgPerson))
%s
`, o.HTTPS, ldaps, exampledata.ServiceDN, exampledata.PolicyDN, exampledata.PeopleDN, events)
	return os.WriteFile(f.config(), []byte(text), 0o600)
}
