package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"lab/services/internal/env"
	"lab/services/internal/health"
	"lab/services/internal/kafka"
	"lab/services/internal/logs"
)

const (
	retryPoison  = time.Second
	betweenLives = time.Second
	requestTime  = health.Timeout
)

var errTopicReplaced = errors.New("the topic was deleted or recreated")

// Consumer is a group member for as long as the service runs.
type Consumer struct {
	Kafka          kafka.Settings
	Group          string
	CommitInterval time.Duration
	SessionTimeout time.Duration
	Sink           Sink
	// Stopped is true while nothing may be polled, processed or committed.
	Stopped func() bool
	// Gate blocks while Stopped.
	Gate func(context.Context) error
	// Probe asks the cluster outside the group.
	Probe *kgo.Client

	limit logs.Limiter
}

// Read reads the group's variables.
func Read(service string, settings *env.Reader) *Consumer {
	return &Consumer{
		Kafka:          kafka.Read(service, settings),
		Group:          settings.String("KAFKA_GROUP", "notification"),
		CommitInterval: settings.Duration("KAFKA_COMMIT_INTERVAL", time.Second),
		SessionTimeout: settings.Duration("KAFKA_SESSION_TIMEOUT", 10*time.Second),
		limit:          logs.Limiter{Interval: 5 * time.Second},
	}
}

// Run consumes until ctx ends. A topic that was replaced ends one session and begins the
// next: the offsets of the old topic mean nothing in the new one.
func (c *Consumer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := c.session(ctx); err != nil {
			slog.Error("consumer starts over", "topic", c.Kafka.Topic, "group", c.Group, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(betweenLives):
		}
	}
}

func (c *Consumer) session(ctx context.Context) error {
	members := newMembers(c)
	client, err := kgo.NewClient(append(c.options(), members.callbacks()...)...)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go c.keepCommitting(ctx, end, members, client)
	c.poll(ctx, end, members, client)
	err = context.Cause(ctx)
	if errors.Is(err, errTopicReplaced) {
		members.forget()
	} else if errors.Is(err, context.Canceled) {
		err = nil
	}
	c.leave(client)
	return err
}

// leave gives the partitions back, which commits what is marked. It is bounded, since
// the broker may be the very thing that is down.
func (c *Consumer) leave(client *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*requestTime)
	defer cancel()
	client.AllowRebalance()
	if err := client.LeaveGroupContext(ctx); err != nil {
		slog.Warn("cannot leave the group: its partitions are free after the session timeout", "group", c.Group, "error", err)
	}
	client.CloseAllowingRebalance()
}

func (c *Consumer) options() []kgo.Opt {
	return append(c.Kafka.Options(),
		kgo.ConsumerGroup(c.Group),
		kgo.ConsumeTopics(c.Kafka.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(c.SessionTimeout),
		kgo.HeartbeatInterval(min(c.SessionTimeout/4, 3*time.Second)),
		kgo.RebalanceTimeout(max(c.SessionTimeout, 10*time.Second)),
		kgo.FetchMaxWait(time.Second),
		kgo.DisableAutoCommit(),
		// A rebalance between poll and hand-over would give a worker records that it
		// gets a second time, out of order.
		kgo.BlockRebalanceOnPoll(),
	)
}

func (c *Consumer) poll(ctx context.Context, end context.CancelCauseFunc, members *members, client *kgo.Client) {
	for c.Gate(ctx) == nil {
		fetches := client.PollRecords(ctx, queueFull)
		failed := false
		fetches.EachError(func(_ string, partition int32, err error) {
			if ctx.Err() != nil {
				return
			}
			failed = true
			if errors.Is(err, kerr.UnknownTopicID) {
				end(errTopicReplaced)
			}
			c.warn("cannot fetch", "partition", partition, "error", err)
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) { members.push(p.Partition, p.Records) })
		client.AllowRebalance()
		if failed {
			time.Sleep(200 * time.Millisecond) // an error that stays must not become a busy loop
		}
	}
}

// keepCommitting commits at every interval, and looks before that whether the topic is
// still the one that was read.
func (c *Consumer) keepCommitting(ctx context.Context, end context.CancelCauseFunc, members *members, client *kgo.Client) {
	ticker := time.NewTicker(c.CommitInterval)
	defer ticker.Stop()
	watch := kafka.Watch{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if c.Stopped() {
			continue
		}
		state, err := watch.Look(ctx, c.Probe, c.Kafka.Topic)
		switch {
		case err != nil:
			c.warn("cannot ask for the topic", "error", err)
		case state == kafka.Same:
			members.flush(ctx, client)
		case state == kafka.Missing:
			c.warn("the topic does not exist: create it", "topic", c.Kafka.Topic)
		case state == kafka.Replaced:
			end(errTopicReplaced)
		}
	}
}

func (c *Consumer) warn(msg string, keyvals ...any) {
	if skipped, ok := c.limit.Allow(msg); ok {
		slog.Warn(msg, append(keyvals, "repeated", skipped)...)
	}
}
