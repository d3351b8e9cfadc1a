package integration_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

func TestHTTPSOnly(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{})
	address := strings.TrimPrefix(g.url, "https://")

	t.Run("Plaintext", func(t *testing.T) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /api/users/bjensen HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			_ = response.Body.Close()
			t.Errorf("an answer in clear: %s", response.Status)
		}
	})
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			conn, err := tls.Dial("tcp", address, &tls.Config{MinVersion: version, MaxVersion: version, InsecureSkipVerify: true}) //nolint:gosec // Only the version is looked at.
			if (err == nil) != good {
				t.Errorf("handshake: %v", err)
			}
			if err == nil {
				_ = conn.Close()
			}
		})
	}
	t.Run("Suites", func(t *testing.T) {
		for _, suite := range []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256} {
			conn, err := tls.Dial("tcp", address, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}, InsecureSkipVerify: true}) //nolint:gosec // As above.
			if err == nil {
				_ = conn.Close()
				t.Errorf("%s was accepted", tls.CipherSuiteName(suite))
			}
		}
	})
	t.Run("Headers", func(t *testing.T) {
		for _, r := range []*reply{g.get(t, "kvaughan", "/api/users/bjensen"), g.get(t, "", "/api/users/bjensen"), g.get(t, "kvaughan", "/nosuch")} {
			for name, want := range map[string]string{"Strict-Transport-Security": "max-age=", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"} {
				if got := r.header.Get(name); !strings.Contains(got, want) {
					t.Errorf("%d: %s is %q", r.status, name, got)
				}
			}
			if r.header.Get("Server") != "" {
				t.Errorf("Server: %s", r.header.Get("Server"))
			}
		}
	})
	t.Run("HTTP2", func(t *testing.T) {
		response, err := g.client.Get(g.url + "/api/users/bjensen")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.ProtoMajor != 2 {
			t.Errorf("protocol %s", response.Proto)
		}
	})
}

// A directory whose certificate is not the right one gets no request.
func TestDirectoryCertificate(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	other, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "other.pem", string(other.PEM()))
	t.Run("OtherAuthority", func(t *testing.T) {
		g := start(t, server, settings{set: []string{"directory.ca=" + filepath.Join(dir, "other.pem")}})
		g.get(t, "kvaughan", "/api/users/bjensen").fails(http.StatusBadGateway, "")
		if !eventually(func() bool { return strings.Contains(g.log.String(), "certificate") }) {
			t.Errorf("the log does not tell:\n%s", g.log)
		}
	})
	t.Run("WrongPassword", func(t *testing.T) {
		write(t, dir, "wrong", "not it\n")
		g := start(t, server, settings{set: []string{"directory.bind.password=file:" + filepath.Join(dir, "wrong")}})
		g.get(t, "kvaughan", "/api/users/bjensen").fails(http.StatusBadGateway, "")
	})
	t.Run("Plaintext", func(t *testing.T) {
		command := exec.Command(program(), "check", "--config", "../gateway.example.yaml", "--set", "directory.servers=[]", "--set", "directory.servers[0].url=ldap://localhost")
		output, err := command.CombinedOutput()
		if err == nil || !strings.Contains(string(output), "ldaps://") {
			t.Errorf("%v: %s", err, output)
		}
	})
}
