package memdir

import (
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// search answers a search (RFC 4511 §4.5).
func (r *request) search(q *ldapwire.Search) {
	if result := checkSearch(q); result.Code != 0 {
		r.finish(result)
		return
	}
	if s := r.conn.server.findSpecial(q.Base); s != nil && q.Scope == int(directory.ScopeBase) {
		r.searchSpecial(q, s)
		return
	}
	if r.isRestricted() {
		r.finish(restricted())
		return
	}
	if result := r.assertBase(q); result.Code != 0 {
		r.finish(result)
		return
	}
	// A page that holds all that the client wants is none (RFC 2696 §3).
	if p := r.controls.paging; p != nil && (q.SizeLimit == 0 || p.size < q.SizeLimit) {
		r.searchPage(q, p)
		return
	}
	cursor, result := r.open(q)
	if result.Code != 0 {
		r.finish(result)
		return
	}
	for {
		entry, ok := cursor.Next()
		if !ok {
			break
		}
		if !r.entry(entry) {
			return
		}
	}
	r.finish(cursor.Result(), r.sorted(cursor.Result())...)
}

// checkSearch tells what is wrong with a search before anything is looked up.
func checkSearch(q *ldapwire.Search) store.Result {
	var text string
	switch {
	case q.Scope < 0 || q.Scope > 3:
		text = "invalid scope"
	case q.Deref < 0 || q.Deref > 3:
		text = "invalid deref"
	case q.SizeLimit < 0:
		text = "invalid size limit"
	case q.TimeLimit < 0:
		text = "invalid time limit"
	default:
		return store.Result{}
	}
	return store.Result{Code: protocolError, Message: text}
}

// open begins a search.
func (r *request) open(q *ldapwire.Search) (*store.Cursor, store.Result) {
	if len(r.controls.sort) > 0 && !r.conn.server.maySort() {
		return nil, store.Result{Code: busy, Message: "Other sort requests already in progress"}
	}
	return r.conn.server.store.Search(r.who, &store.SearchRequest{
		Base: q.Base, Scope: q.Scope, Filter: q.Filter, Attributes: q.Attributes, TypesOnly: q.TypesOnly,
		SizeLimit: q.SizeLimit, TimeLimit: q.TimeLimit, Sort: r.controls.sort,
	})
}

// assertBase checks that an assertion holds for the base of a search (RFC 4528 §3).
func (r *request) assertBase(q *ldapwire.Search) store.Result {
	if r.controls.assert == nil {
		return store.Result{}
	}
	cursor, result := r.conn.server.store.Search(r.who, &store.SearchRequest{
		Base: q.Base, Filter: *r.controls.assert, Attributes: []string{"1.1"},
	})
	if result.Code != 0 {
		return result
	}
	if _, ok := cursor.Next(); !ok {
		return store.Result{Code: assertionFailed}
	}
	return store.Result{}
}

// sorted is the control that says that a result is sorted.
func (r *request) sorted(result store.Result) []ldapwire.Control {
	if len(r.controls.sort) == 0 || result.Code != 0 {
		return nil
	}
	return []ldapwire.Control{ldapwire.SortResult(0, "")}
}
