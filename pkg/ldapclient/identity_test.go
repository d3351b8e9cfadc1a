package ldapclient_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/internal/tally"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// secretRules let everybody read and write one attribute of their own entry, and nobody
// else's.
const secretRules = `access to dn.onelevel="ou=People,dc=example,dc=com" attrs=carLicense
  by self write
  by * none
`

// saslGlobal has slapd take the gateway's account by EXTERNAL and by PLAIN.
const saslGlobal = `TLSVerifyClient try
sasl-host localhost
sasl-secprops none
authz-regexp "^cn=gateway$" "cn=rest2ldap,ou=Services,dc=example,dc=com"
authz-regexp "^uid=gateway,(cn=[^,]+,)?cn=plain,cn=auth$" "cn=plain,ou=Services,dc=example,dc=com"
`

// For PLAIN slapd has to find a password in clear, and to be allowed to look it up.
const (
	saslRules = `access to dn.exact="cn=plain,ou=Services,dc=example,dc=com" attrs=entry,objectClass,userPassword
  by anonymous auth
  by * break
`
	saslLDIF = `
dn: cn=plain,ou=Services,dc=example,dc=com
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: plain
userPassword: in clear
authzTo: dn.onelevel:ou=People,dc=example,dc=com
`
)

// external has the client use a certificate of the server's authority.
func external(t *testing.T, server *slapd.Server) func(*ldapclient.Options) {
	t.Helper()
	pair, err := server.CA.Issue(testcert.Leaf{CommonName: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return func(o *ldapclient.Options) {
		o.TLS.Certificates = []tls.Certificate{certificate}
		o.Mechanism, o.BindDN, o.Password = ldapclient.External, directory.DN{}, ""
	}
}

// needsPlain skips a test on a server that has no PLAIN, which is a package of its own.
func needsPlain(t *testing.T, server *slapd.Server) {
	t.Helper()
	conn, err := ldap.DialURL(server.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	result, err := conn.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"supportedSASLMechanisms"}, nil))
	if err != nil || len(result.Entries) != 1 {
		t.Fatal(result, err)
	}
	if !slices.Contains(result.Entries[0].GetAttributeValues("supportedSASLMechanisms"), "PLAIN") {
		tally.Unfit(t, errors.New("this OpenLDAP has no PLAIN; install libsasl2-modules"))
	}
}

func plain(o *ldapclient.Options) {
	o.Mechanism, o.BindDN, o.User, o.Password = ldapclient.Plain, directory.DN{}, "gateway", "in clear"
}

// whole is an identity with all that any mode needs.
func whole(uid string) directory.Identity {
	identity := as(uid)
	identity.Password = directory.NewPassword(exampledata.Password(uid))
	return identity
}

// F_55, F_56, F_57: a thousand users share few connections, with binds, refusals and
// requests that are given up in between. Each sees and changes what is its own and
// nothing else, in every mode.
func TestF_55F_56F_57ManyIdentities(t *testing.T) {
	const users = 1000
	server := slapd.Start(t, slapd.Options{Users: users + 200, Rules: secretRules + saslRules, LDIF: saslLDIF, Global: saslGlobal})
	root := newClient(t, server, func(o *ldapclient.Options) {
		o.BindDN, o.Password = directory.MustParseDN(server.RootDN), server.RootPassword
	}).Service()
	for i := range users + lockable {
		if _, err := root.Modify(t.Context(), replace(person(i), "secret of "+person(i))); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]func(*ldapclient.Options){
		"proxied":           func(*ldapclient.Options) {},
		"proxied, EXTERNAL": external(t, server),
		"proxied, PLAIN":    plain,
		"bind":              func(o *ldapclient.Options) { o.Mode = ldapclient.BindAs },
		"sasl-proxy, EXTERNAL": func(o *ldapclient.Options) {
			external(t, server)(o)
			o.Mode = ldapclient.SASLProxy
		},
		"sasl-proxy, PLAIN": func(o *ldapclient.Options) {
			plain(o)
			o.Mode = ldapclient.SASLProxy
		},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "PLAIN") {
				needsPlain(t, server)
			}
			s := &stress{Client: newClient(t, server, func(o *ldapclient.Options) {
				mode(o)
				o.MaxConns, o.MaxCallers = 8, 8
			}), users: users}
			source := soak.Rand(t)
			var work sync.WaitGroup
			for range 24 {
				random := rand.New(rand.NewPCG(source.Uint64(), 0)) //nolint:gosec // No secret depends on it.
				work.Go(func() {
					for range soak.Size(25, 1500) {
						s.step(t, random)
					}
				})
			}
			work.Wait()
			t.Logf("%d reads of one's own, %d of others', %d changes, %d binds, %d given up", s.own.Load(), s.others.Load(), s.changed.Load(), s.binds.Load(), s.given.Load())
			if s.own.Load() == 0 || s.others.Load() == 0 || s.changed.Load() == 0 || s.binds.Load() == 0 || s.given.Load() == 0 {
				t.Error("that tests nothing")
			}
			// What was given up may have been done nevertheless, by whoever gave it up.
			everybody, _, err := collect(t.Context(), root, &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("carLicense"), Attributes: []string{"uid", "carLicense", "modifiersName"}})
			if err != nil || len(everybody) != users+lockable {
				t.Fatalf("%d have a secret, %v", len(everybody), err)
			}
			for _, entry := range everybody {
				if by := entry.Value("modifiersName"); !strings.EqualFold(by, entry.DN) && by != server.RootDN || !isSecretOf([]*directory.Entry{entry}, entry.Value("uid")) {
					t.Errorf("%s was changed by %s, to %q", entry.DN, by, entry.Value("carLicense"))
				}
			}
		})
	}
}

