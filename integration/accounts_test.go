package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// act runs an action that takes nothing.
func (g *gateway) act(t *testing.T, as, password, of, action string) *reply {
	t.Helper()
	return g.send(t, ask{method: "POST", path: "/api/users/" + of, query: params("_action", action), as: as, password: password, body: "{}"})
}

// setState changes an attribute of a person's account.
func setState(t *testing.T, server *slapd.Server, uid, attribute string, values ...string) {
	t.Helper()
	text := "dn: uid=" + uid + ",ou=People,dc=example,dc=com\nchangetype: modify\nreplace: " + attribute + "\n"
	for _, value := range values {
		text += attribute + ": " + value + "\n"
	}
	ldapModify(t, server, text)
}

func TestResetPassword(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{auth: basicSearch + "    cache: 30s\n"})
		var generated string
		t.Run("Administrator", func(t *testing.T) {
			g.read(t, "abergin", "").want(http.StatusOK)
			r := g.act(t, "kvaughan", "", "abergin", "resetPassword").want(http.StatusOK)
			generated, _ = r.at("generatedPassword").(string)
			if len(r.members()) != 1 || len(generated) < 8 {
				t.Fatalf("%s", r.body)
			}
			g.read(t, "abergin", "inflict").fails(http.StatusUnauthorized, "")
			g.read(t, "abergin", generated).want(http.StatusOK)
			events := g.eventsOf(t, r)
			if len(events) != 2 {
				t.Fatalf("events %v", events)
			}
			for i, phase := range []string{"attempt", "outcome"} {
				check(t, events[i], map[string]any{"phase": phase, "verb": "action", "action": "resetPassword", "resource": "/api/users/abergin", "principal": "kvaughan"})
			}
		})
		t.Run("NoRight", func(t *testing.T) {
			g.act(t, "bjensen", "", "scarter", "resetPassword").fails(http.StatusForbidden, "insufficientAccessRights")
			g.read(t, "scarter", "").want(http.StatusOK)
			g.act(t, "kvaughan", "", "ghost", "resetPassword").fails(http.StatusNotFound, "")
			g.act(t, "kvaughan", "wrong", "scarter", "resetPassword").fails(http.StatusUnauthorized, "")
		})
		t.Run("NotListed", func(t *testing.T) {
			r := g.send(t, ask{method: "POST", path: "/api/groups/QA%20Managers", query: params("_action", "resetPassword"), as: "kvaughan", body: "{}"})
			r.fails(http.StatusNotImplemented, "unknownAction")
		})
		t.Run("Body", func(t *testing.T) {
			for body, kind := range map[string]string{"": "missingBody", "[]": "wrongType", `{"newPassword":"x"}`: "unknownField"} {
				r := g.send(t, ask{method: "POST", path: "/api/users/abergin", query: params("_action", "resetPassword"), as: "kvaughan", body: body})
				r.fails(http.StatusBadRequest, kind)
			}
			g.read(t, "abergin", generated).want(http.StatusOK)
			// A body may be left out by who says that it would be JSON.
			empty := func(media string) *reply {
				return g.send(t, ask{method: "POST", path: "/api/users/abergin", query: params("_action", "accountUsability"), as: "kvaughan", header: headers("Content-Type", media)})
			}
			empty("application/json").want(http.StatusOK).has(`"valid"`, "status")
			empty("text/plain").fails(http.StatusUnsupportedMediaType, "")
		})
		t.Run("NoSecrets", func(t *testing.T) {
			data, err := os.ReadFile(g.events)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(data), generated) || strings.Contains(g.log.String(), generated) {
				t.Error("the events or the log hold the password")
			}
		})
	})
}

// agedPolicy has passwords that last a day, with two more logins afterwards; the first half
// of the day passes without a warning.
const agedPolicy = `
dn: cn=aged,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: aged
pwdAttribute: userPassword
pwdMaxAge: 86400
pwdExpireWarning: 43200
pwdGraceAuthNLimit: 2
pwdLockout: TRUE
pwdMaxFailure: 3
pwdLockoutDuration: 600
`

