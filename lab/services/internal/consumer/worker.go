package consumer

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A partition is paused at the broker while its worker has more than queueFull records
// waiting, until queueLow are left.
const (
	queueFull = 500
	queueLow  = 100
)

// worker processes the records of one assigned partition.
type worker struct {
	process func(context.Context, *kgo.Record) bool
	pause   func(bool)

	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{}

	mu     sync.Mutex
	queue  []*kgo.Record
	paused bool
}

func startWorker(ctx context.Context, process func(context.Context, *kgo.Record) bool, pause func(bool)) *worker {
	ctx, cancel := context.WithCancel(ctx)
	w := &worker{
		process: process, pause: pause, cancel: cancel,
		done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	go w.run(ctx)
	return w
}

// stop returns when the current record was left or finished.
func (w *worker) stop() {
	w.cancel()
	<-w.done
}

// push never blocks: the poll loop serves all partitions.
func (w *worker) push(records []*kgo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, records...)
	if !w.paused && len(w.queue) > queueFull {
		w.paused = true
		w.pause(true)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) run(ctx context.Context) {
	defer close(w.done)
	for {
		rec := w.next()
		if rec == nil {
			select {
			case <-ctx.Done():
				return
			case <-w.wake:
			}
			continue
		}
		if !w.process(ctx, rec) {
			return
		}
	}
}

func (w *worker) next() *kgo.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.queue = nil // lets the array of a long backlog go
		return nil
	}
	rec := w.queue[0]
	w.queue = w.queue[1:]
	if w.paused && len(w.queue) <= queueLow {
		w.paused = false
		w.pause(false)
	}
	return rec
}
