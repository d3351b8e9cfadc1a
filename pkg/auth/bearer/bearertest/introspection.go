package bearertest

import (
	"io"
	"net/http"
	"net/url"
	"sync"
)

// Introspection is the introspection endpoint of an Issuer (RFC 7662). Its methods may be
// called by several goroutines.
type Introspection struct {
	// URL is where it is.
	URL string

	issuer       *Issuer
	user, secret string

	mu        sync.Mutex // guards the fields below
	tokens    map[string]Object
	questions []Question
}

// Question is what a client asked.
type Question struct {
	ContentType, Accept string
	User, Password      string
	Body                string
}

// Introspect makes the listener an introspection endpoint for the client with that id and
// secret.
func (i *Issuer) Introspect(id, secret string) *Introspection {
	n := &Introspection{URL: i.server.URL + "/introspect", issuer: i, user: id, secret: secret, tokens: map[string]Object{}}
	i.Serve(n.ServeHTTP)
	return n
}

// Set makes the endpoint describe a token so; nil makes the token unknown.
func (n *Introspection) Set(token string, description Object) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tokens[token] = description
}

// Questions returns the questions so far.
func (n *Introspection) Questions() []Question {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Question(nil), n.questions...)
}

// Active is the description of an active token of a subject, valid for five minutes, with
// the scope "directory".
func (n *Introspection) Active(subject string) Object {
	now := n.issuer.Clock().Unix()
	return Object{
		"active": true, "scope": "directory", "client_id": "tests", "username": subject, "token_type": "Bearer",
		"exp": now + 300, "iat": now, "sub": subject, "aud": Audience, "iss": n.issuer.Name,
	}
}

// ServeHTTP answers a question as RFC 7662 §2.2 has it.
func (n *Introspection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	form, malformed := url.ParseQuery(string(body))
	if err != nil || malformed != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	user, password := credentials(r)
	n.mu.Lock()
	n.questions = append(n.questions, Question{
		ContentType: r.Header.Get("Content-Type"), Accept: r.Header.Get("Accept"), User: user, Password: password, Body: string(body),
	})
	description := n.tokens[form.Get("token")]
	n.mu.Unlock()
	if r.Method != http.MethodPost || user != n.user || password != n.secret {
		w.Header().Set("WWW-Authenticate", `Basic realm="introspection"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if description == nil {
		description = Object{"active": false}
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = w.Write(marshal(n.issuer.tb, description)) // A client that went away is its own affair.
}

// credentials are those of the Basic scheme, each encoded as in a form (RFC 6749 §2.3.1).
func credentials(r *http.Request) (user, password string) {
	user, password, _ = r.BasicAuth()
	decoded := func(text string) string {
		text, err := url.QueryUnescape(text)
		if err != nil {
			return "malformed"
		}
		return text
	}
	return decoded(user), decoded(password)
}
