package ldapclient

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

const (
	// bindID is the id of the bind, the first message of each connection.
	bindID = 1
	// maxBindAnswer is the longest message in octets that is taken before a bind has
	// succeeded.
	maxBindAnswer = 64 << 10
)

// stream is a fresh connection, with what has been read from it and belongs to nobody yet.
type stream struct {
	net.Conn
	messages *ldapwire.Reader
}

func newStream(socket net.Conn) stream {
	return stream{socket, ldapwire.NewReader(socket, maxBindAnswer)}
}

// sever ends the connection without the goodbye of TLS, which would wait for a peer that takes
// nothing any more for as long as package tls says.
func (s stream) sever() {
	if secure, ok := s.Conn.(interface{ NetConn() net.Conn }); ok {
		_ = secure.NetConn().Close()
	}
}

// bind runs a simple bind (RFC 4511 §4.2) within ctx, and returns the server's answer,
// whatever it says. After an error the connection is to be closed.
func (s stream) bind(ctx context.Context, dn directory.DN, password string, controls ...ldapwire.Control) (*ldapwire.Message, ldapwire.Result, error) {
	return s.run(ctx, ldapwire.AppendBind(nil, bindID, dn, password, controls...))
}

// sasl runs a bind by a SASL mechanism of one step (RFC 4513 §5.2) within ctx, as bind does.
func (s stream) sasl(ctx context.Context, mechanism, credentials string) (ldapwire.Result, error) {
	_, result, err := s.run(ctx, ldapwire.AppendSASLBind(nil, bindID, mechanism, credentials))
	return result, err
}

// extended runs an extended operation without a value within ctx, and returns the value of
// its answer.
func (s stream) extended(ctx context.Context, id int32, oid string) (string, ldapwire.Result, error) {
	a, err := s.ask(ctx, ldapwire.AppendExtended(nil, id, oid, ""), id, ldapwire.ExtendedResponse)
	if err != nil || a.result.Code != codeSuccess {
		return "", a.result, err
	}
	value, err := a.final.ExtendedValue()
	return strings.Clone(value), a.result, err
}

func (s stream) run(ctx context.Context, request []byte) (*ldapwire.Message, ldapwire.Result, error) {
	a, err := s.ask(ctx, request, bindID, ldapwire.BindResponse)
	return a.final, a.result, err
}

// answer is what came back on a fresh connection.
type answer struct {
	final   *ldapwire.Message
	result  ldapwire.Result
	entries []*directory.Entry // at most one
}

// ask sends a request with that id, the only one that is outstanding, and returns the answer,
// which ends with a message of the kind.
func (s stream) ask(ctx context.Context, request []byte, id int32, end ldapwire.Op) (answer, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Unix(1, 0)) })
	a, err := s.answer(request, id, end)
	if !stop() { // The connection may be at its deadline, too.
		err = ended(ctx)
	}
	return a, err
}

func (s stream) answer(request []byte, id int32, end ldapwire.Op) (a answer, err error) {
	if _, err := s.Write(request); err != nil {
		return answer{}, err
	}
	for {
		m, err := s.messages.Read()
		switch {
		case err != nil:
			return answer{}, err
		case m.ID == 0:
			return answer{}, noticeOf(m)
		case m.ID == id && m.Op == end:
			a.final = m
			a.result, err = m.Result()
			return a, err
		case m.ID != id || end != ldapwire.SearchResultDone || m.Op != ldapwire.SearchResultEntry || len(a.entries) > 0:
			return answer{}, nonsense("an answer to another request than the one that was made")
		}
		entry, err := m.Entry()
		if err != nil {
			return answer{}, err
		}
		a.entries = append(a.entries, entry)
	}
}