// aged is an account under that policy, with a password from that time on.
func aged(uid, since string) string {
	return `
dn: uid=` + uid + `,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: ` + uid + `
cn: ` + uid + `
sn: ` + uid + `
userPassword: secret of ` + uid + `
pwdPolicySubentry: cn=aged,ou=Policies,dc=example,dc=com
pwdChangedTime: ` + since + `
`
}

// nextSecond waits for the beginning of a second.
func nextSecond() { time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) }

// ago is a time in the past, as directories write it.
func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format("20060102150405Z") }

// The state is the same where the gateway's account looks and where OpenLDAP answers itself,
// by the account usability control, to one who may compare the password.
func TestAccountUsability(t *testing.T) {
	options := slapd.Options{LDIF: agedPolicy + aged("old", "20200101000000Z") + aged("young", ago(time.Hour))}
	slapd.Each(t, options, accountUsability)
	t.Run("Control", func(t *testing.T) {
		options.Rules = "access to attrs=userPassword\n  by dn.exact=\"uid=kvaughan,ou=People,dc=example,dc=com\" write\n  by * break\n"
		slapd.Each(t, options, accountUsability)
	})
}

func accountUsability(t *testing.T, server *slapd.Server) {
	g := start(t, server, settings{auth: basicSearch + "    cache: 0s\n", set: []string{"directory.passwordPolicy=" + slapd.PolicyDN}})
	usability := func(t *testing.T, as, uid string) *reply {
		t.Helper()
		return g.act(t, as, "", uid, "accountUsability").want(http.StatusOK)
	}
	// between checks a number of seconds, which the time since has made smaller.
	between := func(t *testing.T, r *reply, member string, least, most float64) {
		t.Helper()
		number, _ := r.at(member).(json.Number)
		if n, err := number.Float64(); err != nil || n < least || n > most {
			t.Errorf("%s is not from %v to %v: %s", member, least, most, r.body)
		}
	}
	fail := func(t *testing.T, uid string, times int) {
		t.Helper()
		for range times {
			g.read(t, uid, "wrong").fails(http.StatusUnauthorized, "")
		}
	}
	t.Run("R_I11", func(t *testing.T) {
		fail(t, "scarter", 5)
		r := usability(t, "kvaughan", "scarter").has(`"locked"`, "status")
		between(t, r, "unlockIn", 1, 300)
		if len(r.members()) != 2 {
			t.Errorf("%s", r.body)
		}
	})
	t.Run("OwnPolicy", func(t *testing.T) {
		setState(t, server, "hmiller", "pwdPolicySubentry", "cn=aged,ou=Policies,dc=example,dc=com")
		fail(t, "hmiller", 3)
		between(t, usability(t, "kvaughan", "hmiller").has(`"locked"`, "status"), "unlockIn", 301, 600)
	})
	t.Run("LockedForGood", func(t *testing.T) {
		setState(t, server, "tward", "pwdAccountLockedTime", "000001010000Z")
		if r := usability(t, "kvaughan", "tward"); r.body != `{"status":"locked"}` {
			t.Errorf("%s", r.body)
		}
	})
	t.Run("Valid", func(t *testing.T) {
		if r := usability(t, "bjensen", "bjensen"); r.body != `{"status":"valid"}` {
			t.Errorf("%s", r.body)
		}
	})
	t.Run("Expires", func(t *testing.T) {
		between(t, usability(t, "kvaughan", "young").has(`"valid"`, "status"), "passwordExpiresIn", 80000, 82800)
	})
	t.Run("Expired", func(t *testing.T) {
		for left := 2; left >= 0; left-- {
			nextSecond() // OpenLDAP counts logins within one second as one.
			r := usability(t, "kvaughan", "old").has(`"passwordExpired"`, "status").has(strconv.Itoa(left), "graceLoginsRemaining")
			if len(r.members()) != 2 {
				t.Errorf("%s", r.body)
			}
			if left > 0 {
				g.read(t, "old", "secret of old").want(http.StatusOK)
			}
		}
		g.read(t, "old", "secret of old").fails(http.StatusUnauthorized, "passwordExpired")
	})
	t.Run("MustChange", func(t *testing.T) {
		setState(t, server, "ttully", "pwdReset", "TRUE")
		if r := usability(t, "kvaughan", "ttully"); r.body != `{"status":"mustChangePassword"}` {
			t.Errorf("%s", r.body)
		}
		g.act(t, "ttully", "", "ttully", "accountUsability").fails(http.StatusForbidden, "passwordMustChange")
	})
	t.Run("Refused", func(t *testing.T) {
		g.act(t, "kvaughan", "", "ghost", "accountUsability").fails(http.StatusNotFound, "")
		g.act(t, "", "", "bjensen", "accountUsability").fails(http.StatusUnauthorized, "")
		g.send(t, ask{method: "POST", path: "/api/users/bjensen", query: params("_action", "accountUsability"), as: "bjensen", body: `{"x":1}`}).fails(http.StatusBadRequest, "unknownField")
		g.send(t, ask{method: "POST", path: "/api/users", query: params("_action", "accountUsability"), as: "bjensen", body: "{}"}).fails(http.StatusNotImplemented, "unknownAction")
	})
	t.Run("OneEvent", func(t *testing.T) {
		events := g.eventsOf(t, usability(t, "kvaughan", "bjensen"))
		if len(events) != 1 {
			t.Fatalf("events %v", events)
		}
		check(t, events[0], map[string]any{"phase": "outcome", "action": "accountUsability"})
	})
}

