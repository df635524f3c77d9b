// Package env reads the settings of a service. Each has a default; a value that
// cannot be read is an error that says which variable to correct.
package env

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Reader collects the errors, so that a service can name all of them at once.
type Reader struct{ errs []error }

// String returns the variable, or fallback when it is unset or empty.
func (r *Reader) String(name, fallback string) string {
	if v := strings.TrimSpace(os.Getenv(name)); v != "" {
		return v
	}
	return fallback
}

// List splits a comma-separated variable.
func (r *Reader) List(name, fallback string) []string {
	var out []string
	for _, v := range strings.Split(r.String(name, fallback), ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// Int returns a whole number of at least minimum.
func (r *Reader) Int(name string, fallback, minimum int) int {
	v, err := strconv.Atoi(r.String(name, strconv.Itoa(fallback)))
	if err != nil || v < minimum {
		r.fail(name, fmt.Sprintf("a whole number of at least %d", minimum))
		return fallback
	}
	return v
}

// Float returns a number that is not negative.
func (r *Reader) Float(name string, fallback float64) float64 {
	v, err := strconv.ParseFloat(r.String(name, fmt.Sprint(fallback)), 64)
	if err != nil || !(v >= 0 && v <= 1e6) {
		r.fail(name, "a number from 0 to 1000000")
		return fallback
	}
	return v
}

// Duration returns a positive duration such as 500ms or 10s.
func (r *Reader) Duration(name string, fallback time.Duration) time.Duration {
	v, err := time.ParseDuration(r.String(name, fallback.String()))
	if err != nil || v <= 0 {
		r.fail(name, "a duration above zero, such as 500ms or 10s")
		return fallback
	}
	return v
}

// Err is nil when every variable could be read.
func (r *Reader) Err() error { return errors.Join(r.errs...) }

func (r *Reader) fail(name, want string) {
	r.errs = append(r.errs, fmt.Errorf("%s=%q: set it to %s", name, os.Getenv(name), want))
}
