// Orders stores an order in PostgreSQL and tells the notification service through Kafka.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"lab/services/internal/env"
	"lab/services/internal/kafka"
	"lab/services/internal/postgres"
	"lab/services/internal/server"
)

const (
	requestTime = 2500 * time.Millisecond
	produceTime = 1500 * time.Millisecond
	maxBody     = 1 << 20

	schema = `CREATE TABLE IF NOT EXISTS orders (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	item text NOT NULL,
	quantity integer NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
)`
)

type order struct {
	ID       int64     `json:"id"`
	Item     string    `json:"item"`
	Quantity int32     `json:"quantity"`
	Created  time.Time `json:"created_at"`
}

type orders struct {
	db       *postgres.DB
	producer *kgo.Client
	topic    string
	missing  atomic.Bool // the topic, as of a second ago
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

func run() error {
	var settings env.Reader
	srv := server.New("orders", 8082, &settings)
	db, err := postgres.Open(srv.Name, schema, &settings)
	topic := kafka.Read(srv.Name, &settings)
	if err = errors.Join(settings.Err(), err); err != nil {
		return err
	}
	defer db.Close()
	producer, err := kgo.NewClient(append(topic.Options(), producing()...)...)
	if err != nil {
		return fmt.Errorf("KAFKA_BROKERS: set it to host:port: %w", err)
	}
	defer producer.Close()
	o := &orders{db: db, producer: producer, topic: topic.Topic}
	srv.Health(db.Dependency(), kafka.Dependency(producer))
	srv.Background(db.Prepare)
	srv.Background(o.watchTopic)
	srv.Work("POST /orders", requestTime, o.create)
	srv.Work("GET /orders/{id}", requestTime, o.get)
	return srv.Run()
}

// producing: a record counts when all replicas have it, and the partitions fill evenly.
// Without idempotence a record can be given up in time, and a topic that was recreated
// needs no new producer; a notification may then be sent twice.
func producing() []kgo.Opt {
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()),
		kgo.DisableIdempotentWrite(),
		kgo.ProducerLinger(0),
		kgo.ProduceRequestTimeout(produceTime),
		kgo.RecordDeliveryTimeout(produceTime),
	}
}

func (o *orders) create(r *http.Request) (server.Result, error) {
	created := order{Item: "sample", Quantity: 1}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &created)
	}
	if err != nil {
		return server.Result{}, server.Fail(http.StatusBadRequest, `send {"item": "name", "quantity": 1}: %v`, err)
	}
	err = o.db.QueryRow(r.Context(), "INSERT INTO orders (item, quantity) VALUES ($1, $2) RETURNING id, created_at",
		[]any{created.Item, created.Quantity}, &created.ID, &created.Created)
	if err != nil {
		return server.Result{}, server.Fail(http.StatusServiceUnavailable, "postgres: %v", err)
	}
	if err := o.notify(r.Context(), created); err != nil {
		return server.Result{}, server.Fail(http.StatusServiceUnavailable, "kafka: order %d is stored, its notification is not: %v", created.ID, err)
	}
	return server.Result{Status: http.StatusCreated, Body: created}, nil
}

// notify waits for the broker, but not beyond its time: the client's promise may take
// longer, when the broker hangs in the middle of a request.
func (o *orders) notify(ctx context.Context, created order) error {
	value, err := json.Marshal(created)
	if err != nil {
		return err
	}
	if o.missing.Load() {
		return fmt.Errorf("the topic %s does not exist: create it", o.topic)
	}
	ctx, cancel := context.WithTimeout(ctx, produceTime)
	defer cancel()
	done := make(chan error, 1)
	o.producer.TryProduce(ctx, &kgo.Record{Topic: o.topic, Value: value}, func(_ *kgo.Record, err error) { done <- err })
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrRecordTimeout) {
		return fmt.Errorf("no answer within %s", produceTime)
	}
	return err
}

// watchTopic makes the producer forget a topic that was deleted: it would go on asking
// for the old one after a new one was created.
func (o *orders) watchTopic(ctx context.Context) {
	var watch kafka.Watch
	for {
		state, err := watch.Look(ctx, o.producer, o.topic)
		if err == nil {
			o.missing.Store(state == kafka.Missing)
		}
		if state == kafka.Replaced {
			slog.Warn("the topic was deleted or recreated", "topic", o.topic)
			o.producer.PurgeTopicsFromProducing(o.topic)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func (o *orders) get(r *http.Request) (server.Result, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return server.Result{}, server.Fail(http.StatusBadRequest, "an order's id is a number")
	}
	found := order{}
	err = o.db.QueryRow(r.Context(), "SELECT id, item, quantity, created_at FROM orders WHERE id = $1",
		[]any{id}, &found.ID, &found.Item, &found.Quantity, &found.Created)
	if postgres.NoRows(err) {
		return server.Result{}, server.Fail(http.StatusNotFound, "there is no order %d", id)
	}
	if err != nil {
		return server.Result{}, server.Fail(http.StatusServiceUnavailable, "postgres: %v", err)
	}
	return server.Result{Status: http.StatusOK, Body: found}, nil
}
