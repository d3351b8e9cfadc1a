package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/config"
)

// load reads a configuration without problems from a new folder with the usual files.
func load(t *testing.T, sources config.Sources) *config.File {
	t.Helper()
	t.Chdir(t.TempDir())
	usualFiles(t)
	file, problems := config.Load(sources)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return file
}

func TestLoad_FileIsNotThere(t *testing.T) {
	t.Chdir(t.TempDir())
	file, problems := config.Load(config.Sources{Path: "gateway.yaml"})
	if file != nil || problems.Error() != "gateway.yaml: is not there; name the configuration file, or begin with gateway.example.yaml" {
		t.Errorf("%v, %v", file, problems)
	}
}

// TestLoad_WithoutFile configures everything by the environment, as in a container.
func TestLoad_WithoutFile(t *testing.T) {
	file := load(t, config.Sources{Environ: []string{
		"REST2LDAP_VERSION=1",
		"REST2LDAP_SERVER__CERTIFICATES__0__CERT=tls/gateway.pem",
		"REST2LDAP_SERVER__CERTIFICATES__0__KEY=tls/gateway.key",
		"REST2LDAP_DIRECTORY__SERVERS__0__URL=ldaps://ldap.example.com",
		"REST2LDAP_DIRECTORY__BIND__DN=cn=rest2ldap,dc=example,dc=com",
		"REST2LDAP_DIRECTORY__BIND__PASSWORD=file:secrets/bind",
		"REST2LDAP_AUTH__BASIC__MODE=simple",
		"REST2LDAP_AUTH__BASIC__DNTEMPLATE=uid={username},dc=example,dc=com",
	}})
	if file.Auth.Basic.DNTemplate != "uid={username},dc=example,dc=com" || file.Directory.Servers[0].Role != "primary" {
		t.Errorf("%+v", file)
	}
}

func TestPosition(t *testing.T) {
	file := load(t, config.Sources{
		Path: "gateway.yaml", Environ: []string{"REST2LDAP_LIMITS__DEPTH=9"}, Set: []string{"auth.realm=x"},
	})
	for path, want := range map[string]string{
		"directory.servers[0].url":  "gateway.yaml:8:12",
		"directory.servers[0].role": "gateway.yaml:8:7",
		"directory.bind":            "gateway.yaml:9:3",
		"limits.depth":              "environment REST2LDAP_LIMITS__DEPTH",
		"auth.realm":                "--set auth.realm",
		"mapping.dir":               "gateway.yaml:1:1",
	} {
		if got := file.Position(path).String(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if file.IsSet("mapping.dir") || !file.IsSet("directory.servers[0].url") {
		t.Error("IsSet")
	}
}

// TestDump_LoadsAgain reads the printed configuration back: nothing but the secret is lost.
func TestDump_LoadsAgain(t *testing.T) {
	first := load(t, config.Sources{Path: "gateway.yaml", Set: []string{
		"auth.bearer.issuer=https://login.example.com", "auth.bearer.audience=gateway", "auth.bearer.keys=tls/ca.pem",
		"auth.bearer.authzId=u:{sub}", "limits.body=1536B", "limits.requestTimeout=90s",
	}})
	printed := dump(t, first)
	write(t, "again.yaml", strings.Replace(printed, "'[redacted]'", "file:secrets/bind", 1), 0o600)
	again, problems := config.Load(config.Sources{Path: "again.yaml"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(withoutComments(printed), withoutComments(dump(t, again))); diff != "" {
		t.Error(diff)
	}
}

func dump(t *testing.T, file *config.File) string {
	t.Helper()
	text, err := file.Dump()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func withoutComments(text string) []string {
	all := strings.Split(text, "\n")
	for i, line := range all {
		all[i], _, _ = strings.Cut(line, " #")
	}
	return all
}

// FuzzLoad feeds any text as a configuration: it must end in problems or in a
// configuration that prints, never in a panic.
func FuzzLoad(f *testing.F) {
	f.Add(usual, "directory.pool.max=3", "AUTH__REALM=x")
	f.Add("version: 1\nserver: &a\n  certificates: [*a]\n", "a[0].b=1", "DIRECTORY__SERVERS__0__URL=ldaps://x")
	f.Add("? [a]\n: b\n<<: {x: y}\n", "=", "=")
	f.Fuzz(func(t *testing.T, text, set, variable string) {
		t.Chdir(t.TempDir())
		usualFiles(t)
		write(t, "gateway.yaml", text, 0o600)
		file, problems := config.Load(config.Sources{
			Path: "gateway.yaml", Set: []string{set}, Environ: []string{"REST2LDAP_" + variable},
		})
		if file == nil && len(problems.Errors()) == 0 {
			t.Fatal("neither a configuration nor a problem")
		}
		if file != nil {
			dump(t, file)
		}
		for _, p := range problems {
			if strings.ContainsAny(p.String(), "\n") {
				t.Errorf("a problem on more than one line: %q", p.String())
			}
		}
	})
}
