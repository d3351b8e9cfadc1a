package bearer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
)

// claims are those of an access token that are looked at (RFC 9068 §2.2).
type claims struct {
	issuer    string
	audience  []string
	expires   float64 // seconds since 1970
	notBefore float64
	issued    float64
	scopes    []string
	// texts are all claims that are strings, by name.
	texts map[string]string
}

// parseClaims decodes claims. Repeated members and invalid UTF-8 are errors, and so
// is a claim of another type than it must have.
func parseClaims(payload []byte) (*claims, error) {
	var members map[string]any
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, err
	}
	c := &claims{texts: make(map[string]string)}
	for name, value := range members {
		if text, ok := value.(string); ok {
			c.texts[name] = text
		}
	}
	var err error
	c.issuer = c.texts["iss"]
	if c.audience, err = stringsOf(members["aud"]); err != nil {
		return nil, fmt.Errorf("aud %w", err)
	}
	if !auth.IsName(c.texts["sub"]) {
		return nil, errors.New("sub names nobody")
	}
	for name, seconds := range map[string]*float64{"exp": &c.expires, "nbf": &c.notBefore, "iat": &c.issued} {
		value, there := members[name]
		number, ok := value.(float64)
		if there && !ok || ok && (number < 0 || number > math.MaxInt32*4) || !there && name == "exp" {
			return nil, fmt.Errorf("%s is no time", name)
		}
		*seconds = number
	}
	if value, there := members["scope"]; there {
		text, ok := value.(string)
		if !ok {
			return nil, errors.New("scope is no string")
		}
		c.scopes = strings.Fields(text)
	}
	return c, nil
}

// stringsOf takes a string, or a list of strings.
func stringsOf(value any) ([]string, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		var list []string
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, errors.New("holds something else than strings")
			}
			list = append(list, text)
		}
		return list, nil
	}
	return nil, errors.New("is neither a string nor a list of strings")
}

func (c *claims) isFor(audience string) bool { return slices.Contains(c.audience, audience) }

func (c *claims) hasScopes(required []string) bool {
	return !slices.ContainsFunc(required, func(scope string) bool { return !slices.Contains(c.scopes, scope) })
}

// inTime returns the reason why the token is not good at that time.
func (c *claims) inTime(now time.Time, leeway time.Duration) error {
	seconds := float64(now.UnixNano()) / float64(time.Second)
	switch {
	case seconds >= c.expires+leeway.Seconds():
		return ReasonExpired
	case seconds < c.notBefore-leeway.Seconds() || seconds < c.issued-leeway.Seconds():
		return ReasonEarly
	}
	return nil
}
