package integration_test

import (
	"crypto/tls"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// ldapEntry reads an entry as the directory's administrator, with OpenLDAP's own client.
func ldapEntry(t *testing.T, server *slapd.Server, dn string) string {
	t.Helper()
	return ldapTool(t, server, "", "ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, "(objectClass=*)", "*", "+")
}

// ldapModify applies LDIF changes as the directory's administrator.
func ldapModify(t *testing.T, server *slapd.Server, ldif string) {
	t.Helper()
	ldapTool(t, server, ldif, "ldapmodify")
}

func ldapTool(t *testing.T, server *slapd.Server, input, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, append([]string{"-x", "-H", server.URL, "-D", server.RootDN, "-w", server.RootPassword}, args...)...)
	command.Env = append(os.Environ(), "LDAPTLS_CACERT="+server.CAFile)
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
	return string(output)
}

// logOf returns the log of a directory. That of a container comes a little later than what it
// tells of.
func logOf(server *slapd.Server) string {
	text := server.Logs()
	for server.Kind == slapd.Container {
		time.Sleep(100 * time.Millisecond)
		before := text
		if text = server.Logs(); text == before {
			break
		}
	}
	return text
}

// dialRoot connects as the directory's administrator.
func dialRoot(t *testing.T, server *slapd.Server) *ldap.Conn {
	t.Helper()
	conn, err := ldap.DialURL(server.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12}))
	if err == nil {
		err = conn.Bind(server.RootDN, server.RootPassword)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
