package audit

import (
	"crypto/tls"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxText is the greatest length of one text in a record, in bytes of UTF-8
	// before escaping. What is longer is cut there and ends in "…".
	MaxText = 2048
	// MaxChanged is the greatest number of names of changed attributes in a record.
	MaxChanged = 100
)

// phase is the stage of a request that a record tells of.
type phase string

const (
	phaseAttempt phase = "attempt"
	phaseOutcome phase = "outcome"
	phaseGap     phase = "gap"
)

// record is one line to be written.
type record struct {
	event  *Event // its lock is held
	phase  phase
	status int
	kind   string
	ticket *ticket // who waits for the attempt, else nil
	keep   bool    // the outcome of a change: the buffer's limit does not count
}

// append appends the record as a line.
func (r *record) append(b []byte, now time.Time) []byte {
	e := r.event
	b = appendHead(b, now, r.phase, e.start.TransactionID)
	b = appendText(b, "client", e.start.Client)
	b = e.recorder.appendTLS(b, e.start.TLS)
	b = appendText(b, "principal", e.principal)
	b = appendText(b, "authMethod", e.authMethod)
	b = appendText(b, "authzId", e.authzID)
	b = appendText(b, "method", e.start.Method)
	b = appendText(b, "path", e.start.path())
	b = appendText(b, "verb", e.verb)
	b = appendText(b, "action", e.action)
	b = appendText(b, "resource", e.resource)
	b = appendList(b, "changed", e.changed)
	if e.dryRun {
		b = append(appendName(b, "dryRun"), "true"...)
	}
	if r.phase == phaseOutcome {
		b = r.appendOutcome(b, now)
	}
	return append(b, '}', '\n')
}

func (r *record) appendOutcome(b []byte, now time.Time) []byte {
	kind := r.kind
	if kind == "" {
		kind = "ok"
	}
	b = appendNumber(b, "status", int64(r.status))
	b = appendText(b, "result", kind)
	b = appendText(b, "reason", r.event.reason)
	b = appendNumber(b, "elapsedMicros", now.Sub(r.event.began).Microseconds())
	b = appendNumber(b, "ldapOperations", r.event.operations.Load())
	if rows := r.event.rows.Load(); rows != 0 {
		b = appendNumber(b, "rows", rows)
	}
	if leftOut := r.event.leftOut.Load(); leftOut != 0 {
		b = appendNumber(b, "leftOut", leftOut)
	}
	if deleted := r.event.deleted.Load(); deleted != 0 {
		b = appendNumber(b, "deleted", deleted)
	}
	return b
}

// appendGap appends the line that confesses lost records.
func appendGap(b []byte, now time.Time, lost int64) []byte {
	b = appendHead(b, now, phaseGap, "")
	b = appendNumber(b, "lost", lost)
	return append(b, '}', '\n')
}

// appendHead begins an object with the members that every record has.
func appendHead(b []byte, now time.Time, p phase, transactionID string) []byte {
	b = append(b, `{"time":"`...)
	b = now.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","transactionId":"`...)
	b = appendEscaped(b, transactionID)
	b = append(b, `","phase":"`...)
	b = append(b, p...)
	return append(b, '"')
}

// suiteNames returns the names of the cipher suites that a connection can have;
// tls.CipherSuiteName would look for them in lists that it makes anew each time.
func suiteNames() map[uint16]string {
	names := make(map[uint16]string)
	for _, suite := range tls.CipherSuites() {
		names[suite.ID] = suite.Name
	}
	return names
}

func (r *Recorder) appendTLS(b []byte, state *tls.ConnectionState) []byte {
	if state == nil {
		return b
	}
	b = appendText(b, "tlsVersion", tls.VersionName(state.Version))
	b = appendText(b, "tlsCipher", r.suites[state.CipherSuite])
	if state.CurveID != 0 {
		b = appendText(b, "tlsGroup", state.CurveID.String())
	}
	return b
}

func appendName(b []byte, name string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendNumber(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(b, name), n, 10)
}

// appendText appends a member, unless its text is empty.
func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(appendName(b, name), '"')
	return append(appendEscaped(b, text), '"')
}

func appendList(b []byte, name string, texts []string) []byte {
	if len(texts) == 0 {
		return b
	}
	b = append(appendName(b, name), '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(appendEscaped(b, text), '"')
	}
	return append(b, ']')
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends text for the inside of a JSON string (RFC 8259 §7). All
// that is not printable is escaped, so that no reader of the raw line is fooled
// by a control or a direction mark; octets that are not UTF-8 become U+FFFD.
func appendEscaped(b []byte, text string) []byte {
	cut := len(text) > MaxText
	if cut {
		text = text[:MaxText]
	}
	plain := 0 // start of what can be copied as it is
	for i := 0; i < len(text); {
		c := text[i]
		if ' ' <= c && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r > 0x7f && unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		b = append(b, text[plain:i]...)
		b = appendEscape(b, r)
		i += size
		plain = i
	}
	b = append(b, text[plain:]...)
	if cut {
		b = append(b, "…"...)
	}
	return b
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, '\\', 'n')
	case '\t':
		return append(b, '\\', 't')
	}
	if r > 0xffff {
		r -= 0x10000
		b = appendUnit(b, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return appendUnit(b, r)
}

func appendUnit(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
