package ldapclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// TestMain checks that hundreds of faults leave neither a goroutine nor a descriptor behind.
func TestMain(m *testing.M) {
	before := descriptors()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		// The runtime keeps pipes for copies between sockets until it collects garbage.
		for deadline := time.Now().Add(patience); descriptors() > before+10 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { //nolint:forbidigo // See above.
			runtime.GC()
		}
		// Those of the runtime and of the connection to the container engine stay.
		if after := fewest(before + 10); code == 0 && after > before+10 {
			fmt.Fprintf(os.Stderr, "FAIL: %d descriptors are open, %d were at the start\n", after, before)
			code = 1
		}
		os.Exit(code)
	}), goleak.IgnoreTopFunction("github.com/testcontainers/testcontainers-go.(*Reaper).connect.func1"),
		// toxiproxy forgets what it wanted to write to a connection that is gone.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"))
}

// newClient makes a client for a server.
func newClient(tb testing.TB, server *slapd.Server, change func(*ldapclient.Options)) *ldapclient.Client {
	tb.Helper()
	o := ldapclient.Options{
		Servers:  []ldapclient.Server{{URL: server.URL}},
		TLS:      &tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12},
		BindDN:   directory.MustParseDN(server.ServiceDN),
		Password: server.ServicePassword,
	}
	if change != nil {
		change(&o)
	}
	client, err := ldapclient.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return client
}

func userDN(uid string) directory.DN {
	return directory.MustParseDN("uid=" + uid + ",ou=People,dc=example,dc=com")
}

func as(uid string) directory.Identity {
	return directory.Identity{AuthzID: "dn:" + userDN(uid).String()}
}

var people = directory.MustParseDN("ou=People,dc=example,dc=com") //nolint:gochecknoglobals // A constant.

// collect runs a search and returns its entries.
func collect(ctx context.Context, s directory.Session, req *directory.SearchRequest) ([]*directory.Entry, directory.SearchResult, error) {
	var entries []*directory.Entry
	result, err := s.Search(ctx, req, func(e *directory.Entry) error {
		entries = append(entries, e)
		return nil
	})
	return entries, result, err
}

func read(uid string, attributes ...string) *directory.SearchRequest {
	return &directory.SearchRequest{Base: userDN(uid), Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), Attributes: attributes, SizeLimit: 1}
}

