package bearer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
)

// token is a token in compact form (RFC 7515 §7.1) whose signature is not verified yet.
type token struct {
	header header
	signed *jose.JSONWebSignature
}

// header is what the protected header says. Whatever else is in it, such as a place
// where a key could be had (jku, jwk, x5u), is not looked at.
type header struct {
	Algorithm string         `json:"alg"`
	Type      string         `json:"typ"`
	KeyID     string         `json:"kid"`
	Critical  jsontext.Value `json:"crit"`
	Plain     jsontext.Value `json:"b64"`
}

// parseToken takes a token apart. The JOSE library forgives what is not canonical, so
// that one signature would be good for several texts; here the text is exact.
func (a *Authenticator) parseToken(text string) (*token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, refusal(ReasonMalformed, errors.New("it has not three parts"))
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		// The decoder would pass over line breaks.
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return nil, refusal(ReasonMalformed, fmt.Errorf("part %d is not base64url", i+1))
		}
	}
	t := new(token)
	if err := json.Unmarshal(decoded[0], &t.header); err != nil {
		return nil, refusal(ReasonMalformed, errors.New("the header is no JSON object of a token"))
	}
	switch h := &t.header; {
	case !slices.Contains(a.options.Algorithms, h.Algorithm):
		return nil, ReasonAlgorithm
	case h.Critical != nil || h.Plain != nil: // Extensions that we have none of (RFC 7515 §4.1.11).
		return nil, refusal(ReasonMalformed, errors.New("the header needs an extension"))
	case !a.isType(h.Type):
		return nil, ReasonType
	}
	var err error
	if t.signed, err = jose.ParseSignedCompact(text, a.algorithms); err != nil {
		return nil, refusal(ReasonMalformed, errors.New("the library does not take it"))
	}
	return t, nil
}

// refusal is a reason with more about it, for the log.
func refusal(reason auth.Reason, why error) error { return errors.Join(reason, why) }

// isType reports whether the token is an access token (RFC 9068 §4): tokens that an
// issuer signs for other ends must not pass for one (RFC 8725 §3.11).
func (a *Authenticator) isType(typ string) bool {
	typ = shortType(typ)
	return typ != "" && slices.ContainsFunc(a.options.Types, func(allowed string) bool { return typ == shortType(allowed) })
}

// shortType is a media type without what RFC 7515 §4.1.9 lets away.
func shortType(typ string) string {
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}
