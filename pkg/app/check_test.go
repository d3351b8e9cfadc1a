package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/app"
	"github.com/rest2ldap/rest2ldap/pkg/config"
)

const usual = `version: 1
server:
  listen: 127.0.0.1:0
  certificates:
    - cert: gateway.pem
      key: gateway.key
directory:
  servers:
    - url: ldaps://127.0.0.1:1
  ca: ca.pem
  bind:
    dn: cn=rest2ldap,ou=Services,dc=example,dc=com
    password: file:password
auth:
  basic:
    mode: search
    baseDn: ou=People,dc=example,dc=com
    filter: (uid={username})
audit:
  file: events.jsonl
`

// folder makes a folder with the usual configuration the working directory.
func folder(t *testing.T) *testcert.CA {
	t.Helper()
	t.Chdir(t.TempDir())
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	issue(t, ca, "gateway", testcert.Leaf{})
	write(t, "ca.pem", string(ca.PEM()))
	write(t, "password", "hunter2\n")
	write(t, "gateway.yaml", usual)
	return ca
}

func issue(t *testing.T, ca *testcert.CA, name string, leaf testcert.Leaf) {
	t.Helper()
	pair, err := ca.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := pair.WriteFiles(".", name); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// join makes a file of others.
func join(t *testing.T, name string, parts ...string) {
	t.Helper()
	var text []byte
	for _, part := range parts {
		more, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, more...)
	}
	write(t, name, string(text))
}

func load(t *testing.T, set ...string) *config.File {
	t.Helper()
	file, problems := config.Load(config.Sources{Path: "gateway.yaml", Set: set})
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	return file
}

