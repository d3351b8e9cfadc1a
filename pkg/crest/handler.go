package crest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Service runs requests on the mapped APIs; it is what a *gateway.Service does.
type Service interface {
	// Do runs a request for one resource.
	Do(ctx context.Context, p auth.Principal, api string, req *mapping.Request) (*gateway.Answer, error)
	// Describe returns a version of an API, joined with what the directory can do at present.
	Describe(ctx context.Context, p auth.Principal, api, version string) (*mapping.Binding, error)
	// Query calls row with each resource of a list, compact JSON that is valid during the
	// call only, and returns once the list, or the page of it, is complete.
	Query(ctx context.Context, p auth.Principal, api string, req *mapping.Request, row func(json []byte) error) (gateway.Listing, error)
}

// Options configure the protocol.
type Options struct {
	// Service runs the requests; required.
	Service Service
	// APIs are the mapped APIs. The one with the longest base path that begins a path
	// is the one that serves it, in the version that the request asks for.
	APIs []API
	// BasePath stands before them all, as "/directory"; "" and "/" are none.
	BasePath string
	// MaxPage is the greatest number of resources in a page; a request for more gets so
	// many. 0 is 1000.
	MaxPage int
	// MaxBody is the greatest length of a body in bytes; 0 is 1 MiB.
	MaxBody int64
	// MaxPart is the greatest length of one part of a body in parts, in bytes; MaxBody bounds
	// all of them together. 0 is 1 MiB.
	MaxPart int64
	// MaxDepth is how deep objects and arrays may nest in a body; 0 is 64.
	MaxDepth int
	// CloseFailedLists ends a list of a Legacy API that fails after its begin with a member
	// "error" and the resultCount -1; otherwise the answer breaks off.
	CloseFailedLists bool
	// Basic and Bearer are the ways to authenticate that descriptions tell of.
	Basic, Bearer bool
	// ShowAbsent tells that the Service shows fields without a value, which descriptions
	// tell, too.
	ShowAbsent bool
}

// Defaults of Options.
const (
	DefaultMaxPage  = 1000
	DefaultMaxBody  = 1 << 20
	DefaultMaxPart  = 1 << 20
	DefaultMaxDepth = 64
)

type handler struct {
	service    Service
	mounts     []*mount
	maxPage    int
	maxBody    int64
	maxPart    int64
	maxDepth   int
	basic      bool
	bearer     bool
	closes     bool
	showAbsent bool
}

// methods are those that some resource takes.
var methods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"} //nolint:gochecknoglobals // constant table

// New makes the handler of the APIs. It expects the principal in the context of each
// request (httpserver.Authenticate). The error tells what is wrong with the paths.
func New(o Options) (http.Handler, error) {
	if o.Service == nil {
		return nil, errors.New("crest: a service is required")
	}
	mounts, err := newMounts(o.BasePath, o.APIs)
	if err != nil {
		return nil, err
	}
	h := &handler{service: o.Service, mounts: mounts, maxPage: o.MaxPage, maxBody: o.MaxBody, maxPart: o.MaxPart, maxDepth: o.MaxDepth, basic: o.Basic, bearer: o.Bearer, closes: o.CloseFailedLists, showAbsent: o.ShowAbsent}
	if h.maxPage <= 0 {
		h.maxPage = DefaultMaxPage
	}
	if h.maxBody <= 0 {
		h.maxBody = DefaultMaxBody
	}
	if h.maxPart <= 0 {
		h.maxPart = DefaultMaxPart
	}
	if h.maxDepth <= 0 {
		h.maxDepth = DefaultMaxDepth
	}
	router := chi.NewRouter()
	router.Get("/*", h.serve(h.get))
	router.Head("/*", h.serve(h.get))
	router.Put("/*", h.serve(h.put))
	router.Post("/*", h.overridden)
	router.Patch("/*", h.serve(h.patch))
	router.Delete("/*", h.serve(h.delete))
	router.Options("/*", options)
	router.MethodNotAllowed(methodNotAllowed)
	router.NotFound(notFound) // Only "*" is outside "/*" (RFC 9112 §3.2.4).
	return router, nil
}

// serve parses what all methods share, and answers the fault of any.
func (h *handler) serve(method func(http.ResponseWriter, *request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req, err := h.parse(r)
		if err == nil {
			req.tellVersion(w.Header())
			err = method(w, req)
		}
		if err != nil {
			httpserver.WriteError(w, r, err)
		}
	}
}

// overridden serves a POST as the method that it stands for.
func (h *handler) overridden(w http.ResponseWriter, r *http.Request) {
	method, err := overriding(r)
	if err != nil {
		httpserver.WriteError(w, r, err)
		return
	}
	if method != r.Method {
		r = r.WithContext(r.Context()) // A copy of our own.
		r.Method = method
	}
	serve := map[string]func(http.ResponseWriter, *request) error{
		http.MethodGet: h.get, http.MethodPut: h.put, http.MethodPost: h.post, http.MethodPatch: h.patch, http.MethodDelete: h.delete,
	}[method]
	h.serve(serve)(w, r)
}

