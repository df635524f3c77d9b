// Package kafka holds what producer and consumer share: the client's options and the
// question whether any broker answers.
package kafka

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"lab/services/internal/env"
	"lab/services/internal/health"
	"lab/services/internal/logs"
)

// Settings are the variables that every client needs.
type Settings struct {
	Service string
	Brokers []string
	Topic   string
}

// Read reads KAFKA_BROKERS and KAFKA_TOPIC.
func Read(service string, settings *env.Reader) Settings {
	return Settings{
		Service: service,
		Brokers: settings.List("KAFKA_BROKERS", "kafka:29092"),
		Topic:   settings.String("KAFKA_TOPIC", "notifications"),
	}
}

// Options are the client's common ones: give up a dead broker early, and look for a
// topic that was recreated or got more partitions every few seconds.
func (s Settings) Options() []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(s.Brokers...),
		kgo.ClientID(s.Service),
		kgo.DialTimeout(health.Timeout),
		kgo.MetadataMinAge(time.Second),
		kgo.MetadataMaxAge(5 * time.Second),
		kgo.WithLogger(&clientLog{limit: logs.Limiter{Interval: 5 * time.Second}}),
	}
}

// Dependency is the cluster in GET /health.
func Dependency(client *kgo.Client) health.Dependency {
	return health.Dependency{Name: "kafka", Check: func(ctx context.Context) error { return Answers(ctx, client) }}
}

// Answers asks all known brokers side by side: Ping alone asks one after the other, and
// one that hangs would hide that the others answer.
func Answers(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	brokers := client.DiscoveredBrokers()
	answers := make(chan error, len(brokers)+1)
	go func() { answers <- client.Ping(ctx) }()
	for _, broker := range brokers {
		go func() {
			_, err := broker.Request(ctx, kmsg.NewPtrApiVersionsRequest())
			answers <- err
		}()
	}
	var last error
	for range len(brokers) + 1 {
		if last = <-answers; last == nil {
			return nil
		}
	}
	return last
}

// ID identifies one life of a topic: a topic that was deleted and created again has
// the same name and another ID. The zero ID means that there is no such topic.
type ID [16]byte

// TopicID asks the cluster.
func TopicID(ctx context.Context, client *kgo.Client, topic string) (ID, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	wanted := kmsg.NewMetadataRequestTopic()
	wanted.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, wanted)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return ID{}, err
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err == kerr.UnknownTopicOrPartition {
			return ID{}, nil
		} else if err != nil {
			return ID{}, err
		}
		return t.TopicID, nil
	}
	return ID{}, nil
}

// clientLog passes the client's warnings on, but each kind of them rarely.
type clientLog struct{ limit logs.Limiter }

func (*clientLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l *clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	skipped, ok := l.limit.Allow(msg)
	if !ok {
		return
	}
	if skipped > 0 {
		keyvals = append(keyvals, "repeated", skipped)
	}
	severity := slog.LevelWarn
	if level == kgo.LogLevelError {
		severity = slog.LevelError
	}
	slog.Log(context.Background(), severity, "kafka: "+msg, keyvals...)
}
