package tlspolicy

import (
	"crypto/tls"
	"crypto/x509"
)

// base returns the settings that both sides share.
func base() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// For TLS 1.2; those of TLS 1.3 are all good, and not ours to choose.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384},
		Renegotiation:    tls.RenegotiateNever,
	}
}

// Server returns the settings of an HTTPS listener, with HTTP/2. Of several
// certificates the one that fits the name which the client asks for is shown (RFC
// 6066 §3), the first one to all others. There must be one at least.
func Server(certificates []tls.Certificate) *tls.Config {
	config := base()
	config.Certificates = certificates
	config.NextProtos = []string{"h2", "http/1.1"}
	return config
}

// Client returns the settings of outgoing connections, which trust the authorities
// of the pool; those of the system when it is nil. Chain and name are verified;
// whoever dials sets the name.
func Client(roots *x509.CertPool) *tls.Config {
	config := base()
	config.RootCAs = roots
	return config
}