// A caller sees the state of its own account, and of those that the directory lets it
// compare the state of.
func TestAccountUsabilityOfOthers(t *testing.T) {
	rules := `access to attrs=pwdAccountLockedTime
  by dn.exact="cn=rest2ldap,ou=Services,dc=example,dc=com" read
  by dn.exact="uid=scarter,ou=People,dc=example,dc=com" compare
  by * none
`
	server := slapd.Start(t, slapd.Options{Rules: rules})
	g := start(t, server, settings{})
	setState(t, server, "tward", "pwdAccountLockedTime", "000001010000Z")
	g.act(t, "scarter", "", "tward", "accountUsability").want(http.StatusOK).has(`"locked"`, "status")
	g.act(t, "scarter", "", "hmiller", "accountUsability").want(http.StatusOK).has(`"valid"`, "status")
	g.act(t, "bjensen", "", "bjensen", "accountUsability").want(http.StatusOK).has(`"valid"`, "status")
	for _, uid := range []string{"tward", "hmiller"} {
		g.act(t, "bjensen", "", uid, "accountUsability").fails(http.StatusForbidden, "accountState")
	}
}

// A type has the actions of its super-type besides its own.
func TestX28(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{mappings: map[string]string{"api/v1.json": readOnlyMapping}})
		g.act(t, "kvaughan", "", "abergin", "resetPassword").want(http.StatusOK)
		g.modifyPassword(t, "bjensen", "", "bjensen", "hifalutin", "another one").want(http.StatusOK)
		g.act(t, "kvaughan", "", "abergin", "accountUsability").fails(http.StatusNotImplemented, "unknownAction")
	})
}

// strictAge is a policy under which a password that has expired is good no more.
const strictAge = `
dn: cn=strictage,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: strictage
pwdAttribute: userPassword
pwdMaxAge: 86400
`

