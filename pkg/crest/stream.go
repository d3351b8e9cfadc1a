package crest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// piece is how much of a list is held back before its answer begins, and how much
// is sent at a time from then on.
const piece = 64 << 10

// maxKept is the greatest buffer that is kept for another list.
const maxKept = 4 * piece

// buffers are the buffers of lists that have ended.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, piece+piece/4); return &b }} //nolint:gochecknoglobals // a pool is one for all

// query answers with a list.
func (h *handler) query(w http.ResponseWriter, r *request) error {
	if err := r.refuseConditions("If-Match", "If-None-Match"); err != nil {
		return err
	}
	r.event.SetResource(mapping.Query.String(), r.resource)
	p := &r.params
	pageSize := min(p.pageSize, h.maxPage)
	if err := checkSkip(p.skip, pageSize); err != nil {
		return err
	}
	buffer := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	l := &list{w: w, controller: http.NewResponseController(w), pretty: r.params.pretty, buffer: (*buffer)[:0]}
	defer func() {
		if cap(l.buffer) <= maxKept {
			*buffer = l.buffer
			buffers.Put(buffer)
		}
	}()
	req := &mapping.Request{
		Verb: mapping.Query, Version: r.edition.name, Path: r.path, Fields: p.fields, AsMapped: r.asMapped(), Filter: p.filter,
		Sort: p.sort, PageSize: pageSize, Cookie: p.cookie, Skip: p.skip, Total: p.total, Estimate: p.estimate, CountOnly: p.countOnly,
	}
	listing, err := h.service.Query(r.http.Context(), r.principal, r.api, req, l.row)
	if l.rows > 0 && !l.begun && isLost(err) {
		// Nothing of it was sent, so that the client need not know. The server that was lost
		// may be lost again.
		l.rows, l.buffer = 0, l.buffer[:0]
		listing, err = h.service.Query(directory.Elsewhere(r.http.Context(), err), r.principal, r.api, req, l.row)
	}
	r.event.AddRows(l.rows)
	r.event.AddLeftOut(listing.LeftOut)
	switch {
	case err == nil && p.countOnly:
		l.end(listing.Total, "ESTIMATE", listing)
	case err == nil && listing.Total >= 0 && p.estimate:
		l.end(l.rows, "ESTIMATE", listing)
	case err == nil && listing.Total >= 0:
		l.end(l.rows, "EXACT", listing)
	case err == nil:
		l.end(l.rows, "NONE", listing)
	case !l.begun:
		return atFilter(err)
	case h.closes && r.edition.legacy:
		l.fail(httpserver.AppendFault(nil, w, r.http, err))
	default:
		httpserver.Abort(w, r.http, err)
	}
	return nil
}

// isLost reports whether the connection to the directory ended in the middle.
func isLost(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Detail.Kind == "directoryUnreachable"
}

// atFilter names the parameter of a fault that is at a position of the filter.
func atFilter(err error) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Detail.Position == 0 || e.Detail.Parameter != "" {
		return err
	}
	located := *e // The fault may be shared.
	located.Detail.Parameter = "_queryFilter"
	return &located
}

// list writes the answer to a query as its rows come in.
type list struct {
	w          http.ResponseWriter
	controller *http.ResponseController
	pretty     bool
	buffer     []byte // what is not sent
	rows       int
	begun      bool // the header is sent
}

func (l *list) row(json []byte) error {
	switch {
	case l.rows == 0 && l.pretty:
		l.buffer = append(l.buffer, "{\n  \"result\": [\n    "...)
	case l.rows == 0:
		l.buffer = append(l.buffer, `{"result":[`...)
	case l.pretty:
		l.buffer = append(l.buffer, ",\n    "...)
	default:
		l.buffer = append(l.buffer, ',')
	}
	if l.pretty {
		var err error
		if l.buffer, err = indent(l.buffer, json, "    "); err != nil {
			return err
		}
	} else {
		l.buffer = append(l.buffer, json...)
	}
	l.rows++
	if len(l.buffer) < piece {
		return nil
	}
	return l.send()
}

// send sends what is in the buffer, and the header before it.
func (l *list) send() error {
	if !l.begun {
		l.begun = true
		l.w.Header()["Content-Type"] = contentType
		l.w.WriteHeader(http.StatusOK)
	}
	_, err := l.w.Write(l.buffer)
	l.buffer = l.buffer[:0]
	if err != nil {
		return err
	}
	return l.controller.Flush()
}

// fail sends the end of a list that failed after its begin, as the reference product does.
func (l *list) fail(fault []byte) {
	l.buffer = append(append(append(l.buffer, `],"error":`...), fault...),
		`,"resultCount":-1,"pagedResultsCookie":null,"totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}`...)
	_, _ = l.w.Write(l.buffer) // Who is gone is noted by httpserver.
}

// end sends the rest of a complete list, with the count of its results and how the total
// was counted.
func (l *list) end(count int, policy string, listing gateway.Listing) {
	begin, closing, member, last := `{"result":[`, `]`, `,%q:%s`, `}`
	if l.pretty {
		begin, closing, member, last = "{\n  \"result\": [", "\n  ]", ",\n  %q: %s", "\n}\n"
	}
	cookie := "null"
	if listing.Cookie != "" {
		cookie = strconv.Quote(listing.Cookie) // It is made of letters, digits, "-" and "_".
	}
	if l.rows == 0 {
		l.buffer = append(l.buffer, begin...)
	}
	l.buffer = append(l.buffer, closing...)
	for _, pair := range [][2]string{
		{"resultCount", strconv.Itoa(count)},
		{"pagedResultsCookie", cookie},
		{"totalPagedResultsPolicy", strconv.Quote(policy)},
		{"totalPagedResults", strconv.Itoa(listing.Total)},
		{"remainingPagedResults", "-1"},
	} {
		l.buffer = fmt.Appendf(l.buffer, member, pair[0], pair[1])
	}
	l.buffer = append(l.buffer, last...)
	if !l.begun {
		send(l.w, http.StatusOK, l.buffer)
		return
	}
	_, _ = l.w.Write(l.buffer) // Who is gone is noted by httpserver.
}
