package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
)

// secretRules let everybody read and write one attribute of their own entry, and nobody else's.
const secretRules = `access to dn.onelevel="ou=People,dc=example,dc=com" attrs=carLicense
  by self write
  by * none
`

// secretMapping shows that attribute, and who changed the entry last.
const secretMapping = `{"format": 1, "version": "1.0", "resourceTypes": {
	"v1": {"subResources": {"users": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}},
	"user": {"objectClasses": ["inetOrgPerson"], "properties": {"_id": {"type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly"},
		"secret": {"type": "simple", "ldapAttribute": "carLicense"}, "modifiedBy": {"type": "simple", "ldapAttribute": "modifiersName", "writability": "readOnly"}}}}}`

// F_55, F_56, F_57: a thousand users share the few connections of a gateway; some have a wrong
// password, some go away in the middle of a request. Each sees and changes what is its own and
// nothing else, whether the gateway acts for them by proxied authorization or binds as them.
func TestF_55F_56F_57ManyUsers(t *testing.T) {
	const users = 1000
	server := slapd.Start(t, slapd.Options{Users: users + 200, Rules: secretRules, LogLevel: "none"})
	root := dialRoot(t, server)
	for i := range users {
		req := ldap.NewModifyRequest(exampledata.Person{ID: throngUser(i)}.DN(), nil)
		req.Replace("carLicense", []string{"secret of " + throngUser(i)})
		if err := root.Modify(req); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []string{"proxied", "bind"} {
		t.Run(mode, func(t *testing.T) {
			g := start(t, server, settings{
				mappings: map[string]string{"api/v1.json": secretMapping},
				set:      []string{"directory.identity=" + mode, "directory.pool.max=4", "directory.pool.callers=8"},
			})
			c := &throng{gateway: g, users: users}
			source := soak.Rand(t)
			var work sync.WaitGroup
			for range 16 {
				random := rand.New(rand.NewPCG(source.Uint64(), 0)) //nolint:gosec // No secret depends on it.
				work.Go(func() {
					for range soak.Size(15, 1500) {
						c.step(t, random)
					}
				})
			}
			work.Wait()
			t.Logf(soak.Mark+"%d reads of one's own, %d of others', %d changes, %d wrong passwords, %d went away", c.own.Load(), c.others.Load(), c.changed.Load(), c.wrong.Load(), c.away.Load())
			if c.own.Load() == 0 || c.others.Load() == 0 || c.changed.Load() == 0 || c.wrong.Load() == 0 || c.away.Load() == 0 {
				t.Error("that tests nothing")
			}
			onlyTheirOwn(t, root, users)
		})
	}
}

// onlyTheirOwn checks that nobody's secret was changed by somebody else.
func onlyTheirOwn(t *testing.T, root *ldap.Conn, users int) {
	t.Helper()
	found, err := root.Search(ldap.NewSearchRequest(exampledata.PeopleDN, ldap.ScopeSingleLevel, 0, 0, 0, false, "(carLicense=*)", []string{"uid", "carLicense", "modifiersName"}, nil))
	if err != nil || len(found.Entries) != users {
		t.Fatalf("%d of %d have a secret, %v", len(found.Entries), users, err)
	}
	for _, entry := range found.Entries {
		by, secret := entry.GetAttributeValue("modifiersName"), entry.GetAttributeValue("carLicense")
		if !strings.EqualFold(by, entry.DN) && by != slapd.RootDN || !isSecretOf(secret, entry.GetAttributeValue("uid")) {
			t.Errorf("%s was changed by %s, to %q", entry.DN, by, secret)
		}
	}
}

func isSecretOf(secret, uid string) bool { return strings.HasPrefix(secret+",", "secret of "+uid+",") }

func throngUser(i int) string { return fmt.Sprintf("gen%03d", i+1) }

// throng is many users at work.
type throng struct {
	*gateway

	users                             int
	own, others, changed, wrong, away atomic.Int64
}

func (c *throng) read(uid, whose string) ask {
	return ask{method: "GET", path: "/api/users/" + whose, as: uid}
}

func (c *throng) change(uid, whose string) ask {
	body := fmt.Sprintf(`[{"operation":"replace","field":"/secret","value":"secret of %s, %d"}]`, uid, c.changed.Add(1))
	return ask{method: "PATCH", path: "/api/users/" + whose, as: uid, body: body}
}

func (c *throng) list(uid string) ask {
	return ask{method: "GET", path: "/api/users", as: uid, query: params("_queryFilter", "secret pr")}
}

// step does something as some user.
func (c *throng) step(t *testing.T, random *rand.Rand) {
	uid, other := throngUser(random.IntN(c.users)), throngUser(random.IntN(c.users))
	if uid == other {
		return
	}
	send := func(a ask, status int) *reply {
		r, err := c.try(a)
		if err != nil || r.status != status {
			t.Errorf("%s %s as %s: %+v, %v", a.method, a.path, a.as, r, err)
			return &reply{t: t}
		}
		return r
	}
	secret := func(r *reply, path ...any) string { text, _ := r.at(path...).(string); return text }
	switch random.IntN(6) {
	case 0:
		if r := send(c.read(uid, uid), http.StatusOK); !isSecretOf(secret(r, "secret"), uid) {
			t.Errorf("%s does not see its own: %s", uid, r.body)
		}
		c.own.Add(1)
		if r := send(c.read(uid, other), http.StatusOK); r.at("secret") != nil || r.at("_id") != other {
			t.Errorf("%s sees that of %s: %s", uid, other, r.body)
		}
		c.others.Add(1)
	case 1:
		r := send(c.list(uid), http.StatusOK)
		if r.at("result", 1) != nil || r.at("result", 0, "_id") != uid || !isSecretOf(secret(r, "result", 0, "secret"), uid) {
			t.Errorf("%s sees %s", uid, r.body)
		}
	case 2:
		r := send(c.change(uid, uid), http.StatusOK)
		if by := secret(r, "modifiedBy"); !strings.EqualFold(by, exampledata.Person{ID: uid}.DN()) {
			t.Errorf("the change of %s was made by %q", uid, by)
		}
		send(c.change(uid, other), http.StatusForbidden)
	case 3:
		wrong := c.read(fmt.Sprintf("gen%03d", c.users+1+random.IntN(40)), uid) // Who does nothing else: wrong passwords lock.
		wrong.password = "wrong"
		send(wrong, http.StatusUnauthorized)
		c.wrong.Add(1)
	default:
		// Those who go away leave their connection in the middle of whatever is at work.
		a := []ask{c.read(uid, uid), c.read(uid, other), c.change(uid, uid), c.list(uid)}[random.IntN(4)]
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(int(8*time.Millisecond))))
		defer cancel()
		r, err := c.tryWithin(ctx, a)
		switch {
		case err != nil:
			c.away.Add(1)
		case r.status != http.StatusOK:
			t.Errorf("%s %s as %s: %+v", a.method, a.path, a.as, r)
		}
	}
}