// TestF_39 has callers whose account is not as it should be. Those whose password was right
// hear why, all others what everybody hears.
func TestF_39(t *testing.T) {
	data := agedPolicy + strictAge + aged("late", "20200101000000Z") + aged("soon", ago(20*time.Hour)) + aged("young", ago(time.Hour)) +
		strings.Replace(aged("gone", "20200101000000Z"), "cn=aged,", "cn=strictage,", 1)
	slapd.Each(t, slapd.Options{LDIF: data}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{auth: basicSearch + "    cache: 30s\n", set: []string{"directory.passwordPolicy=" + slapd.PolicyDN}})
		unknown := g.read(t, "nobody", "wrong").fails(http.StatusUnauthorized, "unauthenticated").body
		// generic checks a refusal that tells no more than that of an unknown user.
		generic := func(t *testing.T, r *reply, reason string) {
			t.Helper()
			r.fails(http.StatusUnauthorized, "unauthenticated")
			if r.body != unknown || r.header.Get("Password-Policy") != "" {
				t.Errorf("%s\n%v", r.body, r.header)
			}
			check(t, g.eventsOf(t, r)[0], map[string]any{"reason": reason})
		}
		notice := func(t *testing.T, r *reply, want string) {
			t.Helper()
			if got := r.header.Get("Password-Policy"); got != want {
				t.Errorf("notice %q, want %q", got, want)
			}
		}
		t.Run("Expired", func(t *testing.T) {
			r := g.read(t, "gone", "secret of gone").fails(http.StatusUnauthorized, "passwordExpired")
			check(t, g.eventsOf(t, r)[0], map[string]any{"reason": "passwordExpired"})
			generic(t, g.read(t, "gone", "wrong"), "wrongPassword")
		})
		t.Run("MustChange", func(t *testing.T) {
			setState(t, server, "ttully", "pwdReset", "TRUE")
			notice(t, g.read(t, "ttully", "").fails(http.StatusForbidden, "passwordMustChange"), "must-change")
			generic(t, g.read(t, "ttully", "wrong"), "wrongPassword")
			notice(t, g.modifyPassword(t, "ttully", "", "ttully", "schooner", "another one").want(http.StatusOK), "must-change")
			notice(t, g.read(t, "ttully", "another one").want(http.StatusOK), "")
		})
		t.Run("Grace", func(t *testing.T) {
			generic(t, g.read(t, "late", "wrong"), "wrongPassword")
			for range 2 { // The second time from memory: no login is used up.
				r := g.read(t, "late", "secret of late").want(http.StatusOK)
				notice(t, r, "grace-logins=1")
				check(t, g.eventsOf(t, r)[0], map[string]any{"reason": "graceLogin", "result": "ok"})
			}
			// She may change it, and all is well.
			g.modifyPassword(t, "late", "secret of late", "late", "secret of late", "a new one").want(http.StatusOK)
			notice(t, g.read(t, "late", "a new one").want(http.StatusOK), "")
			g.read(t, "late", "secret of late").fails(http.StatusUnauthorized, "unauthenticated")
		})
		t.Run("Locked", func(t *testing.T) {
			for range 5 {
				generic(t, g.read(t, "scarter", "wrong"), "wrongPassword")
			}
			// OpenLDAP does not look at the password of a locked account, so that nobody hears
			// of the lock but whoever reads the events.
			for _, password := range []string{"sprain", "wrong"} {
				generic(t, g.read(t, "scarter", password), "accountLocked")
			}
			g.read(t, "hmiller", "").want(http.StatusOK)
			setState(t, server, "hmiller", "pwdAccountLockedTime", "000001010000Z")
			g.read(t, "hmiller", "wrong").fails(http.StatusUnauthorized, "unauthenticated")
		})
		t.Run("Expiring", func(t *testing.T) {
			generic(t, g.read(t, "soon", "wrong"), "wrongPassword")
			r := g.read(t, "soon", "secret of soon").want(http.StatusOK)
			var seconds int
			if n, err := fmt.Sscanf(r.header.Get("Password-Policy"), "expires-in=%d", &seconds); n != 1 || err != nil || seconds <= 0 || seconds > 4*3600 {
				t.Errorf("notice %q", r.header.Get("Password-Policy"))
			}
			notice(t, g.read(t, "young", "secret of young").want(http.StatusOK), "")
			// Answers that are no success have it as well.
			r = g.send(t, ask{method: "GET", path: "/api/users/nobody", as: "soon", password: "secret of soon"}).fails(http.StatusNotFound, "")
			if r.header.Get("Password-Policy") == "" {
				t.Error("no notice with a refusal")
			}
		})
	})
}

