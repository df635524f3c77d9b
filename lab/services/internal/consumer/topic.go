package consumer

import "lab/services/internal/kafka"

type topicState int

const (
	topicSame topicState = iota
	topicMissing
	topicUnsure
	topicReplaced
)

// topicWatch notices that a topic was replaced by another one of the same name.
type topicWatch struct {
	known  kafka.ID
	differ int
}

// see takes the ID that the cluster gives now. One answer that differs may come from a
// broker that is behind, so the second in a row counts; until then nothing is committed.
func (t *topicWatch) see(id kafka.ID) topicState {
	if t.known == (kafka.ID{}) {
		t.known = id
		if id == (kafka.ID{}) {
			return topicMissing
		}
	}
	if id == t.known {
		t.differ = 0
		return topicSame
	}
	if t.differ++; t.differ < 2 {
		return topicUnsure
	}
	return topicReplaced
}
