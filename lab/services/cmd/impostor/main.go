// Impostor sits on a port where a Kafka broker is expected and speaks HTTP.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"lab/services/internal/env"
	"lab/services/internal/logs"
)

// The answer does not wait for a valid request: a Kafka client's bytes never make one,
// and net/http would leave it waiting.
const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\nConnection: close\r\n\r\nnot kafka\n"

const patience = 2 * time.Second

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "impostor:", err)
		os.Exit(1)
	}
}

func run() error {
	logs.Setup()
	var settings env.Reader
	port := settings.Int("PORT", 29092, 1)
	if err := settings.Err(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return fmt.Errorf("cannot listen on port %d: %w: set PORT", port, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, func() { _ = listener.Close() }) // ends Accept
	slog.Info("started", "service", "impostor", "port", port)
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go serve(conn.(*net.TCPConn))
	}
}

// serve answers whatever comes first, and reads on after that: closing with unread
// bytes would send a reset that can overtake the answer.
func serve(conn *net.TCPConn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 64<<10)); err != nil {
		return
	}
	if _, err := io.WriteString(conn, answer); err != nil {
		return
	}
	_ = conn.CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
}