// kindOf checks the kind of an error, and its finer kind.
func kindOf(t *testing.T, err error, kind fault.Kind, detail string) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != kind || detail != "" && e.Detail.Kind != detail {
		t.Errorf("error %v (%T), want %s %s", err, err, kind, detail)
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		client := newClient(t, server, nil)
		ctx := t.Context()
		admin := client.As(as("kvaughan"))

		t.Run("Check", func(t *testing.T) {
			if err := client.Check(ctx); err != nil {
				t.Error(err)
			}
		})
		t.Run("Capabilities", func(t *testing.T) {
			c, err := client.Capabilities(ctx)
			if err != nil || !c.Assertion || !c.ReadEntry || c.Revision != "entryCSN" || !c.StrongRevision() {
				t.Fatalf("%+v, %v", c, err)
			}
			if mail := c.Schema.Attribute("MAIL"); mail == nil || mail.Syntax != directory.SyntaxIA5String || mail.Ordering != "" {
				t.Errorf("mail is %+v", mail)
			}
			if cn := c.Schema.Attribute("cn"); cn == nil || cn.Equality != "caseIgnoreMatch" || cn.Syntax != directory.SyntaxDirectoryString {
				t.Errorf("cn, which inherits, is %+v", cn)
			}
			if !c.Schema.TakesRule("uid", "caseIgnoreOrderingMatch") || c.Schema.TakesRule("mail", "caseIgnoreOrderingMatch") || c.Schema.TakesRule("uid", "nosuch") {
				t.Error("the matching rule uses are not those of slapd")
			}
			again, err := client.Capabilities(ctx)
			if again != c || err != nil {
				t.Error("the pointer changed")
			}
		})
		t.Run("Read", func(t *testing.T) {
			entries, _, err := collect(ctx, admin, read("bjensen", "cn", "mail"))
			if err != nil || len(entries) != 1 {
				t.Fatalf("%v, %v", entries, err)
			}
			if got := entries[0]; !slices.Equal(got.Values("cn"), []string{"Barbara Jensen", "Babs Jensen"}) || got.Value("mail") != "bjensen@example.com" || len(got.Attributes) != 2 {
				t.Errorf("%+v", got)
			}
		})
		t.Run("NoAttributes", func(t *testing.T) {
			entries, _, err := collect(ctx, admin, read("bjensen"))
			if err != nil || len(entries) != 1 || len(entries[0].Attributes) != 0 {
				t.Errorf("%v, %v", entries, err)
			}
		})
		t.Run("Missing", func(t *testing.T) {
			_, _, err := collect(ctx, admin, read("nobody"))
			kindOf(t, err, fault.NotFound, "")
		})
		t.Run("SizeLimit", func(t *testing.T) {
			entries, result, err := collect(ctx, admin, &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), SizeLimit: 2})
			if err != nil || len(entries) != 2 || !result.More {
				t.Errorf("%d entries, %+v, %v", len(entries), result, err)
			}
		})
		t.Run("List", func(t *testing.T) {
			entries, result, err := collect(ctx, admin, &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), Attributes: []string{"uid"}})
			if err != nil || len(entries) != exampledata.DefaultUsers || result.More {
				t.Errorf("%d entries, %+v, %v", len(entries), result, err)
			}
		})
		t.Run("ListEndsWithItsReader", func(t *testing.T) {
			enough := errors.New("enough")
			_, err := admin.Search(ctx, &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid")}, func(*directory.Entry) error { return enough })
			if !errors.Is(err, enough) {
				t.Error(err)
			}
		})
		t.Run("Change", func(t *testing.T) {
			dn := userDN("new")
			entry, err := admin.Add(ctx, &directory.AddRequest{DN: dn, Attributes: []directory.Attribute{
				{Name: "objectClass", Values: []string{"inetOrgPerson"}},
				{Name: "uid", Values: []string{"new"}},
				{Name: "cn", Values: []string{"New One", "a", "b"}},
				{Name: "sn", Values: []string{"One"}},
			}, WriteOptions: directory.WriteOptions{Read: []string{"cn", "entryCSN"}}})
			if err != nil || entry == nil || len(entry.Values("cn")) != 3 || entry.Value("entryCSN") == "" {
				t.Fatalf("%+v, %v", entry, err)
			}
			_, err = admin.Add(ctx, &directory.AddRequest{DN: dn, Attributes: []directory.Attribute{{Name: "objectClass", Values: []string{"inetOrgPerson"}}, {Name: "cn", Values: []string{"x"}}, {Name: "sn", Values: []string{"x"}}}})
			kindOf(t, err, fault.PreconditionFailed, "alreadyExists")

			modify := func(assert string, changes ...directory.Change) (*directory.Entry, error) {
				req := &directory.ModifyRequest{DN: dn, Changes: changes, Permissive: true, WriteOptions: directory.WriteOptions{Read: []string{"cn", "entryCSN"}}}
				if assert != "" {
					filter := directory.Equal("entryCSN", assert)
					req.Assert = &filter
				}
				return admin.Modify(ctx, req)
			}
			first := entry.Value("entryCSN")
			// Permissive: a present value is added, an absent one deleted.
			after, err := modify(first, directory.Change{Op: directory.ChangeAdd, Attribute: "cn", Values: []string{"a"}}, directory.Change{Op: directory.ChangeDelete, Attribute: "cn", Values: []string{"absent", "b"}})
			if err != nil || after == nil || !slices.Equal(after.Values("cn"), []string{"New One", "a"}) {
				t.Fatalf("%+v, %v", after, err)
			}
			_, err = modify(first, directory.Change{Op: directory.ChangeReplace, Attribute: "sn", Values: []string{"x"}})
			kindOf(t, err, fault.PreconditionFailed, "assertionFailed")
			_, err = modify("", directory.Change{Op: directory.ChangeAdd, Attribute: "nosuch", Values: []string{"x"}})
			kindOf(t, err, fault.Invalid, "undefinedAttributeType")
			_, err = modify("", directory.Change{Op: directory.ChangeReplace, Attribute: "mail", Values: []string{"\xff"}})
			kindOf(t, err, fault.Invalid, "invalidAttributeSyntax")
			var e *fault.Error
			if errors.As(err, &e) && e.Detail.Attribute != "mail" {
				t.Errorf("attribute %q", e.Detail.Attribute)
			}
			_, err = client.As(as("bjensen")).Modify(ctx, &directory.ModifyRequest{DN: dn, Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "sn", Values: []string{"x"}}}})
			kindOf(t, err, fault.Forbidden, "insufficientAccessRights")

			before, err := admin.Delete(ctx, &directory.DeleteRequest{DN: dn, WriteOptions: directory.WriteOptions{Read: []string{"sn"}}})
			if err != nil || before.Value("sn") != "One" {
				t.Errorf("%+v, %v", before, err)
			}
			_, err = admin.Delete(ctx, &directory.DeleteRequest{DN: dn})
			kindOf(t, err, fault.NotFound, "")
		})
		t.Run("Increment", func(t *testing.T) {
			entry, err := admin.Modify(ctx, &directory.ModifyRequest{DN: userDN("bjensen"), Changes: []directory.Change{{Op: directory.ChangeIncrement, Attribute: "uidNumber", Values: []string{"-6"}}}, WriteOptions: directory.WriteOptions{Read: []string{"uidNumber"}}})
			if err != nil || entry.Value("uidNumber") != "1070" {
				t.Errorf("%+v, %v", entry, err)
			}
		})
		t.Run("WhoAmI", func(t *testing.T) {
			if id, err := client.As(as("scarter")).WhoAmI(ctx, nil); err != nil || !strings.EqualFold(id, as("scarter").AuthzID) {
				t.Errorf("%q, %v", id, err)
			}
			if id, err := client.As(directory.Identity{}).WhoAmI(ctx, nil); err != nil || id != "" {
				t.Errorf("anonymous is %q, %v", id, err)
			}
			if id, err := client.Service().WhoAmI(ctx, nil); err != nil || id != "dn:"+server.ServiceDN {
				t.Errorf("the service is %q, %v", id, err)
			}
		})
		t.Run("NotToBeActedFor", func(t *testing.T) {
			_, _, err := collect(ctx, client.As(directory.Identity{AuthzID: "dn:" + server.RootDN}), read("bjensen"))
			kindOf(t, err, fault.Forbidden, "authorizationDenied")
		})
		t.Run("Authenticate", func(t *testing.T) {
			if _, err := client.Authenticate(ctx, userDN("bjensen"), "hifalutin", nil); err != nil {
				t.Error(err)
			}
			for name, test := range map[string]struct{ uid, password string }{"wrong": {"bjensen", "x"}, "unknown": {"nobody", "x"}, "empty": {"bjensen", ""}} {
				_, err := client.Authenticate(ctx, userDN(test.uid), test.password, nil)
				var e *fault.Error
				if !errors.As(err, &e) || e.Kind != fault.Unauthenticated || e.Message != "valid credentials are required" {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, _, err := collect(ctx, admin, read("bjensen")); err != nil {
				t.Errorf("after binds: %v", err)
			}
		})
		t.Run("MustChange", func(t *testing.T) {
			// Only the administrator of the directory may set it.
			root := newClient(t, server, func(o *ldapclient.Options) {
				o.BindDN, o.Password = directory.MustParseDN(server.RootDN), server.RootPassword
			})
			if _, err := root.Service().Modify(ctx, &directory.ModifyRequest{DN: userDN("tward"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "pwdReset", Values: []string{"TRUE"}}}}); err != nil {
				t.Fatal(err)
			}
			state, err := client.Authenticate(ctx, userDN("tward"), "cedilla", nil)
			if state.Status != directory.PasswordMustChange {
				t.Errorf("%+v", state)
			}
			kindOf(t, err, fault.Forbidden, "passwordMustChange")
		})
	})
}

