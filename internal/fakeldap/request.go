package fakeldap

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// OIDPaging is the control of simple paging (RFC 2696).
const OIDPaging = "1.2.840.113556.1.4.319"

const (
	oidProxy  = "2.16.840.1.113730.3.4.18" // RFC 4370
	oidWhoAmI = "1.3.6.1.4.1.4203.1.11.3"  // RFC 4532
)

// names are those of requests, by tag (RFC 4511 §4).
var names = map[ber.Tag]string{ //nolint:gochecknoglobals // A constant table.
	0: "bind", 2: "unbind", 3: "search", 6: "modify", 8: "add", 10: "delete", 12: "modifyDN", 14: "compare",
	16: "abandon", 23: "extended",
}

// Request is a request of a client, and the way to answer it: now, later, twice, or
// not at all. Its methods may be called from any goroutine; what cannot be sent any more
// is lost without a word.
type Request struct {
	// Name is "bind", "unbind", "search", "modify", "add", "delete", "modifyDN", "compare",
	// "abandon" or "extended"; "schema" and "check" for what the server answers by itself:
	// a search for what it can do, and a question who nobody in particular is.
	Name string
	// ID is the message's, and Abandoned that of the request that is given up, 0 for none.
	ID, Abandoned int64
	// DN is the name that the request is about, where it has one.
	DN string
	// Conn counts the connections of the server from 1.
	Conn int
	// Cookie is that of the page that is asked for; Paged tells whether one is.
	Cookie string
	Paged  bool
	// Attributes are those that a search asks for, and Filter is its filter as it came.
	Attributes []string
	Filter     string
	// Controls are the OIDs of its controls, Critical of those that are critical, and Values
	// the values of those that have one.
	Controls, Critical []string
	Values             map[string]string

	answered atomic.Bool

	nobody bool
	conn   *tls.Conn
	mu     *sync.Mutex // guards writes to conn
}

func newRequest(packet *ber.Packet) *Request {
	if len(packet.Children) < 2 {
		return &Request{Name: "nonsense"}
	}
	op := packet.Children[1]
	r := &Request{Name: names[op.Tag], Values: make(map[string]string)}
	r.ID, _ = packet.Children[0].Value.(int64)
	switch r.Name {
	case "bind":
		r.DN = op.Children[1].Data.String()
	case "search", "modify", "add", "modifyDN", "compare":
		r.DN = op.Children[0].Data.String()
	case "delete":
		r.DN = op.Data.String()
	case "abandon":
		r.Abandoned, _ = ber.ParseInt64(op.Data.Bytes())
	}
	if r.Name == "search" {
		r.Filter = string(op.Children[6].Bytes())
		for _, name := range op.Children[len(op.Children)-1].Children {
			r.Attributes = append(r.Attributes, name.Data.String())
		}
	}
	if len(packet.Children) > 2 {
		for _, control := range packet.Children[2].Children {
			oid := control.Children[0].Data.String()
			r.Controls = append(r.Controls, oid)
			last := control.Children[len(control.Children)-1]
			if len(control.Children) > 1 && control.Children[1].Tag == ber.TagBoolean {
				r.Critical = append(r.Critical, oid)
			}
			if len(control.Children) > 1 && last.Tag == ber.TagOctetString {
				r.Values[oid] = last.Data.String()
			}
			switch oid {
			case OIDPaging:
				value := ber.DecodePacket(last.Data.Bytes())
				r.Cookie, r.Paged = value.Children[1].Data.String(), true
			case oidProxy:
				r.nobody = r.Name == "extended" && op.Children[0].Data.String() == oidWhoAmI && last.Data.String() == "dn:"
			}
		}
	}
	return r
}

// Entry sends an entry; names and values of its attributes take turns.
func (r *Request) Entry(dn string, attributes ...string) {
	r.Send(Message(r.ID, Entry(dn, attributes...)))
}

// Entry makes the operation that is an entry.
func Entry(dn string, attributes ...string) *ber.Packet {
	return Element(0x64, Octets(0x04, dn), list(attributes))
}

