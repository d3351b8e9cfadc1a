package app_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"os"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/pkg/app"
)

// TestRun_UnfitDirectory: a directory that cannot act for others ends the program.
func TestRun_UnfitDirectory(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	folder(t)
	url := unfitDirectory(t)
	var out, log bytes.Buffer
	a, err := app.New(load(t, "directory.servers.0.url="+url), app.Options{Stdout: &out, Stderr: &log})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "proxied authorization") {
		t.Errorf("%v\n%s", err, &log)
	}
	if text, err := os.ReadFile("events.jsonl"); err != nil || len(text) > 0 {
		t.Errorf("events %q, %v", text, err)
	}
}

// unfitDirectory is a directory that takes every bind and supports no control. It has
// the certificate of the gateway.
func unfitDirectory(t *testing.T) string {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair("gateway.pem", "gateway.key")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveUnfit(conn)
		}
	}()
	return "ldaps://" + listener.Addr().String()
}

// serveUnfit answers binds and searches (RFC 4511 §4.2, §4.5) until the connection ends.
func serveUnfit(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		request, err := ber.ReadPacket(conn)
		if err != nil || len(request.Children) < 2 {
			return
		}
		id, isID := request.Children[0].Value.(int64)
		switch operation := request.Children[1]; {
		case !isID:
			return
		case operation.Tag == 0: // bind
			err = answerUnfit(conn, id, result(1))
		case operation.Tag == 3: // search
			base, _ := operation.Children[0].Value.(string)
			entry := tagged(4)
			entry.AppendChild(octets(base))
			entry.AppendChild(ber.NewSequence("attributes"))
			if err = answerUnfit(conn, id, entry); err == nil {
				err = answerUnfit(conn, id, result(5))
			}
		case operation.Tag == 23: // an extended operation, none of which it has
			err = answerUnfit(conn, id, refusal(24))
		default: // unbind
			return
		}
		if err != nil {
			return
		}
	}
}

func answerUnfit(conn net.Conn, id int64, operation *ber.Packet) error {
	message := ber.NewSequence("LDAPMessage")
	message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, "messageID"))
	message.AppendChild(operation)
	_, err := conn.Write(message.Bytes())
	return err
}

// result is an LDAPResult of success (RFC 4511 §4.1.9).
func result(tag ber.Tag) *ber.Packet { return resultOf(tag, 0) }

// refusal is the protocolError of an unknown operation (RFC 4511 §4.12).
func refusal(tag ber.Tag) *ber.Packet { return resultOf(tag, 2) }

func resultOf(tag ber.Tag, code int64) *ber.Packet {
	r := tagged(tag)
	r.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, "resultCode"))
	r.AppendChild(octets(""))
	r.AppendChild(octets(""))
	return r
}

func tagged(tag ber.Tag) *ber.Packet {
	return ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
}

func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}
