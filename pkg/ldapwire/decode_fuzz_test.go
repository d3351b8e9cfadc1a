package ldapwire_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// FuzzRequestReader reads any bytes as requests: the outcome is a value or one of the
// two errors, and never more values than there were octets.
func FuzzRequestReader(f *testing.F) {
	dn := parseDN(f, "uid=a,dc=b")
	filter := directory.And(directory.Equal("a", "1"), directory.Not(directory.Present("b")))
	f.Add(ldapwire.AppendSearch(nil, 1, &directory.SearchRequest{Base: dn, Filter: filter}, ldapwire.Paging(1, "c", true), ldapwire.Sort([]directory.SortKey{{Attribute: "cn"}})))
	f.Add(ldapwire.AppendModify(nil, 1, &directory.ModifyRequest{DN: dn, Changes: []directory.Change{{Attribute: "cn", Values: []string{"a"}}}}, ldapwire.Assertion(&filter)))
	f.Add(ldapwire.AppendAdd(nil, 1, &directory.AddRequest{DN: dn, Attributes: []directory.Attribute{{Name: "cn", Values: []string{"a"}}}}, ldapwire.PostRead([]string{"cn"}, false)))
	f.Add(ldapwire.AppendExtended(nil, 1, ldapwire.OIDPasswordModify, "\x30\x03\x80\x01a"))
	f.Add(message(7, element(0x60, integer(0x02, 3), octets(0x04, "uid=a"), octets(0x80, "secret"))))
	f.Add(message(7, element(0x6c, octets(0x04, "uid=a,dc=b"), octets(0x04, "uid=c"), octets(0x01, "\xff"))))
	f.Fuzz(func(t *testing.T, stream []byte) {
		reader := ldapwire.NewReaderSize(bytes.NewReader(stream), limit, 16)
		for {
			m, err := reader.Read()
			if err != nil {
				return
			}
			decodeRequest(t, m, len(stream))
		}
	})
}

// decodeRequest decodes the message as every kind of request.
func decodeRequest(t *testing.T, m *ldapwire.Message, octets int) {
	t.Helper()
	check := func(what any, err error, values ...string) {
		t.Helper()
		if err != nil {
			if !errors.Is(err, ldapwire.ErrMalformed) && !errors.Is(err, ldapwire.ErrFilter) {
				t.Errorf("%T: %v", what, err)
			}
			return
		}
		total := 0
		for _, value := range values {
			total += len(value) + 1 // Each takes at least its tag.
		}
		if total > octets {
			t.Errorf("%T: %d octets from %d", what, total, octets)
		}
	}
	bind, err := m.Bind()
	check(bind, err, bind0(bind)...)
	search, err := m.Search()
	if err == nil {
		check(search, err, append(search.Attributes, filterTexts(&search.Filter)...)...)
		sameFilter(t, &search.Filter)
	} else {
		check(search, err)
	}
	modify, err := m.Modify()
	check(modify, err)
	if err == nil {
		for _, change := range modify.Changes {
			check(modify, nil, change.Values...)
		}
	}
	add, err := m.Add()
	check(add, err)
	if err == nil {
		for _, attribute := range add.Attributes {
			check(add, nil, attribute.Values...)
		}
	}
	rename, err := m.ModifyDN()
	check(rename, err)
	compare, err := m.Compare()
	check(compare, err)
	id, err := m.Abandon()
	check(id, err)
	check("", nil, m.Delete())
	if extended, err := m.Extended(); err == nil {
		password, err := extended.PasswordModify()
		check(password, err, password.User, password.Old, password.New)
	}
	controls, err := m.Controls()
	check(controls, err)
	for i := range controls {
		got, err := meaning(&controls[i])
		check(got, err)
	}
}

func bind0(b *ldapwire.Bind) []string {
	if b == nil {
		return nil
	}
	return []string{b.DN, b.Mechanism, b.Credentials}
}

// filterTexts returns a text for each part of a filter.
func filterTexts(f *directory.Filter) []string {
	all := []string{f.Attribute + f.Value + f.Initial + f.Final + f.Rule}
	all = append(all, f.Any...)
	for i := range f.Children {
		all = append(all, filterTexts(&f.Children[i])...)
	}
	return all
}

