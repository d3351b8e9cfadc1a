package tlspolicy_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// certificates returns one with an ECDSA key and one with an RSA key, and who trusts both.
func certificates(t *testing.T) ([]tls.Certificate, *x509.CertPool) {
	t.Helper()
	ca := newCA(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := ca.Pool()
	roots.AddCert(leaf)
	return []tls.Certificate{issue(t, ca), {Certificate: [][]byte{der}, PrivateKey: key}}, roots
}

// suites returns the suites of TLS 1.2, those included that are not to be used.
func suites() []*tls.CipherSuite {
	return slices.DeleteFunc(slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()), func(s *tls.CipherSuite) bool {
		return !slices.Contains(s.SupportedVersions, tls.VersionTLS12)
	})
}

// S_A01, S_A03 and S_A11: what is weak is refused, also with the switches of the
// environment that make Go lax. A server without the policy takes each of the clients.
func TestWeakClients(t *testing.T) {
	certificates, roots := certificates(t)
	server := tlspolicy.Server(certificates)
	lax := &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS10} //nolint:gosec // The counterpart.
	clients := map[string]*tls.Config{}
	for _, suite := range suites() {
		lax.CipherSuites = append(lax.CipherSuites, suite.ID)
		clients[suite.Name] = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}} //nolint:gosec // Weak on purpose.
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		clients[tls.VersionName(version)] = &tls.Config{MinVersion: version, MaxVersion: version, CipherSuites: lax.CipherSuites}
	}
	good := 0
	for _, environment := range []string{"", "tls10server=1,tlsrsakex=1,tls3des=1"} {
		t.Run("GODEBUG="+environment, func(t *testing.T) {
			t.Setenv("GODEBUG", environment)
			for name, client := range clients {
				client.RootCAs, client.ServerName = roots, "localhost"
				_, err := handshake(t, server, client)
				if id := client.CipherSuites[0]; len(client.CipherSuites) == 1 && slices.Contains(server.CipherSuites, id) {
					good++
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					continue
				}
				want := "handshake failure"
				if client.MaxVersion < tls.VersionTLS12 {
					want = "protocol version not supported"
				}
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %s", name, err, want)
				}
				if _, err := handshake(t, lax, client); err != nil {
					t.Errorf("the test cannot fail: a lax server refuses %s too: %v", name, err)
				}
			}
		})
	}
	if good != 2*6 || len(server.CipherSuites) != 6 {
		t.Errorf("%d good suites were tried of %d", good/2, len(server.CipherSuites))
	}
}

// S_A05 and S_A07
func TestGroups(t *testing.T) {
	ca := newCA(t)
	server := tlspolicy.Server([]tls.Certificate{issue(t, ca)})
	connect := func(change func(*tls.Config)) (tls.ConnectionState, error) {
		client := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}
		change(client)
		return handshake(t, server, client)
	}
	for _, group := range []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384} {
		state, err := connect(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{group} })
		if err != nil || state.CurveID != group {
			t.Errorf("%v alone: %v, %v", group, state.CurveID, err)
		}
	}
	if state, err := connect(func(*tls.Config) {}); err != nil || state.CurveID != tls.X25519MLKEM768 || state.Version != tls.VersionTLS13 {
		t.Errorf("a client without settings: %v, %x, %v", state.CurveID, state.Version, err)
	}
}

func TestProtocols(t *testing.T) {
	ca := newCA(t)
	server := tlspolicy.Server([]tls.Certificate{issue(t, ca)})
	for _, test := range []struct {
		offered []string
		want    string
	}{{[]string{"http/1.1", "h2"}, "h2"}, {[]string{"http/1.1"}, "http/1.1"}, {nil, ""}} {
		client := tlspolicy.Client(ca.Pool())
		client.ServerName, client.NextProtos = "localhost", test.offered
		if state, err := handshake(t, server, client); err != nil || state.NegotiatedProtocol != test.want {
			t.Errorf("%v: %q, %v", test.offered, state.NegotiatedProtocol, err)
		}
	}
}

// The settings are new ones each time: whoever changes them changes nobody else's.
func TestSettingsAreNotShared(t *testing.T) {
	tlspolicy.Server(nil).CipherSuites[0] = tls.TLS_RSA_WITH_RC4_128_SHA
	tlspolicy.Client(nil).CurvePreferences[0] = tls.CurveP521
	if tlspolicy.Server(nil).CipherSuites[0] == tls.TLS_RSA_WITH_RC4_128_SHA || tlspolicy.Client(nil).CurvePreferences[0] == tls.CurveP521 {
		t.Error("shared")
	}
	if tlspolicy.Client(nil).InsecureSkipVerify || tlspolicy.Client(nil).Renegotiation != tls.RenegotiateNever {
		t.Error("a client that trusts too much")
	}
}

func TestKeyFiles(t *testing.T) {
	pair, err := newCA(t).Issue(testcert.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pair.Key)
	der, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}})
	for name, test := range map[string]struct {
		text []byte
		want string // in the error; "" for none
	}{
		"good":             {pair.Key, ""},
		"PKCS #8":          {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), ""},
		"after parameters": {slices.Concat(parameters, pair.Key), ""},
		"with certificate": {slices.Concat(pair.Cert, pair.Key), ""},
		"encrypted":        {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: block.Bytes}), "encrypted"},
		"encrypted of old": {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: block.Bytes}), "encrypted"},
		"a public key":     {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: block.Bytes}), "no private key"},
		"damaged":          {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[:20]}), "do not go together"},
		"DER":              {der, "no private key"},
		"empty":            {nil, "no private key"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
			for path, text := range map[string][]byte{cert: pair.Cert, key: test.text} {
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := tlspolicy.LoadCertificate(cert, key)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), key)):
				t.Errorf("got %v", err)
			}
		})
	}
}
