package ldapclient

import (
	"fmt"
	"regexp"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// Result codes that are looked at by name (RFC 4511 §4.1.9).
const (
	codeSuccess              = 0
	codeOperationsError      = 1
	codeProtocolError        = 2
	codeSizeLimitExceeded    = 4
	codeCompareFalse         = 5
	codeCompareTrue          = 6
	codeReferral             = 10
	codeUnavailableExtension = 12
	codeInvalidCredential    = 49
	codeInsufficientAccess   = 50
	codeBusy                 = 51
	codeUnavailable          = 52
	codeUnwilling            = 53
	codeOther                = 80
	codeAuthorizationDenied  = 123
)

// meaning is what a result code means for a client.
type meaning struct {
	kind fault.Kind
	// detail is the finer kind, the name of the code where nothing is better.
	detail  string
	message string
}

// Codes returns the result codes that have a meaning of their own, with their kind
// and finer kind, for documents. Every other code is Internal.
func Codes() map[int][2]string {
	codes := make(map[int][2]string)
	for code := range 1 << 15 {
		if m := meaningOf(code); m.detail != unknownCode {
			codes[code] = [2]string{m.kind.String(), m.detail}
		}
	}
	return codes
}

const unknownCode = "directoryError"

// meaningOf is the table of result codes; there is no other.
func meaningOf(code int) meaning {
	switch code {
	case 3:
		return meaning{fault.Timeout, "timeLimit", "the directory's time limit was reached; ask for less"}
	case codeSizeLimitExceeded:
		return meaning{fault.TooLarge, "sizeLimit", "the directory's size limit for you was reached; ask for less"}
	case 7:
		return meaning{fault.Unauthenticated, "authMethodNotSupported", "the directory does not take this kind of authentication"}
	case 8:
		return meaning{fault.Forbidden, "strongerAuthRequired", "the directory demands a stronger authentication for this"}
	case codeReferral:
		return meaning{fault.BadGateway, "referral", "the directory refers to another server, and referrals are not followed"}
	case 11:
		return meaning{fault.TooLarge, "adminLimit", "a limit of the directory was reached; ask for less"}
	case codeUnavailableExtension:
		return meaning{fault.Unsupported, "unavailableCriticalExtension", "the directory does not have a feature that this request needs"}
	case 13:
		return meaning{fault.Forbidden, "confidentialityRequired", "the directory demands a better protected connection for this"}
	case 16:
		return meaning{fault.Invalid, "noSuchAttribute", "the resource does not have the value that is to be removed or incremented"}
	case 17:
		return meaning{fault.Invalid, "undefinedAttributeType", "the directory does not know an attribute of this resource"}
	case 18:
		return meaning{fault.Invalid, "inappropriateMatching", "the directory cannot compare an attribute in this way"}
	case 19:
		return meaning{fault.Invalid, "constraintViolation", "a value breaks a constraint of the directory"}
	case 20:
		return meaning{fault.Invalid, "attributeOrValueExists", "a value that is to be added is there already, or was sent twice"}
	case 21:
		return meaning{fault.Invalid, "invalidAttributeSyntax", "a value is not of its attribute's syntax"}
	case 32:
		// The kind of an entry that the caller may not see, too: nobody can tell the two apart.
		return meaning{fault.NotFound, fault.NotFound.String(), "the resource is not there"}
	case 34:
		return meaning{fault.Invalid, "invalidDNSyntax", "the id makes no name that the directory takes"}
	case 48:
		return meaning{fault.Unauthenticated, "inappropriateAuthentication", "valid credentials are required"}
	case codeInvalidCredential:
		return meaning{fault.Unauthenticated, "invalidCredentials", "valid credentials are required"}
	case codeInsufficientAccess:
		return meaning{fault.Forbidden, "insufficientAccessRights", "you have no right to do this"}
	case codeBusy:
		return meaning{fault.Unavailable, "directoryBusy", "the directory is busy; try again later"}
	case codeUnavailable:
		return meaning{fault.Unavailable, "directoryUnavailable", "the directory is not available; try again later"}
	case codeUnwilling:
		return meaning{fault.Invalid, "unwillingToPerform", "the directory refuses to do this"}
	case 64:
		return meaning{fault.Invalid, "namingViolation", "the resource cannot have this name, or be in this place"}
	case 65:
		return meaning{fault.Invalid, "objectClassViolation", "the resource lacks something that its type needs, or has something that its type does not allow"}
	case 66:
		return meaning{fault.Invalid, "notAllowedOnNonLeaf", "the resource has others below it"}
	case 67:
		return meaning{fault.Invalid, "notAllowedOnRDN", "the value is part of the resource's name and cannot be removed"}
	case 68:
		return meaning{fault.PreconditionFailed, "alreadyExists", "a resource with this id is there already"}
	case 69:
		return meaning{fault.Invalid, "objectClassModsProhibited", "the type of a resource cannot be changed in this way"}
	case 60:
		return meaning{fault.Invalid, "sortControlMissing", "a part of a result needs an order"}
	case 61:
		return meaning{fault.Invalid, "offsetRangeError", "the result has no such place"}
	case 76:
		return meaning{fault.Invalid, "virtualListViewError", "the directory cannot return this part of the result"}
	case 122:
		return meaning{fault.PreconditionFailed, "assertionFailed", "the resource is not in the required state"}
	case codeAuthorizationDenied:
		return meaning{fault.Forbidden, "authorizationDenied", "the directory does not let the gateway act for you"}
	}
	return meaning{fault.Internal, unknownCode, "the directory could not do this"}
}

// resultFault turns a result that is no success into a fault. The diagnostic text
// of the server stays private, but for the name of an attribute in it.
func resultFault(result ldapwire.Result) *fault.Error {
	m := meaningOf(result.Code)
	e := fault.Wrap(m.kind, &resultError{result}, "%s", m.message).Named(m.detail)
	if namesAttribute(result.Code) {
		e.Detail.Attribute = attributeIn(result.Diagnostic)
	}
	return e
}

// fault turns the result of an operation that was no success into a fault.
func (op *operation) fault() *fault.Error {
	e := resultFault(op.result)
	e.RetryAfter = op.wait
	return e
}

// resultError is a server's refusal, for the log.
type resultError struct{ result ldapwire.Result }

func (e *resultError) Error() string {
	name := "unknown"
	if code := e.result.Code; code >= 0 && code < 1<<16 && ldap.LDAPResultCodeMap[uint16(code)] != "" {
		name = ldap.LDAPResultCodeMap[uint16(code)]
	}
	return fmt.Sprintf("LDAP result %d (%s): %s", e.result.Code, name, e.result.Diagnostic)
}

// namesAttribute reports whether a refusal is about an attribute or its values.
func namesAttribute(code int) bool {
	return code >= 16 && code <= 21 || code == 64 || code == 65 || code == 67
}

// attributePatterns find the attribute in OpenLDAP's diagnostics: "mail: value #0
// invalid per syntax", "modify/delete: mail: no such value", "object class 'person' requires attribute 'sn'".
var attributePatterns = []*regexp.Regexp{ //nolint:gochecknoglobals // Constant patterns.
	regexp.MustCompile(`^(?:modify/[a-z]+: )?([A-Za-z][A-Za-z0-9-]*(?:;[A-Za-z0-9-]+)*): `),
	regexp.MustCompile(`attribute '([A-Za-z][A-Za-z0-9-]*(?:;[A-Za-z0-9-]+)*)'`),
}

func attributeIn(diagnostic string) string {
	for _, pattern := range attributePatterns {
		if found := pattern.FindStringSubmatch(diagnostic); found != nil {
			return found[1]
		}
	}
	return ""
}
