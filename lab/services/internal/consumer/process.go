// Package consumer reads the topic with one goroutine a partition: what is stuck in one
// partition never holds up another.
package consumer

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Sink is where notifications go.
type Sink interface {
	Send(ctx context.Context, partition int32, value []byte) error
}

// Processor sends records in order and never skips one.
type Processor struct {
	Sink  Sink
	Marks *Marks
	Log   *slog.Logger
	Retry time.Duration
	// Gate blocks while nothing may be processed; nil is always open.
	Gate func(context.Context) error
}

// Process tries the record until it is sent, then marks it. It returns false when ctx
// ended first: the record then stays unmarked, and the next owner gets it again.
func (p *Processor) Process(ctx context.Context, rec *kgo.Record) bool {
	for {
		if p.Gate != nil && p.Gate(ctx) != nil {
			return false
		}
		problem, err := p.try(ctx, rec)
		if err == nil {
			p.Marks.Mark(rec)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		p.Log.Error(problem, "topic", rec.Topic, "partition", rec.Partition, "offset", rec.Offset, "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(p.Retry):
		}
	}
}

// try tells a record that cannot be read from a sink that does not take it: the first
// is cured by skipping the record, the second by repairing the sink.
func (p *Processor) try(ctx context.Context, rec *kgo.Record) (problem string, err error) {
	var notification any
	if err := json.Unmarshal(rec.Value, &notification); err != nil {
		return "cannot process record", err
	}
	return "cannot send notification", p.Sink.Send(ctx, rec.Partition, rec.Value)
}
