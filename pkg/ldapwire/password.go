package ldapwire

// OIDPasswordPolicy is the control by which a password policy is asked for what it has to
// say (draft-behera-ldap-password-policy §6).
const OIDPasswordPolicy = "1.3.6.1.4.1.42.2.27.8.5.1"

// Encode returns the value of the request that changes a password (RFC 3062 §2), with
// all its parts, be they empty. OpenLDAP takes a User without a prefix only.
func (p *PasswordModify) Encode() string {
	value, start := begin(nil, tagSequence)
	value = appendString(value, 0x80, p.User)
	value = appendString(value, 0x81, p.Old)
	value = appendString(value, 0x82, p.New)
	return string(end(value, start))
}

// PasswordPolicy asks for the reason when a policy refuses; not critical.
func PasswordPolicy() Control { return Control{oid: OIDPasswordPolicy} }

// PolicyError is why a password policy refused (draft-behera-ldap-password-policy §6.2).
type PolicyError int

// The reasons that there are for a new password.
const (
	// NoPolicyError means that no policy refused.
	NoPolicyError         PolicyError = -1
	PasswordModNotAllowed PolicyError = 3
	MustSupplyOldPassword PolicyError = 4
	InsufficientQuality   PolicyError = 5
	PasswordTooShort      PolicyError = 6
	PasswordTooYoung      PolicyError = 7
	PasswordInHistory     PolicyError = 8
	PasswordTooLong       PolicyError = 9 // OpenLDAP 2.6
)

// Tags of the response control.
const (
	tagPolicyWarning         = 0xa0
	tagPolicyErrorEnumerated = 0x81
)

// PolicyError returns the error of the password policy's response control,
// NoPolicyError when there is none.
func (m *Message) PolicyError() (PolicyError, error) {
	value, found, err := m.control(OIDPasswordPolicy)
	if err != nil || !found {
		return NoPolicyError, err
	}
	if value, err = value.expect(tagSequence); err != nil {
		return NoPolicyError, err
	}
	if value.peek() == tagPolicyWarning {
		if _, err = value.expect(tagPolicyWarning); err != nil {
			return NoPolicyError, err
		}
	}
	if len(value) == 0 {
		return NoPolicyError, nil
	}
	code, err := value.integer(tagPolicyErrorEnumerated)
	if err != nil {
		return NoPolicyError, err
	}
	return PolicyError(code), nil
}
