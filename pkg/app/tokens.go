package app

import (
	"fmt"
	"net/http"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

func (i *inspector) bearer() {
	b := i.file.Auth.Bearer
	if b == nil {
		return
	}
	i.issuerRoots = i.roots("auth.bearer.ca", b.CA)
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
		roots := b.issuerRoots
		if roots == nil {
			roots = b.outboundRoots
		}
		var err error
		keys, err = bearer.FetchKeys(bearer.FetchOptions{
			URL: o.JWKSURL,
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: tlspolicy.Client(roots), ForceAttemptHTTP2: true,
				MaxIdleConns: 1, IdleConnTimeout: time.Minute,
			},
			Logger: b.logger,
		})
		if err != nil {
			return nil, err
		}
	}
	return bearer.New(bearer.Options{
		Realm: b.Auth.Realm, Issuer: o.Issuer, Audience: o.Audience, Keys: keys, Algorithms: o.Algorithms, Types: o.Types,
		RequiredScopes: o.RequiredScopes, AuthzID: b.authzID, Leeway: o.Leeway.Std(), Accounts: accounts,
	})
}