func person(i int) string { return fmt.Sprintf("gen%03d", i+1) }

func replace(uid, value string) *directory.ModifyRequest {
	return &directory.ModifyRequest{DN: userDN(uid), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "carLicense", Values: []string{value}}}}
}

// lockable is how many there are beside the users at work.
const lockable = 40

// stress is many users at work.
type stress struct {
	*ldapclient.Client

	users                              int
	own, others, changed, binds, given atomic.Int64
}

// step does something as some user.
func (s *stress) step(t *testing.T, random *rand.Rand) {
	t.Helper()
	uid, other := person(random.IntN(s.users)), person(random.IntN(s.users))
	session := s.As(whole(uid))
	switch random.IntN(9) {
	case 0, 1:
		s.read(t, session, uid, other)
	case 2:
		s.change(t, session, uid, other)
	case 3:
		id, err := session.WhoAmI(t.Context(), nil)
		if err != nil || !strings.EqualFold(id, as(uid).AuthzID) {
			t.Errorf("%s is %q, %v", uid, id, err)
		}
	case 4:
		s.binds.Add(1)
		if _, err := s.Authenticate(t.Context(), userDN(uid), exampledata.Password(uid), nil); err != nil {
			t.Errorf("%s: %v", uid, err)
		}
		// Five wrong passwords lock an account: they are those of others, who do nothing else.
		locked := person(s.users + random.IntN(lockable))
		_, err := s.Authenticate(t.Context(), userDN(locked), "wrong", nil)
		if !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("a wrong password: %v", err)
		}
	case 5:
		s.listOwn(t, session, uid)
	default:
		s.giveUp(t, random, session, uid)
	}
}

// listOwn lists what everybody keeps secret: one's own is there, and nothing else.
func (s *stress) listOwn(t *testing.T, session directory.Session, uid string) {
	t.Helper()
	entries, _, err := collect(t.Context(), session, secrets())
	if err != nil || !isSecretOf(entries, uid) {
		t.Errorf("%s sees %v, %v", uid, entries, err)
	}
}

// giveUp begins something, and goes away in the middle of it, or shortly after.
func (s *stress) giveUp(t *testing.T, random *rand.Rand, session directory.Session, uid string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	timer := time.AfterFunc(time.Duration(random.IntN(int(3*time.Millisecond))), cancel)
	defer timer.Stop()
	var entries []*directory.Entry
	var err error
	switch random.IntN(4) {
	case 0:
		entries, _, err = collect(ctx, session, read(uid, "carLicense"))
	case 1:
		entries, _, err = collect(ctx, session, secrets())
	case 2:
		req := replace(uid, fmt.Sprintf("secret of %s, %d", uid, s.changed.Add(1)))
		req.Read = []string{"carLicense"}
		var entry *directory.Entry
		entry, err = session.Modify(ctx, req)
		entries = []*directory.Entry{entry}
	case 3:
		if _, err = s.Authenticate(ctx, userDN(uid), exampledata.Password(uid), nil); err == nil {
			return
		}
	}
	switch {
	case err == nil && !isSecretOf(entries, uid):
		t.Errorf("%s sees %v", uid, entries)
	case err != nil && !errors.Is(err, fault.Canceled):
		t.Errorf("%s: %v", uid, err)
	case err != nil:
		s.given.Add(1)
	}
}

