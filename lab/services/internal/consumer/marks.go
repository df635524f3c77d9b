package consumer

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Committer stores offsets for the group.
type Committer interface {
	Commit(ctx context.Context, offsets map[int32]kgo.EpochOffset) error
}

// Marks are the offsets up to which records were sent and that are not committed yet.
type Marks struct {
	mu      sync.Mutex
	offsets map[int32]kgo.EpochOffset
}

// Mark notes that everything up to and with this record was sent.
func (m *Marks) Mark(rec *kgo.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.offsets == nil {
		m.offsets = map[int32]kgo.EpochOffset{}
	}
	m.offsets[rec.Partition] = kgo.EpochOffset{Epoch: rec.LeaderEpoch, Offset: rec.Offset + 1}
}

// Flush commits what is marked. What could not be committed stays marked, and so does
// what was marked meanwhile.
func (m *Marks) Flush(ctx context.Context, to Committer) error {
	pending := m.copy()
	if len(pending) == 0 {
		return nil
	}
	if err := to.Commit(ctx, pending); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for partition, offset := range pending {
		if m.offsets[partition] == offset {
			delete(m.offsets, partition)
		}
	}
	return nil
}

// Drop forgets partitions that belong to another member now.
func (m *Marks) Drop(partitions ...int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, partition := range partitions {
		delete(m.offsets, partition)
	}
}

func (m *Marks) copy() map[int32]kgo.EpochOffset {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[int32]kgo.EpochOffset, len(m.offsets))
	for partition, offset := range m.offsets {
		out[partition] = offset
	}
	return out
}
