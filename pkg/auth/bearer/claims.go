package bearer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// claims are those of an access token that are looked at (RFC 9068 §2.2).
type claims struct {
	audience []string
	scopes   []string
	lifetime lifetime
	// texts are all claims that are strings, by name.
	texts map[string]string
	// members are all claims.
	members map[string]any
}

// parseClaims decodes claims. Repeated members and invalid UTF-8 are errors, and so
// is a claim of another type than it must have.
func parseClaims(payload []byte) (*claims, error) {
	var members map[string]any
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, err
	}
	if _, there := members["exp"]; !there {
		return nil, errors.New("exp is missing")
	}
	return claimsOf(members)
}

// claimsOf takes the members of claims, in which exp need not be.
func claimsOf(members map[string]any) (*claims, error) {
	c := &claims{texts: make(map[string]string), members: members}
	for name, value := range members {
		if text, ok := value.(string); ok {
			c.texts[name] = text
		}
	}
	var err error
	if c.audience, err = stringsOf(members["aud"]); err != nil {
		return nil, fmt.Errorf("aud %w", err)
	}
	if err := c.lifetime.set(members); err != nil {
		return nil, err
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

func (c *claims) hasScopes(required []string) bool {
	return !slices.ContainsFunc(required, func(scope string) bool { return !slices.Contains(c.scopes, scope) })
}

// lifetime is when a token may be used, in seconds since 1970 (RFC 7519 §2, NumericDate).
type lifetime struct {
	expires           float64 // 0 when nobody says, which only an introspection may
	notBefore, issued float64 // 0 when the token does not say
}

func (l *lifetime) set(members map[string]any) error {
	for name, seconds := range map[string]*float64{"exp": &l.expires, "nbf": &l.notBefore, "iat": &l.issued} {
		value, there := members[name]
		number, ok := value.(float64)
		if there && !ok || ok && (number < 0 || number > maxSeconds || name == "exp" && number == 0) {
			return fmt.Errorf("%s is no time", name)
		}
		*seconds = number
	}
	return nil
}

// maxSeconds is about the year 9999.
const maxSeconds = 253_402_300_799

// at returns the reason why the token is not good at that time.
func (l lifetime) at(now time.Time, leeway time.Duration) error {
	seconds := float64(now.UnixNano()) / float64(time.Second)
	switch {
	case l.expires > 0 && seconds >= l.expires+leeway.Seconds():
		return ReasonExpired
	case seconds < l.notBefore-leeway.Seconds() || seconds < l.issued-leeway.Seconds():
		return ReasonEarly
	}
	return nil
}

// identity makes the values of the template's pointers.
func (c *claims) identity(names []string) (map[string]string, error) {
	values := make(map[string]string, len(names))
	for _, name := range names {
		value, err := c.at(name)
		if err != nil {
			return nil, fmt.Errorf("{%s} %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}

// at returns the string, or the whole number, at a JSON pointer (RFC 6901) without its
// first slash, whose escapes (§4) are undone. A claim whose own name is the text of the pointer comes first.
func (c *claims) at(pointer string) (string, error) {
	value, there := c.members[pointer]
	if !there {
		value = c.members
		for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
			if value, there = memberOf(value, strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")); !there {
				return "", errors.New("is missing")
			}
		}
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case float64: // What is not exact may be somebody else's number.
		if v == float64(int64(v)) && v >= 0 && v < 1<<53 {
			return strconv.FormatInt(int64(v), 10), nil
		}
	}
	return "", errors.New("is neither a string nor a whole number")
}

// memberOf returns a member of an object, or an element of an array.
func memberOf(value any, name string) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		member, there := v[name]
		return member, there
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != name {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}