// A caller by token has no password to be wrong: it hears of the state of its account.
func TestAccountStateByToken(t *testing.T) {
	slapd.Each(t, slapd.Options{LDIF: strictAge + agedPolicy + aged("late", "20200101000000Z") + strings.Replace(aged("gone", "20200101000000Z"), "cn=aged,", "cn=strictage,", 1)}, func(t *testing.T, server *slapd.Server) {
		issuer := newIssuer(t)
		g := start(t, server, settings{auth: issuer.section(""), set: []string{"directory.passwordPolicy=" + slapd.PolicyDN}})
		setState(t, server, "tward", "pwdAccountLockedTime", "000001010000Z")
		for uid, want := range map[string]string{"tward": "accountLocked", "gone": "passwordExpired", "late": ""} {
			r := g.send(t, ask{method: "GET", path: "/api/users/" + uid, header: issuer.bearer(t, uid)})
			if want == "" {
				r.want(http.StatusOK)
				continue
			}
			r.fails(http.StatusUnauthorized, want)
		}
	})
}

// The reason why a password was refused, and, for who asks, the criteria.
func TestPasswordQualityAdvice(t *testing.T) {
	const slow = `
dn: cn=slow,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: slow
pwdAttribute: userPassword
pwdMinAge: 3600
pwdMinLength: 8
pwdCheckQuality: 2

dn: cn=safe,ou=Policies,dc=example,dc=com
objectClass: applicationProcess
objectClass: pwdPolicy
cn: safe
pwdAttribute: userPassword
pwdSafeModify: TRUE
`
	slapd.Each(t, slapd.Options{LDIF: strictPolicy + slow}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{set: []string{"directory.passwordPolicy=" + slapd.PolicyDN}})
		for uid, policy := range map[string]string{"hmiller": "strict", "trigden": "frozen", "abergin": "slow", "ahall": "safe"} {
			setState(t, server, uid, "pwdPolicySubentry", "cn="+policy+",ou=Policies,dc=example,dc=com")
		}
		change := func(t *testing.T, uid, old, wanted, advice string) *reply {
			t.Helper()
			return g.send(t, ask{
				method: "POST", path: "/api/users/" + uid, query: params("_action", "modifyPassword", "passwordQualityAdvice", advice), as: uid, password: old,
				body: `{"oldPassword":"` + old + `","newPassword":"` + wanted + `"}`,
			})
		}
		t.Run("R_I13", func(t *testing.T) {
			r := change(t, "hmiller", "hillock", "passwd", "true").fails(http.StatusBadRequest, "passwordPolicy")
			r.has(`"passwordTooShort"`, "detail", "passwordPolicy").has(`"/newPassword"`, "detail", "field")
			r.has(`{"attributeType":"userPassword","failingCriteria":[{"type":"length-based","parameters":{"max-password-length":0,"min-password-length":8}}],"passingCriteria":[]}`, "detail", "passwordQualityAdvice")
			change(t, "hmiller", "hillock", "passwd", "false").fails(http.StatusBadRequest, "passwordPolicy").lacks("detail", "passwordQualityAdvice")
			g.read(t, "hmiller", "hillock").want(http.StatusOK)
		})
		t.Run("InHistory", func(t *testing.T) {
			if r := change(t, "hmiller", "hillock", "long enough", "true").want(http.StatusOK); r.body != "{}" {
				t.Errorf("%s", r.body)
			}
			r := change(t, "hmiller", "long enough", "long enough", "true").fails(http.StatusBadRequest, "passwordPolicy").has(`"passwordInHistory"`, "detail", "passwordPolicy")
			r.has(`[{"type":"password-history","parameters":{"password-history-count":2}}]`, "detail", "passwordQualityAdvice", "failingCriteria")
			r.has(`[{"type":"length-based","parameters":{"max-password-length":0,"min-password-length":8}}]`, "detail", "passwordQualityAdvice", "passingCriteria")
		})
		t.Run("TooYoung", func(t *testing.T) {
			change(t, "abergin", "inflict", "long enough", "true").want(http.StatusOK)
			r := change(t, "abergin", "long enough", "another one", "true").fails(http.StatusBadRequest, "passwordPolicy").has(`"passwordTooYoung"`, "detail", "passwordPolicy")
			r.has(`[{"type":"password-age","parameters":{"min-password-age":3600}}]`, "detail", "passwordQualityAdvice", "failingCriteria")
		})
		t.Run("NotAllowed", func(t *testing.T) {
			r := change(t, "trigden", "sensitive", "long enough", "true").fails(http.StatusForbidden, "passwordPolicy").has(`"passwordModNotAllowed"`, "detail", "passwordPolicy")
			r.lacks("detail", "passwordQualityAdvice")
		})
		t.Run("MustSupplyOldPassword", func(t *testing.T) {
			g.act(t, "ahall", "", "ahall", "resetPassword").fails(http.StatusForbidden, "passwordPolicy").has(`"mustSupplyOldPassword"`, "detail", "passwordPolicy")
			change(t, "ahall", "slater", "long enough", "true").want(http.StatusOK)
		})
		t.Run("WrongPassword", func(t *testing.T) {
			g.send(t, ask{
				method: "POST", path: "/api/users/bjensen", query: params("_action", "modifyPassword", "passwordQualityAdvice", "true"), as: "bjensen",
				body: `{"oldPassword":"wrong","newPassword":"x"}`,
			}).fails(http.StatusBadRequest, "wrongPassword").lacks("detail", "passwordQualityAdvice")
		})
		t.Run("Misplaced", func(t *testing.T) {
			g.send(t, ask{method: "GET", path: "/api/users/bjensen", query: params("passwordQualityAdvice", "true"), as: "bjensen"}).fails(http.StatusBadRequest, "misplacedParameter")
			g.send(t, ask{method: "GET", path: "/api/users/bjensen", query: params("passwordQualityAdvice", "false"), as: "bjensen"}).want(http.StatusOK)
		})
	})
}