// secrets is a search for all that somebody may see of them.
func secrets() *directory.SearchRequest {
	return &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("carLicense"), Attributes: []string{"carLicense"}}
}

func isSecretOf(entries []*directory.Entry, uid string) bool {
	return len(entries) == 1 && strings.HasPrefix(entries[0].Value("carLicense")+",", "secret of "+uid+",")
}

func (s *stress) read(t *testing.T, session directory.Session, uid, other string) {
	t.Helper()
	entries, _, err := collect(t.Context(), session, read(uid, "carLicense"))
	if err != nil || !isSecretOf(entries, uid) {
		t.Errorf("%s does not see its own: %v, %v", uid, entries, err)
	}
	s.own.Add(1)
	if other == uid {
		return
	}
	entries, _, err = collect(t.Context(), session, read(other, "carLicense", "uid"))
	if err != nil || len(entries) != 1 || entries[0].Value("carLicense") != "" || entries[0].Value("uid") != other {
		t.Errorf("%s read of %s %v, %v", uid, other, entries, err)
	}
	s.others.Add(1)
}

func (s *stress) change(t *testing.T, session directory.Session, uid, other string) {
	t.Helper()
	req := replace(uid, fmt.Sprintf("secret of %s, %d", uid, s.changed.Add(1)))
	req.Read = []string{"modifiersName"}
	entry, err := session.Modify(t.Context(), req)
	if err != nil || entry == nil || !strings.EqualFold(entry.Value("modifiersName"), userDN(uid).String()) {
		t.Errorf("%s changed its own: %v, %v", uid, entry, err)
	}
	if other == uid {
		return
	}
	if _, err := session.Modify(t.Context(), replace(other, "secret of "+uid)); !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.NotFound) {
		t.Errorf("%s changed that of %s: %v", uid, other, err)
	}
}

// Who cannot be acted for in a mode is told so, and nobody else suffers.
func TestIdentityRefused(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Rules: saslRules, LDIF: saslLDIF, Global: saslGlobal})
	nobody := directory.Identity{AuthzID: "dn:uid=nobody,ou=Elsewhere,dc=example,dc=com"}
	wrong := as("bjensen")
	wrong.Password = directory.NewPassword("wrong")
	for name, test := range map[string]struct {
		options  func(*ldapclient.Options)
		identity directory.Identity
		kind     fault.Kind
		detail   string
	}{
		"bind, wrong password":         {func(o *ldapclient.Options) { o.Mode = ldapclient.BindAs }, wrong, fault.Unauthenticated, "invalidCredentials"},
		"bind, no password":            {func(o *ldapclient.Options) { o.Mode = ldapclient.BindAs }, as("bjensen"), fault.Forbidden, "passwordNeeded"},
		"bind, anonymous":              {func(o *ldapclient.Options) { o.Mode = ldapclient.BindAs }, directory.Identity{}, fault.Forbidden, "anonymous"},
		"bind, no entry":               {func(o *ldapclient.Options) { o.Mode = ldapclient.BindAs }, directory.Identity{AuthzID: "u:bjensen", Password: wrong.Password}, fault.Forbidden, "passwordNeeded"},
		"sasl-proxy, may not":          {func(o *ldapclient.Options) { external(t, server)(o); o.Mode = ldapclient.SASLProxy }, nobody, fault.Forbidden, "authorizationDenied"},
		"sasl-proxy, PLAIN, may not":   {func(o *ldapclient.Options) { plain(o); o.Mode = ldapclient.SASLProxy }, nobody, fault.Forbidden, "authorizationDenied"},
		"sasl-proxy, anonymous":        {func(o *ldapclient.Options) { external(t, server)(o); o.Mode = ldapclient.SASLProxy }, directory.Identity{}, fault.Forbidden, "anonymous"},
		"service, anonymous":           {func(o *ldapclient.Options) { o.Mode = ldapclient.AsService }, directory.Identity{}, fault.Forbidden, "anonymous"},
		"F_18: PLAIN, wrong password":  {func(o *ldapclient.Options) { plain(o); o.Password = "wrong" }, as("bjensen"), fault.BadGateway, "directoryCredentials"},
		"F_18: EXTERNAL, unknown name": {func(o *ldapclient.Options) { external(t, server)(o); stranger(t, server)(o) }, as("bjensen"), fault.BadGateway, "proxiedAuthorization"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "PLAIN") {
				needsPlain(t, server)
			}
			client := newClient(t, server, test.options)
			for range 3 {
				_, _, err := collect(t.Context(), client.As(test.identity), read("bjensen"))
				if test.detail == "proxiedAuthorization" {
					if err == nil {
						t.Error("a stranger may act for others")
					}
					continue
				}
				kindOf(t, err, test.kind, test.detail)
			}
			if test.kind == fault.BadGateway {
				return
			}
			if _, _, err := collect(t.Context(), client.As(whole("scarter")), read("scarter")); err != nil {
				t.Errorf("another one: %v", err)
			}
		})
	}
}

