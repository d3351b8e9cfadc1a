package app

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

const (
	// lookout is how often certificates are looked at, and insistence how often the same is
	// told of one.
	lookout    = time.Hour
	insistence = 24 * time.Hour
)

// remind warns of certificates in force that expire soon, until ctx ends.
func (a *App) remind(ctx context.Context) {
	tick := time.NewTicker(lookout)
	defer tick.Stop()
	r := reminder{logger: a.logger, told: make(map[string]told)}
	for {
		r.look(time.Now(), a.validity())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// validity returns for how long the certificates that are in force are good.
func (a *App) validity() map[string]tlspolicy.Validity {
	all := maps.Clone(a.current.Load().validity)
	for setting, v := range a.builder.watched {
		all[setting] = v()
	}
	return all
}

// reminder knows what has been told of certificates.
type reminder struct {
	logger *slog.Logger
	told   map[string]told
}

type told struct {
	notAfter  time.Time
	isExpired bool
	at        time.Time
}

// endsSoon reports whether the certificates in the file of a setting need a successor. Those in
// a bundle of several authorities do not: one on its way out is kept beside its successor.
func endsSoon(setting string, v tlspolicy.Validity, now time.Time) bool {
	return v.EndsSoon(now) && (v.Certificates == 1 || strings.HasSuffix(setting, ".cert"))
}

// look warns, once a day, of each certificate that expires soon, and of one that has expired.
func (r *reminder) look(now time.Time, all map[string]tlspolicy.Validity) {
	for setting, v := range all {
		if !endsSoon(setting, v, now) {
			continue
		}
		last := r.told[setting]
		isExpired := now.After(v.NotAfter)
		if last.notAfter.Equal(v.NotAfter) && last.isExpired == isExpired && now.Sub(last.at) < insistence {
			continue
		}
		r.told[setting] = told{v.NotAfter, isExpired, now}
		if isExpired {
			r.logger.Error("a certificate has expired; put another one in its place", "setting", setting, "notAfter", v.NotAfter.UTC())
		} else {
			r.logger.Warn("a certificate expires soon; put another one in its place", "setting", setting, "notAfter", v.NotAfter.UTC())
		}
	}
}
