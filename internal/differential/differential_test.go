package differential

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
)

// TestSameAnswers sends random operations to OpenLDAP and to the directory in memory, and
// compares codes, names and entries, step by step.
func TestSameAnswers(t *testing.T) {
	random := soak.RandFrom(t, 1)
	steps := soak.Size(1500, 10_000)
	m := maker{random}
	var all []step
	for range steps {
		all = append(all, m.make())
	}
	failed, report := compare(t, all)
	if failed < 0 {
		t.Logf(soak.Mark+"%d steps agree", steps)
		return
	}
	t.Errorf("step %d of %d:\n%s", failed, steps, report)
	shrunk := shrink(t, all[:failed+1])
	for _, s := range shrunk {
		t.Logf("%s", s)
	}
	_, report = compare(t, shrunk)
	t.Logf("%d steps show it:\n%s", len(shrunk), report)
}

// TestFoundCases repeats what TestSameAnswers found once.
func TestFoundCases(t *testing.T) {
	var steps []step
	for _, filter := range []string{
		"(telephoneNumber=* )", "(telephoneNumber= *)", "(!(telephoneNumber=* ))", "(telephoneNumber=* *5)",
		"(memberOf=*)", "(!(memberOf=*))", "(!(|(!(memberOf=*))))", "(!(&(!(memberOf=*))))", "(!(!(memberOf=*)))", "(|(memberOf=*)(uid=abergin))",
		"(uid;lang-en:dn:caseIgnoreMatch:=abergin)", "(uid:dn:caseIgnoreMatch:=abergin)", "(cn;lang-en:dn:caseIgnoreOrderingMatch:=z)",
	} {
		steps = append(steps, step{kind: "search", as: "kvaughan", dn: exampledata.BaseDN, scope: 2, filter: filter, attributes: []string{"sn"}})
	}
	const wlutz = "uid=wlutz," + exampledata.PeopleDN
	// A value of nothing but spaces, and parts that begin and end with some.
	steps = append(steps, step{kind: "modify", as: "root", dn: wlutz, changes: []change{{2, "cn", []string{"  "}}, {2, "mail", []string{" "}}, {2, "sn", []string{" two  words "}}}})
	for _, filter := range []string{
		"(cn= )", "(cn=*)", "(cn= *)", "(cn=* )", "(cn=* *)", "(cn= * )", "(name= * )", "(cn=  *  )", "(!(cn= *))", "(cn>= )", "(cn<= )", "(mail= )", "(mail= *)", "(mail=* )", "(mail=* *)",
		"(sn= t*)", "(sn=  two *)", "(sn=two *words )", "(sn=* words )", "(sn=*o w*)", "(sn=*  words)", "(sn= *s )", "(sn=*s  *)",
	} {
		steps = append(steps, step{kind: "search", as: "kvaughan", dn: exampledata.BaseDN, scope: 2, filter: filter, attributes: []string{"sn"}})
	}
	for _, values := range [][2]string{
		{"99999999999999999999", "1"},
		{"99999999999999999999", "0"},
		{"1", "99999999999999999999"},
		{"-5", "3"},
		{"9223372036854775807", "1"},
		{"-9223372036854775808", "-1"},
		{"9223372036854775807", "-9223372036854775808"},
	} {
		steps = append(steps,
			step{kind: "modify", as: "root", dn: wlutz, changes: []change{{2, "gidNumber", values[:1]}}},
			step{kind: "modify", as: "root", dn: wlutz, changes: []change{{3, "gidNumber", values[1:]}}, postRead: true},
		)
	}
	// The place of an entry is not below it, nor above.
	const bjensen = "uid=bjensen," + exampledata.PeopleDN
	for _, superior := range []string{bjensen, exampledata.BaseDN, "dc=com", "dc=example,dc=org"} {
		for _, rdn := range []string{"uid=bjensen", "ou=People", "dc=example", "uid=other"} {
			steps = append(steps, step{kind: "rename", as: "bjensen", dn: bjensen, rdn: rdn, superior: superior, noOp: true})
		}
	}
	for _, dn := range []string{"dc=example,dc=org", exampledata.BaseDN, "uid=nobody," + exampledata.PeopleDN} {
		for _, attribute := range []string{"subschemaSubentry", "entryDN", "sn"} {
			steps = append(steps, step{kind: "compare", as: "kvaughan", dn: dn, attribute: attribute, value: bjensen})
		}
	}
	// Whoever is an administrator by a reference is none when it has been rewritten.
	all := step{kind: "search", as: "root", dn: exampledata.BaseDN, scope: 2, filter: "(objectClass=*)", attributes: []string{"manager", "uniqueMember", "member", "modifiersName"}}
	steps = append(steps,
		step{kind: "rename", as: "root", dn: exampledata.PeopleDN, rdn: "uid=scarter+ou=People"}, all,
		step{kind: "modify", as: "root", dn: exampledata.PeopleDN, changes: []change{{0, "objectClass", []string{"extensibleObject"}}}},
		step{kind: "rename", as: "root", dn: exampledata.PeopleDN, rdn: "uid=scarter"}, all,
		step{kind: "rename", as: "kvaughan", dn: exampledata.PeopleDN, rdn: "ou=People"}, all,
		step{kind: "rename", as: "root", dn: "uid=scarter," + exampledata.BaseDN, rdn: "ou=people", superior: exampledata.GroupsDN}, all,
	)
	if failed, report := compare(t, steps); failed >= 0 {
		t.Error(report)
	}
}

