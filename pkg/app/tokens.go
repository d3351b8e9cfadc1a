package app

import (
	"fmt"
	"net/http"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/config"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

func (i *inspector) bearer() {
	b := i.file.Auth.Bearer
	if b == nil {
		return
	}
	if i.issuerRoots = i.outboundRoots; i.file.IsSet("auth.bearer.ca") {
		i.issuerRoots = i.roots("auth.bearer.ca", b.CA)
	}
	for n, name := range b.Algorithms {
		i.fail(fmt.Sprintf("auth.bearer.algorithms[%d]", n), bearer.CheckAlgorithm(name))
	}
	var err error
	if b.AuthzID != "" && i.file.Sound("auth.bearer.authzId") {
		i.authzID, err = bearer.ParseTemplate(b.AuthzID)
		i.fail("auth.bearer.authzId", err)
	}
	if b.Keys != "" && i.file.Sound("auth.bearer.keys") {
		i.keys, err = bearer.LoadKeys(string(b.Keys))
		i.fail("auth.bearer.keys", err)
	}
	if o := b.Introspection; o != nil {
		i.introspectionCertificate = i.clientCertificate("auth.bearer.introspection", o.Cert, o.Key, "the authorization server")
	}
}

// token makes the authenticator for access tokens.
func (b *builder) token(accounts *auth.Accounts) (*bearer.Authenticator, error) {
	o := b.Auth.Bearer
	options := bearer.Options{
		Realm:          b.Auth.Realm,
		Issuer:         o.Issuer,
		Audience:       o.Audience,
		Keys:           b.keys,
		Algorithms:     o.Algorithms,
		Types:          o.Types,
		RequiredScopes: o.RequiredScopes,
		AuthzID:        b.authzID,
		Leeway:         o.Leeway.Std(),
		Accounts:       accounts,
		Logger:         b.logger,
	}
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: tlspolicy.Client(b.issuerRoots),
	}
	switch {
	case o.Introspection != nil:
		options.Introspection = b.introspection(o.Introspection, transport)
	case o.JWKSURL != "":
		// Fetches are rare; a connection that waits for the next one is of no use.
		transport.DisableKeepAlives = true
		keys, err := bearer.FetchKeys(bearer.FetchOptions{URL: o.JWKSURL, Transport: transport, Logger: b.logger})
		if err != nil {
			return nil, err
		}
		options.Keys = keys
	}
	return bearer.New(options)
}

// introspection are the questions to the authorization server, over a transport of its own.
func (b *builder) introspection(o *config.Introspection, transport *http.Transport) *bearer.Introspection {
	if b.introspectionCertificate != nil {
		transport.TLSClientConfig.GetClientCertificate = tlspolicy.WatchCertificate(
			string(o.Cert), string(o.Key), *b.introspectionCertificate, b.unreadable("auth.bearer.introspection.cert"))
	}
	// There is one server, and it is asked often.
	transport.MaxIdleConnsPerHost = 16
	transport.IdleConnTimeout = 30 * time.Second
	transport.ForceAttemptHTTP2 = true
	return &bearer.Introspection{
		URL:          o.URL,
		ClientID:     o.ClientID,
		ClientSecret: o.ClientSecret.Value(),
		Transport:    transport,
		Timeout:      o.Timeout.Std(),
		Cache:        o.Cache.Std(),
		CacheSize:    o.CacheSize,
	}
}
