package legacy_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/legacy"
)

// makeStore makes a key store. A trust store holds an authority for each alias, a key
// store a private key with its certificate and authority.
func makeStore(t *testing.T, format, kind, password string, aliases []string) []byte {
	t.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	authority := derOf(t, ca.PEM())
	var keys [][]byte
	var chains [][][]byte
	for _, alias := range aliases {
		if kind == "trust" {
			chains = append(chains, [][]byte{authority})
			continue
		}
		pair, err := ca.Issue(testcert.Leaf{CommonName: alias})
		if err != nil {
			t.Fatal(err)
		}
		keys, chains = append(keys, derOf(t, pair.Key)), append(chains, [][]byte{derOf(t, pair.Cert), authority})
	}
	if format == "jks" {
		var entries []testcert.JKSEntry
		for i, alias := range aliases {
			e := testcert.JKSEntry{Alias: alias, Chain: chains[i]}
			if keys != nil {
				if e.Protected, err = testcert.ProtectJKS(keys[i], password); err != nil {
					t.Fatal(err)
				}
			}
			entries = append(entries, e)
		}
		return testcert.JKS(2, password, entries...)
	}
	return pkcs12Of(t, password, keys, chains)
}

func pkcs12Of(t *testing.T, password string, keys [][]byte, chains [][][]byte) []byte {
	t.Helper()
	var all []*x509.Certificate
	for _, chain := range chains {
		for _, der := range chain {
			c, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
	}
	var data []byte
	var err error
	if keys == nil {
		data, err = pkcs12.Modern.EncodeTrustStore(all, password)
	} else {
		var key any
		if key, err = x509.ParsePKCS8PrivateKey(keys[0]); err != nil {
			t.Fatal(err)
		}
		data, err = pkcs12.Modern.Encode(key, all[0], all[1:], password)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func derOf(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("not PEM: %s", text)
	}
	return block.Bytes
}

// What keytool writes is read, and what we write for the tests keytool reads.
func TestKeytoolAgrees(t *testing.T) {
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		t.Skip("no keytool on this machine; the other tests write the stores themselves")
	}
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(keytool, append(args, "-storepass", "changeit")...).CombinedOutput()
		if err != nil {
			t.Fatalf("keytool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	ours := filepath.Join(dir, "ours.jks")
	if err := os.WriteFile(ours, makeStore(t, "jks", "key", "changeit", []string{"mine"}), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run("-list", "-keystore", ours, "-storetype", "JKS"); !strings.Contains(out, "PrivateKeyEntry") {
		t.Errorf("keytool reads ours as\n%s", out)
	}
	for _, format := range []string{"JKS", "PKCS12"} {
		store := filepath.Join(dir, "theirs."+format)
		run("-genkeypair", "-keystore", store, "-storetype", format, "-alias", "theirs", "-dname", "CN=Theirs", "-keyalg", "EC", "-keypass", "changeit")
		certificate := filepath.Join(dir, "theirs.pem")
		run("-exportcert", "-rfc", "-keystore", store, "-alias", "theirs", "-file", certificate)
		trust := filepath.Join(dir, "trust."+format)
		_ = os.Remove(trust) // The first round has none.
		run("-importcert", "-noprompt", "-keystore", trust, "-storetype", format, "-alias", "theirs", "-file", certificate)
		config := strings.NewReplacer("KEYS", store, "TRUST", trust, "FORMAT", format).Replace(`{
			"security": {
				"trustManager": "file", "fileBasedTrustManagerType": "FORMAT", "fileBasedTrustManagerFile": "TRUST", "fileBasedTrustManagerPassword": "changeit",
				"keyManager": "file", "fileBasedKeyManagerType": "FORMAT", "fileBasedKeyManagerFile": "KEYS", "fileBasedKeyManagerPassword": "changeit"
			},
			"ldapConnectionFactories": {"root": {
				"primaryLdapServers": [{"hostname": "ldap.example.com", "port": 636}], "connectionSecurity": "ssl", "authentication": {"external": {}}
			}},
			"authorization": {"policies": ["basic"]}
		}`)
		old := filepath.Join(dir, "old"+format)
		write(t, filepath.Join(old, "config.json"), []byte(config))
		g, err := legacy.Read(old)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(certificate)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, f := range g.Files {
			found[f.Name] = string(f.Data)
		}
		for _, name := range []string{"tls/directory-ca.pem", "tls/client.pem"} {
			if got := found[name]; got == "" || string(derOf(t, []byte(got))) != string(derOf(t, text)) {
				t.Errorf("%s: %s is %q, findings %v", format, name, got, g.Decisions())
			}
		}
		key, err := x509.ParsePKCS8PrivateKey(derOf(t, []byte(found["secrets/client.key"])))
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(derOf(t, text))
		if err != nil {
			t.Fatal(err)
		}
		public, ok := leaf.PublicKey.(*ecdsa.PublicKey)
		if !ok || !public.Equal(key.(crypto.Signer).Public()) {
			t.Errorf("%s: the key is not that of the certificate", format)
		}
	}
}