// shrink leaves out what the last step does not need in order to fail.
func shrink(t *testing.T, steps []step) []step {
	t.Helper()
	for size := len(steps) / 2; size > 0; size /= 2 {
		for begin := 0; begin+size < len(steps); {
			fewer := slices.Concat(steps[:begin], steps[begin+size:])
			if failed, _ := compare(t, fewer); failed == len(fewer)-1 {
				steps = fewer
			} else {
				begin += size
			}
			if t.Context().Err() != nil {
				return steps
			}
		}
	}
	return steps
}

// compare runs the steps on two fresh directories, and returns the number of the first
// one whose outcomes differ, -1 for none.
func compare(t *testing.T, steps []step) (failed int, report string) {
	t.Helper()
	var failure string
	number := -1
	t.Run("", func(t *testing.T) {
		one, other := newPlace(t, slapd.Process), newPlace(t, slapd.Memory)
		for i, s := range steps {
			a, b := one.run(s), other.run(s)
			one.settle(s)
			if a != b {
				number, failure = i, fmt.Sprintf("%s\n%s:\n%s\n%s:\n%s", s, one.server, a, other.server, b)
				return
			}
		}
	})
	return number, failure
}

// place is a directory with connections to it.
type place struct {
	t      *testing.T
	server *slapd.Server
	conns  map[string]*ldap.Conn
}

func newPlace(t *testing.T, kind slapd.Kind) *place {
	t.Helper()
	p := &place{t, slapd.Start(t, slapd.Options{Kind: kind, Users: 1, LogLevel: "none"}), make(map[string]*ldap.Conn)}
	for _, as := range []string{"root", "kvaughan", "bjensen", "scarter", "for"} {
		p.conn(as) // Now, before a step changes a password.
	}
	return p
}

// conn returns the connection of somebody.
func (p *place) conn(as string) *ldap.Conn {
	if strings.HasPrefix(as, "for ") {
		as = "for"
	}
	if conn := p.conns[as]; conn != nil && !conn.IsClosing() {
		return conn
	}
	conn, err := ldap.DialURL(p.server.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: p.server.CAPool, MinVersion: tls.VersionTLS12}))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	conn.SetTimeout(30 * time.Second)
	switch as {
	case "":
	case "root":
		err = conn.Bind(p.server.RootDN, p.server.RootPassword)
	case "for":
		err = conn.Bind(p.server.ServiceDN, p.server.ServicePassword)
	default:
		err = conn.Bind(exampledata.Person{ID: as}.DN(), exampledata.Password(as))
	}
	if err != nil {
		p.t.Fatalf("%s: %v", as, err)
	}
	p.conns[as] = conn
	return conn
}

// settle waits for what OpenLDAP does behind the answer: references to an entry that is
// gone or renamed follow it a little later.
func (p *place) settle(s step) {
	if s.kind != "delete" && s.kind != "rename" {
		return
	}
	for range 1000 {
		r, err := p.conn("root").Search(ldap.NewSearchRequest(exampledata.BaseDN, ldap.ScopeWholeSubtree, 0, 0, 0, false,
			"(|(manager="+escape(s.dn)+")(uniqueMember="+escape(s.dn)+"))", []string{"1.1"}, nil))
		if err != nil || len(r.Entries) == 0 {
			return
		}
		if _, err := p.conn("root").Search(ldap.NewSearchRequest(s.dn, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil)); err == nil {
			return // It is still there.
		}
		time.Sleep(2 * time.Millisecond) //nolint:forbidigo // Nothing tells when slapd has done it.
	}
}

// controls are those of a step.
func (s step) controls() []ldap.Control {
	var controls []ldap.Control
	if who, ok := strings.CutPrefix(s.as, "for "); ok {
		controls = append(controls, ldap.NewControlString("2.16.840.1.113730.3.4.18", true, "dn:"+exampledata.Person{ID: who}.DN()))
	}
	if s.kind == "search" || s.kind == "compare" || s.kind == "bind" {
		return controls
	}
	attributes := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	for _, name := range []string{"cn", "description", "uidNumber", "structuralObjectClass"} {
		attributes.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, name, ""))
	}
	if s.assert {
		filter, err := ldap.CompileFilter("(|(description=*)(cn=*e*))")
		if err == nil {
			controls = append(controls, ldap.NewControlString("1.3.6.1.1.12", true, string(filter.Bytes())))
		}
	}
	if s.preRead && s.kind != "add" {
		controls = append(controls, ldap.NewControlString("1.3.6.1.1.13.1", false, string(attributes.Bytes())))
	}
	if s.postRead && s.kind != "delete" {
		controls = append(controls, ldap.NewControlString("1.3.6.1.1.13.2", false, string(attributes.Bytes())))
	}
	if s.permissive && s.kind == "modify" {
		controls = append(controls, ldap.NewControlString("1.2.840.113556.1.4.1413", true, ""))
	}
	if s.noOp {
		controls = append(controls, ldap.NewControlString("1.3.6.1.4.1.4203.666.5.2", true, ""))
	}
	return controls
}

