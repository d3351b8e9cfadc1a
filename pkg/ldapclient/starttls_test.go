package ldapclient_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// F013: a real server that begins in clear.
func TestStartTLS(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Kind: slapd.Process, Clear: true})
	open := func(t *testing.T, change func(*ldapclient.Options)) *ldapclient.Client {
		return newClient(t, server, func(o *ldapclient.Options) {
			o.Servers = []ldapclient.Server{{URL: server.ClearURL, StartTLS: true}}
			if change != nil {
				change(o)
			}
		})
	}
	t.Run("Good", func(t *testing.T) {
		client := open(t, nil)
		if id, err := client.As(as("bjensen")).WhoAmI(t.Context(), nil); err != nil || !strings.EqualFold(id, as("bjensen").AuthzID) {
			t.Errorf("%q, %v", id, err)
		}
		dn, err := as("bjensen").DN()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Authenticate(t.Context(), dn, "hifalutin", nil); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(server.Logs()) { // Each bind was made over TLS.
			if strings.Contains(line, "mech=SIMPLE") && strings.HasSuffix(strings.TrimSpace(line), "ssf=0") {
				t.Error(line)
			}
		}
	})
	t.Run("OtherAuthority", func(t *testing.T) {
		other, err := testcert.NewCA()
		if err != nil {
			t.Fatal(err)
		}
		client := open(t, func(o *ldapclient.Options) { o.TLS.RootCAs = other.Pool() })
		if _, err := client.Service().WhoAmI(t.Context(), nil); fault.KindOf(err) != fault.BadGateway {
			t.Errorf("got %v", err)
		}
	})
}

// Whatever a server does instead of StartTLS, it learns nothing: neither a name nor a
// password leaves in clear, and there is no other way to try.
func TestStartTLSFailures(t *testing.T) {
	answer := func(code int) []byte {
		return ldapwire.AppendExtendedResult(nil, 1, ldapwire.Result{Code: code, Diagnostic: "no"}, "", "", false)
	}
	bind := ldapwire.AppendResult(nil, 1, ldapwire.BindResponse, ldapwire.Result{})
	for name, says := range map[string][]byte{
		"S_F13":        answer(2),
		"Unwilling":    answer(53),
		"Busy":         answer(51),
		"Injected":     append(answer(0), bind...), // Before TLS, so from nobody knows whom.
		"BindAnswer":   bind,
		"Gone":         nil,
		"NoLDAP":       []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"NoTLSBehind":  answer(0),
		"OtherMessage": ldapwire.AppendExtendedResult(nil, 7, ldapwire.Result{}, "", "", false),
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			heard := make(chan []byte, 16)
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						close(heard)
						return
					}
					heard <- talk(conn, says)
				}
			}()
			client, err := ldapclient.New(ldapclient.Options{
				Servers: []ldapclient.Server{{URL: "ldap://" + listener.Addr().String(), StartTLS: true}}, TLS: &tls.Config{MinVersion: tls.VersionTLS12},
				BindDN: directory.MustParseDN("cn=gateway"), Password: "very secret", ConnectTimeout: time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			want := fault.Unavailable
			if name == "Injected" { // What answers is not a server over TLS.
				want = fault.BadGateway
			}
			if _, err := client.Service().WhoAmI(t.Context(), nil); fault.KindOf(err) != want {
				t.Errorf("got %v, want %v", err, want)
			}
			if _, err := client.Authenticate(t.Context(), directory.MustParseDN("cn=somebody"), "their secret", nil); err == nil {
				t.Error("somebody is authenticated")
			}
			if err := client.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
			_ = listener.Close()
			connections := 0
			for text := range heard {
				connections++
				for _, private := range []string{"secret", "gateway", "somebody"} {
					if strings.Contains(string(text), private) {
						t.Errorf("the server heard %q", text)
					}
				}
				if !strings.Contains(string(text), ldapwire.OIDStartTLS) {
					t.Errorf("the server heard %q, and no StartTLS", text)
				}
			}
			if connections == 0 {
				t.Error("nobody connected")
			}
		})
	}
}

// talk reads one message, says what it is given and returns all that it hears.
func talk(conn net.Conn, says []byte) []byte {
	defer conn.Close()
	first := make([]byte, 1024)
	n, _ := conn.Read(first)
	if says == nil {
		return first[:n]
	}
	_, _ = conn.Write(says)
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second)) // The client has given up before.
	rest, _ := io.ReadAll(conn)
	return append(first[:n], rest...)
}
