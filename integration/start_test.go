package integration_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// refuses runs the program and checks that it ends at once, for what its files say: it becomes
// ready for nobody, asks the directory for nothing, and tells each of the problems.
func refuses(t *testing.T, server *slapd.Server, args []string, problems ...string) {
	t.Helper()
	before := len(logOf(server))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, program(), args...)
	var told logBuffer
	command.Stderr = &told
	ready, err := command.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || len(ready) > 0 {
		t.Fatalf("%v, ready %q\n%s", err, ready, &told)
	}
	for _, problem := range problems {
		if !strings.Contains(told.String(), problem) {
			t.Errorf("it does not tell %q:\n%s", problem, &told)
		}
	}
	if log := logOf(server)[before:]; strings.Contains(log, " op=") {
		t.Errorf("the directory was asked: %s", log)
	}
}

// What is wrong with the mapping or the configuration is said at the start, with its place.
func TestRefusedStart(t *testing.T) {
	const people = `"collection", "resource": "user", "dnTemplate": "ou=People,dc=example,dc=com"`
	const naming = `"namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}`
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		for name, test := range map[string]struct {
			users, property string
			problems        []string
		}{
			"R_K05": {
				users:    `{"type": ` + people + `, "flattenSubtree": true, ` + naming + `}`,
				problems: []string{`/resourceTypes/v1/subResources/users/flattenSubtree: "flattenSubtree" needs "isReadOnly": true`},
			},
			"R_K07": {
				users:    `{"type": ` + people + `, "namingStrategy": {"type": "clientNaming", "dnAttribute": "uid", "idAttribute": "uid"}}`,
				problems: []string{`/resourceTypes/v1/subResources/users/namingStrategy/idAttribute: "idAttribute" must differ from "dnAttribute"`},
			},
			"R_K07/Server": {
				users:    `{"type": ` + people + `, "namingStrategy": {"type": "serverNaming", "dnAttribute": "uid", "idAttribute": "UID"}}`,
				problems: []string{`/resourceTypes/v1/subResources/users/namingStrategy/idAttribute: "idAttribute" must differ from "dnAttribute"`},
			},
			"R_K09": {
				property: `, "a": {"type": "simple", "writability": "never"}, "b": {"type": "simpel"}`,
				problems: []string{`/resourceTypes/user/properties/a/writability: "writability" must be one of`, `/resourceTypes/user/properties/b/type: `},
			},
			"R_K15": {
				property: `, "a": {"type": "simple", "isRequred": true}`,
				problems: []string{`/resourceTypes/user/properties/a/isRequred: "isRequred" is not a key of a property of type "simple"; did you mean "isRequired"?`},
			},
		} {
			t.Run(name, func(t *testing.T) {
				if test.users == "" {
					test.users = `{"type": ` + people + `, ` + naming + `}`
				}
				mapping := `{"format": 1, "version": "1.0", "resourceTypes": {
"v1": {"subResources": {"users": ` + test.users + `}},
"user": {"objectClasses": ["inetOrgPerson"], "properties": {"_id": {"type": "simple", "ldapAttribute": "uid"}` + test.property + `}}}}`
				_, _, args := configure(t, server, settings{mappings: map[string]string{"api/v1.json": mapping}})
				refuses(t, server, args, append(test.problems, "api/v1.json:")...)
			})
		}
		t.Run("R_K11", func(t *testing.T) {
			dir := t.TempDir()
			oldMapping(t, dir)
			host, port, err := net.SplitHostPort(server.Address)
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, "config.json", fmt.Sprintf(`{
"ldapConnectionFactories": {
"bind": {"inheritFrom": "root", "connectionSecurity": "ssl", "primaryLdapServers": [{"hostname": %q, "port": %s}]},
"root": {"inheritFrom": "bind", "authentication": {"simple": {"bindDn": %q, "bindPassword": %q}}}
},
"authorization": {"policies": ["basic"], "basic": {"bind": "simple", "simple": {"bindDnTemplate": "uid={username},ou=People,dc=example,dc=com"}}}
}`, host, port, server.ServiceDN, server.ServicePassword))
			tls := t.TempDir()
			writeCertificate(t, tls)
			args := []string{"serve", "--legacy", dir}
			for _, set := range []string{
				"server.listen=127.0.0.1:0", "server.certificates.0.cert=" + filepath.Join(tls, "gateway.pem"), "server.certificates.0.key=" + filepath.Join(tls, "gateway.key"),
				"directory.ca=" + server.CAFile,
			} {
				args = append(args, "--set", set)
			}
			refuses(t, server, args, "config.json:3:25: ldapConnectionFactories.bind.inheritFrom: decision: is a circle: ", "config.json:4:25: ldapConnectionFactories.root.inheritFrom: ")
		})
	})
}
