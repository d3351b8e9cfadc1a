package testcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// CA is a certificate authority. It lives as long as the process, unless it is stored.
type CA struct {
	// Certificate is the authority's own certificate.
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Leaf says what certificate to issue. The zero value is one for this machine,
// good from an hour ago until tomorrow.
type Leaf struct {
	// CommonName is the subject's common name; the first host when empty.
	CommonName string
	// Hosts are the DNS names and IP addresses the certificate is good for;
	// [LocalHosts] when empty.
	Hosts []string
	// NotBefore and NotAfter bound the validity. A NotAfter in the past makes an
	// expired certificate.
	NotBefore, NotAfter time.Time
}

// Pair is a certificate and its private key, both in PEM.
type Pair struct {
	Cert, Key []byte
}

// LocalHosts returns the names by which a machine knows itself.
func LocalHosts() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// NewCA makes an authority with a new key, good until tomorrow.
func NewCA() (*CA, error) { return NewAuthority(Leaf{CommonName: "rest2ldap test authority"}) }

// LoadCA reads an authority that was stored, both parts in PEM.
func LoadCA(cert, key []byte) (*CA, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	private, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, errors.New("it is no authority of this kind")
	}
	return &CA{Certificate: pair.Leaf, key: private}, nil
}

// NewAuthority makes an authority with a new key.
func NewAuthority(subject Leaf) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(subject)
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &CA{Certificate: certificate, key: key}, nil
}

// PEM returns the authority's certificate in PEM.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate.Raw})
}

// KeyPEM returns the authority's private key in PEM.
func (ca *CA) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// Pool returns a pool that trusts this authority and no other.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate)
	return pool
}

// Issue makes a certificate with a new key, good for a server and for a client.
func (ca *CA) Issue(leaf Leaf) (*Pair, error) {
	if len(leaf.Hosts) == 0 {
		leaf.Hosts = LocalHosts()
	}
	template, err := newTemplate(leaf)
	if err != nil {
		return nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, host := range leaf.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Certificate, &key.PublicKey, ca.key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}, nil
}

// TLS returns the pair in the form of crypto/tls.
func (p *Pair) TLS() (tls.Certificate, error) { return tls.X509KeyPair(p.Cert, p.Key) }

// WriteFiles writes dir/name.pem and dir/name.key, the key readable by the
// owner only, and returns both paths.
func (p *Pair) WriteFiles(dir, name string) (certFile, keyFile string, err error) {
	certFile = filepath.Join(dir, name+".pem")
	keyFile = filepath.Join(dir, name+".key")
	if err := os.WriteFile(certFile, p.Cert, 0o644); err != nil {
		return "", "", err
	}
	if err := os.WriteFile(keyFile, p.Key, 0o600); err != nil {
		return "", "", err
	}
	return certFile, keyFile, nil
}

func newTemplate(leaf Leaf) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	if leaf.CommonName == "" {
		leaf.CommonName = leaf.Hosts[0]
	}
	now := time.Now()
	if leaf.NotAfter.IsZero() {
		leaf.NotAfter = now.Add(24 * time.Hour)
	}
	if leaf.NotBefore.IsZero() {
		leaf.NotBefore = now.Add(-time.Hour)
		if !leaf.NotBefore.Before(leaf.NotAfter) {
			leaf.NotBefore = leaf.NotAfter.Add(-time.Hour)
		}
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: leaf.CommonName},
		NotBefore:    leaf.NotBefore,
		NotAfter:     leaf.NotAfter,
	}, nil
}
