package tlspolicy

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"
)

// renewal is how long before its end a certificate should have a successor: that of an
// authority that renews by itself has one for a month then.
const renewal = 14 * 24 * time.Hour

// Validity is for how long the certificates of a file are good.
type Validity struct {
	// NotBefore and NotAfter are those of the certificate that expires first (RFC 5280
	// §4.1.2.5).
	NotBefore, NotAfter time.Time
	// Certificates is how many there are.
	Certificates int
}

// EndsSoon reports whether it is time for another certificate: 14 days are left, or fewer; of
// one that lives for less than 42 days, a third of its life.
func (v Validity) EndsSoon(now time.Time) bool {
	return v.NotAfter.Sub(now) <= min(renewal, v.NotAfter.Sub(v.NotBefore)/3)
}

// ReadValidity reads for how long the certificates of a PEM file are good. What LoadRoots
// passes over counts for nothing here.
func ReadValidity(file string) (Validity, error) {
	text, err := read(file)
	if err != nil {
		return Validity{}, err
	}
	var v Validity
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if v.Certificates == 0 || certificate.NotAfter.Before(v.NotAfter) {
			v.NotBefore, v.NotAfter = certificate.NotBefore, certificate.NotAfter
		}
		v.Certificates++
	}
	if v.Certificates == 0 {
		return Validity{}, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return v, nil
}
