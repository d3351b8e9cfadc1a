package app

import (
	"fmt"
	"net/http"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
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
}

// token makes the authenticator for access tokens.
func (b *builder) token(accounts *auth.Accounts) (*bearer.Authenticator, error) {
	o := b.Auth.Bearer
	keys := b.keys
	if o.JWKSURL != "" {
		var err error
		keys, err = bearer.FetchKeys(bearer.FetchOptions{
			URL: o.JWKSURL,
			Transport: &http.Transport{
				Proxy:           http.ProxyFromEnvironment,
				TLSClientConfig: tlspolicy.Client(b.issuerRoots),
				// Fetches are rare; a connection that waits for the next one is of no use.
				DisableKeepAlives: true,
			},
			Logger: b.logger,
		})
		if err != nil {
			return nil, err
		}
	}
	return bearer.New(bearer.Options{
		Realm:          b.Auth.Realm,
		Issuer:         o.Issuer,
		Audience:       o.Audience,
		Keys:           keys,
		Algorithms:     o.Algorithms,
		Types:          o.Types,
		RequiredScopes: o.RequiredScopes,
		AuthzID:        b.authzID,
		Leeway:         o.Leeway.Std(),
		Accounts:       accounts,
	})
}
