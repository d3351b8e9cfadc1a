package app

import "time"

// SetGrace changes how long requests at work may take at the end.
func (a *App) SetGrace(grace time.Duration) { a.grace = grace }

// AtWork reports whether a request is at work.
func (a *App) AtWork() bool {
	if !a.requests.TryLock() {
		return true
	}
	a.requests.Unlock()
	return false
}
