package directory

import "time"

// Why a password policy refuses a new password: all reasons that there are, with the names of
// draft-behera-ldap-password-policy §6.2. They are detail.passwordPolicy of the fault.
const (
	PasswordModNotAllowed       = "passwordModNotAllowed"
	MustSupplyOldPassword       = "mustSupplyOldPassword"
	InsufficientPasswordQuality = "insufficientPasswordQuality"
	PasswordTooShort            = "passwordTooShort"
	PasswordTooLong             = "passwordTooLong" // OpenLDAP 2.6
	PasswordTooYoung            = "passwordTooYoung"
	PasswordInHistory           = "passwordInHistory"
)

// PasswordReasons returns the reasons, in the order of their numbers.
func PasswordReasons() []string {
	return []string{
		PasswordModNotAllowed, MustSupplyOldPassword, InsufficientPasswordQuality,
		PasswordTooShort, PasswordTooYoung, PasswordInHistory, PasswordTooLong,
	}
}

// PasswordDemands are what a password policy demands of a new password. The zero
// PasswordDemands are those of a policy of which nothing is known.
type PasswordDemands struct {
	// MinLength and MaxLength bound its length in octets; 0 is no bound.
	MinLength, MaxLength int
	// MinAge is how old the present one has to be.
	MinAge time.Duration
	// InHistory is how many earlier ones it may not be.
	InHistory int
}