// A password that is set like any other property is refused with the reason and the criteria,
// too.
func TestQualityAdviceOnWrites(t *testing.T) {
	slapd.Each(t, slapd.Options{LDIF: strictPolicy}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{
			mappings: map[string]string{"api/v1.json": readOnlyMapping},
			set:      []string{"directory.passwordPolicy=cn=strict,ou=Policies,dc=example,dc=com"},
		})
		for _, uid := range []string{"hmiller", "bjensen"} {
			setState(t, server, uid, "pwdPolicySubentry", "cn=strict,ou=Policies,dc=example,dc=com")
		}
		length := `[{"type":"length-based","parameters":{"max-password-length":0,"min-password-length":8}}]`
		for name, a := range map[string]ask{
			"Patch":  {method: "PATCH", body: `[{"operation":"replace","field":"/password","value":"passwd"}]`},
			"Update": {method: "PUT", body: `{"_id":"hmiller","password":"passwd"}`, header: headers("If-Match", "*")},
			"Trial":  {method: "PATCH", body: `[{"operation":"replace","field":"/password","value":"passwd"}]`, query: params("dryRun", "true")},
		} {
			t.Run(name, func(t *testing.T) {
				a.path, a.as = "/api/users/hmiller", "kvaughan"
				g.send(t, a).fails(http.StatusBadRequest, "passwordPolicy").has(`"passwordTooShort"`, "detail", "passwordPolicy").lacks("detail", "passwordQualityAdvice")
				if a.query == nil {
					a.query = params()
				}
				a.query.Set("passwordQualityAdvice", "true")
				g.send(t, a).fails(http.StatusBadRequest, "passwordPolicy").has(length, "detail", "passwordQualityAdvice", "failingCriteria").has(`"userPassword"`, "detail", "attribute")
			})
		}
		t.Run("Taken", func(t *testing.T) {
			for _, a := range []ask{
				{method: "PATCH", path: "/api/users/hmiller", body: `[{"operation":"replace","field":"/password","value":"long enough"}]`},
				{method: "PATCH", path: "/api/users/hmiller", body: `[]`},
			} {
				a.as, a.query = "kvaughan", params("passwordQualityAdvice", "true")
				g.send(t, a).want(http.StatusOK)
			}
			g.read(t, "hmiller", "long enough").want(http.StatusOK)
		})
		for name, a := range map[string]ask{
			"Delete": {method: "DELETE", path: "/api/users/hmiller"}, "Usability": {method: "POST", path: "/api/users/hmiller", query: params("_action", "accountUsability")},
			"List": {method: "GET", path: "/api/users", query: params("_queryFilter", "true")}, "Rename": {method: "POST", path: "/api/users/hmiller", query: params("_action", "rename")},
		} {
			t.Run(name, func(t *testing.T) {
				if a.query == nil {
					a.query = params()
				}
				a.query.Set("passwordQualityAdvice", "true")
				a.as = "kvaughan"
				g.send(t, a).fails(http.StatusBadRequest, "misplacedParameter")
			})
		}
	})
}

