package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func good(context.Context) error { return nil }

func get(t *testing.T, deps ...Dependency) (int, Report) {
	t.Helper()
	rec := httptest.NewRecorder()
	Handler("orders", deps)(rec, httptest.NewRequest(http.MethodGet, "/health", nil))
	var report Report
	if err := json.Unmarshal(rec.Body.Bytes(), &report); err != nil {
		t.Fatalf("no JSON: %v: %s", err, rec.Body)
	}
	return rec.Code, report
}

func TestAllAnswer(t *testing.T) {
	status, report := get(t, Dependency{Name: "postgres", Check: good}, Dependency{Name: "kafka", Check: good})
	if status != 200 || report.Status != OK || report.Service != "orders" || len(report.Dependencies) != 2 {
		t.Fatalf("%d %+v", status, report)
	}
}

func TestNamesWhatFails(t *testing.T) {
	refused := func(context.Context) error { return errors.New("connection refused") }
	status, report := get(t, Dependency{Name: "postgres", Check: good}, Dependency{Name: "kafka", Check: refused})
	if status != 503 || report.Status != Failing {
		t.Fatalf("%d %+v", status, report)
	}
	want := map[string]State{"postgres": {Status: OK}, "kafka": {Status: Failing, Error: "connection refused"}}
	for name, state := range want {
		if report.Dependencies[name] != state {
			t.Errorf("%s is %+v, want %+v", name, report.Dependencies[name], state)
		}
	}
}

// Two dependencies hang, one of them deaf to its context: both cost their time once.
func TestHangingDependenciesCostTheirTimeOnce(t *testing.T) {
	polite := func(ctx context.Context) error { <-ctx.Done(); return errors.Join(errors.New("read"), ctx.Err()) }
	release := make(chan struct{})
	defer close(release)
	deaf := func(context.Context) error { <-release; return nil }
	started := time.Now()
	status, report := get(t,
		Dependency{Name: "redis", Check: polite, Timeout: 100 * time.Millisecond},
		Dependency{Name: "postgres", Check: deaf, Timeout: 100 * time.Millisecond},
		Dependency{Name: "kafka", Check: good})
	if took := time.Since(started); took > 190*time.Millisecond {
		t.Errorf("took %s", took)
	}
	if status != 503 || report.Dependencies["kafka"].Status != OK {
		t.Fatalf("%d %+v", status, report)
	}
	for _, name := range []string{"redis", "postgres"} {
		if report.Dependencies[name].Error != "no answer within 100ms" {
			t.Errorf("%s: %q", name, report.Dependencies[name].Error)
		}
	}
}

func TestServiceNamesWhatFailsBehindIt(t *testing.T) {
	down := func(context.Context) error { return errors.New("connection refused") }
	other := httptest.NewServer(Handler("auth", []Dependency{{Name: "redis", Check: down}, {Name: "postgres", Check: good}}))
	defer other.Close()
	dep := Service("auth", other.URL, other.Client())
	err := dep.Check(context.Background())
	if err == nil || err.Error() != "auth answered 503: failing: redis (connection refused)" {
		t.Fatalf("%v", err)
	}
}

func TestServiceAnswersWithoutAReport(t *testing.T) {
	for body, want := range map[string]string{"<html>": "auth answered 502", `{"dependencies":null}`: "auth answered 502"} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte(body))
		}))
		err := Service("auth", other.URL, other.Client()).Check(context.Background())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
		other.Close()
	}
}
