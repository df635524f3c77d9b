// Package health asks all dependencies at once and says which one fails.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Timeout is what a dependency gets to answer; grace is for the check to notice its end.
const (
	Timeout = 1500 * time.Millisecond
	grace   = 50 * time.Millisecond
)

// The two states of a service and of a dependency.
const (
	OK      = "ok"
	Failing = "failing"
)

// Dependency is one thing that a service cannot work without.
type Dependency struct {
	Name    string
	Check   func(ctx context.Context) error
	Timeout time.Duration // 0 means Timeout
}

// State is what is known about one dependency.
type State struct {
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
}

// Report is the body of GET /health.
type Report struct {
	Status       string           `json:"status"`
	Service      string           `json:"service"`
	Dependencies map[string]State `json:"dependencies"`
}

// Ask checks the dependencies side by side: the slowest one sets the time, not their sum.
func Ask(ctx context.Context, service string, deps []Dependency) Report {
	type answer struct {
		name  string
		state State
	}
	answers := make(chan answer, len(deps))
	for _, dep := range deps {
		go func() { answers <- answer{dep.Name, ask(ctx, dep)} }()
	}
	report := Report{Status: OK, Service: service, Dependencies: map[string]State{}}
	for range deps {
		a := <-answers
		report.Dependencies[a.name] = a.state
		if a.state.Status != OK {
			report.Status = Failing
		}
	}
	return report
}

// ask returns on time even when the check itself does not look at its context.
func ask(ctx context.Context, dep Dependency) State {
	timeout := dep.Timeout
	if timeout == 0 {
		timeout = Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- dep.Check(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done: // a check that ends with its context may know more
		case <-time.After(grace):
			err = ctx.Err()
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", timeout)
	}
	if err != nil {
		return State{Status: Failing, Error: err.Error()}
	}
	return State{Status: OK}
}

// Handler answers 200 when every dependency answers, else 503.
func Handler(service string, deps []Dependency) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		report := Ask(r.Context(), service, deps)
		w.Header().Set("Content-Type", "application/json")
		if report.Status != OK {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(report) // the client has gone: nobody to tell
	}
}