// sameFilter encodes a filter and decodes it again.
func sameFilter(t *testing.T, f *directory.Filter) {
	t.Helper()
	encoded := ldapwire.AppendFilter(nil, f)
	control := ldapwire.RequestControl{OID: ldapwire.OIDAssertion, Value: string(encoded), HasValue: true}
	got, err := control.Filter()
	if err != nil {
		t.Errorf("%x: %v", encoded, err)
		return
	}
	if diff := cmp.Diff(f, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzRequests puts any values into requests of the client's side, and decodes them.
func FuzzRequests(f *testing.F) {
	f.Add(int32(1), "cn", "x", "a", "\x00\xff", 3, true)
	f.Add(int32(1<<31-1), "", "", "", "", 0, false)
	f.Fuzz(func(t *testing.T, id int32, attribute, value, second, cookie string, number int, flag bool) {
		if id < 0 {
			id = -(id + 1)
		}
		number = int(int32(number))
		filter := directory.Filter{Op: directory.FilterOr, Children: []directory.Filter{
			directory.Equal(attribute, value),
			{Op: directory.FilterSubstrings, Attribute: attribute, Initial: value, Any: []string{"m" + second}, Final: second},
			{Op: directory.FilterExtensible, Attribute: attribute, Rule: second, Value: value, DNAttributes: flag},
		}}
		keys := []directory.SortKey{{Attribute: attribute, Rule: second, Reverse: flag}}
		dn := parseDN(t, "dc=b")

		m := readOne(t, ldapwire.AppendSearch(nil, id, &directory.SearchRequest{Base: dn, Filter: filter, Attributes: []string{attribute}, SizeLimit: number},
			ldapwire.Paging(int32(number), cookie, flag), ldapwire.Sort(keys), ldapwire.ProxiedAuthorization(cookie), ldapwire.Assertion(&filter), ldapwire.PreRead([]string{attribute, value}, false)))
		search, err := m.Search()
		want := &ldapwire.Search{Base: "dc=b", SizeLimit: number, Filter: filter, Attributes: []string{attribute}}
		if diff := cmp.Diff(want, search); diff != "" || err != nil || m.ID != id {
			t.Errorf("id %d, %v, %s", m.ID, err, diff)
		}
		controls, err := m.Controls()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []any{page{number, cookie}, keys, cookie, &filter, []string{attribute, value}} {
			got, err := meaning(&controls[i])
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v, %s", controls[i].OID, err, diff)
			}
		}

		attributes := []directory.Attribute{{Name: attribute, Values: []string{value, second}}, {Name: second, Values: []string{cookie}}}
		add, err := readOne(t, ldapwire.AppendAdd(nil, id, &directory.AddRequest{DN: dn, Attributes: attributes})).Add()
		if diff := cmp.Diff(&ldapwire.Add{DN: "dc=b", Attributes: attributes}, add); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
		changes := []directory.Change{{Op: directory.ChangeOp(number), Attribute: attribute, Values: []string{value, second}}}
		modify, err := readOne(t, ldapwire.AppendModify(nil, id, &directory.ModifyRequest{DN: dn, Changes: changes})).Modify()
		if diff := cmp.Diff(&ldapwire.Modify{DN: "dc=b", Changes: changes}, modify); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
		rename, err := readOne(t, ldapwire.AppendModifyDN(nil, id, &directory.ModifyDNRequest{DN: dn, RDN: directory.RDN{{Type: "cn", Value: value}}, KeepOld: !flag})).ModifyDN()
		rdn := directory.RDN{{Type: "cn", Value: value}}
		if diff := cmp.Diff(&ldapwire.ModifyDN{DN: "dc=b", NewRDN: rdn.String(), DeleteOldRDN: flag}, rename); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
		compare, err := readOne(t, ldapwire.AppendCompare(nil, id, &directory.CompareRequest{DN: dn, Attribute: attribute, Value: value})).Compare()
		if diff := cmp.Diff(&ldapwire.Compare{DN: "dc=b", Attribute: attribute, Value: value}, compare); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
		extended, err := readOne(t, ldapwire.AppendExtendedRequest(nil, id, &directory.ExtendedRequest{OID: attribute, Value: value, HasValue: true})).Extended()
		if diff := cmp.Diff(&ldapwire.Extended{OID: attribute, Value: value, HasValue: true}, extended); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
		result := ldapwire.Result{Code: number, MatchedDN: attribute, Diagnostic: value}
		got, err := readOne(t, ldapwire.AppendResult(nil, id, ldapwire.BindResponse, result)).Result()
		if diff := cmp.Diff(result, got); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
	})
}
