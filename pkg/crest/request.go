package crest

import (
	"net/http"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// request is what all methods share of a request.
type request struct {
	http      *http.Request
	event     *audit.Event
	principal auth.Principal
	api       string
	edition   *edition // of the API
	protocol  mapping.Version
	base      []string // the path of the API
	path      []string // below the API
	params    params
	// location is the path as it stands in URLs: as the client wrote it, where that can
	// stand in a header.
	location string
	// resource is the path in its one canonical form, for the event.
	resource string
}

// verbs are what the methods mean until more of the request is known.
var verbs = map[string]string{ //nolint:gochecknoglobals // constant table
	http.MethodGet: "read", http.MethodHead: "read", http.MethodPut: "update", http.MethodPost: "create",
	http.MethodPatch: "patch", http.MethodDelete: "delete",
}

func (h *handler) parse(r *http.Request) (*request, error) {
	raw := httpserver.RawPath(r.URL)
	segments, err := splitPath(raw)
	if err != nil {
		return nil, err
	}
	req := &request{http: r, event: audit.FromContext(r.Context()), location: raw, resource: joinPath(segments)}
	if !isURLText(raw) {
		req.location = req.resource
	}
	req.event.SetResource(verbs[r.Method], req.resource)
	principal := auth.FromContext(r.Context())
	if principal == nil {
		return nil, fault.New(fault.Unauthenticated, "valid credentials are required")
	}
	req.principal = *principal
	if err := req.locate(h, segments); err != nil {
		return nil, err
	}
	if req.params, err = parseParams(r.URL.RawQuery, req.edition.legacy); err != nil {
		return nil, err
	}
	if r.Method != http.MethodPost || !strings.EqualFold(req.params.action, queryAction) { // Else the body has more.
		if err := req.suit(r.Method); err != nil {
			return nil, err
		}
	}
	if err := req.checkProtocol(); err != nil {
		return nil, err
	}
	return req, req.checkBody()
}

// locate finds the API of the path, in the version that the request asks for.
func (r *request) locate(h *handler, segments []string) error {
	m, rest, err := h.route(segments)
	if err != nil {
		return err
	}
	asked, err := parseVersions(r.http.Header)
	if err != nil {
		return err
	}
	r.api, r.base, r.path, r.protocol = m.api, m.segments, rest, asked.protocol
	r.edition, err = choose(m.editions, asked)
	return err
}

// suit refuses parameters that go with another method; clients of the reference product get
// some of them passed over.
func (r *request) suit(method string) error {
	if r.edition.legacy {
		r.params.passOver()
	}
	return r.params.suit(method)
}

// tellVersion tells which version answers, where the API has versions.
func (r *request) tellVersion(h http.Header) {
	switch {
	case !r.edition.numbered:
	case r.protocol == standardProtocol:
		h[contentVersion] = r.edition.told
	default:
		h[contentVersion] = r.edition.tell(r.protocol)
	}
}

// checkProtocol refuses what the version of the protocol that the request speaks does not have.
func (r *request) checkProtocol() error {
	if r.params.countOnly && r.protocol.Compare(protocolCountOnly) < 0 {
		return badParameter("_countOnly", `counting alone came with protocol %s; send the header "Accept-API-Version: protocol=%s"`,
			protocolCountOnly, protocolCountOnly).Named("olderProtocol")
	}
	return nil
}

// checkBody refuses a body where none belongs.
func (r *request) checkBody() error {
	switch r.http.Method {
	case http.MethodPut, http.MethodPost, http.MethodPatch:
		return nil
	}
	if httpserver.HasBody(r.http) {
		return fault.New(fault.Invalid, "a %s request has no body", r.http.Method).Named("unexpectedBody")
	}
	return nil
}

// overrideHeader names the method that a POST stands for, for clients that cannot
// send it themselves.
const overrideHeader = "X-Http-Method-Override"

// overriding returns the method that a POST stands for.
func overriding(r *http.Request) (string, error) {
	values := r.Header[overrideHeader]
	if len(values) == 0 {
		return http.MethodPost, nil
	}
	if len(values) == 1 {
		switch method := strings.ToUpper(values[0]); method {
		case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete:
			return method, nil
		}
	}
	e := fault.New(fault.Invalid, "a POST stands for one of GET, PUT, POST, PATCH and DELETE")
	e.Detail.Kind, e.Detail.Parameter = "methodOverride", "X-HTTP-Method-Override"
	return "", e
}
