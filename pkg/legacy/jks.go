package legacy

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format's own digest; what it guards is written anew
	"crypto/subtle"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// Marks at the beginning of key stores.
const (
	magicJKS   = 0xFEEDFEED
	magicJCEKS = 0xCECECECE
)

// jksSalt is what the format puts between the password and the content when it makes the
// digest at the end.
const jksSalt = "Mighty Aphrodite"

// errPassword says that a store was written with another password, or changed since; the
// two cannot be told apart.
var errPassword = errors.New("the password is wrong, or the file was changed after it was written")

// jksEntry is a certificate, or a private key with its chain.
type jksEntry struct {
	alias string
	// protected is the private key as the store holds it; nil for a certificate.
	protected []byte
	// chain are certificates in DER, the key's own first.
	chain [][]byte
}

// parseJKS reads a key store of Java's older format, versions 1 and 2, and verifies the
// digest at its end. Private keys stay as they are; see unprotect.
func parseJKS(data []byte, password string) ([]jksEntry, error) {
	if len(data) < 12+sha1.Size {
		return nil, errors.New("the file is too short for a JKS key store")
	}
	body, digest := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	j := &jksReader{rest: body}
	magic, version, count := j.uint32(), j.uint32(), j.uint32()
	switch {
	case magic == magicJCEKS:
		return nil, errors.New(unreadable(data, ""))
	case magic != magicJKS:
		return nil, errors.New("the file is no JKS key store")
	case version != 1 && version != 2:
		return nil, fmt.Errorf("the version %d of JKS is not known", version)
	}
	h := sha1.New() //nolint:gosec // see the import
	h.Write(utf16Bytes(password))
	h.Write([]byte(jksSalt))
	h.Write(body)
	if subtle.ConstantTimeCompare(h.Sum(nil), digest) != 1 {
		return nil, errPassword
	}
	var entries []jksEntry
	for i := uint32(0); i < count && j.err == nil; i++ {
		entries = append(entries, j.entry(version))
	}
	if j.err == nil && len(j.rest) > 0 {
		j.err = errors.New("the file goes on behind its last entry")
	}
	if j.err != nil {
		return nil, j.err
	}
	return entries, nil
}

// jksReader takes fields from the front of a key store.
type jksReader struct {
	rest []byte
	err  error
}

// entry reads one entry.
func (j *jksReader) entry(version uint32) jksEntry {
	tag := j.uint32()
	e := jksEntry{alias: j.text()}
	j.take(8) // When it was made.
	certificates := uint32(1)
	switch tag {
	case 1:
		e.protected = j.octets()
		certificates = j.uint32()
	case 2:
	default:
		j.fail(fmt.Errorf("the entry %q is of a kind that JKS does not have", e.alias))
	}
	for i := uint32(0); i < certificates && j.err == nil; i++ {
		kind := "X.509"
		if version == 2 {
			kind = j.text()
		}
		certificate := j.octets()
		if kind != "X.509" && kind != "X509" {
			j.fail(fmt.Errorf("the entry %q holds a certificate of the type %q", e.alias, kind))
		}
		e.chain = append(e.chain, certificate)
	}
	return e
}

func (j *jksReader) fail(err error) {
	if j.err == nil {
		j.err = err
	}
}

// take returns the next n octets; none when there are fewer.
func (j *jksReader) take(n uint32) []byte {
	if j.err != nil || uint64(n) > uint64(len(j.rest)) {
		j.fail(errors.New("the file ends in the middle of an entry"))
		return nil
	}
	taken := j.rest[:n]
	j.rest = j.rest[n:]
	return taken
}

func (j *jksReader) uint32() uint32 {
	if b := j.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (j *jksReader) octets() []byte { return bytes.Clone(j.take(j.uint32())) }

func (j *jksReader) text() string {
	if b := j.take(2); b != nil {
		return string(j.take(uint32(binary.BigEndian.Uint16(b))))
	}
	return ""
}

// oidProtector is the algorithm with which JKS protects private keys.
func oidProtector() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}
}

// unprotect returns the private key in PKCS #8. It was hidden under a stream of SHA-1
// digests, each of the password and the one before, the first of the password and a salt;
// a digest of password and key at the end tells whether the password is right.
func unprotect(protected []byte, password string) ([]byte, error) {
	var info struct {
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Data []byte
	}
	if rest, err := asn1.Unmarshal(protected, &info); err != nil || len(rest) > 0 {
		return nil, errors.New("the private key is not in the form of JKS")
	}
	if !info.Algorithm.ID.Equal(oidProtector()) {
		return nil, fmt.Errorf("the private key is protected by the algorithm %v, which is not JKS's", info.Algorithm.ID)
	}
	if len(info.Data) < 2*sha1.Size {
		return nil, errors.New("the private key is cut off")
	}
	secret := utf16Bytes(password)
	stream, hidden, check := info.Data[:sha1.Size], info.Data[sha1.Size:len(info.Data)-sha1.Size], info.Data[len(info.Data)-sha1.Size:]
	plain := make([]byte, 0, len(hidden))
	for len(hidden) > 0 {
		digest := sha1.Sum(append(bytes.Clone(secret), stream...)) //nolint:gosec // see the import
		n := min(len(hidden), sha1.Size)
		for i := range n {
			plain = append(plain, hidden[i]^digest[i])
		}
		hidden, stream = hidden[n:], digest[:]
	}
	if sum := sha1.Sum(append(bytes.Clone(secret), plain...)); subtle.ConstantTimeCompare(sum[:], check) != 1 { //nolint:gosec // see the import
		return nil, errPassword
	}
	return plain, nil
}

// utf16Bytes is a password as Java digests it.
func utf16Bytes(password string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(password)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return b
}
