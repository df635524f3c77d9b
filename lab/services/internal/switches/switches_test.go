package switches

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func newSet() (*Set, *Int, *Share, *Bool) {
	set, number, share, on := &Set{}, &Int{Max: 100}, &Share{}, &Bool{}
	set.Add("slow", number)
	set.Add("errors", share)
	set.Add("hang", on)
	return set, number, share, on
}

func TestApply(t *testing.T) {
	tests := []struct {
		name, value, wantError string
	}{
		{"slow", "100", ""},
		{"slow", "0", ""},
		{"slow", "101", "from 0 to 100"},
		{"slow", "-1", "from 0 to 100"},
		{"slow", "1.5", "from 0 to 100"},
		{"slow", "", "from 0 to 100"},
		{"errors", "0.2", ""},
		{"errors", "1", ""},
		{"errors", "20", "from 0 to 1"},
		{"errors", "NaN", "from 0 to 1"},
		{"errors", "-0.1", "from 0 to 1"},
		{"hang", "true", ""},
		{"hang", "ON", ""},
		{"hang", "0", ""},
		{"hang", "maybe", "true or false"},
		{"nosuch", "1", "use one of errors, hang, slow"},
	}
	for _, test := range tests {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			set, _, _, _ := newSet()
			err := set.Apply(test.name, test.value)
			if test.wantError == "" && err != nil {
				t.Fatalf("unexpected error: %v", err)
			}
			if test.wantError != "" && (err == nil || !strings.Contains(err.Error(), test.wantError)) {
				t.Fatalf("error %v does not say %q", err, test.wantError)
			}
		})
	}
}

func TestBadValueKeepsTheOldOne(t *testing.T) {
	set, number, _, _ := newSet()
	_ = set.Apply("slow", "7")
	_ = set.Apply("slow", "many")
	if number.Get() != 7 {
		t.Fatalf("slow is %d, want 7", number.Get())
	}
}

func TestHandler(t *testing.T) {
	set, _, _, _ := newSet()
	resets := 0
	set.OnReset(func() { resets++ })
	steps := []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/switches", 200, `{"errors":0,"hang":false,"slow":0}`},
		{"POST", "/switch/errors?value=0.5", 200, `"errors":0.5`},
		{"POST", "/switch/hang?value=true", 200, `"hang":true`},
		{"POST", "/switch/hang", 400, "give true or false"},
		{"POST", "/switch/nosuch?value=1", 400, "unknown switch"},
		{"GET", "/switch/hang?value=false", 405, ""},
		{"POST", "/reset", 200, `{"errors":0,"hang":false,"slow":0}`},
	}
	for _, step := range steps {
		rec := httptest.NewRecorder()
		set.Handler().ServeHTTP(rec, httptest.NewRequest(step.method, step.target, nil))
		if rec.Code != step.status || !strings.Contains(rec.Body.String(), step.body) {
			t.Fatalf("%s %s: %d %s, want %d %s", step.method, step.target, rec.Code, rec.Body, step.status, step.body)
		}
	}
	if resets != 1 {
		t.Fatalf("reset was announced %d times, want once", resets)
	}
}

func TestWaitNoticesTheSwitch(t *testing.T) {
	set, number, _, on := newSet()
	number.Max = 60_000
	_ = set.Apply("slow", "60000")
	_ = set.Apply("hang", "true")
	time.AfterFunc(50*time.Millisecond, func() { _ = set.Reset() })
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := number.Wait(ctx); err != nil {
		t.Fatalf("slow went on waiting: %v", err)
	}
	if err := on.WaitOff(ctx); err != nil {
		t.Fatalf("hang went on waiting: %v", err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	set, number, _, on := newSet()
	number.Max = 60_000
	_ = set.Apply("slow", "60000")
	_ = set.Apply("hang", "true")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if number.Wait(ctx) == nil || on.WaitOff(ctx) == nil {
		t.Fatal("a wait must report that its context ended")
	}
}
