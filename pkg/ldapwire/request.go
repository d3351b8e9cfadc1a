package ldapwire

import "github.com/rest2ldap/rest2ldap/pkg/directory"

// Tags of requests (RFC 4511 §4).
const (
	tagUnbindRequest   = 0x42
	tagSearchRequest   = 0x63
	tagModifyRequest   = 0x66
	tagAddRequest      = 0x68
	tagDelRequest      = 0x4a
	tagAbandonRequest  = 0x50
	tagExtendedRequest = 0x77
)

// message appends a message around what operation appends.
func message(dst []byte, id int32, controls []Control, operation func(dst []byte) []byte) []byte {
	dst, start := begin(dst, tagSequence)
	dst = appendInteger(dst, tagInteger, id)
	dst = operation(dst)
	return end(appendControls(dst, controls), start)
}

// AppendBind appends a simple bind (RFC 4511 §4.2).
func AppendBind(dst []byte, id int32, dn directory.DN, password string, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, byte(BindRequest))
		dst = appendInteger(dst, tagInteger, 3)
		dst = appendDN(dst, tagString, dn)
		return end(appendString(dst, tagSimple, password), start)
	})
}

// AppendSASLBind appends a bind by a SASL mechanism with an initial response (RFC 4511
// §4.2, RFC 4422).
func AppendSASLBind(dst []byte, id int32, mechanism, credentials string) []byte {
	return message(dst, id, nil, func(dst []byte) []byte {
		dst, start := begin(dst, byte(BindRequest))
		dst = appendInteger(dst, tagInteger, 3)
		dst = appendString(dst, tagString, "")
		dst, sasl := begin(dst, tagSASL)
		dst = appendString(dst, tagString, mechanism)
		dst = end(appendString(dst, tagString, credentials), sasl)
		return end(dst, start)
	})
}

// AppendSearch appends a search request (RFC 4511 §4.5.1). Aliases are never
// dereferenced. No attributes at all are asked for as "1.1".
func AppendSearch(dst []byte, id int32, req *directory.SearchRequest, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, tagSearchRequest)
		dst = appendDN(dst, tagString, req.Base)
		dst = appendInteger(dst, tagEnumerated, int32(req.Scope))
		dst = appendInteger(dst, tagEnumerated, 0)
		dst = appendInteger(dst, tagInteger, int32(min(req.SizeLimit, 1<<31-1)))
		dst = appendInteger(dst, tagInteger, 0)
		dst = appendBoolean(dst, tagBoolean, false)
		dst = AppendFilter(dst, &req.Filter)
		return end(appendNames(dst, req.Attributes), start)
	})
}

func appendDN(dst []byte, tag byte, dn directory.DN) []byte {
	dst, start := begin(dst, tag)
	return end(dn.Append(dst), start)
}

// appendNames appends an AttributeSelection; an empty one would mean everything.
func appendNames(dst []byte, attributes []string) []byte {
	dst, start := begin(dst, tagSequence)
	for _, name := range attributes {
		dst = appendString(dst, tagString, name)
	}
	if len(attributes) == 0 {
		dst = appendString(dst, tagString, "1.1")
	}
	return end(dst, start)
}

// AppendAdd appends an add request (RFC 4511 §4.7).
func AppendAdd(dst []byte, id int32, req *directory.AddRequest, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, tagAddRequest)
		dst = appendDN(dst, tagString, req.DN)
		dst, list := begin(dst, tagSequence)
		for i := range req.Attributes {
			dst = appendAttribute(dst, req.Attributes[i].Name, req.Attributes[i].Values)
		}
		return end(end(dst, list), start)
	})
}

func appendAttribute(dst []byte, name string, values []string) []byte {
	dst, start := begin(dst, tagSequence)
	dst = appendString(dst, tagString, name)
	dst, set := begin(dst, tagSet)
	for _, value := range values {
		dst = appendString(dst, tagString, value)
	}
	return end(end(dst, set), start)
}

// AppendModify appends a modify request (RFC 4511 §4.6, RFC 4525).
func AppendModify(dst []byte, id int32, req *directory.ModifyRequest, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, tagModifyRequest)
		dst = appendDN(dst, tagString, req.DN)
		dst, list := begin(dst, tagSequence)
		for i := range req.Changes {
			var change int
			dst, change = begin(dst, tagSequence)
			dst = appendInteger(dst, tagEnumerated, int32(req.Changes[i].Op))
			dst = appendAttribute(dst, req.Changes[i].Attribute, req.Changes[i].Values)
			dst = end(dst, change)
		}
		return end(end(dst, list), start)
	})
}

// AppendDelete appends a delete request (RFC 4511 §4.8).
func AppendDelete(dst []byte, id int32, dn directory.DN, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte { return appendDN(dst, tagDelRequest, dn) })
}

// AppendModifyDN appends a modify DN request (RFC 4511 §4.9).
func AppendModifyDN(dst []byte, id int32, req *directory.ModifyDNRequest, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, byte(ModifyDNRequest))
		dst = appendDN(dst, tagString, req.DN)
		dst = appendDN(dst, tagString, directory.DN{}.Child(req.RDN))
		dst = appendBoolean(dst, tagBoolean, !req.KeepOld)
		if req.Superior != nil {
			dst = appendDN(dst, tagNewSuperior, *req.Superior)
		}
		return end(dst, start)
	})
}

// AppendCompare appends a compare request (RFC 4511 §4.10).
func AppendCompare(dst []byte, id int32, req *directory.CompareRequest, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, byte(CompareRequest))
		dst = appendDN(dst, tagString, req.DN)
		dst, assertion := begin(dst, tagSequence)
		dst = appendString(dst, tagString, req.Attribute)
		dst = appendString(dst, tagString, req.Value)
		return end(end(dst, assertion), start)
	})
}

// AppendExtended appends an extended request (RFC 4511 §4.12); an empty value is none.
func AppendExtended(dst []byte, id int32, oid, value string, controls ...Control) []byte {
	return AppendExtendedRequest(dst, id, &directory.ExtendedRequest{OID: oid, Value: value, HasValue: value != ""}, controls...)
}

// AppendExtendedRequest appends an extended request (RFC 4511 §4.12).
func AppendExtendedRequest(dst []byte, id int32, req *directory.ExtendedRequest, controls ...Control) []byte {
	return message(dst, id, controls, func(dst []byte) []byte {
		dst, start := begin(dst, tagExtendedRequest)
		dst = appendString(dst, 0x80, req.OID)
		if req.HasValue {
			dst = appendString(dst, 0x81, req.Value)
		}
		return end(dst, start)
	})
}

// AppendAbandon appends the request to give up an operation (RFC 4511 §4.11).
func AppendAbandon(dst []byte, id, operation int32) []byte {
	return message(dst, id, nil, func(dst []byte) []byte { return appendInteger(dst, tagAbandonRequest, operation) })
}

// AppendUnbind appends the goodbye of a connection (RFC 4511 §4.3).
func AppendUnbind(dst []byte, id int32) []byte {
	return message(dst, id, nil, func(dst []byte) []byte { return append(dst, tagUnbindRequest, 0) })
}