func list(attributes []string) *ber.Packet {
	all := Element(0x30)
	for i := 0; i+1 < len(attributes); {
		name, set := attributes[i], Element(0x31)
		for ; i+1 < len(attributes) && attributes[i] == name; i += 2 {
			set.AppendChild(Octets(0x04, attributes[i+1]))
		}
		all.AppendChild(Element(0x30, Octets(0x04, name), set))
	}
	return all
}

// Done ends the operation with a result code, and a text that clients must not see.
func (r *Request) Done(code int) {
	r.answered.Store(true)
	r.Send(Message(r.ID, r.Result(code)))
}

// IsAnswered reports whether Done was called.
func (r *Request) IsAnswered() bool { return r.answered.Load() }

// DonePage ends a page with the cookie of the next one, "" for the last.
func (r *Request) DonePage(cookie string) {
	value := Element(0x30, Integer(0x02, 0), Octets(0x04, cookie)).Bytes()
	control := Element(0x30, Octets(0x04, OIDPaging), Octets(0x04, string(value)))
	r.Send(Message(r.ID, r.Result(0), control))
}

// DoneWith ends the operation with a result code and a control that has that value.
func (r *Request) DoneWith(code int, oid string, value *ber.Packet) {
	r.Send(Message(r.ID, r.Result(code), Element(0x30, Octets(0x04, oid), Octets(0x04, string(value.Bytes())))))
}

// Secret is in the diagnostic text of every result, and SecretDN the matched name of every one
// that is no success. Neither must get to a client.
const (
	Secret   = "secret diagnostics of the server"
	SecretDN = "ou=secret,dc=example,dc=com"
)

// Result makes the operation that ends this one.
func (r *Request) Result(code int) *ber.Packet {
	matched := SecretDN
	if code == 0 {
		matched = ""
	}
	return Element(r.Tag(), Integer(0x0a, int64(code)), Octets(0x04, matched), Octets(0x04, Secret))
}

// Tag is that of the operation that ends this one.
func (r *Request) Tag() byte {
	return map[string]byte{
		"bind": 0x61, "search": 0x65, "schema": 0x65, "modify": 0x67, "add": 0x69, "delete": 0x6b,
		"modifyDN": 0x6d, "compare": 0x6f, "extended": 0x78, "check": 0x78,
	}[r.Name]
}

// whoAmI answers who somebody is; nil is nobody.
func (r *Request) whoAmI(authzID *string) {
	result := r.Result(0)
	if authzID != nil {
		result.AppendChild(Octets(0x8b, *authzID))
	}
	r.Send(Message(r.ID, result))
}

// Send sends bytes, whatever they are.
func (r *Request) Send(encoded []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.conn.Write(encoded)
}

// Close ends the connection.
func (r *Request) Close() { _ = r.conn.Close() }

// Reset ends the connection with a reset of TCP: what is on its way is lost.
func (r *Request) Reset() {
	if socket, ok := r.conn.NetConn().(*net.TCPConn); ok {
		_ = socket.SetLinger(0)
		_ = socket.Close()
	}
	r.Close()
}

// Message makes a message.
func Message(id int64, op *ber.Packet, controls ...*ber.Packet) []byte {
	m := Element(0x30, Integer(0x02, id), op)
	if len(controls) > 0 {
		m.AppendChild(Element(0xa0, controls...))
	}
	return m.Bytes()
}

// Element makes an element of parts.
func Element(tag byte, parts ...*ber.Packet) *ber.Packet {
	p := ber.Encode(ber.Class(tag&0xc0), ber.Type(tag&0x20), ber.Tag(tag&0x1f), nil, "")
	for _, part := range parts {
		p.AppendChild(part)
	}
	return p
}

// Octets makes an element with those contents.
func Octets(tag byte, contents string) *ber.Packet {
	p := Element(tag)
	p.Data.WriteString(contents)
	return p
}

// Integer makes an integer.
func Integer(tag byte, n int64) *ber.Packet {
	return ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.Tag(tag), n, "")
}
