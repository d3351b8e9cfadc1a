package testcert

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format's own digest
	"encoding/asn1"
	"encoding/binary"
	"unicode/utf16"
)

// JKSEntry is an entry of a Java key store: a certificate, or a private key with its chain.
type JKSEntry struct {
	Alias string
	// Protected is the private key as [ProtectJKS] hides it; nil for a certificate.
	Protected []byte
	// Chain are certificates in DER, the key's own first.
	Chain [][]byte
}

// JKS writes a key store of Java's older format, version 1 or 2.
func JKS(version uint32, password string, entries ...JKSEntry) []byte {
	var b []byte
	number := func(n uint32) { b = binary.BigEndian.AppendUint32(b, n) }
	text := func(s string) { b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...) }
	octets := func(o []byte) {
		number(uint32(len(o)))
		b = append(b, o...)
	}
	number(0xFEEDFEED)
	number(version)
	number(uint32(len(entries)))
	for _, e := range entries {
		tag := uint32(2)
		if e.Protected != nil {
			tag = 1
		}
		number(tag)
		text(e.Alias)
		b = binary.BigEndian.AppendUint64(b, 1_600_000_000_000)
		if e.Protected != nil {
			octets(e.Protected)
			number(uint32(len(e.Chain)))
		}
		for _, c := range e.Chain {
			if version == 2 {
				text("X.509")
			}
			octets(c)
		}
	}
	return SealJKS(b, password)
}

// SealJKS puts the digest behind the body of a key store.
func SealJKS(body []byte, password string) []byte {
	sum := sha1.Sum(append(append(utf16Octets(password), "Mighty Aphrodite"...), body...)) //nolint:gosec // the format's
	return append(bytes.Clone(body), sum[:]...)
}

// ProtectJKS hides a private key, PKCS #8 in DER, as Java does.
func ProtectJKS(key []byte, password string) ([]byte, error) {
	salt := bytes.Repeat([]byte{7}, sha1.Size)
	secret, stream, data := utf16Octets(password), salt, bytes.Clone(salt)
	for i := 0; i < len(key); i += sha1.Size {
		sum := sha1.Sum(append(bytes.Clone(secret), stream...)) //nolint:gosec // the format's
		for j := i; j < min(i+sha1.Size, len(key)); j++ {
			data = append(data, key[j]^sum[j-i])
		}
		stream = sum[:]
	}
	check := sha1.Sum(append(bytes.Clone(secret), key...)) //nolint:gosec // the format's
	info := struct {
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue
		}
		Data []byte
	}{Data: append(data, check[:]...)}
	info.Algorithm.ID, info.Algorithm.Parameters = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}, asn1.NullRawValue
	return asn1.Marshal(info)
}

func utf16Octets(password string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(password)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return b
}
