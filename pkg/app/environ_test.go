package app

import (
	"strings"
	"testing"
)

func TestRefuseLoosened(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"", "GODEBUG=", "GODEBUG=gctrace=1", "GODEBUG=tls10server=0,tlsmlkem=1", "NOTGODEBUG=tls10server=1", "GODEBUG=tls10server",
	} {
		if err := refuseLoosened([]string{"HOME=/root", good}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, named := range map[string]string{
		"GODEBUG=tls10server=1":             "tls10server=1",
		"GODEBUG=gctrace=1, tls3des=1":      "tls3des=1",
		"GODEBUG=tlsrsakex=1#5":             "tlsrsakex=1",
		"GODEBUG=rsa1024min=0,tlsrsakex=0":  "rsa1024min=0",
		"GODEBUG=tlsmaxrsasize=65536":       "tlsmaxrsasize=65536",
		"GODEBUG=http2debug=2":              "http2debug=2",
		"GODEBUG=tls10server=0,tlssha1=1":   "tlssha1=1",
		"GODEBUG=x509negativeserial=1,a=b,": "x509negativeserial=1",
	} {
		err := refuseLoosened([]string{"HOME=/root", bad})
		if err == nil || !strings.Contains(err.Error(), "GODEBUG with "+named) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
