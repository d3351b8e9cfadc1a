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
	s.client.keep(op.final, req.Answer)
	if op.result.Code == codeSuccess {
		generated, err := op.final.GeneratedPassword()
		if err != nil {
			return none, transportFault(&lostError{reason: err}, true)
		}
		return directory.NewPassword(generated), nil
	}
	policy, err := op.final.PolicyError()
	if err != nil {
		s.client.options.Logger.Warn("what the password policy said makes no sense", "error", err)
	}
	return none, passwordFault(op.result, policy)
}

// exchangePassword changes a password by a modification, which deletes the old one where there
// is one. 389 Directory Server takes the extended operation of a caller for one of the
// gateway: it would do what the caller may not, and has the caller change the password once
// more. A password that the directory is to make is made here.
func (s *session) exchangePassword(ctx context.Context, req *directory.PasswordRequest) (directory.Password, error) {
	var generated directory.Password
	password := req.New
	if password == "" {
		password = rand.Text()
		generated = directory.NewPassword(password)
	}
	changes := []directory.Change{{Op: directory.ChangeReplace, Attribute: "userPassword", Values: []string{password}}}
	if req.Old != "" {
		changes = []directory.Change{
			{Op: directory.ChangeDelete, Attribute: "userPassword", Values: []string{req.Old}},
			{Op: directory.ChangeAdd, Attribute: "userPassword", Values: []string{password}},
		}
	}
	_, err := s.Modify(ctx, &directory.ModifyRequest{DN: req.DN, Changes: changes, WriteOptions: directory.WriteOptions{Controls: req.Controls, Answer: req.Answer}})
	var e *fault.Error
	if errors.As(err, &e) && e.Detail.Kind == "noSuchAttribute" {
		err = fault.Wrap(fault.Invalid, err, "the old password is not right").Named("wrongPassword")
	}
	if err != nil {
		return directory.Password{}, err
	}
	return generated, nil
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
