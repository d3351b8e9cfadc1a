package crest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// one is a service of one answer.
type one struct{ answer gateway.Answer }

func (s *one) Do(context.Context, auth.Principal, string, *mapping.Request) (*gateway.Answer, error) {
	return &s.answer, nil
}

func (*one) Describe(context.Context, auth.Principal, string, string) (*mapping.Binding, error) {
	return nil, errors.New("there is no description")
}

func (s *one) Query(context.Context, auth.Principal, string, *mapping.Request, func([]byte) error) (gateway.Listing, error) {
	return gateway.Listing{}, nil
}

// nowhere is a response that nobody reads.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header       { return n.header }
func (*nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (*nowhere) WriteHeader(int)             {}

// BenchmarkGet is the edge alone: middleware and protocol around an answer that is there.
func BenchmarkGet(b *testing.B) {
	handler, err := New(Options{Service: &one{gateway.Answer{JSON: []byte(`{"_id":"x"}`), ID: "x", Revision: mapping.Revision{Value: "7"}}}, APIs: []API{{BasePath: "api"}}})
	if err != nil {
		b.Fatal(err)
	}
	recorder, err := audit.NewRecorder(audit.Options{Sink: &discard{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = recorder.Close() }()
	handler = httpserver.Record(recorder)(handler)
	r := httptest.NewRequest(http.MethodGet, "/api/users/bjensen?_fields=cn", nil)
	r = r.WithContext(auth.NewContext(r.Context(), &auth.Principal{Name: "bjensen"}))
	w := &nowhere{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
}

type discard struct{ lines }

func (*discard) Write(p []byte) (int, error) { return len(p), nil }
