// Burst writes records straight to the topic, at a steady rate and the same to each
// partition: what a consumer has to handle then depends on nothing else in the lab.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"lab/services/internal/env"
	"lab/services/internal/kafka"
	"lab/services/internal/logs"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "burst:", err)
		os.Exit(1)
	}
}

func run() error {
	logs.Setup()
	var settings env.Reader
	rate := settings.Float("RATE", 8)
	own := kafka.Read("burst", &settings)
	if err := settings.Err(); err != nil {
		return err
	}
	client, err := kgo.NewClient(append(own.Options(),
		kgo.DefaultProduceTopic(own.Topic), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))...)
	if err != nil {
		return fmt.Errorf("KAFKA_BROKERS: set it to host:port: %w", err)
	}
	defer client.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	slog.Info("started", "service", "burst", "topic", own.Topic, "rate", rate)
	write(ctx, client, rate)
	return nil
}

// write makes up for what it had no processor time for: the rate holds on a busy machine.
func write(ctx context.Context, client *kgo.Client, rate float64) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	started, written := time.Now(), 0
	for ctx.Err() == nil {
		for due := int(time.Since(started).Seconds() * rate); written < due; written++ {
			value := fmt.Sprintf(`{"id":%d,"item":"burst","quantity":1}`, written)
			client.Produce(ctx, kgo.StringRecord(value), func(_ *kgo.Record, err error) {
				if err != nil && ctx.Err() == nil {
					slog.Warn("cannot write", "error", err)
				}
			})
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}
