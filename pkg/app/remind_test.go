package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// Of a certificate that expires soon the log tells once a day, of another one at once, and
// when it has expired.
func TestReminder(t *testing.T) {
	const day = 24 * time.Hour
	begun := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	of := func(days, certificates int) tlspolicy.Validity {
		return tlspolicy.Validity{NotBefore: begun.Add(-365 * day), NotAfter: begun.Add(time.Duration(days) * day), Certificates: certificates}
	}
	all := map[string]tlspolicy.Validity{
		"server.certificates[0].cert": of(10, 3),
		"directory.bind.cert":         of(100, 1),
		"directory.ca":                of(10, 1),
		"outboundTLS.ca":              of(-5, 2), // The other one is what counts.
	}
	var log bytes.Buffer
	r := reminder{logger: slog.New(slog.NewTextHandler(&log, nil)), told: make(map[string]told)}
	after := func(d time.Duration) (warnings, errors int, text string) {
		log.Reset()
		r.look(begun.Add(d), all)
		text = log.String()
		return strings.Count(text, "level=WARN"), strings.Count(text, "level=ERROR"), text
	}
	for _, test := range []struct {
		after            time.Duration
		warnings, errors int
	}{
		{0, 2, 0},
		{time.Hour, 0, 0},
		{23 * time.Hour, 0, 0},
		{day, 2, 0},
		{25 * time.Hour, 0, 0},
		{9*day + 23*time.Hour, 2, 0},
		{10*day + time.Hour, 0, 2},
		{10*day + 2*time.Hour, 0, 0},
		{11*day + time.Hour, 0, 2},
	} {
		warnings, errors, text := after(test.after)
		if warnings != test.warnings || errors != test.errors || strings.Contains(text, "outboundTLS") {
			t.Errorf("after %s: %s", test.after, text)
		}
	}
	all["server.certificates[0].cert"], all["directory.ca"] = of(24, 3), of(375, 1)
	if warnings, errors, text := after(11*day + 2*time.Hour); warnings != 1 || errors != 0 || !strings.Contains(text, "server.certificates[0].cert") || !strings.Contains(text, "notAfter=2030-01-25T00:00:00.000Z") {
		t.Errorf("of its successor: %s", text)
	}
}
