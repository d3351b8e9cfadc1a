package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// row is one line of the result.
type row struct {
	Name    string  `json:"row"`
	Unit    string  `json:"unit"`
	Ours    float64 `json:"ours"`
	Control float64 `json:"control"`
	// Ratio is ours to control.
	Ratio float64 `json:"ratio"`
	// Target says what the ratio, or ours, has to be.
	Target  string `json:"target"`
	Verdict string `json:"verdict"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == controlVerb {
		if err := runControl(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flag.DurationVar(&o.duration, "duration", 3*time.Second, "how long one measurement takes")
	flag.IntVar(&o.clients, "clients", 16, "how many clients ask at once")
	flag.IntVar(&o.entries, "entries", 10_000, "how many users the directory has")
	flag.StringVar(&o.out, "out", filepath.Join("bench", "out", "bench.json"), "the `file` for the result")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds   int
	duration time.Duration
	clients  int
	entries  int
	out      string
}

func run(ctx context.Context, o options) (err error) {
	if runtime.GOOS != "linux" {
		return errors.New("processor time is read from /proc, which only Linux has")
	}
	b, err := setUp(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	fmt.Fprintf(os.Stderr, "%d users on %s, %d clients, %d rounds of %s, %d processors\n", o.entries, b.slapd, o.clients, o.rounds, o.duration, runtime.NumCPU())
	rows, err := b.measure(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		fmt.Printf("%s\t%s\t%.2f\t%.2f\t%.2f\t%s\t%s\n", r.Name, r.Unit, r.Ours, r.Control, r.Ratio, r.Target, r.Verdict)
	}
	return write(o.out, rows)
}

func write(path string, rows []row) error {
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// compare makes a row from the rounds, by medians. Good is true where the row meets
// its target.
func compare(name, unit string, ours, control []float64, target string, good func(ours, ratio float64) bool) row {
	r := row{Name: name, Unit: unit, Ours: median(ours), Control: median(control), Target: target, Verdict: "missed"}
	if r.Control != 0 {
		r.Ratio = r.Ours / r.Control
	}
	if good(r.Ours, r.Ratio) {
		r.Verdict = "met"
	}
	return r
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
