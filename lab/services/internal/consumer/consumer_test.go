package consumer

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"lab/services/internal/logs"
)

// fakeSink refuses while refuse is above zero, and remembers what it took.
type fakeSink struct {
	mu     sync.Mutex
	refuse int
	sent   []string
}

func (s *fakeSink) Send(_ context.Context, _ int32, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		return errors.New("mailbox full")
	}
	s.sent = append(s.sent, string(value))
	return nil
}

func (s *fakeSink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// recordedCommitter keeps what was committed.
type recordedCommitter struct {
	fail    error
	commits []map[int32]kgo.EpochOffset
	during  func()
}

func (c *recordedCommitter) Commit(_ context.Context, offsets map[int32]kgo.EpochOffset) error {
	if c.during != nil {
		c.during()
	}
	if c.fail != nil {
		return c.fail
	}
	c.commits = append(c.commits, offsets)
	return nil
}

func record(partition int32, offset int64, value string) *kgo.Record {
	return &kgo.Record{Topic: "notifications", Partition: partition, Offset: offset, LeaderEpoch: 3, Value: []byte(value)}
}

func newProcessor(sink Sink, log *bytes.Buffer) *Processor {
	return &Processor{Sink: sink, Marks: &Marks{}, Log: logs.New(log), Retry: time.Millisecond}
}

func TestPoisonIsTriedForEverAndNeverCommitted(t *testing.T) {
	var log bytes.Buffer
	sink, committer := &fakeSink{}, &recordedCommitter{}
	p := newProcessor(sink, &log)
	if !p.Process(context.Background(), record(1, 122, `{"order":1}`)) {
		t.Fatal("a good record must be processed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if p.Process(ctx, record(1, 123, "not json")) {
		t.Fatal("a poison record must never count as processed")
	}
	if err := p.Marks.Flush(context.Background(), committer); err != nil {
		t.Fatal(err)
	}
	want := kgo.EpochOffset{Epoch: 3, Offset: 123}
	if len(committer.commits) != 1 || committer.commits[0][1] != want {
		t.Fatalf("committed %v, want offset 123 once", committer.commits)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) < 3 {
		t.Fatalf("%d tries in 30 ms with a pause of 1 ms", len(lines))
	}
	const line = `level=error msg="cannot process record" topic=notifications partition=1 offset=123 error="invalid character 'o' in literal null (expecting 'u')"`
	for _, got := range lines {
		if got != line {
			t.Fatalf("logged %s\nwant   %s", got, line)
		}
	}
}

func TestOneStuckPartitionDoesNotHoldUpAnother(t *testing.T) {
	var log bytes.Buffer
	sink := &fakeSink{}
	p := newProcessor(sink, &log)
	paused := false
	stuck := startWorker(context.Background(), p.Process, func(on bool) { paused = on })
	free := startWorker(context.Background(), p.Process, func(bool) {})
	stuck.push([]*kgo.Record{record(0, 1, ""), record(0, 2, `{}`)})
	for offset := range int64(20) {
		stuck.push(make([]*kgo.Record, 50)) // push never blocks
		free.push([]*kgo.Record{record(1, offset, `{}`)})
	}
	deadline := time.Now().Add(5 * time.Second)
	for sink.count() < 20 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	stuck.stop()
	free.stop()
	if sink.count() != 20 {
		t.Fatalf("the free partition sent %d of 20", sink.count())
	}
	if !paused {
		t.Fatal("a partition with 1000 records waiting must be paused")
	}
	if marks := p.Marks.copy(); len(marks) != 1 || marks[1].Offset != 20 {
		t.Fatalf("marked %v, want offset 20 of partition 1 only", marks)
	}
}

func TestRecordIsRetriedUntilTheSinkTakesIt(t *testing.T) {
	var log bytes.Buffer
	sink := &fakeSink{refuse: 2}
	p := newProcessor(sink, &log)
	if !p.Process(context.Background(), record(0, 5, `{}`)) {
		t.Fatal("the sink took it at last")
	}
	if strings.Count(log.String(), `msg="cannot send notification"`) != 2 || sink.count() != 1 {
		t.Fatalf("sent %d, log:\n%s", sink.count(), log.String())
	}
}

func TestClosedGateProcessesNothing(t *testing.T) {
	var log bytes.Buffer
	sink := &fakeSink{}
	p := newProcessor(sink, &log)
	p.Gate = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if p.Process(ctx, record(0, 5, `{}`)) || sink.count() != 0 || len(p.Marks.copy()) != 0 {
		t.Fatal("a closed gate must hold everything back")
	}
}

func TestFailedCommitIsRepeated(t *testing.T) {
	marks, committer := &Marks{}, &recordedCommitter{fail: errors.New("rebalance in progress")}
	marks.Mark(record(0, 9, ""))
	if marks.Flush(context.Background(), committer) == nil {
		t.Fatal("the error must be reported")
	}
	committer.fail = nil
	for range 2 { // the second time there is nothing left
		if err := marks.Flush(context.Background(), committer); err != nil {
			t.Fatal(err)
		}
	}
	if len(committer.commits) != 1 || committer.commits[0][0].Offset != 10 {
		t.Fatalf("committed %v, want offset 10 once", committer.commits)
	}
}

func TestMarkDuringCommitIsKept(t *testing.T) {
	marks := &Marks{}
	marks.Mark(record(0, 9, ""))
	committer := &recordedCommitter{during: func() { marks.Mark(record(0, 10, "")) }}
	if err := marks.Flush(context.Background(), committer); err != nil {
		t.Fatal(err)
	}
	if left := marks.copy(); left[0].Offset != 11 {
		t.Fatalf("left %v, want offset 11", left)
	}
	marks.Drop(0)
	if len(marks.copy()) != 0 {
		t.Fatal("a dropped partition must not be committed any more")
	}
}

func TestStoppedWorkerLeavesItsRecordUnmarked(t *testing.T) {
	var log bytes.Buffer
	p := newProcessor(&fakeSink{refuse: 1 << 30}, &log)
	w := startWorker(context.Background(), p.Process, func(bool) {})
	w.push([]*kgo.Record{record(0, 5, `{}`)})
	time.Sleep(5 * time.Millisecond)
	w.stop()
	if len(p.Marks.copy()) != 0 {
		t.Fatal("what was not sent must not be marked")
	}
}
