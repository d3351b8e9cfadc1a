package memdir_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// TestMalformed sends what is no LDAP: the connection ends with a notice, and no other
// is disturbed.
func TestMalformed(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	other := d.raw(t)
	other.bind(person(1), password(1))
	for _, test := range []struct {
		name  string
		bytes []byte
		text  string
	}{
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "decoding error"},
		{"NoID", []byte("\x30\x05\x04\x01\x01\x05\x00"), "decoding error"},
		{"NoOperation", []byte("\x30\x03\x02\x01\x01"), "decoding error"},
		{"Indefinite", []byte("\x30\x80\x02\x01\x01\x42\x00\x00\x00"), "decoding error"},
		{"TooLong", []byte("\x30\x84\x7f\xff\xff\xff\x02"), "decoding error"},
		{"TooLongForAnonymous", bindRequest(1, "", strings.Repeat("x", 300_000)), "decoding error"},
		{"CutOff", message(1, element(0x63, octets(0x04, ""), integer(0x0a, 0))), "decoding error"},
		{"NegativeID", message(-1, whoAmI()), "decoding error"},
		{"IDZero", message(0, whoAmI()), "the message id is 0"},
		{"AnAnswer", message(1, element(0x65, integer(0x0a, 0), octets(0x04, ""), octets(0x04, ""))), "unknown LDAP request"},
		{"UnknownOperation", message(1, octets(0x5e, "x")), "unknown LDAP request"},
		{"Controls", message(1, whoAmI(), octets(0x04, "x")), "decoding controls error"},
		{"EmptyNot", message(1, query{filter: element(0xa2)}.packet()), "decoding error"},
		{"AbandonNothing", message(1, octets(0x50, "")), "decoding error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := d.raw(t)
			r.send(test.bytes)
			m := r.read()
			result, err := m.Result()
			if m.ID != 0 || m.Op != ldapwire.ExtendedResponse || err != nil {
				t.Errorf("message %d, %#x, %v", m.ID, m.Op, err)
			}
			wantResult(t, result, 2, test.text)
			r.ended()
		})
	}
	t.Cleanup(func() {
		if who := other.whoAmI(); !strings.EqualFold(who, "dn:"+person(1)) {
			t.Errorf("the other connection acts as %q", who)
		}
	})
}

// TestLongMessage is one that only those may send who have bound.
func TestLongMessage(t *testing.T) {
	t.Parallel()
	r := start(t, nil).raw(t)
	r.bind(person(1), password(1))
	result, _, _ := r.exchange(element(0x77, octets(0x80, "1.2.3"), octets(0x81, strings.Repeat("x", 300_000))))
	wantResult(t, result, 2, "unsupported extended operation")
}

func TestUnbind(t *testing.T) {
	t.Parallel()
	r := start(t, nil).raw(t)
	r.send(ldapwire.AppendUnbind(nil, 1))
	r.ended()
}

// TestPlaintext is a client that does not speak TLS.
func TestPlaintext(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	conn, err := ldap.DialURL("ldap://" + d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Bind(person(1), password(1)); err == nil {
		t.Error("a password was taken without TLS")
	}
}

// TestConnectionLimit refuses one connection more than there may be.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	d := start(t, func(o *memdir.Options) { o.Connections = 2 })
	one, two := d.raw(t), d.raw(t)
	one.whoAmI()
	two.whoAmI()
	if conn, err := ldap.DialURL("ldaps://"+d.addr, ldap.DialWithTLSConfig(d.tls())); err == nil {
		_ = conn.Close()
		t.Error("there is a third connection")
	}
	one.send(ldapwire.AppendUnbind(nil, 9))
	one.ended()
	for { // The place is free some time after the end of the connection was seen.
		conn, err := ldap.DialURL("ldaps://"+d.addr, ldap.DialWithTLSConfig(d.tls()))
		if err == nil {
			_ = conn.Close()
			break
		}
	}
}

// TestPending breaks off a client that asks for more at a time than an anonymous one may.
func TestPending(t *testing.T) {
	t.Parallel()
	d := start(t, func(o *memdir.Options) {
		o.Intercept = func(op *memdir.Operation) { <-op.Context.Done() }
	})
	r := d.raw(t)
	for id := range int64(101) {
		r.send(message(id+1, whoAmI()))
	}
	result, _, m := r.result(0)
	wantResult(t, result, 2, "too many operations are pending")
	if m.Op != ldapwire.ExtendedResponse {
		t.Errorf("message %#x", m.Op)
	}
	r.ended()
}

// TestManyClients has twenty clients read and write at once.
func TestManyClients(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	var work sync.WaitGroup
	for n := range 20 {
		conn := d.as(t, rootDN, d.rootPassword)
		work.Go(func() {
			for range 20 {
				change := ldap.NewModifyRequest(person(n), nil)
				change.Replace("description", []string{"x"})
				if err := conn.Modify(change); err != nil {
					t.Error(err)
				}
				result, err := conn.SearchWithPaging(ldap.NewSearchRequest(peopleDN, 1, 0, 0, 0, false, "(uid=gen*)", nil, nil), 7)
				if err != nil || len(result.Entries) != people {
					t.Errorf("%v, %v", result, err)
				}
			}
		})
	}
	work.Wait()
}