// Many callers share the connections, and each acts as nobody but itself.
func TestIdentitiesDoNotMix(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	client := newClient(t, server, func(o *ldapclient.Options) { o.MaxConns = 4 })
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			uid := fmt.Sprintf("gen%03d", i+1)
			session := client.As(as(uid))
			for range soak.Size(20, 2000) {
				id, err := session.WhoAmI(t.Context(), nil)
				if err != nil || !strings.EqualFold(id, as(uid).AuthzID) {
					t.Errorf("%s is %q, %v", uid, id, err)
					return
				}
				entries, _, err := collect(t.Context(), session, read(uid, "uid"))
				if err != nil || len(entries) != 1 || entries[0].Value("uid") != uid {
					t.Errorf("%s read %v, %v", uid, entries, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// The size limit of the directory binds the caller; a list that it cuts short is an
// error, in pages too.
func TestLimitsOfTheCaller(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Users: 1200})
	client := newClient(t, server, nil)
	entries, _, err := collect(t.Context(), client.As(as("kvaughan")), &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid")})
	kindOf(t, err, fault.TooLarge, "sizeLimit")
	if len(entries) > 500 {
		t.Errorf("%d entries", len(entries))
	}
}

func TestLongList(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Users: 2300, CallerSizeLimit: slapd.Unlimited})
	client := newClient(t, server, nil)
	// The connection is busy with nothing while entries are handed out: another
	// search of the same client, within yield, finds its way.
	seen := map[string]bool{}
	_, err := client.As(as("kvaughan")).Search(t.Context(), &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), Attributes: []string{"uid"}}, func(e *directory.Entry) error {
		seen[e.Value("uid")] = true
		if len(seen)%500 == 0 {
			_, _, err := collect(t.Context(), client.As(as("scarter")), read("bjensen"))
			return err
		}
		return nil
	})
	if err != nil || len(seen) != 2300 {
		t.Errorf("%d entries, %v", len(seen), err)
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	client := newClient(t, server, nil)
	session := client.As(as("kvaughan"))
	if _, _, err := collect(t.Context(), session, read("bjensen")); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, _, err := collect(t.Context(), session, read("bjensen"))
		kindOf(t, err, fault.Unavailable, "")
		var e *fault.Error
		if errors.As(err, &e) && (e.RetryAfter <= 0 || e.RetryAfter > 5*time.Second) {
			t.Errorf("retry after %s", e.RetryAfter)
		}
		_, err = client.Authenticate(t.Context(), userDN("bjensen"), "hifalutin", nil)
		kindOf(t, err, fault.Unavailable, "")
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for range time.Tick(50 * time.Millisecond) {
		_, _, err := collect(t.Context(), session, read("bjensen"))
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no recovery: %v", err)
		}
	}
}

