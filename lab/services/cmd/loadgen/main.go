// Loadgen keeps a steady stream of orders flowing through the gateway.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"lab/services/internal/env"
	"lab/services/internal/health"
	"lab/services/internal/logs"
	"lab/services/internal/peer"
	"lab/services/internal/server"
)

const (
	concurrency = 4
	requestTime = 3 * time.Second
	getEvery    = 4 // three POST to one GET
	query       = "?token=lab-token"
)

type generator struct {
	target string
	client *http.Client
	limit  logs.Limiter
	lastID atomic.Int64
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1)
	}
}

func run() error {
	logs.Setup()
	var settings env.Reader
	port := settings.Int("PORT", 8084, 1)
	rate := settings.Float("RATE", 8)
	g := &generator{
		target: strings.TrimRight(settings.String("TARGET_URL", "http://gateway:8080"), "/"),
		client: peer.Client(), limit: logs.Limiter{Interval: 5 * time.Second},
	}
	if err := settings.Err(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health.Handler("loadgen", nil))
	// Whom alerts are sent to: somebody has to hear them, or the lab would not be well.
	mux.HandleFunc("POST /alerts", func(w http.ResponseWriter, r *http.Request) {
		slog.Info("alerts came", "bytes", r.ContentLength)
		w.WriteHeader(http.StatusNoContent)
	})
	srv, err := server.Listen("", port, mux)
	if err != nil {
		return err
	}
	slog.Info("started", "service", "loadgen", "target", g.target, "rate", rate)
	g.generate(ctx, rate)
	server.Stop(srv)
	return nil
}

// generate starts a request at every tick. A tick that finds all slots in use is
// skipped: a stack that is slow gets less load, never a queue.
func (g *generator) generate(ctx context.Context, rate float64) {
	if rate == 0 {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(max(time.Duration(float64(time.Second)/rate), time.Microsecond))
	defer ticker.Stop()
	slots := make(chan struct{}, concurrency)
	var running sync.WaitGroup
	defer running.Wait()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		select {
		case slots <- struct{}{}:
		default:
			continue
		}
		running.Add(1)
		go func() {
			defer running.Done()
			g.request(ctx, n)
			<-slots
		}()
	}
}

func (g *generator) request(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	method, path, body := http.MethodPost, "/api/orders", []byte(fmt.Sprintf(`{"item":"item-%d","quantity":1}`, n%10))
	if id := g.lastID.Load(); n%getEvery == 0 && id > 0 {
		method, path, body = http.MethodGet, fmt.Sprintf("/api/orders/%d", id), nil
	}
	status, answer, err := peer.Call(ctx, g.client, method, g.target+path+query, body)
	if err == nil && status == http.StatusNotFound {
		g.lastID.Store(0) // the orders were removed
	}
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("answered %d: %s", status, strings.TrimSpace(string(answer[:min(len(answer), 300)])))
	}
	if err != nil {
		g.report(ctx, method, path, err)
		return
	}
	g.remember(answer)
}

func (g *generator) remember(answer []byte) {
	var created struct{ ID int64 }
	if json.Unmarshal(answer, &created) == nil && created.ID > 0 {
		g.lastID.Store(created.ID)
	}
}

func (g *generator) report(ctx context.Context, method, path string, err error) {
	if ctx.Err() == context.Canceled {
		return // we are stopping
	}
	if skipped, ok := g.limit.Allow("request"); ok {
		slog.Error("request failed", "method", method, "path", path, "error", err, "repeated", skipped)
	}
}
