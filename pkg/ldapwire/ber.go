package ldapwire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by the error for bytes that are no LDAP message.
var ErrMalformed = errors.New("malformed LDAP message")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Universal tags (X.690 §8).
const (
	tagBoolean    = 0x01
	tagInteger    = 0x02
	tagString     = 0x04
	tagEnumerated = 0x0a
	tagSequence   = 0x30
	tagSet        = 0x31
)

// lengthSize is the room for the length of an element whose end is not known yet:
// the form with four octets, which is as good as a shorter one (RFC 4511 §5.1 asks
// for the definite form, not for the shortest).
const lengthSize = 5

// begin starts an element and returns where its contents start.
func begin(dst []byte, tag byte) ([]byte, int) {
	dst = append(dst, tag, 0x84, 0, 0, 0, 0)
	return dst, len(dst)
}

// end finishes the element whose contents start there.
func end(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start-lengthSize+1:], uint32(len(dst)-start))
	return dst
}

func appendLength(dst []byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(dst, byte(n))
	case n < 0x100:
		return append(dst, 0x81, byte(n))
	case n < 0x10000:
		return append(dst, 0x82, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0x84), uint32(n))
}

func appendString(dst []byte, tag byte, s string) []byte {
	return append(appendLength(append(dst, tag), len(s)), s...)
}

func appendInteger(dst []byte, tag byte, n int32) []byte {
	size := 4
	for size > 1 && (n>>(8*(size-1)-1) == 0 || n>>(8*(size-1)-1) == -1) {
		size--
	}
	dst = append(dst, tag, byte(size))
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

func appendBoolean(dst []byte, tag byte, b bool) []byte {
	if b {
		return append(dst, tag, 1, 0xff)
	}
	return append(dst, tag, 1, 0)
}

// reader takes elements off the front of encoded contents.
type reader string

// next takes the first element.
func (r *reader) next() (tag byte, contents reader, err error) {
	s := string(*r)
	if len(s) < 2 {
		return 0, "", malformed("an element is cut off")
	}
	if s[0]&0x1f == 0x1f {
		return 0, "", malformed("a tag has several octets")
	}
	n, head, err := length(s[1:])
	if err != nil {
		return 0, "", err
	}
	s = s[1+head:]
	if n > len(s) {
		return 0, "", malformed("an element of %d octets has %d", n, len(s))
	}
	tag = string(*r)[0]
	contents, *r = reader(s[:n]), reader(s[n:])
	return tag, contents, nil
}

// length decodes a length (X.690 §8.1.3), and returns how many octets it took. More
// than four are never needed.
func length(s string) (n, size int, err error) {
	if s[0] < 0x80 {
		return int(s[0]), 1, nil
	}
	octets := int(s[0] & 0x7f)
	if octets == 0 || octets > 4 {
		return 0, 0, malformed("a length is indefinite or has %d octets", octets)
	}
	if len(s) < 1+octets {
		return 0, 0, malformed("a length is cut off")
	}
	for i := 1; i <= octets; i++ {
		n = n<<8 | int(s[i])
	}
	if n < 0 || n > 1<<31-1 {
		return 0, 0, malformed("a length is over 2 GiB")
	}
	return n, 1 + octets, nil
}

// expect takes an element that must have the tag.
func (r *reader) expect(tag byte) (reader, error) {
	got, contents, err := r.next()
	if err == nil && got != tag {
		err = malformed("tag %#x where %#x belongs", got, tag)
	}
	return contents, err
}

// text takes an octet string.
func (r *reader) text() (string, error) {
	contents, err := r.expect(tagString)
	return string(contents), err
}

// integer takes an integer that fits in 32 bits, with that tag.
func (r *reader) integer(tag byte) (int32, error) {
	contents, err := r.expect(tag)
	if err != nil {
		return 0, err
	}
	if len(contents) == 0 || len(contents) > 4 {
		return 0, malformed("an integer has %d octets", len(contents))
	}
	return twosComplement(contents), nil
}

// twosComplement is the integer of one to four octets.
func twosComplement(contents reader) int32 {
	n := int32(int8(contents[0]))
	for i := 1; i < len(contents); i++ {
		n = n<<8 | int32(contents[i])
	}
	return n
}

// peek returns the tag of the next element, 0 at the end.
func (r reader) peek() byte {
	if len(r) == 0 {
		return 0
	}
	return r[0]
}
