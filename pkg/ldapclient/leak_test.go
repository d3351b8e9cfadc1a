package ldapclient_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// leakFree checks, when everything of the test has ended, that it leaves neither a goroutine
// nor a descriptor behind. It comes first in a test that does not run beside others; its
// subtests may run beside each other.
func leakFree(t *testing.T) {
	t.Helper()
	current := goleak.IgnoreCurrent()
	before := descriptors()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		goleak.VerifyNone(t, current)
		if after := fewest(before); after > before {
			t.Errorf("%d descriptors are open, %d were before", after, before)
		}
	})
}

// fewest waits until no more descriptors are open than that, and returns how many are. The
// system takes its time to end a connection, and package net keeps pipes for copies between
// connections until they are collected.
func fewest(most int) int {
	for deadline := time.Now().Add(patience); descriptors() > most && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { //nolint:forbidigo // See above.
		runtime.GC()
	}
	return descriptors()
}

// patience is how long something may take that is about to happen.
const patience = 10 * time.Second

// descriptors counts those that are open; 0 where the system does not tell.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
