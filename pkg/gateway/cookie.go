package gateway

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// cookieLife is how long a paging cookie may be used.
const cookieLife = 15 * time.Minute

// maxCookie bounds a cookie, so that it fits into a URL.
const maxCookie = 4 << 10

// place is where a query in pages goes on. Sealed, it is the cookie of the next page.
type place struct {
	// more tells that there is a next page.
	more bool
	// Expires is in seconds since 1970.
	Expires int64 `json:"e"`
	// Caller and Query are digests of whom and what the place is for.
	Caller []byte `json:"c"`
	Query  []byte `json:"q"`
	// Position is the last entry of the pages so far, in the order of the query or, where
	// the query has none, of the entries' identities; nil in the order of a server.
	Position *mapping.Position `json:"p,omitempty"`
	// Walk is the walk in the order of a server, and Served how many of its entries the
	// pages so far hold; Last is the last of them, and Server the one that has the order.
	Walk   string `json:"w,omitempty"`
	Served int    `json:"n,omitempty"`
	Last   []byte `json:"l,omitempty"`
	Server string `json:"s,omitempty"`
}

// sealer makes cookies that only it can read, and that nobody can change.
type sealer struct{ aead cipher.AEAD }

// newSealer makes a sealer. Sealers with the same key read each other's cookies; an
// empty key is a random one.
func newSealer(key string) (*sealer, error) {
	secret := sha256.Sum256([]byte("rest2ldap paging cookie\x00" + key))
	if key == "" {
		_, _ = rand.Read(secret[:]) // It never fails.
	}
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead}, err
}

func (s *sealer) seal(p *place) (string, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, nil)) //nolint:gosec // The AEAD adds a random nonce.
	if len(text) > maxCookie {
		return "", fault.New(fault.Invalid, "the values by which the result is sorted are too long to go on after them; sort by another field").Named("sortValueTooLong")
	}
	return text, nil
}

// open reads a cookie.
func (s *sealer) open(text string) (*place, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, badCookie("malformedCookie", "is not one that a gateway hands out; use it as it came, and encode it for a URL")
	}
	plain, err := s.aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, badCookie("foreignCookie", "was changed, or comes from another gateway or from before a restart; begin with the first page")
	}
	p := &place{}
	if err := json.Unmarshal(plain, p); err != nil {
		return nil, badCookie("foreignCookie", "comes from another version of the gateway; begin with the first page")
	}
	return p, nil
}

// place returns where the request goes on: at the beginning, or where its cookie leads.
func (c *call) place(caller auth.Principal, name string) (*place, error) {
	here := &place{
		Caller: digest(caller.Identity.AuthzID),
		Query:  digest(name, c.req.Version, fmt.Sprintf("%#v %#v %#v %#v", c.req.Path, c.req.Filter, c.req.Fields, c.req.Sort)),
	}
	if c.req.Cookie == "" {
		return here, nil
	}
	there, err := c.sealer.open(c.req.Cookie)
	switch {
	case err != nil:
		return nil, err
	case c.walks.now().Unix() >= there.Expires:
		return nil, badCookie("expiredCookie", "has expired: a page is asked for within %d minutes of the one before; begin with the first page", int(cookieLife/time.Minute))
	case !bytes.Equal(there.Caller, here.Caller):
		return nil, badCookie("cookieOfAnother", "was handed out to another caller; begin with the first page")
	case !bytes.Equal(there.Query, here.Query):
		return nil, badCookie("cookieOfAnotherQuery", "belongs to another query; path, filter, fields and sort keys stay the same from page to page")
	}
	return there, nil
}

// seal makes the cookie of the next page.
func (c *call) seal(p *place) (string, error) {
	p.Expires = c.walks.now().Add(cookieLife).Unix()
	return c.sealer.seal(p)
}

func badCookie(kind, format string, args ...any) error {
	e := fault.New(fault.Invalid, "the cookie "+format, args...).Named(kind)
	e.Detail.Parameter = "_pagedResultsCookie"
	return e
}

// digest is a short digest of texts, each with its end.
func digest(texts ...string) []byte {
	h := sha256.New()
	for _, text := range texts {
		_, _ = h.Write([]byte(text))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum(nil)[:16]
}
