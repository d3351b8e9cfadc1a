package ldapwire

// OIDPasswordPolicy is the control by which a password policy is asked for what it has to
// say (draft-behera-ldap-password-policy §6).
const OIDPasswordPolicy = "1.3.6.1.4.1.42.2.27.8.5.1"

// Encode returns the value of the request that changes a password (RFC 3062 §2). An empty
// password is sent where HasOld or HasNew is set. OpenLDAP takes a User without a prefix only.
func (p *PasswordModify) Encode() string {
	value, start := begin(nil, tagSequence)
	value = appendString(value, 0x80, p.User)
	if p.HasOld || p.Old != "" {
		value = appendString(value, 0x81, p.Old)
	}
	if p.HasNew || p.New != "" {
		value = appendString(value, 0x82, p.New)
	}
	return string(end(value, start))
}

// GeneratedPassword returns the password that a server made and tells in its answer
// (RFC 3062 §2), "" when it made none.
func (m *Message) GeneratedPassword() (string, error) {
	value, err := m.ExtendedValue()
	if err != nil || value == "" {
		return "", err
	}
	outer := scan{rest: reader(value)}
	s := outer.within(tagSequence)
	password := ""
	if s.has(0x80) {
		password = string(s.contents(0x80))
	}
	if s.err == nil && len(s.rest) > 0 {
		s.fail(malformed("tag %#x in the answer to the change of a password", s.rest.peek()))
	}
	return password, s.err
}

// PasswordPolicy asks for the reason when a policy refuses; not critical.
func PasswordPolicy() Control { return Control{oid: OIDPasswordPolicy} }

// PolicyError is why a password policy refused (draft-behera-ldap-password-policy §6.2).
type PolicyError int

// The reasons that there are.
const (
	// NoPolicyError means that no policy refused.
	NoPolicyError         PolicyError = -1
	PasswordExpired       PolicyError = 0
	AccountLocked         PolicyError = 1
	ChangeAfterReset      PolicyError = 2
	PasswordModNotAllowed PolicyError = 3
	MustSupplyOldPassword PolicyError = 4
	InsufficientQuality   PolicyError = 5
	PasswordTooShort      PolicyError = 6
	PasswordTooYoung      PolicyError = 7
	PasswordInHistory     PolicyError = 8
	PasswordTooLong       PolicyError = 9 // OpenLDAP 2.6
)

// PolicyAnswer is what a password policy has to say (draft-behera-ldap-password-policy §6.2).
type PolicyAnswer struct {
	// Error is why it refused, or NoPolicyError.
	Error PolicyError
	// Expires is in how many seconds the password expires, where HasExpiry is set.
	Expires   int32
	HasExpiry bool
	// Grace is how many more times an expired password is good, where HasGrace is set.
	Grace    int32
	HasGrace bool
}

// Tags of the response control.
const (
	tagPolicyWarning         = 0xa0
	tagPolicyExpiry          = 0x80
	tagPolicyGrace           = 0x81
	tagPolicyErrorEnumerated = 0x81
)

// PolicyError returns the error of the password policy's response control,
// NoPolicyError when there is none.
func (m *Message) PolicyError() (PolicyError, error) {
	answer, err := m.PolicyAnswer()
	return answer.Error, err
}

// PolicyAnswer returns what the password policy's response control says; without one the
// answer has NoPolicyError and no warning.
func (m *Message) PolicyAnswer() (PolicyAnswer, error) {
	answer := PolicyAnswer{Error: NoPolicyError}
	value, found, err := m.control(OIDPasswordPolicy)
	if err != nil || !found {
		return answer, err
	}
	outer := scan{rest: value}
	s := outer.within(tagSequence)
	if s.has(tagPolicyWarning) {
		warning := s.within(tagPolicyWarning)
		switch {
		case warning.has(tagPolicyExpiry):
			answer.Expires, answer.HasExpiry = int32(warning.integer(tagPolicyExpiry)), true
		case warning.has(tagPolicyGrace):
			answer.Grace, answer.HasGrace = int32(warning.integer(tagPolicyGrace)), true
		}
		if warning.err != nil {
			s.fail(warning.err)
		}
	}
	if s.err == nil && len(s.rest) > 0 {
		answer.Error = PolicyError(s.integer(tagPolicyErrorEnumerated))
	}
	if s.err != nil {
		return PolicyAnswer{Error: NoPolicyError}, s.err
	}
	return answer, nil
}
