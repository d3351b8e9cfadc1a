package app

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/basic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// chain makes the ways to authenticate that the configuration has.
func (b *builder) chain(client *ldapclient.Client) (*auth.Chain, error) {
	accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: client, Policy: b.passwordPolicy, Logger: b.logger})
	if err != nil {
		return nil, err
	}
	b.accounts = accounts
	b.forget = append(b.forget, accounts.PurgeEntry)
	var authenticators []auth.Authenticator
	// Who is anonymous is asked for last, whatever the order of the challenges.
	for _, method := range slices.SortedStableFunc(slices.Values(b.Auth.Methods), anonymousLast) {
		a, err := b.authenticator(method, client, accounts)
		if err != nil {
			return nil, err
		}
		authenticators = append(authenticators, a)
	}
	return auth.NewChain(authenticators...), nil
}

func anonymousLast(a, b string) int {
	rank := func(method string) int {
		if method == auth.MethodAnonymous {
			return 1
		}
		return 0
	}
	return rank(a) - rank(b)
}

func (b *builder) authenticator(method string, client *ldapclient.Client, accounts *auth.Accounts) (auth.Authenticator, error) {
	timeout := b.Limits.RequestTimeout.Std()
	switch method {
	case "basic":
		a, err := b.password(client, accounts)
		if err != nil {
			return nil, err
		}
		b.forget = append(b.forget, a.Forget)
		return a, nil
	case "bearer":
		a, err := b.token(accounts)
		if err != nil {
			return nil, err
		}
		return scheme{bounded{a, timeout}, a}, nil
	default:
		a, err := auth.NewAnonymous(b.anonymous, accounts)
		if err != nil {
			return nil, err
		}
		return bounded{a, timeout}, nil
	}
}

func (b *builder) password(client *ldapclient.Client, accounts *auth.Accounts) (*basic.Authenticator, error) {
	o := basic.Options{
		Directory:    client,
		Accounts:     accounts,
		Realm:        b.Auth.Realm,
		KeepPassword: b.Directory.Identity == "bind",
		DNTemplate:   b.dnTemplate,
		Cache:        b.Auth.Basic.Cache.Std(),
		Timeout:      b.Limits.RequestTimeout.Std(),
		Logger:       b.logger,
	}
	if h := b.Auth.Basic.Headers; h != nil {
		o.NameHeader, o.PasswordHeader = h.Username, h.Password
	}
	switch b.Auth.Basic.Mode {
	case "sasl-plain":
		o.Plain = &basic.Plain{Directory: client, AuthzID: b.plainID}
	case "search":
		o.Search = &basic.Search{Base: b.baseDN, Scope: directory.ScopeSubtree, Filter: b.filter}
		if b.Auth.Basic.Scope == "one" {
			o.Search.Scope = directory.ScopeOneLevel
		}
	}
	return basic.New(o)
}

// scheme is a bounded authenticator that has a challenge.
type scheme struct {
	bounded
	auth.Challenger
}

// bounded is an authenticator that gives up after a time. The limits of the engine begin
// when the caller is known; a directory that is silent must not hold a request before that.
type bounded struct {
	auth.Authenticator

	timeout time.Duration
}

// Authenticate authenticates within the time.
func (b bounded) Authenticate(r *http.Request) (*auth.Principal, error) {
	ctx, cancel := context.WithTimeout(r.Context(), b.timeout)
	defer cancel()
	return b.Authenticator.Authenticate(r.WithContext(ctx))
}
