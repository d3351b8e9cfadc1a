package audit

import (
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memsink keeps what is written, and the order of events.
type memsink struct {
	mu     sync.Mutex // guards the fields below
	stored strings.Builder
	steps  []string // "write", "sync", "reopen", "close", and what tests add
	syncs  int      // that succeeded
	// writeErr and syncErr are the answers, when not nil.
	writeErr, syncErr error
	greatest          int // bytes in one write
	// pause is how long each write takes.
	pause time.Duration
	// hold, when not nil, is what each write waits for.
	hold chan struct{}
}

func (s *memsink) Write(lines []byte) (int, error) {
	s.mu.Lock()
	hold := s.hold
	s.greatest = max(s.greatest, len(lines))
	s.mu.Unlock()
	time.Sleep(s.pause) //nolint:forbidigo // A slow sink.
	if hold != nil {
		<-hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step("write")
	if s.writeErr != nil {
		return 0, s.writeErr
	}
	return s.stored.Write(lines)
}

func (s *memsink) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step("sync")
	if s.syncErr == nil {
		s.syncs++
	}
	return s.syncErr
}

func (s *memsink) Reopen() error { s.note("reopen"); return nil }
func (s *memsink) Close() error  { s.note("close"); return nil }

func (s *memsink) note(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step(step)
}

func (s *memsink) step(step string) { s.steps = append(s.steps, step) }

func (s *memsink) fail(write, sync error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeErr, s.syncErr = write, sync
}

func (s *memsink) synced() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.syncs
}

func (s *memsink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored.String()
}

// line is what tests read of a record.
type line struct {
	ID    string `json:"transactionId"`
	Phase string `json:"phase"`
	Lost  int64  `json:"lost"`
}

func parseLines(t *testing.T, text string) []line {
	t.Helper()
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Errorf("the last line is cut: %q", text)
	}
	var lines []line
	for raw := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// lines returns "id phase" of each record.
func (s *memsink) lines(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, l := range parseLines(t, s.text()) {
		names = append(names, strings.TrimSpace(l.ID+" "+l.Phase))
	}
	return names
}

func newRecorder(t testing.TB, o Options) *Recorder {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r, err := NewRecorder(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