// F_18: the directory's password policy locks the gateway's own account, or has it change its
// password first, which binds all the same. That is told as what it is, and nobody is served; once
// it is mended, all are.
func TestF_18PolicyOfOwnAccount(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		root := newClient(t, server, func(o *ldapclient.Options) {
			o.BindDN, o.Password, o.Mode = directory.MustParseDN(server.RootDN), server.RootPassword, ldapclient.AsService
		}).Service()
		set := func(attribute string, values ...string) {
			t.Helper()
			req := &directory.ModifyRequest{DN: directory.MustParseDN(server.ServiceDN), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: attribute, Values: values}}}
			if _, err := root.Modify(within(t, 0), req); err != nil {
				t.Fatal(err)
			}
		}
		for name, test := range map[string]struct{ attribute, value, logged string }{
			"MustChange": {"pwdReset", "TRUE", "has to be changed"},
			"Locked":     {"pwdAccountLockedTime", "000001010000Z", ""}, // slapd tells that to nobody, unless it is configured to.
		} {
			t.Run("F_18/"+name, func(t *testing.T) {
				set(test.attribute, test.value)
				var log bytes.Buffer
				client := newClient(t, server, func(o *ldapclient.Options) {
					o.RefusedPause, o.Logger = 10*time.Millisecond, slog.New(slog.NewTextHandler(&log, nil))
				})
				_, _, err := collect(within(t, 0), client.As(as("kvaughan")), read("bjensen"))
				kindOf(t, err, fault.BadGateway, "directoryCredentials")
				_, err = client.Service().WhoAmI(within(t, 0), nil)
				kindOf(t, err, fault.BadGateway, "directoryCredentials")
				set(test.attribute)
				for err != nil {
					_, _, err = collect(within(t, 0), client.As(as("kvaughan")), read("bjensen"))
					if err != nil {
						kindOf(t, err, fault.BadGateway, "directoryCredentials")
					}
				}
				if err := client.Close(within(t, 0)); err != nil || !strings.Contains(log.String(), test.logged) {
					t.Errorf("%v, the log says %s", err, &log)
				}
			})
		}
	})
}

// A policy that says that the password of the gateway's own account expires, or has, is heard:
// once, however many connections there are.
func TestPasswordOfOwnAccountExpires(t *testing.T) {
	for name, test := range map[string]struct {
		value string
		want  string
	}{
		"Soon":    {"\x30\x06\xa0\x04\x80\x02\x0e\x10", "expires soon\" in=1h0m0s"},
		"Already": {"\x30\x05\xa0\x03\x81\x01\x02", "has expired\" \"uses left\"=2"},
		"Nothing": {"\x30\x00", ""},
	} {
		var log bytes.Buffer
		onNetwork(t, plan{bind: func(r *fakeldap.Request) {
			control := fakeldap.Element(0x30, fakeldap.Octets(0x04, ldapwire.OIDPasswordPolicy), fakeldap.Octets(0x04, test.value))
			r.Send(fakeldap.Message(r.ID, r.Result(0), control))
		}, options: func(o *ldapclient.Options) {
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}}, func(t *testing.T, n *network) {
			n.get(t, "a")
			n.put(t, "a")
			if got := len(n.pipes[0].Dials()); got != 2 {
				t.Errorf("%d connections", got)
			}
		})
		want := 1
		if test.want == "" {
			want = 0
		}
		if got := strings.Count(log.String(), "the gateway's own account"); got != want || !strings.Contains(log.String(), test.want) {
			t.Errorf("%s: %s", name, &log)
		}
	}
}

