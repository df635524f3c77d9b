// Package switches holds the faults that can be turned on while a service runs.
package switches

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// look is how often a wait looks at its switch.
const look = 100 * time.Millisecond

// Switch is one value that can be set from outside. Its zero value is "off".
type Switch interface {
	Set(text string) error
	Value() any
}

// Int is a whole number from 0 to Max.
type Int struct {
	Max int64
	v   atomic.Int64
}

// Set reads the value from text.
func (s *Int) Set(text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 || v > s.Max {
		return fmt.Errorf("give a whole number from 0 to %d", s.Max)
	}
	s.v.Store(v)
	return nil
}

// Get returns the current value.
func (s *Int) Get() int64 { return s.v.Load() }

// Swap stores v when the value still is old.
func (s *Int) Swap(old, v int64) { s.v.CompareAndSwap(old, v) }

// Value is what GET /switches shows.
func (s *Int) Value() any { return s.Get() }

// Wait takes the value as milliseconds. It looks at the switch again and again: who
// turns it off must not wait for a delay that is no longer set.
func (s *Int) Wait(ctx context.Context) error {
	started := time.Now()
	for {
		left := time.Duration(s.Get())*time.Millisecond - time.Since(started)
		if left <= 0 {
			return ctx.Err()
		}
		if err := pause(ctx, min(left, look)); err != nil {
			return err
		}
	}
}

// Share is a number from 0 to 1.
type Share struct{ bits atomic.Uint64 }

// Set reads the value from text.
func (s *Share) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("give a number from 0 to 1")
	}
	s.bits.Store(math.Float64bits(v))
	return nil
}

// Get returns the current value.
func (s *Share) Get() float64 { return math.Float64frombits(s.bits.Load()) }

// Value is what GET /switches shows.
func (s *Share) Value() any { return s.Get() }

// Bool is on or off.
type Bool struct{ v atomic.Bool }

// Set reads the value from text; 0 is accepted so that every switch can be turned off alike.
func (s *Bool) Set(text string) error {
	v, ok := map[string]bool{"true": true, "on": true, "1": true, "false": false, "off": false, "0": false}[strings.ToLower(text)]
	if !ok {
		return fmt.Errorf("give true or false")
	}
	s.v.Store(v)
	return nil
}

// Get returns the current value.
func (s *Bool) Get() bool { return s.v.Load() }

// Value is what GET /switches shows.
func (s *Bool) Value() any { return s.Get() }

// WaitOff blocks while the switch is on.
func (s *Bool) WaitOff(ctx context.Context) error {
	for s.Get() {
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Set is a service's switches by name. Add them before Handler serves.
type Set struct {
	byName   map[string]Switch
	onChange []func(name string)
	onReset  []func()
}

// Add registers a switch.
func (s *Set) Add(name string, sw Switch) {
	if s.byName == nil {
		s.byName = map[string]Switch{}
	}
	s.byName[name] = sw
}

// OnChange calls f after a switch was set.
func (s *Set) OnChange(f func(name string)) { s.onChange = append(s.onChange, f) }

// OnReset calls f after all switches were turned off.
func (s *Set) OnReset(f func()) { s.onReset = append(s.onReset, f) }

// Values returns the current value of every switch.
func (s *Set) Values() map[string]any {
	out := make(map[string]any, len(s.byName))
	for name, sw := range s.byName {
		out[name] = sw.Value()
	}
	return out
}

// Apply sets one switch from text.
func (s *Set) Apply(name, text string) error {
	sw, ok := s.byName[name]
	if !ok {
		return fmt.Errorf("unknown switch %q: use one of %s", name, strings.Join(s.names(), ", "))
	}
	if err := sw.Set(text); err != nil {
		return fmt.Errorf("switch %s cannot be %q: %w", name, text, err)
	}
	for _, f := range s.onChange {
		f(name)
	}
	return nil
}

// Reset turns every switch off.
func (s *Set) Reset() error {
	for _, name := range s.names() {
		if err := s.byName[name].Set("0"); err != nil {
			return fmt.Errorf("switch %s cannot be turned off: %w", name, err)
		}
	}
	for _, f := range s.onReset {
		f()
	}
	return nil
}

func (s *Set) names() []string {
	out := make([]string, 0, len(s.byName))
	for name := range s.byName {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// Handler serves the admin listener.
func (s *Set) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /switches", func(w http.ResponseWriter, _ *http.Request) { s.show(w) })
	mux.HandleFunc("POST /switch/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, s.Apply(r.PathValue("name"), r.URL.Query().Get("value")))
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) { s.answer(w, s.Reset()) })
	return mux
}

func (s *Set) answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.show(w)
}

func (s *Set) show(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Values()) // the client has gone: nobody to tell
}
