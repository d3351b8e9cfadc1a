package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// scripted answers with one error after the other, the last one again and again.
type scripted struct {
	errs []error
	at   []time.Duration
	from time.Time
}

func (s *scripted) Check(context.Context) error {
	s.at = append(s.at, time.Since(s.from))
	err := s.errs[0]
	if len(s.errs) > 1 {
		s.errs = s.errs[1:]
	}
	return err
}

func TestProbe(t *testing.T) {
	t.Parallel()
	down := fault.New(fault.Unavailable, "no server answers")
	unfit := fault.New(fault.BadGateway, "no proxied authorization").Named("proxiedAuthorization")
	for name, test := range map[string]struct {
		errs []error
		// at is when it asks.
		at    []time.Duration
		fatal bool
		// told is how often the log tells of an outage.
		told int
	}{
		"Answers":    {errs: []error{nil}, at: []time.Duration{0}},
		"Unfit":      {errs: []error{unfit}, at: []time.Duration{0}, fatal: true},
		"Later":      {errs: []error{down, down, down, nil}, at: []time.Duration{0, 1 * time.Second, 3 * time.Second, 7 * time.Second}, told: 1},
		"UnfitLater": {errs: []error{down, errors.New("other"), unfit}, at: []time.Duration{0, 1 * time.Second, 3 * time.Second}, told: 2, fatal: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				a := &App{logger: slog.New(slog.NewTextHandler(&log, nil))}
				directory := &scripted{errs: test.errs, from: time.Now()}
				err := a.probe(t.Context(), directory)
				if (err != nil) != test.fatal || test.fatal && !errors.Is(err, unfit) {
					t.Errorf("%v", err)
				}
				if diff := cmp.Diff(test.at, directory.at); diff != "" {
					t.Error(diff)
				}
				if n := strings.Count(log.String(), "does not serve"); n != test.told {
					t.Errorf("told %d times, want %d:\n%s", n, test.told, &log)
				}
			})
		})
	}
}

// TestProbe_Ends ends the context in a pause, and looks at the longest pause.
func TestProbe_Ends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		a := &App{logger: slog.New(slog.DiscardHandler)}
		directory := &scripted{errs: []error{fault.New(fault.Unavailable, "down")}, from: time.Now()}
		if err := a.probe(ctx, directory); err != nil {
			t.Error(err)
		}
		last := directory.at[len(directory.at)-2:]
		if last[1]-last[0] != probeLast {
			t.Errorf("the last pause is %v", last[1]-last[0])
		}
	})
}
