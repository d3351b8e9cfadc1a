package crest

import (
	"mime"
	"net/http"

	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// queryAction is the action by which a query comes in a body: one that is too long for a
// URL, or that has no business in the logs of what stands in between.
const queryAction = "query"

// formType is the media type of parameters in a body.
const formType = "application/x-www-form-urlencoded"

// longQuery answers a query whose parameters stand in the body, written as in a URL. Some may
// stand in the URL as well. It is a query like another one, in every respect.
func (h *handler) longQuery(w http.ResponseWriter, r *request) error {
	r.event.SetResource(mapping.Query.String(), r.resource)
	if !httpserver.HasBody(r.http) {
		return missingBody()
	}
	if err := checkCoding(r.http.Header); err != nil {
		return err
	}
	if values := r.http.Header["Content-Type"]; len(values) != 1 || mediaOf(values[0]) != formType {
		return unsupported("Content-Type", "the parameters of a query come as "+formType)
	}
	data, err := httpserver.ReadBody(w, r.http, h.maxBody)
	if err != nil {
		return err
	}
	raw := r.http.URL.RawQuery + "&" + string(data)
	if r.params, err = parseParams(raw, r.edition.legacy); err != nil {
		return err
	}
	r.params.action = ""
	if !r.params.hasFilter {
		return badParameter("_queryFilter", "a query needs a filter; %q selects everything", "true").Named("missingFilter")
	}
	if err := r.suit(http.MethodGet); err != nil {
		return err
	}
	if err := r.checkProtocol(); err != nil {
		return err
	}
	return h.query(w, r)
}

// mediaOf returns the media type of a header, "" for one that makes no sense.
func mediaOf(value string) string {
	media, _, err := mime.ParseMediaType(value)
	if err != nil {
		return ""
	}
	return media
}
