package legacy

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// keyPair is a private key with its chain, in DER.
type keyPair struct {
	alias string
	// key is in PKCS #8.
	key   []byte
	chain [][]byte
}

// trusted returns the certificates of a trust store, in DER. What is in the file decides
// over what the configuration says, as with Java, which takes either under either name.
func trusted(data []byte, password string) ([][]byte, error) {
	switch formOf(data) {
	case formPEM:
		return certificatesOf(data), nil
	case formPKCS12:
		certificates, err := pkcs12.DecodeTrustStore(data, password)
		if err == nil && len(certificates) > 0 {
			return raw(certificates), nil
		}
		_, own, others, chainErr := pkcs12.DecodeChain(data, password)
		if chainErr != nil {
			return nil, pkcs12Error(errors.Join(err, chainErr))
		}
		return raw(append(others, own)), nil
	case formOther, formJKS, formJCEKS:
	}
	entries, err := parseJKS(data, password)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, e := range entries {
		if e.protected == nil {
			all = append(all, e.chain...)
		}
	}
	return all, nil
}

// keyPairs returns the private keys of a key store.
func keyPairs(data []byte, password string) ([]keyPair, error) {
	if formOf(data) == formPKCS12 {
		key, own, others, err := pkcs12.DecodeChain(data, password)
		if err != nil {
			return nil, pkcs12Error(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return []keyPair{{key: der, chain: raw(append([]*x509.Certificate{own}, others...))}}, nil
	}
	entries, err := parseJKS(data, password)
	if err != nil {
		return nil, err
	}
	var pairs []keyPair
	for _, e := range entries {
		if e.protected == nil {
			continue
		}
		key, err := unprotect(e.protected, password)
		if err != nil {
			return nil, fmt.Errorf("the key %q: %w", e.alias, err)
		}
		pairs = append(pairs, keyPair{alias: e.alias, key: key, chain: e.chain})
	}
	return pairs, nil
}

// choose returns the pair of that alias, whose case does not count; without an alias, the
// only one there is.
func choose(pairs []keyPair, alias string) (keyPair, error) {
	var names []string
	for _, p := range pairs {
		if alias != "" && (p.alias == "" || strings.EqualFold(p.alias, alias)) {
			return p, nil
		}
		names = append(names, p.alias)
	}
	switch {
	case len(pairs) == 0:
		return keyPair{}, errors.New("the store holds no private key")
	case alias != "":
		return keyPair{}, fmt.Errorf("the store holds no key %q; there are %s", alias, strings.Join(names, ", "))
	case len(pairs) > 1:
		return keyPair{}, fmt.Errorf("the store holds several keys, %s; name one with sslCertAlias", strings.Join(names, ", "))
	}
	return pairs[0], nil
}

// form is the format of a store.
type form int

const (
	formOther form = iota
	formJKS
	formJCEKS
	formPKCS12
	formPEM
)

// formOf looks at the first octets.
func formOf(data []byte) form {
	if len(data) >= 4 {
		switch binary.BigEndian.Uint32(data) {
		case magicJKS:
			return formJKS
		case magicJCEKS:
			return formJCEKS
		}
	}
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN ")):
		return formPEM
	case len(data) > 0 && data[0] == 0x30:
		return formPKCS12
	}
	return formOther
}

// unreadable says of a store of which neither form is read here how to make one that is; ""
// of others. The type is what the configuration calls it.
func unreadable(data []byte, kind string) string {
	const convert = "; make a PKCS12 of it, keytool -importkeystore -srckeystore FILE -srcstoretype %s -destkeystore NEW -deststoretype PKCS12%s, and name that one"
	switch formOf(data) {
	case formJCEKS:
		return "the file is a JCEKS key store, which is not read here" + fmt.Sprintf(convert, "JCEKS", "")
	case formOther:
		if kind == "" || strings.EqualFold(kind, "JKS") || strings.EqualFold(kind, "PKCS12") {
			return "the file is neither JKS nor PKCS12 nor PEM" + fmt.Sprintf(convert, "TYPE", "")
		}
		library := ""
		if slices.Contains([]string{"BKS", "BKS-V1", "UBER", "BCFKS"}, strings.ToUpper(kind)) {
			library = " -providerclass org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath bcprov.jar"
		}
		return fmt.Sprintf("a store of the type %s is not read here"+convert, kind, kind, library)
	case formJKS, formPKCS12, formPEM:
	}
	return ""
}

func pkcs12Error(err error) error {
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return errPassword
	}
	return fmt.Errorf("the PKCS12 store cannot be read: %w", err)
}

func raw(certificates []*x509.Certificate) [][]byte {
	var all [][]byte
	for _, c := range certificates {
		all = append(all, c.Raw)
	}
	return all
}

// selfIssued reports whether a certificate is that of an authority of its own making, or of
// a server without one.
func selfIssued(der []byte) bool {
	c, err := x509.ParseCertificate(der)
	return err == nil && bytes.Equal(c.RawIssuer, c.RawSubject)
}

// certificatesOf returns the certificates of a PEM file.
func certificatesOf(data []byte) [][]byte {
	var all [][]byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			all = append(all, block.Bytes)
		}
	}
	return all
}

// certificatesPEM writes certificates, each with its subject before it, and refuses what
// is none.
func certificatesPEM(all [][]byte) ([]byte, error) {
	var text bytes.Buffer
	for _, der := range all {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("a certificate of the store cannot be read: %w", err)
		}
		fmt.Fprintf(&text, "# %s\n", strings.Map(printable, c.Subject.String()))
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // A buffer takes all.
	}
	return text.Bytes(), nil
}

// keyPEM writes a private key, and refuses what is none.
func keyPEM(key []byte) ([]byte, error) {
	if _, err := x509.ParsePKCS8PrivateKey(key); err != nil {
		return nil, fmt.Errorf("the private key of the store cannot be read: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), nil
}
