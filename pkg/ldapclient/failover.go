package ldapclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// downError tells that a server cannot be reached, and when it will be tried again.
type downError struct {
	cause error
	wait  time.Duration
}

func (e *downError) Error() string { return "the server cannot be reached: " + e.cause.Error() }
func (e *downError) Unwrap() error { return e.cause }

// bindError is the refusal of the gateway's own credentials, or a failure while they
// were looked at.
type bindError struct{ reason error }

func (e *bindError) Error() string { return "bind of the gateway's own account: " + e.reason.Error() }
func (e *bindError) Unwrap() error { return e.reason }

// each tries the servers in order until one does not answer with a *downError. Nobody
// waits for a server that is down as long as another one is up.
func (c *Client) each(servers []*server, try func(s *server, patient bool) error) error {
	for _, patient := range []bool{false, true} {
		var first error
		var wait time.Duration
		for _, s := range servers {
			err := try(s, patient)
			var down *downError
			if !errors.As(err, &down) {
				return err
			}
			if first == nil {
				first, wait = err, down.wait
			}
			wait = min(wait, down.wait)
		}
		if patient {
			return downFault(first, wait)
		}
	}
	return nil // Not reached: the second round ends above.
}

// downFault is the fault for a directory none of whose servers can be reached.
func downFault(cause error, wait time.Duration) *fault.Error {
	var e *fault.Error
	var unfit *unfitError
	cause = &endError{cause, directory.Outcome{Progress: directory.NotSent}}
	switch {
	case errors.As(cause, &unfit):
		e = fault.Wrap(unfit.fault.Kind, cause, "%s", unfit.fault.Message).Named(unfit.fault.Detail.Kind)
	case isCertificateError(cause):
		e = fault.Wrap(fault.BadGateway, cause, "the certificate of the directory could not be verified; the operator has to mend that").Named("directoryCertificate")
	case isRefusedCertificate(cause):
		e = fault.Wrap(fault.BadGateway, cause, "the directory refused the gateway's own certificate; the operator has to mend that").Named("directoryClientCertificate")
	case isNoTLS(cause):
		e = fault.Wrap(fault.BadGateway, cause, "the directory speaks no TLS that is safe enough; the operator has to mend that").Named("directoryTLS")
	case isRefusedBind(cause):
		e = fault.Wrap(fault.BadGateway, cause, "the directory refused the gateway's own account; the operator has to mend that").Named("directoryCredentials")
	case isReferral(cause):
		e = fault.Wrap(fault.BadGateway, cause, "%s", meaningOf(codeReferral).message).Named(meaningOf(codeReferral).detail)
	case isNonsense(cause):
		e = fault.Wrap(fault.BadGateway, cause, "the directory sent an answer that makes no sense").Named("malformedAnswer")
	default:
		e = fault.Wrap(fault.Unavailable, cause, "the directory cannot be reached; try again later").Named("directoryUnreachable")
	}
	e.RetryAfter = wait
	return e
}

func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// isRefusedCertificate reports whether the server said in the handshake, or right after it
// (RFC 8446 §4.4.2), that something is wrong with the gateway's certificate or its absence.
func isRefusedCertificate(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error" && strings.Contains(remote.Error(), "certificate")
}

// isNoTLS reports whether a handshake failed for another reason than a way that is bad:
// because of its version or ciphers, or because what answers speaks no TLS.
func isNoTLS(err error) bool {
	var (
		handshake *handshakeError
		network   net.Error
		remote    *net.OpError
	)
	if !errors.As(err, &handshake) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	if errors.As(err, &remote) {
		return remote.Op == "remote error"
	}
	return !errors.As(err, &network) && !errors.Is(err, context.Canceled) && !errors.Is(err, net.ErrClosed)
}

func isRefusedBind(err error) bool {
	var (
		bind    *bindError
		refused *resultError
	)
	if !errors.As(err, &bind) {
		return false
	}
	if errors.Is(bind.reason, errOwnReset) {
		return true
	}
	if !errors.As(bind.reason, &refused) {
		return false
	}
	switch refused.result.Code {
	case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultInappropriateAuthentication,
		ldap.LDAPResultNoSuchObject, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultUnwillingToPerform:
		return true
	}
	return false
}

// isReferral reports whether the server sent the gateway's own account elsewhere.
func isReferral(err error) bool {
	var refused *resultError
	return errors.As(err, &refused) && refused.result.Code == codeReferral
}

// isNonsense reports whether what answers on fresh connections is no directory.
func isNonsense(err error) bool {
	var bind *bindError
	var vet *vetError
	return (errors.As(err, &bind) || errors.As(err, &vet)) && errors.Is(err, ldapwire.ErrMalformed)
}
