package consumer

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// members are the workers of the partitions that this process owns at the moment.
type members struct {
	consumer *Consumer
	marks    *Marks
	process  *Processor

	mu      sync.Mutex
	workers map[int32]*worker
}

func newMembers(c *Consumer) *members {
	marks := &Marks{}
	return &members{
		consumer: c,
		marks:    marks,
		process:  &Processor{Sink: c.Sink, Marks: marks, Log: slog.Default(), Retry: retryPoison, Gate: c.Gate},
		workers:  map[int32]*worker{},
	}
}

func (m *members) callbacks() []kgo.Opt {
	return []kgo.Opt{
		kgo.OnPartitionsAssigned(func(_ context.Context, client *kgo.Client, topics map[string][]int32) {
			m.assign(client, topics[m.consumer.Kafka.Topic])
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, client *kgo.Client, topics map[string][]int32) {
			partitions := topics[m.consumer.Kafka.Topic]
			m.stop(partitions)
			if !m.consumer.Stopped() {
				// The callback's own context may have ended by a graceful stop.
				m.flush(context.Background(), client)
			}
			m.marks.Drop(partitions...)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
			partitions := topics[m.consumer.Kafka.Topic]
			m.stop(partitions)
			m.marks.Drop(partitions...)
		}),
	}
}

func (m *members) assign(client *kgo.Client, partitions []int32) {
	if len(partitions) == 0 {
		return
	}
	slog.Info("partitions assigned", "group", m.consumer.Group, "partitions", partitions)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, partition := range partitions {
		one := map[string][]int32{m.consumer.Kafka.Topic: {partition}}
		client.ResumeFetchPartitions(one) // may be paused from the last time it was ours
		m.workers[partition] = startWorker(context.Background(), m.process.Process, func(on bool) {
			if on {
				client.PauseFetchPartitions(one)
			} else {
				client.ResumeFetchPartitions(one)
			}
		})
	}
}

func (m *members) push(partition int32, records []*kgo.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w := m.workers[partition]; w != nil && len(records) > 0 {
		w.push(records)
	}
}

// stop ends the workers side by side: each may be in the middle of a record.
func (m *members) stop(partitions []int32) {
	if len(partitions) == 0 {
		return
	}
	slog.Info("partitions revoked", "group", m.consumer.Group, "partitions", partitions)
	var stopped []*worker
	m.mu.Lock()
	for _, partition := range partitions {
		if w := m.workers[partition]; w != nil {
			w.cancel()
			stopped = append(stopped, w)
			delete(m.workers, partition)
		}
	}
	m.mu.Unlock()
	for _, w := range stopped {
		w.stop()
	}
}

// forget stops everything and drops the marks: they belong to a topic that is gone.
func (m *members) forget() {
	m.mu.Lock()
	owned := make([]int32, 0, len(m.workers))
	for partition := range m.workers {
		owned = append(owned, partition)
	}
	m.mu.Unlock()
	m.stop(owned)
	m.marks.Drop(owned...)
}

func (m *members) flush(ctx context.Context, client *kgo.Client) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	if err := m.marks.Flush(ctx, groupCommitter{client, m.consumer.Kafka.Topic}); err != nil {
		m.consumer.warn("cannot commit: tried again at the next interval", "error", err)
	}
}

// groupCommitter commits as the group's member.
type groupCommitter struct {
	client *kgo.Client
	topic  string
}

func (g groupCommitter) Commit(ctx context.Context, offsets map[int32]kgo.EpochOffset) error {
	var result error
	done := func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		result = err
		if err != nil {
			return
		}
		for _, topic := range resp.Topics {
			for _, partition := range topic.Partitions {
				result = errors.Join(result, kerr.ErrorForCode(partition.ErrorCode))
			}
		}
	}
	g.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{g.topic: offsets}, done)
	return result
}
