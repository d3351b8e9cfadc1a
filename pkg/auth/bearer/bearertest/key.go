package bearertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
)

// rsaBits is the size of RSA keys.
const rsaBits = 2048

// key is a key pair for one algorithm (RFC 7518 §3, RFC 8037).
type key struct {
	id        string
	algorithm string
	signer    crypto.Signer
	public    map[string]any // as in a key set
}

func newKey(id, algorithm string) (*key, error) {
	k := &key{id: id, algorithm: algorithm, public: map[string]any{"kid": id, "alg": algorithm, "use": "sig"}}
	var err error
	switch algorithm {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		err = k.newRSA()
	case "ES256":
		err = k.newEC(elliptic.P256())
	case "ES384":
		err = k.newEC(elliptic.P384())
	case "ES512":
		err = k.newEC(elliptic.P521())
	case "EdDSA":
		err = k.newEd25519()
	default:
		err = fmt.Errorf("bearertest: no keys for %q", algorithm)
	}
	return k, err
}

func (k *key) newRSA() error {
	pair, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return err
	}
	k.signer = pair
	k.public["kty"], k.public["n"], k.public["e"] = "RSA", encode(pair.N.Bytes()), encode(big.NewInt(int64(pair.E)).Bytes())
	return nil
}

func (k *key) newEC(curve elliptic.Curve) error {
	pair, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		return err
	}
	point, err := pair.PublicKey.Bytes()
	if err != nil {
		return err
	}
	half := (len(point) - 1) / 2 // after the byte that says "uncompressed"
	k.signer = pair
	k.public["kty"], k.public["crv"] = "EC", curve.Params().Name
	k.public["x"], k.public["y"] = encode(point[1:1+half]), encode(point[1+half:])
	return nil
}

func (k *key) newEd25519() error {
	public, pair, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	k.signer = pair
	k.public["kty"], k.public["crv"], k.public["x"] = "OKP", "Ed25519", encode(public)
	return nil
}

// hash returns the hash of an algorithm, by the number at its end.
func hash(algorithm string) crypto.Hash {
	switch algorithm[len(algorithm)-3:] {
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}

// sign returns the signature of the input (RFC 7518 §3.3 to §3.5).
func (k *key) sign(input []byte) ([]byte, error) {
	if pair, ok := k.signer.(ed25519.PrivateKey); ok {
		return ed25519.Sign(pair, input), nil
	}
	h := hash(k.algorithm)
	hasher := h.New()
	hasher.Write(input)
	digest := hasher.Sum(nil)
	switch pair := k.signer.(type) {
	case *rsa.PrivateKey:
		if k.algorithm[0] == 'P' {
			return rsa.SignPSS(rand.Reader, pair, h, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(nil, pair, h, digest)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, pair, digest)
		if err != nil {
			return nil, err
		}
		size := (pair.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
	}
	return nil, fmt.Errorf("bearertest: %T signs nothing", k.signer)
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
