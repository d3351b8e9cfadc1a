package bearer

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Keys are the public keys of an issuer. They are safe for concurrent use.
type Keys interface {
	// find returns the keys that may have made a signature; none when there is none.
	// The error is a *fault.Error: the keys could not be had.
	find(ctx context.Context, id, algorithm string) ([]jose.JSONWebKey, error)
}

const (
	// minRSA is the least size of an RSA key, in bits (RFC 7518 §3.3).
	minRSA = 2048
	// maxKeySet is the greatest size of a key set, in bytes.
	maxKeySet = 1 << 20
)

// keySet is a set of keys as it was read.
type keySet []jose.JSONWebKey

// parseKeySet reads a key set (RFC 7517 §5). Keys that are of no use here are passed
// over; a set without any other is an error.
func parseKeySet(text []byte) (keySet, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("it is no key set: %w", err)
	}
	var good keySet
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(raw); err == nil && isUsable(&key) {
			good = append(good, key)
		}
	}
	if len(good) == 0 {
		return nil, errors.New("it holds no public key for signatures (RSA of 2048 bits or more, EC or Ed25519)")
	}
	return good, nil
}

func isUsable(key *jose.JSONWebKey) bool {
	if !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
		return false
	}
	if public, ok := key.Key.(*rsa.PublicKey); ok {
		return public.N.BitLen() >= minRSA
	}
	return true
}

// matching returns the keys with that id, all where the token names none, that may
// be used with the algorithm.
func (s keySet) matching(id, algorithm string) []jose.JSONWebKey {
	var found []jose.JSONWebKey
	for _, key := range s {
		if (id == "" || key.KeyID == id) && (key.Algorithm == "" || key.Algorithm == algorithm) && fits(key.Key, algorithm) {
			found = append(found, key)
		}
	}
	return found
}

// fits reports whether a key is one for the algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
func fits(key any, algorithm string) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS")
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return algorithm == string(jose.ES256)
		case 384:
			return algorithm == string(jose.ES384)
		case 521:
			return algorithm == string(jose.ES512)
		}
	case ed25519.PublicKey:
		return algorithm == string(jose.EdDSA)
	}
	return false
}

func (s keySet) find(_ context.Context, id, algorithm string) ([]jose.JSONWebKey, error) {
	return s.matching(id, algorithm), nil
}

// LoadKeys reads a key set from a file. The error names the file.
func LoadKeys(file string) (Keys, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("%s cannot be read: %w", file, err)
	}
	set, err := parseKeySet(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return set, nil
}
