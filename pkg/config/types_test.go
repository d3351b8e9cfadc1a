package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/config"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0s": 0, "500ms": 500 * time.Millisecond, "30s": 30 * time.Second, "5m": 5 * time.Minute,
		"1h": time.Hour, "1h30m": 90 * time.Minute, "1m5s": 65 * time.Second, "1h0m5s": time.Hour + 5*time.Second,
	} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.Std() != want {
			t.Errorf("%s: %v, %v; want %v", text, d.Std(), err, want)
		}
		if d.String() != text {
			t.Errorf("%s prints as %s", text, d)
		}
	}
	for _, text := range []string{"", "5", "0", "5.5", "-5s", "5 s", "5d", "soon", "0x5"} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, d)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{"0B": 0, "1B": 1, "1KiB": 1 << 10, "1536B": 1536, "3MiB": 3 << 20, "2GiB": 2 << 30} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: %d, %v; want %d", text, s, err, want)
		}
		if s.String() != text {
			t.Errorf("%s prints as %s", text, s)
		}
	}
	for _, text := range []string{"", "5", "B", "-1B", "+1B", "1.5MiB", "1MB", "1kB", "1mib", "99999999999GiB"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, int64(s))
		}
	}
}

// TestSecretIsNeverPrinted tries the ways in which a value reaches a log.
func TestSecretIsNeverPrinted(t *testing.T) {
	file := load(t, config.Sources{Path: "gateway.yaml"})
	if file.Directory.Bind.Password.Value() != password {
		t.Fatalf("the secret is %q", file.Directory.Bind.Password.Value())
	}
	encoded, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("start", "bind", file.Directory.Bind, "password", file.Directory.Bind.Password)
	for name, shown := range map[string]string{
		"%v": fmt.Sprintf("%v", file), "%+v": fmt.Sprintf("%+v", *file), "%#v": fmt.Sprintf("%#v", *file),
		"%x": fmt.Sprintf("%x", file.Directory.Bind.Password), "%d": fmt.Sprintf("%d", file.Directory.Bind.Password),
		"print": fmt.Sprint(file.Directory.Bind.Password), "json": string(encoded), "slog": log.String(),
	} {
		if strings.Contains(shown, password) || strings.Contains(shown, fmt.Sprintf("%x", password)) {
			t.Errorf("%s shows the secret: %s", name, shown)
		}
	}
}
