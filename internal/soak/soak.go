// Package soak gives tests their size: short in every run, full in "make soak".
package soak

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Environment variables that this package reads.
const (
	// Variable asks for the full size.
	Variable = "REST2LDAP_TEST_SOAK"
	// SeedVariable repeats a run.
	SeedVariable = "REST2LDAP_TEST_SEED"
)

// Mark begins what a test logs for the account of a long run: its seed, and how much it
// did. The account has it of tests that pass, too.
const Mark = "soak: "

// Size returns short, or full in a long run.
func Size(short, full int) int {
	if os.Getenv(Variable) != "" {
		return full
	}
	return short
}

// Rand returns a source of random numbers, and logs its seed. The seed is a new one
// each time unless SeedVariable names it.
func Rand(tb testing.TB) *rand.Rand {
	tb.Helper()
	return seeded(tb, rand.Uint64()) //nolint:gosec // No secret depends on it.
}

// RandFrom is Rand with a given seed in short runs: for a search whose finds are for those
// who look for them, not for everybody's next run.
func RandFrom(tb testing.TB, seed uint64) *rand.Rand {
	tb.Helper()
	if os.Getenv(Variable) != "" {
		return Rand(tb)
	}
	return seeded(tb, seed)
}

func seeded(tb testing.TB, seed uint64) *rand.Rand {
	tb.Helper()
	if text := os.Getenv(SeedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			tb.Fatalf("%s: %v", SeedVariable, err)
		}
	}
	tb.Logf(Mark+"%s=%d repeats this run", SeedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // See above.
}
