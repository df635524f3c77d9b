// Package faults misbehaves on request: it leaks memory and goroutines for real, so
// that profiles, metrics and the kernel all show what a leak looks like.
package faults

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"lab/services/internal/switches"
)

const (
	mebibyte  = 1 << 20
	tick      = 100 * time.Millisecond
	burstTime = 5 * time.Second
)

// Leaks grows by the rates of its switches until it is reset.
type Leaks struct {
	memory     switches.Int // MiB per second
	goroutines switches.Int // per second
	burst      switches.Int // MiB, freed after burstTime
	hold       switches.Int // MiB, held until it is turned off

	mu      sync.Mutex
	chunks  [][]byte
	held    []byte
	release chan struct{}
}

// New registers the switches of the leaks.
func New(set *switches.Set) *Leaks {
	l := &Leaks{release: make(chan struct{})}
	l.memory.Max, l.goroutines.Max, l.burst.Max, l.hold.Max = 4096, 100_000, 65_536, 65_536
	set.Add("leak_memory", &l.memory)
	set.Add("leak_goroutines", &l.goroutines)
	set.Add("burst_memory", &l.burst)
	set.Add("hold_memory", &l.hold)
	set.OnChange(func(name string) {
		if name == "burst_memory" && l.burst.Get() > 0 {
			go l.burstMemory(l.burst.Get())
		}
		if name == "hold_memory" {
			l.holdMemory(l.hold.Get())
		}
	})
	set.OnReset(l.free)
	return l
}

// Run leaks until ctx ends.
func (l *Leaks) Run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var memoryDue, goroutinesDue float64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		memoryDue = l.due(memoryDue, l.memory.Get(), l.keepChunk)
		goroutinesDue = l.due(goroutinesDue, l.goroutines.Get(), l.blockGoroutine)
	}
}

// due calls leak for each whole unit that is due and returns the rest: a rate of 1 per
// second must leak once in ten ticks.
func (l *Leaks) due(rest float64, rate int64, leak func()) float64 {
	if rate == 0 {
		return 0
	}
	for rest += float64(rate) * tick.Seconds(); rest >= 1; rest-- {
		leak()
	}
	return rest
}

func (l *Leaks) keepChunk() {
	chunk := leakMemory()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chunks = append(l.chunks, chunk)
}

func (l *Leaks) blockGoroutine() {
	l.mu.Lock()
	defer l.mu.Unlock()
	go leakGoroutine(l.release)
}

// leakMemory allocates one MiB that its caller never gives back.
//
//go:noinline
func leakMemory() []byte {
	chunk := make([]byte, mebibyte)
	touch(chunk)
	return chunk
}

// leakGoroutine blocks until the leaks are reset.
//
//go:noinline
func leakGoroutine(release <-chan struct{}) { <-release }

// touch writes to every page: memory that is only reserved does not count for the kernel.
func touch(b []byte) {
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
}

func (l *Leaks) burstMemory(size int64) {
	block := make([]byte, size*mebibyte)
	touch(block)
	time.Sleep(burstTime)
	block[0] = 2 // still in use until here
	block = nil
	debug.FreeOSMemory() // a burst goes away at once, unlike a leak
	l.burst.Swap(size, 0)
}

// holdMemory is a program that needs so much, and no more with time. What is garbage now
// goes back at once: it would be less later.
func (l *Leaks) holdMemory(size int64) {
	block := make([]byte, size*mebibyte)
	touch(block)
	l.mu.Lock()
	l.held = block
	l.mu.Unlock()
	debug.FreeOSMemory()
}

func (l *Leaks) free() {
	l.mu.Lock()
	l.chunks, l.held = nil, nil
	close(l.release)
	l.release = make(chan struct{})
	l.mu.Unlock()
	debug.FreeOSMemory()
}
