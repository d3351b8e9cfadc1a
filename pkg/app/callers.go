package app

import (
	"context"
	"net/http"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/auth/basic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// chain makes the ways to authenticate that the configuration has.
func (b *builder) chain(client directory.Directory) (*auth.Chain, error) {
	accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: client, Policy: b.passwordPolicy, Logger: b.logger})
	if err != nil {
		return nil, err
	}
	b.accounts = accounts
	b.forget = append(b.forget, accounts.PurgeEntry)
	var authenticators []auth.Authenticator
	if b.Auth.Basic != nil {
		a, err := b.password(client, accounts)
		if err != nil {
			return nil, err
		}
		b.forget = append(b.forget, a.Forget)
		authenticators = append(authenticators, a)
	}
	if b.Auth.Bearer != nil {
		a, err := b.token(accounts)
		if err != nil {
			return nil, err
		}
		authenticators = append(authenticators, bounded{a, b.Limits.RequestTimeout.Std()})
	}
	return auth.NewChain(authenticators...), nil
}

func (b *builder) password(client directory.Directory, accounts *auth.Accounts) (*basic.Authenticator, error) {
	o := basic.Options{
		Directory:    client,
		Accounts:     accounts,
		Realm:        b.Auth.Realm,
		KeepPassword: b.Directory.Identity == "bind",
		DNTemplate:   b.dnTemplate,
		Cache:        b.Auth.Basic.Cache.Std(),
		Timeout:      b.Limits.RequestTimeout.Std(),
	}
	if b.Auth.Basic.Mode == "search" {
		o.Search = &basic.Search{Base: b.baseDN, Scope: directory.ScopeSubtree, Filter: b.filter}
		if b.Auth.Basic.Scope == "one" {
			o.Search.Scope = directory.ScopeOneLevel
		}
	}
	return basic.New(o)
}

// scheme is an authenticator that has a challenge.
type scheme interface {
	auth.Authenticator
	auth.Challenger
}

// bounded is a scheme that gives up after a time. The limits of the engine begin when
// the caller is known; a directory that is silent must not hold a request before that.
type bounded struct {
	scheme

	timeout time.Duration
}

// Authenticate authenticates within the time.
func (b bounded) Authenticate(r *http.Request) (*auth.Principal, error) {
	ctx, cancel := context.WithTimeout(r.Context(), b.timeout)
	defer cancel()
	return b.scheme.Authenticate(r.WithContext(ctx))
}
