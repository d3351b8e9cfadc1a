package directory

import (
	"encoding/hex"
	"strings"
)

// dnParser reads a DN, or a DN template: in a template a trailing element may be
// "..", and braces that are written as escapes come out doubled, which is how a
// template writes braces that are no placeholder.
type dnParser struct {
	s        string
	i        int
	template bool
	climbs   int
}

func (p *dnParser) done() bool { return p.i >= len(p.s) }

func (p *dnParser) at(c byte) bool { return !p.done() && p.s[p.i] == c }

func (p *dnParser) spaces() {
	for p.at(' ') {
		p.i++
	}
}

// separated reports whether the name or one of its parts ends here.
func (p *dnParser) separated() bool { return p.done() || p.at(',') || p.at(';') || p.at('+') }

func (p *dnParser) fail(format string, args ...any) error {
	return failAt("DN", p.s, p.i, format, args...)
}

func (p *dnParser) dn() (DN, error) {
	p.spaces()
	if p.done() {
		return DN{}, nil
	}
	var dn DN
	for {
		if err := p.element(&dn); err != nil {
			return DN{}, err
		}
		if p.done() {
			return dn, nil
		}
		p.i++ // the separator that ended the element
	}
}

// element reads an RDN, or the ".." of a template.
func (p *dnParser) element(dn *DN) error {
	p.spaces()
	if p.template && strings.HasPrefix(p.s[p.i:], "..") {
		return p.climb()
	}
	if p.climbs > 0 {
		return p.fail(`only ".." may follow ".."`)
	}
	rdn, err := p.rdn()
	dn.rdns = append(dn.rdns, rdn)
	return err
}

func (p *dnParser) climb() error {
	p.i += len("..")
	p.climbs++
	p.spaces()
	if !p.separated() || p.at('+') {
		return p.fail(`a "," is expected after ".."`)
	}
	return nil
}

func (p *dnParser) rdn() (RDN, error) {
	var rdn RDN
	for {
		ava, err := p.ava()
		if err != nil {
			return nil, err
		}
		rdn = append(rdn, ava)
		if !p.at('+') {
			return rdn, nil
		}
		p.i++
	}
}

func (p *dnParser) ava() (AVA, error) {
	p.spaces()
	start := p.i
	for !p.done() && (isKeyByte(p.s[p.i]) || p.s[p.i] == '.') {
		p.i++
	}
	ava := AVA{Type: p.s[start:p.i]}
	if !isAttributeType(ava.Type) {
		p.i = start
		return AVA{}, p.fail("an attribute type is expected")
	}
	p.spaces()
	if !p.at('=') {
		return AVA{}, p.fail(`"=" is expected after %q`, ava.Type)
	}
	p.i++
	p.spaces()
	var err error
	if p.at('#') {
		ava.Value, err = p.hexValue()
	} else {
		ava.Value, err = p.value()
	}
	return ava, err
}

func (p *dnParser) value() (string, error) {
	var b strings.Builder
	kept := 0 // length up to the last octet that is not an unescaped trailing space
	for !p.separated() {
		c := p.s[p.i]
		switch c {
		case '"', '<', '>', 0:
			return "", p.fail("%q must be escaped with a backslash", string(c))
		case '\\':
			octet, err := p.escaped()
			if err != nil {
				return "", err
			}
			b.WriteString(p.literal(octet))
			kept = b.Len()
			continue
		}
		b.WriteByte(c)
		p.i++
		if c != ' ' {
			kept = b.Len()
		}
	}
	return b.String()[:kept], nil
}

// escaped reads a backslash and the octet that it stands for.
func (p *dnParser) escaped() (string, error) {
	rest := p.s[p.i+1:]
	if rest == "" {
		return "", p.fail("a backslash ends the name")
	}
	if strings.IndexByte(`"+,;<>\ #=`, rest[0]) >= 0 {
		p.i += 2
		return rest[:1], nil
	}
	octet, ok := hexPair(rest)
	if !ok {
		return "", p.fail("a backslash takes a special character or two hexadecimal digits")
	}
	p.i += 3
	return octet, nil
}

// hexValue reads "#" and the BER encoding of the value (RFC 4514 §2.4); the
// contents of a string are the value.
func (p *dnParser) hexValue() (string, error) {
	rest := p.s[p.i+1:]
	if end := strings.IndexAny(rest, ",;+ "); end >= 0 {
		rest = rest[:end]
	}
	ber, err := hex.DecodeString(rest)
	value, ok := berString(ber)
	if err != nil || !ok {
		return "", p.fail(`"#" takes the BER encoding of a string in hexadecimal digits`)
	}
	p.i += len("#") + len(rest)
	p.spaces()
	if !p.separated() {
		return "", p.fail("a separator is expected")
	}
	return p.literal(value), nil
}

// literal returns octets so that they are no placeholder of a template.
func (p *dnParser) literal(s string) string {
	if p.template {
		return doubleBraces(s)
	}
	return s
}

// berString returns the contents of one primitive string type of ASN.1 whose
// octets are the characters: OCTET STRING, UTF8String, Numeric-, Printable-, IA5String.
func berString(ber []byte) (string, bool) {
	if len(ber) < 2 || strings.IndexByte("\x04\x0c\x12\x13\x16", ber[0]) < 0 {
		return "", false
	}
	length, contents := int(ber[1]), ber[2:]
	switch {
	case length == 0x81 && len(contents) >= 1:
		length, contents = int(contents[0]), contents[1:]
	case length == 0x82 && len(contents) >= 2:
		length, contents = int(contents[0])<<8|int(contents[1]), contents[2:]
	case length >= 0x80:
		return "", false
	}
	return string(contents), len(contents) == length
}
