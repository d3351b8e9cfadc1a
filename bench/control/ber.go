package control

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Tags of LDAP (RFC 4511).
const (
	tagBindResponse    = 0x61
	tagSearchEntry     = 0x64
	tagSearchDone      = 0x65
	tagSearchReference = 0x73
)

// tlv returns an element.
func tlv(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	b := []byte{tag}
	switch {
	case n < 0x80:
		b = append(b, byte(n))
	case n < 0x100:
		b = append(b, 0x81, byte(n))
	default:
		b = binary.BigEndian.AppendUint16(append(b, 0x82), uint16(n))
	}
	for _, part := range parts {
		b = append(b, part...)
	}
	return b
}

func text(tag byte, s string) []byte { return tlv(tag, []byte(s)) }

func integer(n int32) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(n))
	for len(b) > 1 && b[0] == 0 && b[1] < 0x80 {
		b = b[1:]
	}
	return tlv(0x02, b)
}

// next splits the first element off b.
func next(b []byte) (tag byte, value, rest []byte, err error) {
	if len(b) < 2 {
		return 0, nil, nil, io.ErrUnexpectedEOF
	}
	n, head := int(b[1]), 2
	if n >= 0x80 {
		size := n & 0x7f
		if size > 4 || len(b) < 2+size {
			return 0, nil, nil, io.ErrUnexpectedEOF
		}
		n = 0
		for _, c := range b[2 : 2+size] {
			n = n<<8 | int(c)
		}
		head += size
	}
	if len(b) < head+n {
		return 0, nil, nil, io.ErrUnexpectedEOF
	}
	return b[0], b[head : head+n], b[head+n:], nil
}

// readMessage reads one LDAPMessage into buf, which grows as needed.
func readMessage(r *bufio.Reader, buf []byte) (id int32, op byte, body, controls, grown []byte, err error) {
	head, err := r.Peek(2)
	if err != nil {
		return 0, 0, nil, nil, buf, err
	}
	size, n := 2, int(head[1])
	if n >= 0x80 {
		size += n & 0x7f
		if head, err = r.Peek(size); err != nil {
			return 0, 0, nil, nil, buf, err
		}
		n = 0
		for _, c := range head[2:] {
			n = n<<8 | int(c)
		}
	}
	if cap(buf) < size+n {
		buf = make([]byte, 2*(size+n))
	}
	buf = buf[:size+n]
	if _, err = io.ReadFull(r, buf); err != nil {
		return 0, 0, nil, nil, buf, err
	}
	tag, idValue, rest, err := next(buf[size:])
	if err != nil || tag != 0x02 {
		return 0, 0, nil, nil, buf, fmt.Errorf("no message id: %w", errors.Join(err))
	}
	for _, c := range idValue {
		id = id<<8 | int32(c)
	}
	op, body, controls, err = next(rest)
	return id, op, body, controls, buf, err
}
