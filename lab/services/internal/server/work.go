package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// statusClientGone marks requests that the client gave up (nginx's convention): nobody
// saw an answer, and it is no error of ours.
const statusClientGone = 499

// Error is an answer other than success, with the status that the client gets.
type Error struct {
	Status int
	Text   string
}

func (e *Error) Error() string { return e.Text }

// Fail builds an Error.
func Fail(status int, format string, args ...any) error {
	return &Error{status, fmt.Sprintf(format, args...)}
}

// Result is a success: what to send as JSON, and with which status.
type Result struct {
	Status int
	Body   any
}

// Work registers a work endpoint. The switches act on it, it is counted, it has a
// deadline, and only its failures are logged.
func (s *Server) Work(pattern string, limit time.Duration, handle func(*http.Request) (Result, error)) {
	_, path, _ := strings.Cut(pattern, " ")
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.hangs(r) || s.slow.Wait(r.Context()) != nil {
			w.WriteHeader(statusClientGone)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		result, err := s.try(r.WithContext(ctx), handle)
		if err != nil {
			s.fail(w, r, path, err)
			return
		}
		writeJSON(w, result.Status, result.Body)
	})
	s.mux.Handle(pattern, s.instrument(path, s.recovered(answer)))
}

// try lets the switch "errors" take its share.
func (s *Server) try(r *http.Request, handle func(*http.Request) (Result, error)) (Result, error) {
	if rand.Float64() < s.errors.Get() {
		return Result{}, Fail(http.StatusInternalServerError, "internal error")
	}
	return handle(r)
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, path string, err error) {
	answer := &Error{http.StatusInternalServerError, err.Error()}
	errors.As(err, &answer)
	if r.Context().Err() != nil {
		answer = &Error{statusClientGone, "the client gave up"}
	}
	if answer.Status >= http.StatusInternalServerError {
		slog.Error("request failed", "method", r.Method, "path", path, "status", answer.Status, "error", answer.Text)
	}
	writeJSON(w, answer.Status, map[string]string{"error": answer.Text})
}

// hangs blocks while the switch "hang" was on at the start, until the client gives up.
func (s *Server) hangs(r *http.Request) bool {
	if !s.hang.Get() {
		return false
	}
	select {
	case <-r.Context().Done():
	case <-s.stopping:
	}
	return true
}

// recovered answers 500 when a handler panics, and logs where it did.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				slog.Error("handler panicked", "method", r.Method, "path", r.URL.Path,
					"error", fmt.Sprint(p), "stack", string(debug.Stack()))
				writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "internal error"})
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody to tell
}
