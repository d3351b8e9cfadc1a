package auth_test

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newAccounts makes a verifier of accounts that logs nothing unless it is told to.
func newAccounts(t *testing.T, o auth.AccountsOptions) *auth.Accounts {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	accounts, err := auth.NewAccounts(o)
	if err != nil {
		t.Fatal(err)
	}
	return accounts
}
