package tlspolicy_test

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

func issue(t *testing.T, ca *testcert.CA, hosts ...string) tls.Certificate {
	t.Helper()
	pair, err := ca.Issue(testcert.Leaf{Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func newCA(t *testing.T) *testcert.CA {
	t.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// handshake connects two sides.
func handshake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		if far, err := listener.Accept(); err == nil {
			_ = tls.Server(far, server).Handshake() // The client's side tells.
			_ = far.Close()
		}
	}()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	conn := tls.Client(near, client)
	err = conn.Handshake()
	return conn.ConnectionState(), err
}

func TestHandshakes(t *testing.T) {
	ca := newCA(t)
	server := tlspolicy.Server([]tls.Certificate{issue(t, ca)})
	for name, test := range map[string]struct {
		change func(*tls.Config)
		good   bool
	}{
		"ours":    {func(*tls.Config) {}, true},
		"TLS 1.2": {func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, true},
		"TLS 1.1": {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, false},
		"CBC": {func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		}, false},
		"RSA": {func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}, false},
		"P-521":        {func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP521} }, false},
		"other name":   {func(c *tls.Config) { c.ServerName = "other.example.com" }, false},
		"no authority": {func(c *tls.Config) { c.RootCAs = newCA(t).Pool() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			client := tlspolicy.Client(ca.Pool())
			client.ServerName = "localhost"
			test.change(client)
			if _, err := handshake(t, server, client); (err == nil) != test.good {
				t.Errorf("handshake: %v", err)
			}
		})
	}
}

func TestCertificateByName(t *testing.T) {
	ca := newCA(t)
	server := tlspolicy.Server([]tls.Certificate{issue(t, ca, "first.example.com"), issue(t, ca, "second.example.com")})
	for name, want := range map[string]string{"first.example.com": "first.example.com", "second.example.com": "second.example.com", "third.example.com": "first.example.com"} {
		client := tlspolicy.Client(nil)
		client.ServerName, client.InsecureSkipVerify = name, true
		state, err := handshake(t, server, client)
		if err != nil || state.PeerCertificates[0].DNSNames[0] != want {
			t.Errorf("%s: %v, %v", name, state.PeerCertificates, err)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	ca := newCA(t)
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	other, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	cert, key, otherKey := write("cert.pem", one.Cert), write("key.pem", one.Key), write("other.pem", other.Key)
	if _, err := tlspolicy.LoadCertificate(cert, key); err != nil {
		t.Error(err)
	}
	if _, err := tlspolicy.LoadRoots(write("ca.pem", ca.PEM())); err != nil {
		t.Error(err)
	}
	missing := filepath.Join(dir, "missing.pem")
	for _, test := range []struct{ cert, key, want string }{
		{missing, key, "missing.pem cannot be read"},
		{cert, missing, "missing.pem cannot be read"},
		{cert, otherKey, "other.pem do not go together"},
		{key, cert, "key.pem holds no certificate"},
		{cert, cert, "cert.pem"},
	} {
		if _, err := tlspolicy.LoadCertificate(test.cert, test.key); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s and %s: %v", filepath.Base(test.cert), filepath.Base(test.key), err)
		}
	}
	if _, err := tlspolicy.LoadRoots(key); err == nil || !strings.Contains(err.Error(), "key.pem holds no certificate") {
		t.Error(err)
	}
}
