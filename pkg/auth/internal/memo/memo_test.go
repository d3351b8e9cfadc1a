package memo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// look returns a look-up that finds a value and counts.
func look(value string, keep time.Duration, count *int) func(context.Context) (Result[string], error) {
	return func(context.Context) (Result[string], error) {
		*count++
		return Result[string]{Value: value, Keep: keep}, nil
	}
}

func do(t *testing.T, c *Cache[string, string], key string, f func(context.Context) (Result[string], error)) string {
	t.Helper()
	value, _, err := c.Do(t.Context(), key, f)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestKeep(t *testing.T) {
	now := time.Unix(0, 0)
	c := New[string, string](10, func() time.Time { return now })
	count := 0
	for i, step := range []struct {
		at   time.Duration
		want int
	}{{0, 1}, {time.Minute - 1, 1}, {time.Minute, 2}, {2*time.Minute - 1, 2}, {2 * time.Minute, 3}} {
		now = time.Unix(0, 0).Add(step.at)
		if got := do(t, c, "a", look("v", time.Minute, &count)); got != "v" || count != step.want {
			t.Errorf("step %d: got %q after %d look-ups, want %d", i, got, count, step.want)
		}
	}
	if _, ok := c.Get("b"); ok {
		t.Error("a value that nobody stored is there")
	}
	do(t, c, "c", look("v", 0, &count))
	if _, ok := c.Get("c"); ok {
		t.Error("a value that is not to be kept is there")
	}
}

// A value is as old as the beginning of its look-up.
func TestKeepCountsFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, string](10, time.Now)
		do(t, c, "a", func(context.Context) (Result[string], error) {
			time.Sleep(20 * time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
			return Result[string]{Value: "v", Keep: 30 * time.Second}, nil
		})
		time.Sleep(10*time.Second - 1) //nolint:forbidigo // Fake time, in a bubble of synctest.
		if _, ok := c.Get("a"); !ok {
			t.Error("the value was forgotten early")
		}
		time.Sleep(time.Nanosecond) //nolint:forbidigo // Fake time, in a bubble of synctest.
		if _, ok := c.Get("a"); ok {
			t.Error("the value is older than it may be")
		}
	})
}

func TestErrorIsNotKept(t *testing.T) {
	c := New[string, string](10, time.Now)
	wrong := errors.New("wrong")
	fail := func(context.Context) (Result[string], error) {
		return Result[string]{Value: "v", Keep: time.Hour}, wrong
	}
	if value, _, err := c.Do(t.Context(), "a", fail); !errors.Is(err, wrong) || value != "v" {
		t.Errorf("got %q, %v", value, err)
	}
	if c.Len() != 0 {
		t.Error("the result of a failure is there")
	}
}

func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, string](10, time.Now)
		var looked, sharers atomic.Int64
		for range 100 {
			go func() {
				value, shared, err := c.Do(t.Context(), "a", func(context.Context) (Result[string], error) {
					looked.Add(1)
					time.Sleep(time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
					return Result[string]{Value: "v"}, nil
				})
				if value != "v" || err != nil {
					t.Errorf("got %q, %v", value, err)
				}
				if shared {
					sharers.Add(1)
				}
			}()
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
		synctest.Wait()
		if looked.Load() != 1 || sharers.Load() != 99 {
			t.Errorf("looked up %d times, shared %d times", looked.Load(), sharers.Load())
		}
	})
}

// One whose caller goes away does not take down those who wait for it.
func TestAbandonedFlightIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, string](10, time.Now)
		looked := 0
		slow := func(ctx context.Context) (Result[string], error) {
			looked++
			select {
			case <-time.After(time.Minute):
				return Result[string]{Value: "v"}, nil
			case <-ctx.Done():
				return Result[string]{}, ctx.Err()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, _, err := c.Do(ctx, "a", slow)
			first <- err
		}()
		synctest.Wait()
		second := make(chan error, 1)
		go func() {
			value, _, err := c.Do(t.Context(), "a", slow)
			if value != "v" {
				t.Errorf("the one who waited got %q", value)
			}
			second <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the one who went away got %v", err)
		}
		if err := <-second; err != nil || looked != 2 {
			t.Errorf("the one who waited got %v after %d look-ups", err, looked)
		}
	})
}

func TestWaitEndsWithItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, string](10, time.Now)
		go func() {
			_, _, _ = c.Do(t.Context(), "a", func(context.Context) (Result[string], error) {
				time.Sleep(time.Hour) //nolint:forbidigo // Fake time, in a bubble of synctest.
				return Result[string]{}, nil
			})
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, shared, err := c.Do(ctx, "a", nil)
		if !errors.Is(err, context.DeadlineExceeded) || !shared {
			t.Errorf("got shared %v, %v", shared, err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // Fake time, in a bubble of synctest.
	})
}

func TestPanicWakesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, string](10, time.Now)
		panicked := make(chan any, 1)
		go func() {
			defer func() { panicked <- recover() }()
			_, _, _ = c.Do(t.Context(), "a", func(context.Context) (Result[string], error) {
				time.Sleep(time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
				panic("broken")         //nolint:forbidigo // What the test is about.
			})
		}()
		synctest.Wait()
		count := 0
		if got := do(t, c, "a", look("v", time.Hour, &count)); got != "v" || count != 1 {
			t.Errorf("got %q after %d look-ups", got, count)
		}
		if got := <-panicked; got != "broken" {
			t.Errorf("the panic became %v", got)
		}
	})
}

// What is forgotten during its look-up is not kept, and nobody who comes later
// gets it.
func TestForgetDuringFlight(t *testing.T) {
	for name, forget := range map[string]func(*Cache[string, string]){
		"Forget":   func(c *Cache[string, string]) { c.Forget("a") },
		"Clear":    func(c *Cache[string, string]) { c.Clear() },
		"ForgetIf": func(c *Cache[string, string]) { c.ForgetIf(func(string) bool { return false }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New[string, string](10, time.Now)
				var done sync.WaitGroup
				done.Go(func() {
					value, _, err := c.Do(t.Context(), "a", func(context.Context) (Result[string], error) {
						time.Sleep(time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
						return Result[string]{Value: "old", Keep: time.Hour}, nil
					})
					if value != "old" || err != nil {
						t.Errorf("the one who began got %q, %v", value, err)
					}
				})
				synctest.Wait()
				forget(c)
				count := 0
				if got := do(t, c, "a", look("new", time.Hour, &count)); got != "new" || count != 1 {
					t.Errorf("one who came later got %q after %d look-ups", got, count)
				}
				done.Wait()
				if got, ok := c.Get("a"); !ok || got != "new" {
					t.Errorf("kept is %q, %v", got, ok)
				}
			})
		})
	}
}

func TestForgetIf(t *testing.T) {
	c := New[string, string](10, time.Now)
	count := 0
	for key, value := range map[string]string{"a": "red", "b": "blue", "c": "red"} {
		do(t, c, key, look(value, time.Hour, &count))
	}
	c.ForgetIf(func(value string) bool { return value == "red" })
	if _, ok := c.Get("b"); !ok || c.Len() != 1 {
		t.Errorf("%d entries are left; b is there: %v", c.Len(), ok)
	}
}

func TestEviction(t *testing.T) {
	const size = 100
	c := New[string, string](size, time.Now)
	count := 0
	do(t, c, "used", look("v", time.Hour, &count))
	for n := range 10 * size {
		do(t, c, fmt.Sprint(n), look("v", time.Hour, &count))
		if _, ok := c.Get("used"); !ok {
			t.Fatalf("what is in use was forgotten after %d others", n)
		}
		if c.Len() > size {
			t.Fatalf("%d entries are kept", c.Len())
		}
	}
	if _, ok := c.Get("0"); ok {
		t.Error("the oldest entry is there still")
	}
	if _, ok := c.Get(fmt.Sprint(10*size - 1)); !ok {
		t.Error("the newest entry is not there")
	}
}