// A connection that dies while nothing runs on it is no fault of the next request.
func TestRestartBetweenRequests(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	client := newClient(t, server, nil)
	session := client.As(as("kvaughan"))
	for range 3 {
		if _, _, err := collect(t.Context(), session, read("bjensen")); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Modify(t.Context(), &directory.ModifyRequest{DN: userDN("bjensen"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "description", Values: []string{"x"}}}}); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	}
}

// A directory that does not answer: the deadline ends the request, and tells of a
// change that its outcome is unknown.
func TestFrozen(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	client := newClient(t, server, nil)
	session := client.As(as("kvaughan"))
	if _, err := session.Modify(t.Context(), &directory.ModifyRequest{DN: userDN("bjensen"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "description", Values: []string{"x"}}}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := collect(t.Context(), session, read("bjensen")); err != nil {
		t.Fatal(err)
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, _, err := collect(ctx, session, read("bjensen"))
	kindOf(t, err, fault.Timeout, "directoryTimeout")
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = session.Modify(ctx, &directory.ModifyRequest{DN: userDN("bjensen"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "description", Values: []string{"y"}}}})
	kindOf(t, err, fault.Timeout, "unknownOutcome")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = collect(gone, session, read("bjensen"))
	kindOf(t, err, fault.Canceled, "")
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	entries, _, err := collect(t.Context(), session, read("bjensen", "uid"))
	if err != nil || len(entries) != 1 || entries[0].Value("uid") != "bjensen" {
		t.Errorf("after it came back: %v, %v", entries, err)
	}
}

// F_11: the handshake with the directory never ends. That is a part of the time for a connection;
// nobody waits longer than his own time for what another one asks, and few connections are tried at
// once, however many wait.
func TestF_11SilentFromTheStart(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way := toxic.New(t, server.Address)
		way.Add(toxic.Downstream, "timeout", map[string]any{"timeout": 0})
		t.Run("F_11/Patient", func(t *testing.T) {
			client := newClient(t, server, func(o *ldapclient.Options) { o.Servers[0].URL, o.ConnectTimeout = way.URL, time.Minute })
			patient, giveUp := context.WithCancel(t.Context())
			first := make(chan error, 1)
			go func() {
				_, err := client.Capabilities(patient)
				first <- err
			}()
			_, err := client.Capabilities(within(t, 50*time.Millisecond))
			kindOf(t, err, fault.Unavailable, "pool")
			select {
			case err := <-first:
				t.Fatalf("the patient one ended: %v", err)
			default:
			}
			giveUp()
			kindOf(t, <-first, fault.Canceled, "")
		})
		t.Run("F_11/Connecting", func(t *testing.T) {
			var dials, most atomic.Int32
			client := newClient(t, server, func(o *ldapclient.Options) {
				o.Servers[0].URL, o.ConnectTimeout = way.URL, 500*time.Millisecond
				o.Dial = func(ctx context.Context, address string) (net.Conn, error) {
					most.Store(max(most.Load(), dials.Add(1)))
					conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
					return &counted{conn, sync.OnceFunc(func() { dials.Add(-1) })}, err
				}
			})
			session := client.As(as("kvaughan"))
			var work sync.WaitGroup
			for i := range 40 {
				work.Go(func() {
					var err error
					if i%2 == 0 {
						_, _, err = collect(within(t, 0), session, read("bjensen"))
					} else {
						err = describe(within(t, 0), session, "never")
					}
					kindOf(t, err, fault.Unavailable, "directoryUnreachable")
				})
			}
			work.Wait()
			if most.Load() > 2 {
				t.Errorf("%d connections were tried at once", most.Load())
			}
			way.Clear()
			recoversSoon(t, func() error {
				_, _, err := collect(within(t, 0), session, read("bjensen"))
				return err
			})
		})
	})
}

