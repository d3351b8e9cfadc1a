package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/tally"
)

func TestOpenSink(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	file := filepath.Join(t.TempDir(), "events.jsonl")
	var stderr strings.Builder
	for _, test := range []struct{ path, want string }{{file, ""}, {"", "{}\n"}, {os.DevNull, ""}} {
		stderr.Reset()
		sink, err := openSink(test.path, &stderr, logger)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sink.Write([]byte("{}\n")); err != nil {
			t.Errorf("%q: %v", test.path, err)
		}
		if err := sink.Reopen(); err != nil {
			t.Errorf("%q: %v", test.path, err)
		}
		if err := sink.Close(); err != nil {
			t.Errorf("%q: %v", test.path, err)
		}
		if stderr.String() != test.want {
			t.Errorf("%q: standard error has %q", test.path, stderr.String())
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "{}\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := openSink(filepath.Join(file, "nosuch"), &stderr, logger); err == nil {
		t.Error("a file in a file was opened")
	}
}

// TestOpenSink_Full: a device that takes nothing says so, with every write.
func TestOpenSink_Full(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		tally.Unfit(t, err)
	}
	sink, err := openSink("/dev/full", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write([]byte("{}\n")); err == nil {
		t.Error("stored")
	}
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
}
