package slapd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/testcontainers/testcontainers-go"

	"github.com/rest2ldap/rest2ldap/integration/ds389"
	"github.com/rest2ldap/rest2ldap/internal/exampledata"
)

// DirectoryManager is the RootDN of a [DS389].
const DirectoryManager = "cn=Directory Manager"

// findDS389 has the image ready.
//
//nolint:gochecknoglobals // As findEngine.
var findDS389 = sync.OnceValues(func() (string, error) {
	if _, err := findEngine(); err != nil {
		return "", err
	}
	image, err := ds389.Image(context.Background())
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return image, nil
})

// newDS389 prepares a 389 Directory Server that is published on that port of 127.0.0.1.
func newDS389(ctx context.Context, s *site, port string) (*container, error) {
	if s.options.Rules != "" || s.options.Global != "" || s.options.Database != "" || s.options.AccessLog || len(s.options.Codes) > 0 || len(s.options.access()) > 0 {
		return nil, fmt.Errorf("%w: these options are for OpenLDAP", ErrUnavailable)
	}
	image, err := findDS389()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(s.dir, dataFile))
	if err != nil {
		return nil, err
	}
	limit := "500" // That of OpenLDAP.
	switch {
	case s.options.CallerSizeLimit == Unlimited:
		limit = "-1"
	case s.options.CallerSizeLimit > 0:
		limit = fmt.Sprint(s.options.CallerSizeLimit)
	}
	texts := map[string]string{
		"data.ldif": dialectOf389(data), "limit": limit, "password": s.rootPassword,
		"schema.ldif": "dn: cn=schema\nobjectClass: top\nobjectClass: ldapSubentry\nobjectClass: subschema\ncn: schema\n" + s.options.Schema + "\n",
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(s.dir, "389-"+name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	files := []testcontainers.ContainerFile{}
	add := func(host, name string) {
		files = append(files, testcontainers.ContainerFile{HostFilePath: filepath.Join(s.dir, host), ContainerFilePath: ds389.Root + "/" + name, FileMode: 0o600})
	}
	for name := range texts {
		add("389-"+name, name)
	}
	for _, name := range []string{caFile, certName + ".pem", certName + ".key"} {
		add(name, name)
	}
	return create(ctx, containerOptions{image: image, port: ds389.Port, published: port, files: files, kind: DS389})
}

// dialectOf389 is the example data with the access rules of the server, and without what it
// does not know: the rule by which OpenLDAP lets one act for others, and policies.
func dialectOf389(data []byte) string {
	var b strings.Builder
	skip := false
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "dn: cn=default,ou=Policies,"):
			skip = true
		case line == "":
			skip = false
		}
		if skip || strings.HasPrefix(line, "authzTo:") {
			continue
		}
		b.WriteString(line + "\n")
		if line == "dn: "+exampledata.BaseDN {
			for _, rule := range rules389() {
				b.WriteString("aci: " + rule + "\n")
			}
		}
	}
	return b.String()
}

// rules389 are the access rules of the OpenLDAP recipe in the words of 389 Directory Server.
func rules389() []string {
	const (
		service = `userdn = "ldap:///` + exampledata.ServiceDN + `"`
		admins  = `groupdn = "ldap:///` + exampledata.AdministratorsDN + `"`
	)
	people := strings.Join(append([]string{"objectClass", "uid", "mail"}, accountState389()...), " || ")
	return []string{
		`(targetattr != "userPassword || aci")(version 3.0; acl "read"; allow (read, search, compare) userdn = "ldap:///all" and userdn != "ldap:///` + exampledata.ServiceDN + `";)`,
		`(targetattr = "*")(version 3.0; acl "administrators"; allow (all) ` + admins + `;)`,
		`(targetattr = "userPassword")(version 3.0; acl "own password"; allow (write) userdn = "ldap:///self";)`,
		`(target = "ldap:///uid=bjensen,` + exampledata.PeopleDN + `")(targetattr = "description || telephoneNumber || mail")(version 3.0; acl "own attributes"; allow (write) userdn = "ldap:///self";)`,
		`(targetattr = "*")(version 3.0; acl "act for others"; allow (proxy) ` + service + `;)`,
		`(target = "ldap:///` + exampledata.PeopleDN + `")(targetattr = "` + people + `")(version 3.0; acl "find people"; allow (read, search) ` + service + `;)`,
	}
}

// accountState389 are the attributes that tell whether an account is usable.
func accountState389() []string {
	return []string{"nsAccountLock", "accountUnlockTime", "passwordExpirationTime", "passwordRetryCount", "passwordGraceUserTime", "passwordExpWarned"}
}
