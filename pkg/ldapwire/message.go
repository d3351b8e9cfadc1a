package ldapwire

import (
	"bufio"
	"io"
	"slices"
	"unsafe"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Op is what a message is.
type Op byte

// The operations that a client gets to see (RFC 4511 §4).
const (
	SearchResultEntry     Op = tagSearchResultEntry
	SearchResultDone      Op = 0x65
	SearchResultReference Op = 0x73
	ModifyResponse        Op = 0x67
	AddResponse           Op = 0x69
	DelResponse           Op = 0x6b
	ExtendedResponse      Op = 0x78
	IntermediateResponse  Op = 0x79
)

const (
	tagSearchResultEntry = 0x64
	tagReferral          = 0xa3
)

// Message is a message from a server, or from a client. It is immutable. Each of its
// methods decodes one kind of operation; asked for another than its Op tells, the outcome
// is some value or ErrMalformed.
type Message struct {
	// ID is that of the request; 0 is an unsolicited notification (RFC 4511 §4.4).
	ID int32
	Op Op

	body     reader
	controls reader
}

// Len returns the length of the message's operation in octets. What is decoded from a
// message keeps all of it in memory.
func (m *Message) Len() int { return len(m.body) }

// Reader reads messages from a stream. It must not be shared by goroutines.
type Reader struct {
	stream *bufio.Reader
	limit  int
	pack   *pack // nil when each message has memory of its own
}

// NewReader makes a reader that refuses messages longer than limit octets.
func NewReader(stream io.Reader, limit int) *Reader {
	return NewReaderSize(stream, limit, 32<<10)
}

// NewReaderSize is as NewReader, with a buffer of that many octets: a small one for
// streams that are idle most of the time.
func NewReaderSize(stream io.Reader, limit, buffer int) *Reader {
	return &Reader{stream: bufio.NewReaderSize(stream, buffer), limit: limit}
}

// Buffered returns the number of octets that were read from the stream and belong to no
// message yet.
func (r *Reader) Buffered() int { return r.stream.Buffered() }

// SetLimit changes the limit for the messages to come.
func (r *Reader) SetLimit(limit int) { r.limit = limit }

// Read reads a message. The error is io.EOF at the end of the stream between two
// messages, and wraps ErrMalformed for what is no message; either way the stream
// is of no more use.
func (r *Reader) Read() (*Message, error) {
	m := new(Message)
	if err := r.ReadInto(m); err != nil {
		return nil, err
	}
	return m, nil
}

// ReadInto is as Read, and puts the message where the caller has room for it.
func (r *Reader) ReadInto(m *Message) error {
	size, err := r.header()
	if err != nil {
		return err
	}
	buffer, err := r.contents(size)
	if err != nil {
		return unexpected(err)
	}
	// The buffer is not touched again, so that it may be a string, without a copy.
	*m, err = parse(reader(unsafe.String(unsafe.SliceData(buffer), len(buffer)))) //nolint:gosec // See above.
	return err
}

// chunk is how much is made room for before it is there: a length alone costs a peer
// nothing.
const chunk = 1 << 20

// contents reads that many octets.
func (r *Reader) contents(size int) ([]byte, error) {
	buffer := r.pack.octets(min(size, chunk))
	_, err := io.ReadFull(r.stream, buffer)
	for err == nil && len(buffer) < size {
		done := len(buffer)
		buffer = slices.Grow(buffer, min(size-done, done))
		buffer = buffer[:min(size, cap(buffer))]
		_, err = io.ReadFull(r.stream, buffer[done:])
	}
	return buffer, err
}

// header reads the tag and the length of a message.
func (r *Reader) header() (int, error) {
	head, err := r.stream.Peek(2)
	if err != nil {
		if len(head) == 0 {
			return 0, err
		}
		return 0, unexpected(err)
	}
	if head[0] != tagSequence {
		return 0, malformed("it begins with tag %#x", head[0])
	}
	octets := 0
	if head[1] >= 0x80 {
		octets = int(head[1] & 0x7f)
	}
	if octets > 4 {
		return 0, malformed("its length has %d octets", octets)
	}
	if head, err = r.stream.Peek(2 + octets); err != nil {
		return 0, unexpected(err)
	}
	size, _, err := length(string(head[1:]))
	if err != nil {
		return 0, err
	}
	if size > r.limit {
		return 0, malformed("it has %d octets, and the limit is %d", size, r.limit)
	}
	_, err = r.stream.Discard(2 + octets)
	return size, err
}

func unexpected(err error) error {
	if err == io.EOF { //nolint:errorlint // The reader returns it as it is.
		return io.ErrUnexpectedEOF
	}
	return err
}

// parse decodes the contents of a message down to its operation.
func parse(contents reader) (Message, error) {
	id, err := contents.integer(tagInteger)
	if err != nil {
		return Message{}, err
	}
	if id < 0 {
		return Message{}, malformed("its id is negative")
	}
	tag, body, err := contents.next()
	if err != nil {
		return Message{}, err
	}
	m := Message{ID: id, Op: Op(tag), body: body}
	if contents.peek() == tagControls {
		if m.controls, err = contents.expect(tagControls); err != nil {
			return Message{}, err
		}
	}
	return m, nil
}

// Entry decodes a SearchResultEntry (RFC 4511 §4.5.2) with the controls that came with it.
func (m *Message) Entry() (*directory.Entry, error) { return m.entry(nil) }

// Entry is as Message.Entry, for the message that was read last. Where messages are packed,
// so is the entry.
func (r *Reader) Entry(m *Message) (*directory.Entry, error) { return m.entry(r.pack.of(m)) }

func (m *Message) entry(p *pack) (*directory.Entry, error) {
	entry, err := decodeEntry(m.body, p)
	if err != nil || m.controls == "" {
		return entry, err
	}
	return entry, m.decodeControls(entry)
}

func decodeEntry(body reader, p *pack) (*directory.Entry, error) {
	dn, err := body.text()
	if err != nil {
		return nil, err
	}
	list, err := body.expect(tagSequence)
	if err != nil {
		return nil, err
	}
	attributes, values, err := count(list)
	if err != nil {
		return nil, err
	}
	entry := p.entry()
	entry.DN, entry.Attributes = dn, p.attributes(attributes)
	all := p.values(values)
	for len(list) > 0 {
		attribute, err := list.expect(tagSequence)
		if err != nil {
			return nil, err
		}
		name, err := attribute.text()
		if err != nil {
			return nil, err
		}
		set, err := attribute.expect(tagSet)
		if err != nil {
			return nil, err
		}
		first := len(all)
		for len(set) > 0 {
			value, err := set.text()
			if err != nil {
				return nil, err
			}
			all = append(all, value)
		}
		entry.Attributes = append(entry.Attributes, directory.Attribute{Name: name, Values: all[first:len(all):len(all)]})
	}
	return entry, nil
}

// count counts attributes and values, so that each list is made once.
func count(list reader) (attributes, values int, err error) {
	for len(list) > 0 {
		_, attribute, err := list.next()
		if err != nil {
			return 0, 0, err
		}
		attributes++
		if _, _, err = attribute.next(); err != nil {
			return 0, 0, err
		}
		_, set, err := attribute.next()
		if err != nil {
			return 0, 0, err
		}
		for len(set) > 0 {
			if _, _, err := set.next(); err != nil {
				return 0, 0, err
			}
			values++
		}
	}
	return attributes, values, nil
}

// Result is how an operation ended (RFC 4511 §4.1.9).
type Result struct {
	Code int
	// MatchedDN is the nearest entry above a missing one.
	MatchedDN string
	// Diagnostic is the server's own text. Like MatchedDN it is for logs, not for clients.
	Diagnostic string
	// Referrals are the URLs of other servers, with code 10.
	Referrals []string
}

// Result decodes the result of any response.
func (m *Message) Result() (Result, error) {
	body := m.body
	return body.result()
}

func (r *reader) result() (result Result, err error) {
	code, err := r.integer(tagEnumerated)
	if err != nil {
		return Result{}, err
	}
	result.Code = int(code)
	if result.MatchedDN, err = r.text(); err != nil {
		return Result{}, err
	}
	if result.Diagnostic, err = r.text(); err != nil {
		return Result{}, err
	}
	if r.peek() != tagReferral {
		return result, nil
	}
	referrals, err := r.expect(tagReferral)
	for err == nil && len(referrals) > 0 {
		var url string
		url, err = referrals.text()
		result.Referrals = append(result.Referrals, url)
	}
	if err != nil {
		return Result{}, err
	}
	return result, nil
}

// ExtendedValue returns the value of an extended response, "" when it has none.
func (m *Message) ExtendedValue() (string, error) {
	result, err := m.ExtendedResult()
	return result.Value, err
}

// ExtendedResult decodes what an extended response says besides its result (RFC 4511
// §4.12).
func (m *Message) ExtendedResult() (result directory.ExtendedResult, err error) {
	body := m.body
	if _, err := body.result(); err != nil {
		return result, err
	}
	for len(body) > 0 {
		tag, contents, err := body.next()
		if err != nil {
			return directory.ExtendedResult{}, err
		}
		switch tag {
		case 0x8a:
			result.OID = string(contents)
		case 0x8b:
			result.Value, result.HasValue = string(contents), true
		}
	}
	return result, nil
}
