package ldapwire

import (
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Tags of the account usability response.
const (
	tagUsable   = 0x80
	tagUnusable = 0xa1
)

// decodeControls decodes the controls that came with an entry.
func (m *Message) decodeControls(entry *directory.Entry) error {
	controls, err := m.Controls()
	if err != nil {
		return err
	}
	entry.Controls = make([]directory.Control, len(controls))
	for i, c := range controls {
		entry.Controls[i] = directory.Control(c)
		if c.OID != OIDUsability || !c.HasValue {
			continue
		}
		if entry.Usability, err = decodeUsability(reader(c.Value)); err != nil {
			return err
		}
	}
	return nil
}

// decodeUsability decodes a choice: the seconds until the password of a usable account
// expires, or why an account cannot be used.
func decodeUsability(value reader) (*directory.Usability, error) {
	u := &directory.Usability{Expires: -1, Grace: -1, Unlock: -1}
	s := scan{rest: value}
	if s.has(tagUsable) {
		u.Usable, u.Expires = true, seconds(s.integer(tagUsable))
		return u, s.err
	}
	why := s.within(tagUnusable)
	for i, flag := range []*bool{&u.Inactive, &u.Reset, &u.Expired} {
		if tag := byte(0x80 + i); why.has(tag) {
			*flag = why.boolean(tag)
		}
	}
	if why.has(0x83) {
		u.Grace = why.integer(0x83)
	}
	if why.has(0x84) {
		u.Unlock = seconds(why.integer(0x84))
	}
	return u, why.err
}

// seconds is a time; -1 is none.
func seconds(n int) time.Duration {
	if n < 0 {
		return -1
	}
	return time.Duration(n) * time.Second
}

// UsabilityResult tells whether an account can be used.
func UsabilityResult(u *directory.Usability) Control {
	return Control{OIDUsability, false, func(dst []byte) []byte {
		if u.Usable {
			return appendInteger(dst, tagUsable, toSeconds(u.Expires))
		}
		dst, start := begin(dst, tagUnusable)
		for i, flag := range []bool{u.Inactive, u.Reset, u.Expired} {
			dst = appendBoolean(dst, byte(0x80+i), flag)
		}
		if u.Grace >= 0 {
			dst = appendInteger(dst, 0x83, clamp(u.Grace))
		}
		if u.Unlock >= 0 {
			dst = appendInteger(dst, 0x84, toSeconds(u.Unlock))
		}
		return end(dst, start)
	}}
}

func toSeconds(d time.Duration) int32 {
	if d < 0 {
		return -1
	}
	return clamp(int(d / time.Second))
}
