package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"lab/services/internal/health"
)

// TopicState is what a Watch sees.
type TopicState int

// A client keeps the ID of the topic that it met first and never works with another one
// of that name, so both producer and consumer have to notice a Replaced topic themselves.
const (
	Same TopicState = iota
	Missing
	Unsure
	Replaced
)

// Watch notices that a topic was deleted, or deleted and created again.
type Watch struct {
	known  ID
	differ int
}

// Look asks the cluster for the topic's ID and compares.
func (w *Watch) Look(ctx context.Context, client *kgo.Client, topic string) (TopicState, error) {
	ctx, cancel := context.WithTimeout(ctx, health.Timeout)
	defer cancel()
	id, err := TopicID(ctx, client, topic)
	if err != nil {
		return Unsure, err
	}
	return w.see(id), nil
}

// see says Replaced once, then begins anew. One answer that differs may come from a
// broker that is behind, so the second in a row counts.
func (w *Watch) see(id ID) TopicState {
	if w.known == (ID{}) {
		w.known = id
		if id == (ID{}) {
			return Missing
		}
	}
	if id == w.known {
		w.differ = 0
		return Same
	}
	if w.differ++; w.differ < 2 {
		return Unsure
	}
	*w = Watch{}
	return Replaced
}
