package crest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/rest2ldap/rest2ldap/pkg/descriptor"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Parameters that ask for a description of an API.
const (
	openAPI  = "_api"
	crestAPI = "_crestapi"
)

// document is a description, with the capabilities that it was made for.
type document struct {
	capabilities *directory.Capabilities
	body         []byte
	// tag tells descriptions apart.
	tag string
}

// setDescription takes a parameter that asks for a description. It needs no value.
func setDescription(kind string) func(*params, string) error {
	return func(p *params, value string) error {
		if value != "" {
			if wanted, err := boolean(value); err != nil || !wanted {
				return err
			}
		}
		if p.description != "" {
			return fmt.Errorf("%s and %s ask for two different answers", openAPI, crestAPI)
		}
		p.description = kind
		return nil
	}
}

// describe answers with a description of the API in the version that was asked for. It is
// the same for all callers, and changes with the mapping and the schema of the directory.
func (h *handler) describe(w http.ResponseWriter, r *request) error {
	if len(r.path) > 0 {
		return fault.New(fault.NotFound, "a description is of a whole API; ask at the path where it begins").Named("unknownPath")
	}
	noneMatch, err := r.readConditions()
	if err != nil {
		return err
	}
	binding, err := h.service.Describe(r.http.Context(), r.principal, r.api, r.edition.name)
	if err != nil {
		return err
	}
	doc, err := h.document(r, binding)
	if err != nil {
		return err
	}
	body, revision := doc.body, mapping.Revision{Value: doc.tag}
	if r.params.pretty {
		if body, err = indent(nil, body, ""); err != nil {
			return err
		}
		body, revision.Value = append(body, '\n'), doc.tag+"-pretty"
	}
	header := w.Header()
	header.Set("Cache-Control", "private, no-cache") // It may be kept, and is asked for again.
	header.Set("Vary", "Accept-API-Version, Authorization")
	setRevision(header, revision)
	if noneMatch.holds(revision) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	send(w, http.StatusOK, body)
	return nil
}

// document returns the description that was made last, or a new one where the directory
// has changed since.
func (h *handler) document(r *request, binding *mapping.Binding) (*document, error) {
	api := &descriptor.API{
		Model: binding.Model(), Capabilities: binding.Capabilities(), Path: r.resource,
		Basic: h.basic, Bearer: h.bearer, MaxPage: h.maxPage, MaxBody: h.maxBody, MaxPart: h.maxPart, ShowAbsent: h.showAbsent, MediaTypes: mediaTypes,
	}
	var kept *atomic.Pointer[document]
	var describe func() ([]byte, error)
	switch r.params.description {
	case crestAPI:
		kept, describe = &r.edition.crestAPI, api.CREST
	default:
		kept, describe = &r.edition.openAPI, api.OpenAPI
	}
	if doc := kept.Load(); doc != nil && doc.capabilities == api.Capabilities {
		return doc, nil
	}
	body, err := describe()
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(body)
	doc := &document{capabilities: api.Capabilities, body: body, tag: base64.RawURLEncoding.EncodeToString(digest[:12])}
	kept.Store(doc)
	return doc, nil
}
