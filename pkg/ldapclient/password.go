package ldapclient

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// ModifyPassword changes a password (RFC 3062). Like every change it is sent once, on a
// connection that carries nothing else meanwhile.
func (s *session) ModifyPassword(ctx context.Context, req *directory.PasswordRequest) (directory.Password, error) {
	none := directory.Password{}
	known, err := s.client.knowledge(ctx)
	if err != nil {
		return none, err
	}
	if req.Trial {
		return none, s.tryPassword(ctx, known, req)
	}
	controls, err := s.with(req.Controls)
	if err != nil {
		return none, err
	}
	if known.capabilities.Dialect == ds389 && s.proxied {
		return s.exchangePassword(ctx, req)
	}
	if known.controls[ldapwire.OIDPasswordPolicy] {
		controls = append(controls, ldapwire.PasswordPolicy())
	}
	op, err := s.send(ctx, req.DN, request{name: "modifyPassword", want: ldapwire.ExtendedResponse, controls: controls, encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		value := ldapwire.PasswordModify{User: req.DN.String(), Old: req.Old, New: req.New}
		return ldapwire.AppendExtended(dst, id, ldapwire.OIDPasswordModify, value.Encode(), controls...)
	}, base: req.DN})
	if err != nil {
		return none, err
	}
	s.client.keep(req.Answer, op.answer)
	if op.result.Code == codeSuccess {
		generated, err := decoded(op, (*ldapwire.Message).GeneratedPassword)
		if err != nil {
			return none, transportFault(&lostError{reason: err}, true)
		}
		return directory.NewPassword(generated), nil
	}
	policy, err := decoded(op, (*ldapwire.Message).PolicyError)
	if err != nil {
		s.client.options.Logger.Warn("what the password policy said makes no sense", "error", err)
	}
	return none, passwordFault(op.result, policy)
}

// exchangePassword changes a password by a modification. 389 Directory Server takes the extended operation of a caller for one of the
// gateway: it would do what the caller may not, and has the caller change the password once
// more. A password that the directory is to make is made here.
func (s *session) exchangePassword(ctx context.Context, req *directory.PasswordRequest) (directory.Password, error) {
	var generated directory.Password
	password := req.New
	if password == "" {
		password = rand.Text()
		generated = directory.NewPassword(password)
	}
	if err := s.setPassword(ctx, req, password); err != nil {
		return directory.Password{}, err
	}
	return generated, nil
}

// tryPassword tries the change of a password by a modification: servers try those, and not the
// extended operation. Where an old password is to be compared, that needs a password policy,
// which knows the stored one by it.
func (s *session) tryPassword(ctx context.Context, known *knowledge, req *directory.PasswordRequest) error {
	if req.Old != "" && !known.controls[ldapwire.OIDPasswordPolicy] {
		return errLacks(ldapwire.OIDPasswordPolicy)
	}
	password := req.New
	if password == "" {
		password = rand.Text()
	}
	err := s.setPassword(ctx, req, password)
	var e *fault.Error
	if req.Old != "" && errors.As(err, &e) && e.Detail.PasswordPolicy == directory.MustSupplyOldPassword {
		return errWrongPassword(err)
	}
	return err
}

// setPassword changes a password, or tries to, by a modification, which deletes the old one
// where there is one.
func (s *session) setPassword(ctx context.Context, req *directory.PasswordRequest, password string) error {
	changes := []directory.Change{{Op: directory.ChangeReplace, Attribute: attrPassword, Values: []string{password}}}
	if req.Old != "" {
		changes = []directory.Change{
			{Op: directory.ChangeDelete, Attribute: attrPassword, Values: []string{req.Old}},
			{Op: directory.ChangeAdd, Attribute: attrPassword, Values: []string{password}},
		}
	}
	_, err := s.Modify(ctx, &directory.ModifyRequest{
		DN: req.DN, Changes: changes, WriteOptions: directory.WriteOptions{Trial: req.Trial, Controls: req.Controls, Answer: req.Answer},
	})
	var e *fault.Error
	if errors.As(err, &e) && e.Detail.Kind == "noSuchAttribute" {
		return errWrongPassword(err)
	}
	return err
}

