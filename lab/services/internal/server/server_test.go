package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lab/services/internal/env"
	"lab/services/internal/health"
)

func newServer(t *testing.T) *Server {
	t.Helper()
	var settings env.Reader
	s := New("test", 18080, &settings)
	s.Health(health.Dependency{Name: "postgres", Check: func(context.Context) error { return nil }})
	s.Work("GET /items/{id}", time.Second, func(r *http.Request) (Result, error) {
		switch r.PathValue("id") {
		case "panic":
			panic("boom")
		case "broken":
			return Result{}, errors.New("disk full")
		case "gone":
			return Result{}, Fail(http.StatusNotFound, "no such item")
		}
		return Result{http.StatusOK, map[string]string{"id": r.PathValue("id")}}, nil
	})
	return s
}

func get(s *Server, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

func TestAnswersAndTheirMetrics(t *testing.T) {
	s := newServer(t)
	for path, want := range map[string]int{
		"/items/1": 200, "/items/2": 200, "/items/gone": 404, "/items/broken": 500, "/items/panic": 500,
		"/health": 200, "/debug/pprof/goroutine?debug=1": 200, "/other/secret": 404,
	} {
		if rec := get(s, path); rec.Code != want {
			t.Errorf("%s: %d, want %d: %s", path, rec.Code, want, rec.Body)
		}
	}
	metrics := get(s, "/metrics").Body.String()
	for _, want := range []string{
		`http_requests_total{method="GET",path="/items/{id}",status="200"} 2`,
		`http_requests_total{method="GET",path="/items/{id}",status="500"} 2`,
		`http_requests_total{method="GET",path="unmatched",status="404"} 1`,
		`http_request_duration_seconds_count{method="GET",path="/items/{id}"} 5`,
		"go_goroutines ", "process_start_time_seconds ", "go_gc_gomemlimit_bytes ",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if strings.Contains(metrics, "secret") || strings.Contains(metrics, `path="/health"`) {
		t.Error("/metrics must not count probes or unknown paths by name")
	}
}

func TestErrorsLeavesHealthAlone(t *testing.T) {
	s := newServer(t)
	if err := s.Switches.Apply("errors", "1"); err != nil {
		t.Fatal(err)
	}
	if work, probe := get(s, "/items/1").Code, get(s, "/health").Code; work != 500 || probe != 200 {
		t.Fatalf("work %d, health %d, want 500 and 200", work, probe)
	}
}

func TestHangLastsUntilTheClientGivesUp(t *testing.T) {
	s := newServer(t)
	if err := s.Switches.Apply("hang", "true"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/items/1", "/health"} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		started := time.Now()
		s.mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
		cancel()
		if took := time.Since(started); took < 50*time.Millisecond || took > time.Second {
			t.Errorf("%s hung for %s", path, took)
		}
	}
	if !strings.Contains(get(s, "/metrics").Body.String(), `status="499"`) {
		t.Error("a request that the client gave up is no 5xx of ours")
	}
}

func TestLeaksGrowAndReset(t *testing.T) {
	s := newServer(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go s.leaks.Run(ctx)
	_ = s.Switches.Apply("leak_goroutines", "100")
	_ = s.Switches.Apply("leak_memory", "20")
	deadline := time.Now().Add(5 * time.Second)
	for !strings.Contains(get(s, "/debug/pprof/goroutine?debug=1").Body.String(), "faults.leakGoroutine") {
		if time.Now().After(deadline) {
			t.Fatal("the goroutine profile does not name leakGoroutine")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := s.Switches.Reset(); err != nil {
		t.Fatal(err)
	}
	for strings.Contains(get(s, "/debug/pprof/goroutine?debug=1").Body.String(), "faults.leakGoroutine") {
		if time.Now().After(deadline) {
			t.Fatal("reset must let the goroutines go")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestWhatItSaysWrongAboutItself(t *testing.T) {
	s := newServer(t)
	for _, row := range []struct {
		name, value, path string
		code              int
		text              string
	}{
		{"metrics", "1", "/metrics", 200, "<html>"},
		{"metrics", "2", "/metrics", 200, "sta"},
		{"metrics", "3", "/metrics", 200, "http_requests_total{status=\"200\"} 1\nhttp_requests_total{status=\"200\"} 1\n"},
		{"metrics", "4", "/metrics", 500, "no metrics"},
		{"metrics", "5", "/metrics", 200, ""},
		{"pprof", "1", "/debug/pprof/heap", 404, ""},
		{"pprof", "2", "/debug/pprof/heap", 403, ""},
		{"pprof", "3", "/debug/pprof/heap", 200, "\x1f\x8b"},
	} {
		if err := s.Switches.Apply(row.name, row.value); err != nil {
			t.Fatal(err)
		}
		rec := get(s, row.path)
		if rec.Code != row.code || !strings.Contains(rec.Body.String(), row.text) {
			t.Errorf("%s=%s: %s gave %d %q", row.name, row.value, row.path, rec.Code, rec.Body)
		}
		if err := s.Switches.Reset(); err != nil {
			t.Fatal(err)
		}
		if rec := get(s, row.path); rec.Code != http.StatusOK {
			t.Errorf("%s is %d after a reset", row.path, rec.Code)
		}
	}
}

func TestAHealthPageThatFlapsIsBothToWhoeverAsksTwice(t *testing.T) {
	s := newServer(t)
	if err := s.Switches.Apply("flap", "1"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if first, then := get(s, "/health").Code, get(s, "/health").Code; first == then {
			t.Errorf("two questions both saw %d", first)
		}
	}
}
