package bearer_test

import (
	"fmt"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
)

// F044: no more tokens are remembered than the cache holds.
func TestIntrospectionCacheSize(t *testing.T) {
	a := newAsked(t, func(o *bearer.Options) { cached(o); o.Introspection.CacheSize = 10 })
	const tokens = 30
	for n := range tokens {
		token := fmt.Sprint("token-", n)
		a.Set(token, a.Active("bjensen"))
		a.wantGood(t, token)
	}
	a.asks(t, tokens)
	for n := range tokens { // Each is forgotten before its turn comes.
		a.wantGood(t, fmt.Sprint("token-", n))
	}
	if asked := len(a.Questions()); asked < 2*tokens-10 {
		t.Errorf("%d questions for %d tokens, twice each", asked, tokens)
	}
}