// A change of a password that is tried is refused as the change itself, and makes none. Of the
// password of somebody else a guess tells nothing.
func TestDryRunOfPassword(t *testing.T) {
	slapd.Each(t, slapd.Options{LDIF: strictPolicy}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{set: []string{"directory.passwordPolicy=" + slapd.PolicyDN}})
		setState(t, server, "hmiller", "pwdPolicySubentry", "cn=strict,ou=Policies,dc=example,dc=com")
		try := func(t *testing.T, as, uid, old, wanted string) *reply {
			t.Helper()
			return g.send(t, ask{
				method: "POST", path: "/api/users/" + uid, query: params("_action", "modifyPassword", "dryRun", "true", "passwordQualityAdvice", "true"), as: as,
				body: `{"oldPassword":"` + old + `","newPassword":"` + wanted + `"}`,
			})
		}
		r := try(t, "hmiller", "hmiller", "hillock", "long enough").want(http.StatusOK)
		for _, e := range g.eventsOf(t, r) {
			if r.body != "{}" || e["dryRun"] != true {
				t.Errorf("%s, %v", r.body, e)
			}
		}
		try(t, "hmiller", "hmiller", "wrong", "long enough").fails(http.StatusBadRequest, "wrongPassword").has(`"/oldPassword"`, "detail", "field")
		try(t, "hmiller", "hmiller", "hillock", "passwd").fails(http.StatusBadRequest, "passwordPolicy").has(`"passwordTooShort"`, "detail", "passwordPolicy").
			has(`[{"type":"length-based","parameters":{"max-password-length":0,"min-password-length":8}}]`, "detail", "passwordQualityAdvice", "failingCriteria")
		guesses := map[string]bool{}
		setState(t, server, "abergin", "pwdPolicySubentry", "cn=strict,ou=Policies,dc=example,dc=com")
		for _, old := range []string{"inflict", "wrong"} {
			guesses[try(t, "bjensen", "abergin", old, "long enough").fails(http.StatusForbidden, "insufficientAccessRights").body] = true
			guesses[try(t, "bjensen", "abergin", old, "short").body] = true
		}
		if len(guesses) > 2 {
			t.Errorf("a guess tells: %v", guesses)
		}
		try(t, "kvaughan", "scarter", "sprain", "long enough").want(http.StatusOK)
		reset := func(as string) *reply {
			return g.send(t, ask{method: "POST", path: "/api/users/scarter", query: params("_action", "resetPassword", "dryRun", "true"), as: as, body: "{}"})
		}
		if r := reset("kvaughan").want(http.StatusOK); r.body != "{}" {
			t.Errorf("a password that nobody made: %s", r.body)
		}
		reset("bjensen").fails(http.StatusForbidden, "")
		for uid, password := range map[string]string{"hmiller": "hillock", "scarter": "sprain"} {
			g.read(t, uid, password).want(http.StatusOK)
		}
	})
}
