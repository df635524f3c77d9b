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
	delay, lines := settings.Int("SINK_DELAY", 0, 0), settings.Int("SINK_LINES", 0, 0)
	if err := settings.Err(); err != nil {
		return err
	}
	// Health has a client of its own: it must answer while the group's client starts over.
	probe, err := kgo.NewClient(c.Kafka.Options()...)
	if err != nil {
		return fmt.Errorf("KAFKA_BROKERS: set it to host:port: %w", err)
	}
	defer probe.Close()
	out := newSink(srv, delay, lines)
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
	delay switches.Int  // ms
	lines chan struct{} // nil: as many at once as there are partitions
	fail  switches.Bool
	total *prometheus.CounterVec

	mu   sync.Mutex
	sent map[string]int64
}

// newSink has SINK_LINES for records at the same time (0 is no limit), each of which takes
// SINK_DELAY ms: what one replica handles then has an end, however many partitions it has.
func newSink(srv *server.Server, delay, lines int) *sink {
	s := &sink{sent: map[string]int64{}}
	s.delay.Max = 600_000
	s.delay.Swap(0, int64(delay))
	if lines > 0 {
		s.lines = make(chan struct{}, lines)
	}
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
	if s.lines != nil {
		select {
		case s.lines <- struct{}{}:
			defer func() { <-s.lines }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
