package ldapwire

import "github.com/rest2ldap/rest2ldap/pkg/directory"

const (
	// packed is the longest message in octets that shares memory with others, and block the
	// memory that they share. Whoever keeps one value keeps the block that it is in, and what
	// was decoded beside it: some ten KiB, never a long message.
	packed = 1 << 10
	block  = 4 << 10
	// entriesPacked, attributesPacked and valuesPacked are how many of them are made at once.
	entriesPacked, attributesPacked, valuesPacked = 16, 64, 128
)

// pack is memory for short messages that come one after the other, and the entries in them. A
// nil one has each have memory of its own.
type pack struct {
	block         []byte
	entryRoom     []directory.Entry
	attributeRoom []directory.Attribute
	valueRoom     []string
}

// Pack has the short messages to come share memory, with the entries that are decoded from them
// by Reader.Entry: a list then costs less than one allocation for each entry. It is for
// streams of which nobody keeps a part for long, for a part keeps its neighbours in memory.
func (r *Reader) Pack() { r.pack = new(pack) }

// of is the pack for what is decoded from a message.
func (p *pack) of(m *Message) *pack {
	if m.Len() > packed {
		return nil
	}
	return p
}

func (p *pack) octets(n int) []byte {
	if p == nil || n > packed {
		return make([]byte, n)
	}
	return carve(&p.block, n, block)[:n]
}

func (p *pack) entry() *directory.Entry {
	if p == nil {
		return new(directory.Entry)
	}
	return &carve(&p.entryRoom, 1, entriesPacked)[:1][0]
}

func (p *pack) attributes(n int) []directory.Attribute {
	if p == nil {
		return make([]directory.Attribute, 0, n)
	}
	return carve(&p.attributeRoom, n, attributesPacked)
}

func (p *pack) values(n int) []string {
	if p == nil {
		return make([]string, 0, n)
	}
	return carve(&p.valueRoom, n, valuesPacked)
}

// carve takes room for n off what is left, which is made anew, of that size, when it is too
// little. Much has room of its own.
func carve[T any](left *[]T, n, size int) []T {
	if n == 0 || n > size/4 {
		return make([]T, 0, n)
	}
	if len(*left) < n {
		*left = make([]T, size)
	}
	room := (*left)[:0:n]
	*left = (*left)[n:]
	return room
}
