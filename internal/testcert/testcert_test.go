package testcert_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// TestIssue checks what a certificate is good for, and what it is not.
func TestIssue(t *testing.T) {
	t.Parallel()
	ca, other := newCA(t), newCA(t)
	now := time.Now()
	for _, test := range []struct {
		name string
		leaf testcert.Leaf
		host string
		pool *x509.CertPool
		want any // the type of the error, nil for none
	}{
		{"Name", testcert.Leaf{}, "localhost", ca.Pool(), nil},
		{"IPv4", testcert.Leaf{}, "127.0.0.1", ca.Pool(), nil},
		{"IPv6", testcert.Leaf{}, "::1", ca.Pool(), nil},
		{"GivenHost", testcert.Leaf{Hosts: []string{"gateway.example.com"}}, "gateway.example.com", ca.Pool(), nil},
		{"OtherHost", testcert.Leaf{Hosts: []string{"gateway.example.com"}}, "localhost", ca.Pool(), new(x509.HostnameError)},
		{"OtherAuthority", testcert.Leaf{}, "localhost", other.Pool(), new(x509.UnknownAuthorityError)},
		{"Expired", testcert.Leaf{NotAfter: now.Add(-time.Minute)}, "localhost", ca.Pool(), new(x509.CertificateInvalidError)},
		{"NotYet", testcert.Leaf{NotBefore: now.Add(time.Minute)}, "localhost", ca.Pool(), new(x509.CertificateInvalidError)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := leafOf(t, issue(t, ca, test.leaf)).Verify(x509.VerifyOptions{Roots: test.pool, DNSName: test.host})
			switch {
			case test.want == nil && err != nil:
				t.Errorf("got %v", err)
			case test.want != nil && !errors.As(err, test.want):
				t.Errorf("got %v, want a %T", err, test.want)
			}
		})
	}
}

// TestSubject checks the common name, and that no two certificates share a
// serial number.
func TestSubject(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	first := leafOf(t, issue(t, ca, testcert.Leaf{CommonName: "client", Hosts: []string{"a.example.com"}}))
	second := leafOf(t, issue(t, ca, testcert.Leaf{Hosts: []string{"a.example.com", "::1"}}))
	if first.Subject.CommonName != "client" || second.Subject.CommonName != "a.example.com" {
		t.Errorf("common names %q and %q", first.Subject.CommonName, second.Subject.CommonName)
	}
	if first.SerialNumber.Cmp(second.SerialNumber) == 0 {
		t.Error("both have the same serial number")
	}
	if _, err := first.Verify(x509.VerifyOptions{Roots: ca.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Errorf("as a client: %v", err)
	}
}

// TestWriteFiles checks that the files hold the pair and the key is private.
func TestWriteFiles(t *testing.T) {
	t.Parallel()
	pair := issue(t, newCA(t), testcert.Leaf{})
	certFile, keyFile, err := pair.WriteFiles(t.TempDir(), "server")
	if err != nil {
		t.Fatal(err)
	}
	read, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(leafOf(t, pair).Raw, read.Certificate[0]); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(keyFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
	if _, _, err := pair.WriteFiles("/nonexistent", "server"); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

func newCA(t *testing.T) *testcert.CA {
	t.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func issue(t *testing.T, ca *testcert.CA, leaf testcert.Leaf) *testcert.Pair {
	t.Helper()
	pair, err := ca.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func leafOf(t *testing.T, pair *testcert.Pair) *x509.Certificate {
	t.Helper()
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return certificate.Leaf
}