// F_45: callers for whom the directory does not let the gateway act are refused, as often as they
// ask, and nothing is sent without their identity. The operator is told, and not each time.
func TestF_45NotToBeActedFor(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		var log bytes.Buffer
		var mu sync.Mutex
		client := newClient(t, server, func(o *ldapclient.Options) {
			o.Logger = slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return log.Write(p) }), nil))
		})
		for _, authzID := range []string{"dn:" + server.RootDN, "dn:" + server.ServiceDN + ",dc=example", "dn:cn=All,ou=Groups,dc=example,dc=com"} {
			session := client.As(directory.Identity{AuthzID: authzID})
			for range 3 {
				entries, _, err := collect(within(t, 0), session, read("bjensen"))
				kindOf(t, err, fault.Forbidden, "authorizationDenied")
				if len(entries) > 0 {
					t.Errorf("%s read %v", authzID, entries)
				}
				kindOf(t, describe(within(t, 0), session, "by nobody"), fault.Forbidden, "authorizationDenied")
			}
		}
		entries, _, err := collect(within(t, 0), client.As(as("kvaughan")), read("bjensen", "description"))
		if err != nil || len(entries) != 1 || entries[0].Value("description") == "by nobody" {
			t.Errorf("%v, %v", entries, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if n := strings.Count(log.String(), "does not let the gateway act"); n != 1 && n != 2 { // A minute may end meanwhile.
			t.Errorf("the operator was told %d times: %s", n, &log)
		}
	})
}

// writer is a function that is written to.
type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// stranger shows a certificate of the right authority for another name.
func stranger(t *testing.T, server *slapd.Server) func(*ldapclient.Options) {
	t.Helper()
	pair, err := server.CA.Issue(testcert.Leaf{CommonName: "stranger"})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return func(o *ldapclient.Options) { o.TLS.Certificates = []tls.Certificate{certificate} }
}

// With the mode service the gateway's own account acts, for everybody.
func TestServiceMode(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	session := newClient(t, server, func(o *ldapclient.Options) {
		o.Mode = ldapclient.AsService
		o.BindDN, o.Password = userDN("kvaughan"), exampledata.Password("kvaughan")
	}).As(as("bjensen"))
	if id, err := session.WhoAmI(t.Context(), nil); err != nil || !strings.EqualFold(id, as("kvaughan").AuthzID) {
		t.Errorf("it is %q, %v", id, err)
	}
	req := replace("scarter", "x")
	req.Read = []string{"modifiersName"}
	entry, err := session.Modify(t.Context(), req)
	if err != nil || entry == nil || !strings.EqualFold(entry.Value("modifiersName"), userDN("kvaughan").String()) {
		t.Errorf("%v, %v", entry, err)
	}
}

// F_46: a proxy before the directory drops the control that says as whom a request runs. The
// gateway finds out before it serves anybody.
func TestF_46DroppedControl(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, answer)
	if err := fakeClient(t, server, nil).Check(within(t, 0)); err != nil || server.Count("check") != 1 {
		t.Fatalf("%v, %d times", err, server.Count("check"))
	}
	server.SeeAs("dn:" + fakeldap.ServiceDN)
	kindOf(t, fakeClient(t, server, nil).Check(within(t, 0)), fault.BadGateway, "proxiedAuthorization")
	service := fakeClient(t, server, func(o *ldapclient.Options) { o.Mode = ldapclient.AsService })
	if err := service.Check(within(t, 0)); err != nil {
		t.Errorf("who acts as itself needs no such control: %v", err)
	}
}