// counted is a connection whose end is counted.
type counted struct {
	net.Conn

	ends func()
}

func (c *counted) Close() error {
	c.ends()
	return c.Conn.Close()
}

func TestRefusedAtTheStart(t *testing.T) {
	base := ldapclient.Options{TLS: &tls.Config{MinVersion: tls.VersionTLS12}, BindDN: directory.MustParseDN("cn=x"), Password: "x"}
	for url, want := range map[string]string{
		"ldap://host": "use ldaps://host", "http://host": "ldaps://host", "ldaps://": "ldaps://host", "host:636": "", "ldaps://u@host": "ldaps://host", "ldaps://host/dc=x": "ldaps://host",
	} {
		o := base
		o.Servers = []ldapclient.Server{{URL: url}}
		if _, err := ldapclient.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := ldapclient.New(base); err == nil {
		t.Error("no servers, and no error")
	}
}

func TestWrongDirectory(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	t.Run("Password", func(t *testing.T) {
		client := newClient(t, server, func(o *ldapclient.Options) { o.Password = "wrong" })
		_, _, err := collect(t.Context(), client.As(as("bjensen")), read("bjensen"))
		kindOf(t, err, fault.BadGateway, "directoryCredentials")
	})
	t.Run("Authority", func(t *testing.T) {
		client := newClient(t, server, func(o *ldapclient.Options) { o.TLS = &tls.Config{MinVersion: tls.VersionTLS12} })
		_, _, err := collect(t.Context(), client.As(as("bjensen")), read("bjensen"))
		kindOf(t, err, fault.BadGateway, "directoryCertificate")
	})
	t.Run("Secondary", func(t *testing.T) {
		client := newClient(t, server, func(o *ldapclient.Options) {
			o.Servers = []ldapclient.Server{{URL: server.URL, Secondary: true}, {URL: "ldaps://127.0.0.1:1"}}
		})
		if _, _, err := collect(t.Context(), client.As(as("bjensen")), read("bjensen")); err != nil {
			t.Error(err)
		}
	})
}
