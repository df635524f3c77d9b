package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"lab/services/internal/switches"
)

// The ways in which "metrics" and "pprof" go wrong; 0 is well.
const (
	metricsPage = iota + 1
	metricsCut
	metricsTwice
	metricsFailing
	metricsEmpty
	metricsEndless
)

const (
	pprofAbsent = iota + 1
	pprofForbidden
	pprofCut
	pprofStalled
)

// misleading is what a service says wrong about itself while its work goes on.
type misleading struct {
	metrics    switches.Int
	pprof      switches.Int
	flap       switches.Bool // the health page says 503 to every second question of a kind of client
	slowHealth switches.Int  // ms
	hostile    switches.Bool // log lines that are meant to hurt who reads them

	mu    sync.Mutex
	asked map[string]int // questions about the health, by the client's name for itself
}

func newMisleading(set *switches.Set) *misleading {
	m := &misleading{asked: map[string]int{}}
	m.metrics.Max, m.pprof.Max, m.slowHealth.Max = metricsEndless, pprofStalled, 600_000
	set.Add("metrics", &m.metrics)
	set.Add("pprof", &m.pprof)
	set.Add("flap", &m.flap)
	set.Add("slow_health", &m.slowHealth)
	set.Add("log_hostile", &m.hostile)
	return m
}

// health delays or spoils the health page as its switches say.
func (m *misleading) health(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.slowHealth.Wait(r.Context()) != nil {
			w.WriteHeader(statusClientGone)
			return
		}
		if m.flap.Get() && m.second(r.UserAgent()) {
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "failing"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// second says whether it is a client's second question, fourth and so on: whoever asks twice sees both,
// however busy the machine is and whoever else asks.
func (m *misleading) second(client string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[client]++
	return m.asked[client]%2 == 0
}

// spoilMetrics answers instead of the real metrics while the switch is on.
func (m *misleading) spoilMetrics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch m.metrics.Get() {
		case metricsPage:
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html><body><h1>Sign in</h1></body></html>")
		case metricsCut:
			fmt.Fprint(w, "# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",sta")
		case metricsTwice:
			fmt.Fprint(w, strings.Repeat("http_requests_total{status=\"200\"} 1\n", 2))
		case metricsFailing:
			http.Error(w, "no metrics today", http.StatusInternalServerError)
		case metricsEmpty:
			w.WriteHeader(http.StatusOK)
		case metricsEndless:
			trickle(w, r.Context(), "# nothing yet\n")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// spoilPprof answers instead of the profiles while the switch is on.
func (m *misleading) spoilPprof(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch m.pprof.Get() {
		case pprofAbsent:
			http.NotFound(w, r)
		case pprofForbidden:
			http.Error(w, "for administrators only", http.StatusForbidden)
		case pprofCut:
			_, _ = w.Write(cutProfile()) // the client has gone: nobody to tell
		case pprofStalled:
			trickle(w, r.Context(), "\x1f")
		default:
			next(w, r)
		}
	}
}

// cutProfile is a compressed file that ends too early.
func cutProfile() []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(bytes.Repeat([]byte("profile "), 4096)) // a buffer takes everything
	_ = writer.Close()
	return packed.Bytes()[:packed.Len()/2]
}

// trickle sends a little, again and again, until the client gives up.
func trickle(w http.ResponseWriter, ctx context.Context, text string) {
	for ctx.Err() == nil {
		if _, err := fmt.Fprint(w, text); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush() // the next write says what is wrong
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// logHostile writes lines that hurt a terminal, a template or a parser which trusts them.
func (m *misleading) logHostile(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if m.hostile.Get() {
			_, _ = os.Stdout.WriteString(hostileLines)
		}
	}
}

const hostileLines = "\x1b[2J\x1b[31merror: {{ lookup('pipe', 'touch /tmp/hostile') }} {% raw %}\n" +
	"error: NUL \x00, invalid UTF-8 \xff\xfe, right to left \u202e, password=hostile-canary-1\n"

// movable is a listener that the switch "loopback" moves to the loopback address of the
// container, where nobody outside reaches it.
type movable struct {
	mu       sync.Mutex
	server   *http.Server
	host     string // "" is every address
	loopback switches.Bool
}

func (l *movable) move(port int, handler http.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	host := ""
	if l.loopback.Get() {
		host = "127.0.0.1"
	}
	if l.server == nil || l.host == host {
		return // it has not begun to listen, or is there
	}
	_ = l.server.Close() // the port is needed at once, and who is cut asks again
	moved, err := Listen(host, port, handler)
	if err != nil {
		slog.Error("cannot move the listener", "error", err)
		return
	}
	l.server, l.host = moved, host
}

// lifeFile holds the seconds to live. A file survives the restart that a switch does not.
const lifeFile = "/tmp/seconds-to-live"

// dieYoung ends the process where the file says so.
func dieYoung(ctx context.Context) {
	text, err := os.ReadFile(lifeFile)
	if err != nil {
		return
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(seconds) * time.Second):
		panic("broken on purpose by " + lifeFile)
	}
}
