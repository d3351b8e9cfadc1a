package legacy

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"5 minutes": "5m", "30 seconds": "30s", "1 hour": "1h", "1 hour and 30 minutes": "90m", "2 h, 5 min": "125m", "90s": "90s", "1 day": "24h", "250 ms": "250ms",
		"5 MINUTES": "5m", "zero": "", "unlimited": "", "5": "", "": "", "0 seconds": "", "five minutes": "", "5 parsecs": "", "99999999999 s": "",
	} {
		d, err := parseDuration(text)
		got := ""
		if err == nil {
			got = written(d)
		}
		if got != want {
			t.Errorf("%q: %s, %v; want %q", text, got, err, want)
		}
	}
	if d, err := parseDuration("2000000000 weeks 2000000000 weeks"); err != nil || d < 0 || d > 10_000*time.Hour*24 {
		t.Errorf("a very long time is %v, %v", d, err)
	}
}