// run runs a step, and returns its outcome in words.
func (p *place) run(s step) string {
	conn, controls := p.conn(s.as), s.controls()
	switch s.kind {
	case "search":
		return p.search(conn, s, controls)
	case "modify":
		req := ldap.NewModifyRequest(s.dn, controls)
		for _, c := range s.changes {
			req.Changes = append(req.Changes, ldap.Change{Operation: uint(c.op), Modification: ldap.PartialAttribute{Type: c.attribute, Vals: c.values}})
		}
		result, err := conn.ModifyWithResult(req)
		if result != nil {
			return outcome(err) + readBack(result.Controls)
		}
		return outcome(err)
	case "add":
		req := ldap.NewAddRequest(s.dn, controls)
		for _, c := range s.changes {
			req.Attribute(c.attribute, c.values)
		}
		return outcome(conn.Add(req))
	case "delete":
		return outcome(conn.Del(ldap.NewDelRequest(s.dn, controls)))
	case "rename":
		req := ldap.NewModifyDNRequest(s.dn, s.rdn, s.deleteOld, s.superior)
		req.Controls = controls
		return outcome(conn.ModifyDN(req))
	case "compare":
		same, err := conn.Compare(s.dn, s.attribute, s.value)
		return fmt.Sprintf("%s %t", outcome(err), same)
	}
	fresh, err := ldap.DialURL(p.server.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: p.server.CAPool, MinVersion: tls.VersionTLS12}))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = fresh.Close() }()
	return outcome(fresh.Bind(s.dn, s.value))
}

// outcome is the result code of an error, and the matched name.
func outcome(err error) string {
	var e *ldap.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%d %q", e.ResultCode, strings.ToLower(e.MatchedDN))
	}
	return fmt.Sprint(err)
}

// readBack is what the read entry controls of a result hold.
func readBack(controls []ldap.Control) string {
	var b strings.Builder
	for _, c := range controls {
		raw, ok := c.(*ldap.ControlString)
		if !ok || !strings.HasPrefix(raw.ControlType, "1.3.6.1.1.13.") {
			continue
		}
		packet := ber.DecodePacket([]byte(raw.ControlValue))
		var lines []string
		for _, a := range packet.Children[1].Children {
			var values []string
			for _, v := range a.Children[1].Children {
				values = append(values, v.Data.String())
			}
			lines = append(lines, line(a.Children[0].Data.String(), values))
		}
		slices.Sort(lines)
		fmt.Fprintf(&b, "\n%s %s", raw.ControlType, strings.Join(lines, "; "))
	}
	return b.String()
}

func (p *place) search(conn *ldap.Conn, s step, controls []ldap.Control) string {
	if s.sort != nil {
		controls = append(controls, ldap.NewControlServerSideSortingWithSortKeys([]*ldap.SortKey{{AttributeType: s.sort[0], MatchingRule: s.sort[1], Reverse: s.sort[2] != ""}}))
	}
	r, err := conn.Search(ldap.NewSearchRequest(s.dn, s.scope, ldap.NeverDerefAliases, s.size, 0, false, s.filter, s.attributes, controls))
	var b strings.Builder
	b.WriteString(outcome(err))
	if r == nil {
		return b.String()
	}
	var limited *ldap.Error
	if errors.As(err, &limited) && limited.ResultCode == ldap.LDAPResultSizeLimitExceeded {
		// Which entries come first is the server's own.
		return fmt.Sprintf("%s, %d entries", b.String(), len(r.Entries))
	}
	var entries []string
	for _, e := range r.Entries {
		var lines []string
		for _, a := range e.Attributes {
			if strings.EqualFold(a.Name, "contextCSN") {
				continue // A replica's mark, which only OpenLDAP has.
			}
			lines = append(lines, line(a.Name, a.Values))
		}
		slices.Sort(lines)
		entries = append(entries, fmt.Sprintf("\n%s %s", strings.ToLower(e.DN), strings.Join(lines, "; ")))
	}
	slices.Sort(entries)
	return b.String() + strings.Join(entries, "")
}

// line is an attribute with its values in order. What each directory makes of its own
// shows its number only; modifiersName is not the caller where OpenLDAP keeps references
// right behind the answer.
func line(name string, values []string) string {
	folded := strings.ToLower(name)
	switch folded {
	case "entryuuid", "entrycsn", "createtimestamp", "modifytimestamp", "modifiersname", "userpassword", "pwdchangedtime", "pwdfailuretime", "pwdaccountlockedtime":
		return fmt.Sprintf("%s: %d", folded, len(values))
	}
	values = slices.Clone(values)
	switch folded {
	case "memberof", "entrydn", "manager", "uniquemember": // Their spelling after a rename is the server's own.
		for i := range values {
			values[i] = strings.ToLower(values[i])
		}
	}
	slices.Sort(values)
	return fmt.Sprintf("%s: %q", folded, values)
}