// options answers which methods there are, alike for every path and to everybody.
func options(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", strings.Join(methods, ", "))
	w.WriteHeader(http.StatusNoContent)
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	e := fault.New(fault.MethodNotAllowed, "no resource takes the method %q", r.Method)
	e.Allow = slices.Clone(methods)
	httpserver.WriteError(w, r, e)
}

func notFound(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		options(w, r)
		return
	}
	httpserver.WriteError(w, r, unknownPath())
}

func unknownPath() error {
	return fault.New(fault.NotFound, "no resource is mapped at this path").Named("unknownPath")
}

func (h *handler) get(w http.ResponseWriter, r *request) error {
	switch {
	case r.params.description != "":
		return h.describe(w, r)
	case r.params.hasFilter:
		return h.query(w, r)
	}
	noneMatch, err := r.readConditions()
	if err != nil {
		return err
	}
	answer, err := h.do(r, mapping.Request{Verb: mapping.Read})
	if err != nil {
		return err
	}
	if !answer.References && noneMatch.holds(answer.Revision) {
		setRevision(w.Header(), answer.Revision)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if r.params.mediaType != "" {
		return r.writeValue(w, answer)
	}
	return r.write(w, answer)
}

func (h *handler) put(w http.ResponseWriter, r *request) error {
	condition, err := r.putCondition()
	if err != nil {
		return err
	}
	body, err := h.object(w, r)
	if err != nil {
		return err
	}
	create := mapping.Request{Verb: mapping.Create, Named: true, Body: body}
	update := mapping.Request{Verb: mapping.Update, MustExist: condition.mustExist, Body: body}
	var answer *gateway.Answer
	switch {
	case condition.mustNotExist:
		answer, err = h.do(r, create)
	case condition.mustExist:
		answer, err = h.doWhere(r, condition, update)
	case r.protocol.Compare(protocolSecond) < 0:
		update.MustExist = true
		answer, err = h.do(r, update)
	default:
		answer, err = h.upsert(r, update, create)
	}
	if err != nil {
		return err
	}
	if answer.Created {
		w.Header().Set("Location", r.location)
	}
	return r.write(w, answer)
}

// upsert updates a resource, or creates it where there is none. When somebody else
// creates it in between, it is there to be updated after all.
func (h *handler) upsert(r *request, update, create mapping.Request) (*gateway.Answer, error) {
	answer, absent := h.do(r, update)
	if !errors.Is(absent, fault.NotFound) {
		return answer, absent
	}
	answer, err := h.do(r, create)
	switch {
	case errors.Is(err, fault.PreconditionFailed):
		return h.do(r, update)
	case isSingleton(err):
		return nil, absent
	}
	return answer, err
}

// isSingleton tells the refusal to create what its collection does not list: it is
// either there or not.
func isSingleton(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Detail.Kind == "singleton"
}

// createAction is the action that a POST without one means.
const createAction = "create"

func (h *handler) post(w http.ResponseWriter, r *request) error {
	if mapping.ActionNamed(r.params.action) == mapping.Rename {
		return h.rename(w, r)
	}
	if err := r.refuseConditions("If-Match", "If-None-Match"); err != nil {
		return err
	}
	if strings.EqualFold(r.params.action, queryAction) {
		return h.longQuery(w, r)
	}
	if r.params.action != "" && !strings.EqualFold(r.params.action, createAction) {
		return h.action(w, r)
	}
	if r.params.action == "" && r.protocol.Compare(protocolImplicitCreate) < 0 {
		return badParameter("_action", "a POST names its action; before version 2.1 of the protocol, create too").Named("missingAction")
	}
	body, err := h.object(w, r)
	if err != nil {
		return err
	}
	answer, err := h.do(r, mapping.Request{Verb: mapping.Create, Body: body})
	if err != nil {
		return err
	}
	if answer.Created && answer.ID != "" {
		w.Header().Set("Location", r.location+"/"+escapeSegment(answer.ID))
	}
	return r.write(w, answer)
}

func (h *handler) patch(w http.ResponseWriter, r *request) error {
	condition, err := r.changeCondition()
	if err != nil {
		return err
	}
	changes, err := h.changes(w, r)
	if err != nil {
		return err
	}
	answer, err := h.doWhere(r, condition, mapping.Request{Verb: mapping.Patch, MustExist: true, Changes: changes})
	if err != nil {
		return err
	}
	return r.write(w, answer)
}

func (h *handler) delete(w http.ResponseWriter, r *request) error {
	condition, err := r.changeCondition()
	if err != nil {
		return err
	}
	answer, err := h.doWhere(r, condition, mapping.Request{Verb: mapping.Delete, MustExist: true})
	if err != nil {
		return err
	}
	return r.write(w, answer)
}

// do has the service run a request, with what it holds of the path and the fields.
func (h *handler) do(r *request, req mapping.Request) (*gateway.Answer, error) {
	req.Version, req.Path, req.Fields, req.AsMapped = r.edition.name, r.path, r.params.fields, r.asMapped()
	req.DryRun, req.Subtree, req.QualityAdvice = r.params.dryRun, r.params.subtree, r.params.advice
	r.event.SetResource(req.Verb.String(), r.resource)
	return h.service.Do(r.http.Context(), r.principal, r.api, &req)
}
