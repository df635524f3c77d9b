// Package server is what every service of the lab has in common: health, metrics,
// pprof, the admin listener with its switches, and a graceful stop.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lab/services/internal/env"
	"lab/services/internal/faults"
	"lab/services/internal/health"
	"lab/services/internal/logs"
	"lab/services/internal/switches"
)

// stopTime is what running requests get on SIGTERM: less than Docker's ten seconds
// before SIGKILL.
const stopTime = 5 * time.Second

// Server is one service.
type Server struct {
	Name     string
	Switches *switches.Set
	Registry *prometheus.Registry

	port, adminPort int
	mux             *http.ServeMux
	leaks           *faults.Leaks
	metrics         metrics
	errors          switches.Share
	hang            switches.Bool
	slow            switches.Int // ms
	misleading      *misleading
	main            movable
	stopping        chan struct{}
	background      []func(context.Context)
}

// New reads PORT and ADMIN_PORT and prepares the common endpoints.
func New(name string, port int, settings *env.Reader) *Server {
	logs.Setup()
	s := &Server{
		Name: name, Switches: &switches.Set{}, Registry: prometheus.NewRegistry(),
		port: settings.Int("PORT", port, 1), adminPort: settings.Int("ADMIN_PORT", port+1000, 1),
		mux: http.NewServeMux(), stopping: make(chan struct{}),
	}
	s.leaks = faults.New(s.Switches)
	s.slow.Max = 600_000
	s.Switches.Add("errors", &s.errors)
	s.Switches.Add("hang", &s.hang)
	s.Switches.Add("slow", &s.slow)
	s.misleading = newMisleading(s.Switches)
	s.Switches.Add("loopback", &s.main.loopback)
	s.Switches.OnChange(func(name string) {
		if name == "loopback" {
			s.main.move(s.port, s.mux)
		}
	})
	s.Switches.OnReset(func() { s.main.move(s.port, s.mux) })
	s.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics = newMetrics(s.Registry)
	s.routes()
	return s
}

func (s *Server) routes() {
	s.mux.Handle("GET /metrics", s.misleading.spoilMetrics(promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{})))
	for path, handler := range map[string]http.HandlerFunc{
		"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		s.mux.HandleFunc("GET /debug/pprof/"+path, s.misleading.spoilPprof(handler))
	}
	s.mux.Handle("/", s.instrument("unmatched", s.recovered(http.NotFoundHandler())))
}

// Health sets the dependencies that GET /health asks.
func (s *Server) Health(deps ...health.Dependency) {
	report := health.Handler(s.Name, deps)
	s.mux.Handle("GET /health", s.recovered(s.misleading.health(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.hangs(r) {
			w.WriteHeader(http.StatusServiceUnavailable) // seen only when the service stops
			return
		}
		report(w, r)
	}))))
}

// Background runs f until the service stops; the stop waits for it.
func (s *Server) Background(f func(context.Context)) { s.background = append(s.background, f) }

// Run serves until SIGTERM or SIGINT.
func (s *Server) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var err error
	if s.main.server, err = Listen("", s.port, s.mux); err != nil {
		return err
	}
	admin, err := Listen("", s.adminPort, s.Switches.Handler())
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	for _, f := range append(s.background, s.leaks.Run, s.misleading.logHostile, dieYoung) {
		running.Add(1)
		go func() {
			defer running.Done()
			f(ctx)
		}()
	}
	slog.Info("started", "service", s.Name, "port", s.port, "admin_port", s.adminPort)
	<-ctx.Done()
	close(s.stopping) // lets hanging requests go
	s.main.mu.Lock()
	defer s.main.mu.Unlock()
	Stop(s.main.server, admin)
	running.Wait()
	slog.Info("stopped", "service", s.Name)
	return nil
}

// Listen serves handler on a port of a host, of every address where the host is empty; a
// port that is taken is an error at once.
func Listen(host string, port int, handler http.Handler) (*http.Server, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on port %d: %w: stop what uses it, or set PORT and ADMIN_PORT", port, err)
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelError),
	}
	go func() {
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("listener ended", "port", port, "error", err)
		}
	}()
	return srv, nil
}

// Stop lets running requests finish, then cuts what is left.
func Stop(servers ...*http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	for _, srv := range servers {
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close() // out of time: the process ends anyway
		}
	}
}
