// Package logs writes one logfmt line per event to stdout.
package logs

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// Setup makes the logger of the lab the default one.
func Setup() { slog.SetDefault(New(os.Stdout)) }

// New leaves out the time: Docker and Kubernetes stamp every line, and a line that
// starts with its level reads the same everywhere.
func New(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: plain}))
}

func plain(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.Attr{}
	case slog.LevelKey:
		return slog.String(a.Key, strings.ToLower(a.Value.String()))
	}
	return a
}

// Limiter lets one event per key and interval pass, so that a dependency that is down
// does not push everything else out of the log's tail.
type Limiter struct {
	Interval time.Duration

	mu      sync.Mutex
	last    map[string]time.Time
	skipped map[string]int
}

// Allow reports whether to log now, and how many events of that key it held back before.
func (l *Limiter) Allow(key string) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last, l.skipped = map[string]time.Time{}, map[string]int{}
	}
	if last, seen := l.last[key]; seen && time.Since(last) < l.Interval {
		l.skipped[key]++
		return 0, false
	}
	skipped = l.skipped[key]
	l.last[key], l.skipped[key] = time.Now(), 0
	return skipped, true
}