func TestCheck(t *testing.T) {
	ca := folder(t)
	issue(t, ca, "other", testcert.Leaf{})
	issue(t, ca, "expired", testcert.Leaf{NotAfter: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)})
	soon := time.Now().Add(10 * time.Hour).Truncate(time.Second)
	issue(t, ca, "soon", testcert.Leaf{NotBefore: time.Now().Add(-30 * time.Hour), NotAfter: soon})
	issue(t, ca, "future", testcert.Leaf{NotBefore: time.Date(2120, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2121, 1, 1, 0, 0, 0, 0, time.UTC)})
	join(t, "chain.pem", "other.pem", "expired.pem")
	join(t, "several.pem", "expired.pem", "ca.pem")
	write(t, "empty/README", "")
	write(t, "wrong/api/v1.yaml", "format: 1\nversion: 1.0\n")
	write(t, "twice/api/v1.json", mappingText("1.0", ""))
	write(t, "twice/api/w1.json", strings.ReplaceAll(mappingText("2.0", ""), "v1", "w1"))
	write(t, "same/api/v1.json", mappingText("1.0", `"format": 1, `))
	write(t, "same/api/w1.json", strings.ReplaceAll(mappingText("1", `"format": 1, `), "v1", "w1"))
	write(t, "legacy/api/v1.json", mappingText("1.0", `"nosuch": 1,`))
	for name, test := range map[string]struct {
		set  []string
		want []string
	}{
		"Good": {},
		"OtherKey": {
			[]string{"server.certificates.0.key=other.key"},
			[]string{"gateway.yaml:5:7: server.certificates[0]: "},
		},
		"NoCertificate": {
			[]string{"server.certificates.0.cert=password"},
			[]string{"gateway.yaml:5:7: server.certificates[0]: "},
		},
		"Expired": {
			[]string{"server.certificates.0.cert=expired.pem", "server.certificates.0.key=expired.key"},
			[]string{"--set server.certificates.0.cert: warning: the certificate in expired.pem expired on 2020-01-02T03:04:05Z; clients will refuse it"},
		},
		"ExpiresSoon": {
			[]string{"server.certificates.0.cert=soon.pem", "server.certificates.0.key=soon.key"},
			[]string{"--set server.certificates.0.cert: warning: the certificate in soon.pem expires on " + soon.UTC().Format(time.RFC3339) + "; put another one in its place"},
		},
		"ExpiredIntermediate": {
			[]string{"server.certificates.0.cert=chain.pem", "server.certificates.0.key=other.key"},
			[]string{"--set server.certificates.0.cert: warning: the certificate in chain.pem expired on 2020-01-02T03:04:05Z; clients will refuse it"},
		},
		"ExpiredAuthority": {
			[]string{"directory.ca=expired.pem", "outboundTLS.ca=several.pem"}, // Of several, one on its way out is kept beside its successor.
			[]string{"--set directory.ca: warning: the certificate in expired.pem expired on 2020-01-02T03:04:05Z; put another one in its place"},
		},
		"NotYetValid": {
			[]string{"server.certificates.0.cert=future.pem", "server.certificates.0.key=future.key"},
			[]string{"--set server.certificates.0.cert: warning: the certificate in future.pem is not valid before 2120-01-02T03:04:05Z; clients will refuse it"},
		},
		"NoAuthorities": {
			[]string{"directory.ca=password", "outboundTLS.ca=gateway.key"},
			[]string{"--set directory.ca: ", "--set outboundTLS.ca: "},
		},
		"Names": {
			[]string{"directory.bind.dn=cn=a,,", "auth.basic.baseDn=People", "auth.basic.filter=(uid={username}"},
			[]string{"--set auth.basic.baseDn: ", "--set auth.basic.filter: ", "--set directory.bind.dn: "},
		},
		"Template": {
			[]string{"auth.basic.mode=simple", "auth.basic.dnTemplate={username}"},
			[]string{`--set auth.basic.dnTemplate: "{username}" must be a whole DN in which {username} is a value, for example uid={username},ou=People,dc=example,dc=com`},
		},
		"NoMapping":     {[]string{"mapping.dir=empty"}, []string{"empty: there is no mapping file", "empty/README: "}},
		"WrongMapping":  {[]string{"mapping.dir=wrong"}, []string{"wrong/api/v1.yaml:1:1: "}},
		"TwoVersions":   {[]string{"mapping.dir=twice"}, nil},
		"SameVersion":   {[]string{"mapping.dir=same"}, []string{"same/api/w1.json:1:13: /version: version \"1\" of \"api\" is that of api/v1.json too"}},
		"LegacyMapping": {[]string{"mapping.dir=legacy"}, []string{"legacy/api/v1.json:1:20: /nosuch: warning: "}},
		"Keys": {
			[]string{
				"auth.bearer.issuer=https://login.example.com", "auth.bearer.audience=gateway", "auth.bearer.keys=password",
				"auth.bearer.authzId=dn:uid={sub},,dc=example,dc=com",
			},
			[]string{"--set auth.bearer.authzId: ", "--set auth.bearer.keys: "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file, _ := config.Load(config.Sources{Path: "gateway.yaml", Set: test.set})
			got := app.Check(file)
			for i, p := range got {
				t.Log(p)
				if i >= len(test.want) || !strings.HasPrefix(p.String(), test.want[i]) {
					t.Errorf("not expected: %s", p)
				}
			}
			if len(got) < len(test.want) {
				t.Errorf("%d problems, want %d", len(got), len(test.want))
			}
			if strings.Contains(got.Error(), "hunter2") {
				t.Error("a secret is shown")
			}
		})
	}
}

func mappingText(version, more string) string {
	return `{"version": "` + version + `", ` + more + `"resourceTypes": {"v1": {"subResources": {"users": {"type": "collection",
		"dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}},
		"user": {"objectClasses": ["inetOrgPerson"], "properties": {"userName": {"type": "simple", "ldapAttribute": "uid"}}}}}`
}

// TestCheck_SaysNothingTwice reads a configuration with which Load has found fault.
func TestCheck_SaysNothingTwice(t *testing.T) {
	folder(t)
	write(t, "gateway.yaml", strings.NewReplacer("cert: gateway.pem", "cert: nosuch.pem", "ca: ca.pem", "ca: nosuch.pem",
		"filter: (uid={username})", "filter: (uid={user}").Replace(usual))
	file, problems := config.Load(config.Sources{Path: "gateway.yaml", Set: []string{
		"mapping.dir=nosuch", "outboundTLS.ca=nosuch.pem", "auth.bearer.issuer=https://login.example.com", "auth.bearer.audience=gateway",
		"auth.bearer.jwksUrl=https://login.example.com/keys", "auth.bearer.algorithms=HS256", "auth.bearer.authzId=sub",
	}})
	if len(problems.Errors()) != 7 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff("", app.Check(file).Error()); diff != "" {
		t.Error(diff)
	}
}