func errWrongPassword(cause error) error {
	return fault.Wrap(fault.Invalid, cause, "the old password is not right").Named("wrongPassword")
}

// attrPassword is the attribute that password policies are about.
const attrPassword = "userPassword"

// isPassword reports whether an attribute description is of the password.
func isPassword(description string) bool {
	name, _, _ := strings.Cut(description, ";")
	return strings.EqualFold(name, attrPassword)
}

// askPolicy adds the control by which a server tells what its password policy has against a
// change, where it has one.
func (s *session) askPolicy(ctx context.Context, to *[]ldapwire.Control) error {
	known, err := s.client.knowledge(ctx)
	if err == nil && known.controls[ldapwire.OIDPasswordPolicy] {
		*to = append(*to, ldapwire.PasswordPolicy())
	}
	return err
}

// passwordFault turns a refusal to change a password into a fault.
func passwordFault(result ldapwire.Result, policy ldapwire.PolicyError) *fault.Error {
	e := resultFault(result)
	switch {
	case policy != ldapwire.NoPolicyError:
		return policyFault(e, result.Code, policy)
	case isWrongPassword(result):
		e.Kind, e.Message = fault.Invalid, "the old password is not right"
		return e.Named("wrongPassword")
	case result.Code == codeProtocolError:
		// The answer to an operation that is not there (RFC 4511 §4.12).
		e.Kind, e.Message = fault.Unsupported, "the directory cannot change passwords in this way (RFC 3062)"
		return e.Named("passwordModify")
	}
	return e
}

// isWrongPassword reports whether a directory did not take the old password. OpenLDAP
// has no result code for that.
func isWrongPassword(result ldapwire.Result) bool {
	return result.Code == codeInvalidCredential ||
		result.Code == codeUnwilling && strings.Contains(result.Diagnostic, "unwilling to verify old password")
}

// policyReason is what a password policy refused, for a client.
type policyReason struct{ name, message string }

// reasonOf is the table of draft-behera-ldap-password-policy §6.2, as far as it is about
// changes.
func reasonOf(policy ldapwire.PolicyError) policyReason {
	switch policy {
	case ldapwire.PasswordModNotAllowed:
		return policyReason{directory.PasswordModNotAllowed, "the password policy does not let you change this password"}
	case ldapwire.MustSupplyOldPassword:
		return policyReason{directory.MustSupplyOldPassword, "the password policy demands the old password"}
	case ldapwire.InsufficientQuality:
		return policyReason{directory.InsufficientPasswordQuality, "the new password is not good enough for the password policy"}
	case ldapwire.PasswordTooShort:
		return policyReason{directory.PasswordTooShort, "the new password is too short for the password policy"}
	case ldapwire.PasswordTooLong:
		return policyReason{directory.PasswordTooLong, "the new password is too long for the password policy"}
	case ldapwire.PasswordTooYoung:
		return policyReason{directory.PasswordTooYoung, "the password was changed a short time ago, and the password policy demands to wait"}
	case ldapwire.PasswordInHistory:
		return policyReason{directory.PasswordInHistory, "the new password was in use before"}
	case ldapwire.NoPolicyError, ldapwire.PasswordExpired, ldapwire.AccountLocked, ldapwire.ChangeAfterReset:
	}
	return policyReason{"", "the password policy refuses the change"}
}

// policyFault completes the fault of a refusal with the policy's reason. A directory
// that is merely unwilling means that the caller may not.
func policyFault(e *fault.Error, code int, policy ldapwire.PolicyError) *fault.Error {
	reason := reasonOf(policy)
	if code == codeUnwilling || e.Kind == fault.Unauthenticated {
		e.Kind = fault.Forbidden
	}
	e.Message = reason.message
	e.Detail = fault.Detail{Kind: "passwordPolicy", PasswordPolicy: reason.name}
	return e
}
