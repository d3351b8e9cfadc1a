package httpserver

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// ContentType is the media type of every body that the gateway sends.
const ContentType = "application/json; charset=utf-8"

// WriteError answers a request with a fault: its status, the headers that belong to
// it (Retry-After, WWW-Authenticate, Allow), and the one error body
//
//	{"code":404,"reason":"Not Found","message":"…","detail":{"kind":"notFound",…}}
//
// where detail holds the finer kind, or else the name of the kind, and the members of
// [fault.Detail] that are set. An error that is no fault, and an Internal one, is
// logged, and the client sees the same message for all of them. When the answer has
// begun, WriteError is [Abort].
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	if a := answerOf(w); a != nil {
		if a.status != 0 {
			Abort(w, r, err)
		}
		a.note(err)
	}
	writeFault(w, r, err)
}

// Abort breaks off an answer that has begun, so that no client takes it for a whole
// one: HTTP/1 closes the connection without the last chunk, HTTP/2 resets the stream.
// It notes the fault for the event and does not return.
func Abort(w http.ResponseWriter, r *http.Request, err error) {
	if a := answerOf(w); a != nil {
		a.note(err)
	}
	report(r.Context(), asFault(err), err)
	panic(http.ErrAbortHandler) //nolint:forbidigo // The sentinel by which net/http breaks off an answer.
}

// AppendFault appends the error body of a fault that an answer tells inside, because it has
// begun as a success. Like Abort, it notes the fault for the event, and logs it.
func AppendFault(dst []byte, w http.ResponseWriter, r *http.Request, err error) []byte {
	if a := answerOf(w); a != nil {
		a.note(err)
	}
	e := asFault(err)
	report(r.Context(), e, err)
	return appendError(dst, statusOf(e), e)
}

func writeFault(w http.ResponseWriter, r *http.Request, err error) {
	e := asFault(err)
	report(r.Context(), e, err)
	h := w.Header()
	for _, name := range []string{"Etag", "Location", "Last-Modified"} { // They are of the resource.
		delete(h, name)
	}
	if len(e.Challenges) > 0 {
		h["Www-Authenticate"] = e.Challenges
	}
	if len(e.Allow) > 0 {
		h.Set("Allow", strings.Join(e.Allow, ", "))
	}
	if e.RetryAfter > 0 || e.Kind == fault.Unavailable || e.Kind == fault.TooManyRequests {
		h.Set("Retry-After", retryAfter(e.RetryAfter))
	}
	status := statusOf(e)
	body := appendError(make([]byte, 0, 256), status, e)
	if a := answerOf(w); a != nil && a.format != nil {
		body = a.format(r, body)
	}
	h.Set("Content-Type", ContentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // The answer notes it.
}

// retryAfter is a wait in whole seconds, rounded up, and at least one.
func retryAfter(wait time.Duration) string {
	return strconv.FormatInt(max(1, int64((wait+time.Second-1)/time.Second)), 10)
}

// report logs faults that an operator should know of.
func report(ctx context.Context, e *fault.Error, err error) {
	level := slog.LevelDebug
	switch e.Kind {
	case fault.Internal:
		level = slog.LevelError
	case fault.BadGateway, fault.Timeout:
		level = slog.LevelWarn
	default: // Refusals are in the audit events, outages in the log of what is out.
	}
	logger := settingsOf(ctx).logger
	if logger.Enabled(ctx, level) {
		logger.LogAttrs(ctx, level, "a request failed",
			slog.String("transactionId", TransactionID(ctx)), slog.String("kind", e.Kind.String()), slog.String("error", err.Error()))
	}
}

// internalMessage is the message of every Internal fault.
const internalMessage = "the gateway failed; its log tells more under the transaction id of this answer"

// ambiguousID is the one Internal fault whose message is for clients: it is the fault of the
// entries, and no log tells more.
const ambiguousID = "ambiguousID"

func appendError(b []byte, status int, e *fault.Error) []byte {
	message := e.Message
	if e.Kind == fault.Internal && e.Detail.Kind != ambiguousID {
		message = internalMessage
	}
	kind := e.Detail.Kind
	if kind == "" {
		kind = e.Kind.String()
	}
	b = strconv.AppendInt(append(b, `{"code":`...), int64(status), 10)
	b = appendString(append(b, `,"reason":`...), reason(status))
	b = appendString(append(b, `,"message":`...), message)
	b = appendString(append(b, `,"detail":{"kind":`...), kind)
	b = appendMember(b, "field", e.Detail.Field)
	b = appendMember(b, "parameter", e.Detail.Parameter)
	b = appendNumber(b, "position", int64(e.Detail.Position))
	b = appendNumber(b, "limit", e.Detail.Limit)
	b = appendMember(b, "attribute", e.Detail.Attribute)
	b = appendNumber(b, "deleted", e.Detail.Deleted)
	b = appendMember(b, "passwordPolicy", e.Detail.PasswordPolicy)
	b = appendQuality(b, e.Detail.Quality)
	return append(b, "}}"...)
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendString(b, value)
}

func appendNumber(b []byte, name string, value int64) []byte {
	if value == 0 {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return strconv.AppendInt(b, value, 10)
}

// appendQuality appends what a password was measured by.
func appendQuality(b []byte, q *fault.PasswordQuality) []byte {
	if q == nil {
		return b
	}
	b = appendString(append(b, `,"passwordQualityAdvice":{"attributeType":`...), q.Attribute)
	b = appendCriteria(append(b, `,"failingCriteria":`...), q.Failing)
	b = appendCriteria(append(b, `,"passingCriteria":`...), q.Passing)
	return append(b, '}')
}

func appendCriteria(b []byte, criteria []fault.Criterion) []byte {
	b = append(b, '[')
	for i, c := range criteria {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(append(b, `{"type":`...), c.Type), `,"parameters":{`...)
		for j, p := range c.Parameters {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(append(appendString(b, p.Name), ':'), p.Value, 10)
		}
		b = append(b, "}}"...)
	}
	return append(b, ']')
}

// appendString appends a JSON string (RFC 8259 §7). What is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
