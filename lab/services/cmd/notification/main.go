// Notification reads the topic and sends each record to a sink that only counts.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"lab/services/internal/consumer"
	"lab/services/internal/env"
	"lab/services/internal/kafka"
	"lab/services/internal/server"
	"lab/services/internal/switches"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "notification:", err)
		os.Exit(1)
	}
}

func run() error {
	var settings env.Reader
	srv := server.New("notification", 8083, &settings)
	c := consumer.Read(srv.Name, &settings)
	if err := settings.Err(); err != nil {
		return err
	}
	// Health has a client of its own: it must answer while the group's client starts over.
	probe, err := kgo.NewClient(c.Kafka.Options()...)
	if err != nil {
		return fmt.Errorf("KAFKA_BROKERS: set it to host:port: %w", err)
	}
	defer probe.Close()
	out := newSink(srv)
	var stopPolling switches.Bool
	srv.Switches.Add("stop_polling", &stopPolling)
	c.Sink, c.Probe, c.Stopped, c.Gate = out, probe, stopPolling.Get, stopPolling.WaitOff
	srv.Health(kafka.Dependency(probe))
	srv.Background(c.Run)
	srv.Work("GET /notifications", time.Second, out.show)
	return srv.Run()
}

// sink stands for a mail or SMS provider.
type sink struct {
	delay switches.Int // ms
	fail  switches.Bool
	total *prometheus.CounterVec

	mu   sync.Mutex
	sent map[string]int64
}

func newSink(srv *server.Server) *sink {
	s := &sink{sent: map[string]int64{}}
	s.delay.Max = 600_000
	srv.Switches.Add("sink_delay", &s.delay)
	srv.Switches.Add("sink_fail", &s.fail)
	s.total = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "notifications_sent_total", Help: "Records that the sink took.",
	}, []string{"partition"})
	srv.Registry.MustRegister(s.total)
	return s
}

// Send takes one notification.
func (s *sink) Send(ctx context.Context, partition int32, _ []byte) error {
	if err := s.delay.Wait(ctx); err != nil {
		return err
	}
	if s.fail.Get() {
		return errors.New("the sink refused it")
	}
	label := strconv.Itoa(int(partition))
	s.total.WithLabelValues(label).Inc()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[label]++
	return nil
}

func (s *sink) show(*http.Request) (server.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := make(map[string]int64, len(s.sent))
	for partition, n := range s.sent {
		sent[partition] = n
	}
	return server.Result{Status: http.StatusOK, Body: map[string]any{"sent": sent}}, nil
}
