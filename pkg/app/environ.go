package app

import (
	"fmt"
	"slices"
	"strings"
)

// loosened are settings of the Go runtime, in the form in which GODEBUG holds them,
// that weaken TLS or certificates, or write header fields to standard error. "*" is
// every value.
func loosened() map[string]string {
	return map[string]string{
		"cryptocustomrand":   "1", // keys from a source of randomness other than the system's
		"http2debug":         "*", // prints header fields, credentials among them
		"rsa1024min":         "0", // RSA keys below 1024 bits
		"tls10server":        "1", // TLS 1.0 and 1.1
		"tls3des":            "1", // 3DES suites
		"tlsmaxrsasize":      "*", // RSA keys so large that a handshake is an attack
		"tlsmlkem":           "0", // no post-quantum key exchange
		"tlsrsakex":          "1", // suites without forward secrecy
		"tlssha1":            "1", // SHA-1 signatures
		"tlsunsafeekm":       "1", // exported keys that are not bound to the connection
		"x509negativeserial": "1", // malformed certificates
		"x509sha1":           "1", // certificates signed with SHA-1
		"x509usepolicies":    "0", // certificate policies are not verified
	}
}

// refuseLoosened returns an error when the environment, in the form of os.Environ,
// asks the Go runtime to be less careful.
func refuseLoosened(environ []string) error {
	table := loosened()
	for _, variable := range environ {
		settings, found := strings.CutPrefix(variable, "GODEBUG=")
		if !found {
			continue
		}
		for setting := range strings.SplitSeq(settings, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(setting), "=")
			value, _, _ = strings.Cut(value, "#")
			if loose, known := table[name]; known && slices.Contains([]string{"*", value}, loose) {
				return fmt.Errorf("the environment has GODEBUG with %s=%s, which makes the gateway less secure; remove it", name, value)
			}
		}
	}
	return nil
}
