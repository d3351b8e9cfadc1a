package tlspolicy

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// LoadCertificate reads a certificate chain, the server's own certificate first, and
// its private key, both in PEM. The error names the file at fault and tells what to
// do. Whether the certificate is valid today is not looked at.
func LoadCertificate(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := read(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := read(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	if !hasCertificate(cert) {
		return tls.Certificate{}, fmt.Errorf("%s holds no certificate in PEM", certFile)
	}
	if err := checkKey(key); err != nil {
		return tls.Certificate{}, fmt.Errorf("%s %w", keyFile, err)
	}
	certificate, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s do not go together: %w; the first certificate of the file must be that of the key", certFile, keyFile, err)
	}
	return certificate, nil
}

// LoadRoots reads a bundle of authorities in PEM. The error names the file.
func LoadRoots(file string) (*x509.CertPool, error) {
	text, err := read(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}

func read(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("%s cannot be read: %w", file, err)
	}
	return text, nil
}

func hasCertificate(text []byte) bool {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return true
		}
	}
	return false
}

// checkKey tells why the text holds no private key that can be used.
func checkKey(text []byte) error {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
		case strings.HasPrefix(block.Type, "ENCRYPTED"), strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return errors.New(`holds an encrypted private key; write it without a passphrase ("openssl pkey -in … -out …") into a file that only the gateway can read`)
		default:
			return nil
		}
	}
	return errors.New("holds no private key in PEM")
}
