package ldapclient_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// newcomer adds a person that a test may do anything to.
func newcomer(t *testing.T, session directory.Session, uid string) directory.DN {
	t.Helper()
	_, err := session.Add(t.Context(), &directory.AddRequest{DN: userDN(uid), Attributes: []directory.Attribute{
		{Name: "objectClass", Values: []string{"inetOrgPerson"}},
		{Name: "uid", Values: []string{uid}},
		{Name: "cn", Values: []string{"New " + uid}},
		{Name: "sn", Values: []string{"New"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return userDN(uid)
}

func TestModifyDN(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		admin := newClient(t, server, nil).As(as("kvaughan"))
		rename := func(dn directory.DN, rdn string, change func(*directory.ModifyDNRequest)) (*directory.Entry, error) {
			req := &directory.ModifyDNRequest{DN: dn, RDN: directory.MustParseDN(rdn).RDN(), WriteOptions: directory.WriteOptions{Read: []string{"uid", "cn"}}}
			if change != nil {
				change(req)
			}
			return admin.ModifyDN(t.Context(), req)
		}
		t.Run("Rename", func(t *testing.T) {
			entry, err := rename(newcomer(t, admin, "one"), "uid=two", nil)
			if err != nil || entry == nil || !directory.MustParseDN(entry.DN).Equal(userDN("two")) || !slices.Equal(entry.Values("uid"), []string{"two"}) {
				t.Fatalf("%+v, %v", entry, err)
			}
			_, _, err = collect(t.Context(), admin, read("one", "uid"))
			kindOf(t, err, fault.NotFound, "")
		})
		t.Run("KeepOld", func(t *testing.T) {
			entry, err := rename(newcomer(t, admin, "three"), "uid=four", func(r *directory.ModifyDNRequest) { r.KeepOld = true })
			if err != nil || entry == nil || len(entry.Values("uid")) != 2 {
				t.Errorf("%+v, %v", entry, err)
			}
		})
		t.Run("SpecialCharacters", func(t *testing.T) {
			const name = ` #a,b+c="d";<e>\ `
			dn := newcomer(t, admin, "five")
			req := &directory.ModifyDNRequest{DN: dn, RDN: directory.RDN{{Type: "cn", Value: name}}}
			if _, err := admin.ModifyDN(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			entries, _, err := collect(t.Context(), admin, &directory.SearchRequest{Base: req.NewDN(), Filter: directory.Present("cn"), Attributes: []string{"cn"}, SizeLimit: 1})
			if err != nil || len(entries) != 1 || !slices.Contains(entries[0].Values("cn"), name) {
				t.Errorf("%+v, %v", entries, err)
			}
		})
		t.Run("Move", func(t *testing.T) {
			groups := directory.MustParseDN("ou=Groups,dc=example,dc=com")
			req := &directory.ModifyDNRequest{DN: newcomer(t, admin, "six"), RDN: directory.RDN{{Type: "uid", Value: "six"}}, Superior: &groups}
			if _, err := admin.ModifyDN(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			entries, _, err := collect(t.Context(), admin, &directory.SearchRequest{Base: req.NewDN(), Filter: directory.Present("uid"), SizeLimit: 1})
			if err != nil || len(entries) != 1 || req.NewDN().String() != "uid=six,ou=Groups,dc=example,dc=com" {
				t.Errorf("%s: %+v, %v", req.NewDN(), entries, err)
			}
		})
		t.Run("Refused", func(t *testing.T) {
			dn := newcomer(t, admin, "seven")
			_, err := rename(dn, "uid=bjensen", nil)
			kindOf(t, err, fault.PreconditionFailed, "alreadyExists")
			_, err = rename(userDN("nobody"), "uid=eight", nil)
			kindOf(t, err, fault.NotFound, "notFound")
			_, err = rename(dn, "jpegPhoto=x", nil)
			kindOf(t, err, fault.Invalid, "")
			never := directory.Equal("sn", "Old")
			_, err = rename(dn, "uid=eight", func(r *directory.ModifyDNRequest) { r.Assert = &never })
			kindOf(t, err, fault.PreconditionFailed, "assertionFailed")
			if got := directory.OutcomeOf(err); got != (directory.Outcome{Progress: directory.Answered, Code: 122, Sent: true}) {
				t.Errorf("%+v", got)
			}
			_, err = newClient(t, server, nil).As(as("bjensen")).ModifyDN(t.Context(), &directory.ModifyDNRequest{DN: dn, RDN: directory.RDN{{Type: "uid", Value: "eight"}}})
			kindOf(t, err, fault.Forbidden, "insufficientAccessRights")
			if entries, _, err := collect(t.Context(), admin, read("seven", "uid")); err != nil || len(entries) != 1 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	})
}

func TestCompare(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		client := newClient(t, server, nil)
		for _, test := range []struct {
			name, as, of, attribute, value string
			want                           bool
			kind                           fault.Kind
		}{
			{name: "True", as: "scarter", of: "bjensen", attribute: "cn", value: "babs  JENSEN", want: true},
			{name: "False", as: "scarter", of: "bjensen", attribute: "cn", value: "Babs J*"},
			{name: "Undefined", as: "scarter", of: "bjensen", attribute: "nosuch", value: "x", kind: fault.Invalid},
			{name: "Absent", as: "scarter", of: "bjensen", attribute: "employeeType", value: "x", kind: fault.Invalid},
			{name: "Missing", as: "scarter", of: "nobody", attribute: "cn", value: "x", kind: fault.NotFound},
			{name: "BadSyntax", as: "scarter", of: "bjensen", attribute: "uidNumber", value: "x", kind: fault.Invalid},
		} {
			t.Run(test.name, func(t *testing.T) {
				got, err := client.As(as(test.as)).Compare(t.Context(), &directory.CompareRequest{DN: userDN(test.of), Attribute: test.attribute, Value: test.value})
				if test.kind != fault.Internal {
					kindOf(t, err, test.kind, "")
				} else if err != nil || got != test.want {
					t.Errorf("%t, %v", got, err)
				}
			})
		}
	})
}

func TestExtended(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		session := newClient(t, server, nil).As(as("bjensen"))
		result, err := session.Extended(t.Context(), &directory.ExtendedRequest{OID: ldapwire.OIDWhoAmI, Reads: true})
		if err != nil || !strings.EqualFold(result.Value, as("bjensen").AuthzID) || !result.HasValue {
			t.Errorf("%+v, %v", result, err)
		}
		value := ldapwire.PasswordModify{User: userDN("bjensen").String(), Old: "hifalutin", New: "password"}
		change := &directory.ExtendedRequest{OID: ldapwire.OIDPasswordModify, Value: value.Encode(), HasValue: true}
		if _, err := session.Extended(t.Context(), change); err != nil {
			t.Error(err)
		}
		_, err = session.Extended(t.Context(), change) // The old password is another now.
		kindOf(t, err, fault.Invalid, "unwillingToPerform")
		unknown := &directory.ExtendedRequest{OID: "1.3.6.1.4.1.4203.666.99.99"}
		_, err = newClient(t, server, nil).Service().Extended(t.Context(), unknown)
		kindOf(t, err, fault.Unsupported, "extendedOperation")
		// With proxied authorization it is that control that it does not have there.
		_, err = session.Extended(t.Context(), unknown)
		kindOf(t, err, fault.Unsupported, "unavailableCriticalExtension")
		// An empty value is one: RFC 4532 takes none.
		_, err = session.Extended(t.Context(), &directory.ExtendedRequest{OID: ldapwire.OIDWhoAmI, HasValue: true, Reads: true})
		kindOf(t, err, fault.Unsupported, "extendedOperation")
		for _, oid := range []string{ldapwire.OIDStartTLS, ldapwire.OIDCancel, ldapwire.OIDTransactionStart, ldapwire.OIDTransactionEnd} {
			_, err = session.Extended(t.Context(), &directory.ExtendedRequest{OID: oid})
			kindOf(t, err, fault.Unsupported, "extendedOperation")
			if got := directory.OutcomeOf(err); got != (directory.Outcome{}) {
				t.Errorf("%s: %+v", oid, got)
			}
		}
	})
}

// What an operation asks for by a control comes back with every kind of answer.
func TestControlsOfAnswers(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		admin := newClient(t, server, nil).As(as("kvaughan"))
		names := "\x30\x04\x04\x02sn"
		ask := func(oid string) directory.WriteOptions {
			return directory.WriteOptions{Controls: []directory.Control{{OID: oid, Value: names, HasValue: true}}, Answer: &directory.Answer{}}
		}
		came := func(name string, o directory.WriteOptions, err error) {
			t.Helper()
			if err != nil || len(o.Answer.Controls) != 1 || o.Answer.Controls[0].OID != o.Controls[0].OID || !strings.Contains(o.Answer.Controls[0].Value, "New") {
				t.Errorf("%s: %+v, %v", name, o.Answer, err)
			}
		}
		dn := newcomer(t, admin, "one")
		o := ask(ldapwire.OIDPostRead)
		_, err := admin.Modify(t.Context(), &directory.ModifyRequest{DN: dn, Changes: []directory.Change{replaced("description", "x")}, WriteOptions: o})
		came("modify", o, err)
		o = ask(ldapwire.OIDPreRead)
		_, err = admin.ModifyDN(t.Context(), &directory.ModifyDNRequest{DN: dn, RDN: directory.RDN{{Type: "uid", Value: "two"}}, WriteOptions: o})
		came("modifyDN", o, err)
		o = ask(ldapwire.OIDPreRead)
		_, err = admin.Delete(t.Context(), &directory.DeleteRequest{DN: userDN("two"), WriteOptions: o})
		came("delete", o, err)
		o = ask(ldapwire.OIDPostRead)
		_, err = admin.Add(t.Context(), &directory.AddRequest{DN: dn, Attributes: []directory.Attribute{
			{Name: "objectClass", Values: []string{"person"}}, {Name: "cn", Values: []string{"a"}}, {Name: "sn", Values: []string{"New"}}, {Name: "uid", Values: []string{"one"}},
		}, WriteOptions: o})
		kindOf(t, err, fault.Invalid, "objectClassViolation")
		if len(o.Answer.Controls) != 0 {
			t.Errorf("a refusal brought %+v", o.Answer)
		}
		// A page is one of the session's own, and its answer is there to see.
		_, result, err := collect(t.Context(), admin, &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid")})
		if err != nil || len(result.Answer.Controls) != 1 || result.Answer.Controls[0].OID != ldapwire.OIDPaging {
			t.Errorf("%+v, %v", result, err)
		}
		// A critical control that nobody knows.
		unknown := []directory.Control{{OID: "1.3.6.1.4.1.4203.666.99.98", Critical: true}}
		_, err = admin.Compare(t.Context(), &directory.CompareRequest{DN: userDN("bjensen"), Attribute: "cn", Value: "x", Controls: unknown})
		kindOf(t, err, fault.Unsupported, "unavailableCriticalExtension")
		_, err = admin.Extended(t.Context(), &directory.ExtendedRequest{OID: ldapwire.OIDWhoAmI, Reads: true, Controls: unknown})
		kindOf(t, err, fault.Unsupported, "unavailableCriticalExtension")
	})
}

// TestAnswers has a server send a control of its own with every message: there is no operation
// whose caller does not get to see it, be the answer a success or a refusal.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const oid = "1.2.3.4.5.6"
	want := directory.Answer{Controls: []directory.Control{{OID: oid, Critical: true, Value: "told", HasValue: true}}}
	for name, refuses := range map[string]bool{"Success": false, "Refusal": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := fakeldap.Element(0x30, fakeldap.Octets(0x04, oid), fakeldap.Octets(0x01, "\xff"), fakeldap.Octets(0x04, "told"))
			server := fakeldap.Start(t, func(r *fakeldap.Request) {
				code := 0
				switch {
				case r.Name == "abandon":
					return
				case refuses:
					code = 50
				case r.Name == "search":
					r.Send(fakeldap.Message(r.ID, fakeldap.Entry("uid=a,"+r.DN, "uid", "a"), told))
				case r.Name == "compare":
					code = 6
				}
				controls := []*ber.Packet{told}
				if r.Paged {
					page := fakeldap.Element(0x30, fakeldap.Integer(0x02, 0), fakeldap.Octets(0x04, "")).Bytes()
					controls = append(controls, fakeldap.Element(0x30, fakeldap.Octets(0x04, fakeldap.OIDPaging), fakeldap.Octets(0x04, string(page))))
				}
				r.Send(fakeldap.Message(r.ID, r.Result(code), controls...))
			})
			client := fakeClient(t, server, nil)
			s := client.As(as("a"))
			list := &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid")}
			entry := func(entries []*directory.Entry) {
				if !refuses && (len(entries) != 1 || !cmp.Equal(entries[0].Controls, want.Controls)) {
					t.Errorf("an entry: %+v", entries)
				}
			}
			search := func(req *directory.SearchRequest) func(context.Context, *directory.Answer) error {
				return func(ctx context.Context, answer *directory.Answer) error {
					entries, result, err := collect(ctx, s, req)
					*answer = result.Answer
					entry(entries)
					return err
				}
			}
			change := func(answer *directory.Answer) directory.WriteOptions { return directory.WriteOptions{Answer: answer} }
			for name, run := range map[string]func(context.Context, *directory.Answer) error{
				"read": search(read("a", "cn")),
				"list": search(list),
				"walk": func(ctx context.Context, answer *directory.Answer) error {
					walk := s.Walk(list)
					entries, _, err := walk.Next(ctx, 5)
					*answer = walk.Answer()
					entry(entries)
					return err
				},
				"add": func(ctx context.Context, answer *directory.Answer) error {
					_, err := s.Add(ctx, &directory.AddRequest{DN: userDN("a"), WriteOptions: change(answer)})
					return err
				},
				"modify": func(ctx context.Context, answer *directory.Answer) error {
					_, err := s.Modify(ctx, &directory.ModifyRequest{DN: userDN("a"), WriteOptions: change(answer)})
					return err
				},
				"delete": func(ctx context.Context, answer *directory.Answer) error {
					_, err := s.Delete(ctx, &directory.DeleteRequest{DN: userDN("a"), WriteOptions: change(answer)})
					return err
				},
				"modifyDN": func(ctx context.Context, answer *directory.Answer) error {
					_, err := s.ModifyDN(ctx, &directory.ModifyDNRequest{DN: userDN("a"), WriteOptions: change(answer)})
					return err
				},
				"compare": func(ctx context.Context, answer *directory.Answer) error {
					_, err := s.Compare(ctx, &directory.CompareRequest{DN: userDN("a"), Attribute: "cn", Answer: answer})
					return err
				},
				"extended": func(ctx context.Context, answer *directory.Answer) error {
					_, err := s.Extended(ctx, &directory.ExtendedRequest{OID: "1.2", Answer: answer})
					return err
				},
				"modifyPassword": func(ctx context.Context, answer *directory.Answer) error {
					_, err := s.ModifyPassword(ctx, &directory.PasswordRequest{DN: userDN("a"), New: "x", Answer: answer})
					return err
				},
				"whoAmI": func(ctx context.Context, answer *directory.Answer) error { _, err := s.WhoAmI(ctx, answer); return err },
				"authenticate": func(ctx context.Context, answer *directory.Answer) error {
					_, err := client.Authenticate(ctx, userDN("a"), "x", answer)
					return err
				},
			} {
				var got directory.Answer
				if err := run(within(t, 0), &got); (err != nil) != refuses {
					t.Errorf("%s: %v", name, err)
				}
				got.Controls = slices.DeleteFunc(got.Controls, func(c directory.Control) bool { return c.OID == fakeldap.OIDPaging })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

// everything is each operation of a session, with controls.
func everything(controls []directory.Control) map[string]func(context.Context, directory.Session) error {
	o := directory.WriteOptions{Controls: controls}
	rdn := directory.RDN{{Type: "uid", Value: "b"}}
	return map[string]func(context.Context, directory.Session) error{
		"read": func(ctx context.Context, s directory.Session) error {
			req := read("a", "uid")
			req.Controls = controls
			_, _, err := collect(ctx, s, req)
			return err
		},
		"list": func(ctx context.Context, s directory.Session) error {
			_, _, err := collect(ctx, s, &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid"), Controls: controls})
			return err
		},
		"walk": func(ctx context.Context, s directory.Session) error {
			w := s.Walk(&directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid"), Controls: controls})
			defer w.Close()
			_, _, err := w.Next(ctx, 1)
			return err
		},
		"compare": func(ctx context.Context, s directory.Session) error {
			_, err := s.Compare(ctx, &directory.CompareRequest{DN: userDN("a"), Attribute: "uid", Value: "a", Controls: controls})
			return err
		},
		"add": func(ctx context.Context, s directory.Session) error {
			_, err := s.Add(ctx, &directory.AddRequest{DN: userDN("a"), WriteOptions: o})
			return err
		},
		"modify": func(ctx context.Context, s directory.Session) error {
			_, err := s.Modify(ctx, &directory.ModifyRequest{DN: userDN("a"), WriteOptions: o})
			return err
		},
		"modifyDN": func(ctx context.Context, s directory.Session) error {
			_, err := s.ModifyDN(ctx, &directory.ModifyDNRequest{DN: userDN("a"), RDN: rdn, WriteOptions: o})
			return err
		},
		"delete": func(ctx context.Context, s directory.Session) error {
			_, err := s.Delete(ctx, &directory.DeleteRequest{DN: userDN("a"), WriteOptions: o})
			return err
		},
		"extended": func(ctx context.Context, s directory.Session) error {
			_, err := s.Extended(ctx, &directory.ExtendedRequest{OID: "1.2.3", Controls: controls})
			return err
		},
	}
}

// TestControlsOfTheGateway checks that nobody gets in a control by which a request would
// run as somebody else, or come in other pieces.
func TestControlsOfTheGateway(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, behave)
	session := fakeClient(t, server, nil).As(as("a"))
	for _, oid := range []string{ldapwire.OIDProxiedAuthorization, ldapwire.OIDProxiedAuthorizationV1, ldapwire.OIDPaging} {
		for name, operation := range everything([]directory.Control{{OID: oid, Critical: true, Value: "dn:cn=root", HasValue: true}}) {
			err := operation(within(t, 0), session)
			kindOf(t, err, fault.Invalid, "control")
			if n := server.Count("search") + server.Count(name); n != 0 {
				t.Errorf("%s: %d requests were sent", name, n)
			}
		}
	}
}

// TestOutcomes checks what an error of each operation tells about its request.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	lost := directory.Outcome{Progress: directory.SentNoAnswer, Sent: true}
	nonsense := directory.Outcome{Progress: directory.ProtocolError, Sent: true}
	answered := func(code int) directory.Outcome {
		return directory.Outcome{Progress: directory.Answered, Code: code, Sent: true}
	}
	want := map[string]directory.Outcome{
		"Close": lost, "EntryThenClose": lost, "HalfAMessage": lost, "NoticeOfDisconnection": lost,
		"Garbage": nonsense, "HugeLength": nonsense, "IndefiniteLength": nonsense, "UnknownID": nonsense, "NegativeID": nonsense,
		"WrongType": nonsense, "UnknownOperation": nonsense, "NonsenseEntry": nonsense, "NonsenseResult": nonsense, "DeepNesting": nonsense,
		"Silence": lost, "EntryThenSilence": lost,
		"Busy": answered(51), "Unavailable": answered(52), "EntryThenRefusal": answered(50),
	}
	for _, test := range misdeeds() {
		for name, operation := range everything(nil) {
			if test.name == "EntryThenClose" && name != "read" && name != "list" && name != "walk" {
				continue // An entry makes no sense there.
			}
			t.Run(test.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				server, _ := scripted(t, test.do)
				err := operation(within(t, test.deadline), fakeClient(t, server, nil).As(as("a")))
				got := directory.OutcomeOf(err)
				isLost := want[test.name] == lost && test.deadline == 0
				if address := strings.TrimPrefix(server.URL, "ldaps://"); got.Server != address && (isLost || got.Server != "") {
					t.Errorf("the server that was lost is %q", got.Server)
				}
				got.Server = ""
				if diff := cmp.Diff(want[test.name], got); diff != "" {
					t.Errorf("%v: %s", err, diff)
				}
			})
		}
	}
	for name, operation := range everything(nil) {
		t.Run("CancelledBefore/"+name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			got := directory.OutcomeOf(operation(ctx, fakeClient(t, fakeldap.Start(t, behave), nil).As(as("a"))))
			if got != (directory.Outcome{Progress: directory.Cancelled}) {
				t.Errorf("%+v", got)
			}
		})
		t.Run("CancelledAfter/"+name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			server, _ := scripted(t, func(*fakeldap.Request) { cancel() })
			got := directory.OutcomeOf(operation(ctx, fakeClient(t, server, nil).As(as("a"))))
			if got != (directory.Outcome{Progress: directory.Cancelled, Sent: true}) {
				t.Errorf("%+v", got)
			}
		})
		t.Run("Unreachable/"+name, func(t *testing.T) {
			t.Parallel()
			refuse := func(r *fakeldap.Request) { r.Done(49) }
			server := fakeldap.StartWithBind(t, refuse, behave)
			got := directory.OutcomeOf(operation(within(t, 0), fakeClient(t, server, nil).As(as("a"))))
			if got != (directory.Outcome{Progress: directory.NotSent}) {
				t.Errorf("%+v", got)
			}
		})
		t.Run("Success/"+name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, func(r *fakeldap.Request) {
				switch {
				case r.Name == "compare":
					r.Done(6)
				case r.Paged:
					r.DonePage("")
				default:
					r.Done(0)
				}
			})
			err := operation(within(t, 0), fakeClient(t, server, func(o *ldapclient.Options) { o.MaxWalks = 1 }).As(as("a")))
			if got := directory.OutcomeOf(err); err != nil || got != answered(0) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
