package bearer

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer/bearertest"
)

// benchmark runs f for each kind of key with a good token.
func benchmark(b *testing.B, f func(b *testing.B, g *gateway, token string)) {
	issuer := bearertest.Start(b)
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		issuer.Add(algorithm, algorithm)
	}
	g := newGateway(b, issuer, func(o *Options) { o.Clock = time.Now })
	issuer.Clock = time.Now // As the clock of the gateway.
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		token := issuer.Token(issuer.Header(algorithm), issuer.Claims("bjensen").With("exp", time.Now().Unix()+3600))
		b.Run(algorithm, func(b *testing.B) {
			b.ReportAllocs()
			f(b, g, token)
		})
	}
}

// BenchmarkFirstUse is the whole verification of a token that is not remembered;
// BenchmarkSignature is the part of it that nobody can save.
func BenchmarkFirstUse(b *testing.B) {
	benchmark(b, func(b *testing.B, g *gateway, token string) {
		for b.Loop() {
			g.cache.Clear()
			if _, err := g.send(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSignature(b *testing.B) {
	benchmark(b, func(b *testing.B, g *gateway, token string) {
		signed, err := jose.ParseSignedCompact(token, g.algorithms)
		if err != nil {
			b.Fatal(err)
		}
		header := signed.Signatures[0].Header
		keys, err := g.options.Keys.find(b.Context(), header.KeyID, header.Algorithm)
		if err != nil || len(keys) != 1 {
			b.Fatalf("%d keys, %v", len(keys), err)
		}
		for b.Loop() {
			if _, err := signed.Verify(keys[0]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRepeated is a token that is remembered.
func BenchmarkRepeated(b *testing.B) {
	benchmark(b, func(b *testing.B, g *gateway, token string) {
		for b.Loop() {
			if _, err := g.send(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
