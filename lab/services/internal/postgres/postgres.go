// Package postgres connects on first use, so that a service starts while its database
// is down, and creates what it needs when the database is there.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"lab/services/internal/env"
	"lab/services/internal/health"
)

const (
	undefinedTable = "42P01"
	connectTimeout = 2 * time.Second
)

// DB is a pool and the schema that its service needs.
type DB struct {
	pool   *pgxpool.Pool
	schema string
	ready  atomic.Bool
}

// Open reads DATABASE_URL and DB_POOL_SIZE; it does not connect yet.
func Open(service, schema string, settings *env.Reader) (*DB, error) {
	config, err := pgxpool.ParseConfig(settings.String("DATABASE_URL", "postgres://app:app@postgres:5432/app?sslmode=disable"))
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: set it to postgres://user:password@host:port/database?sslmode=disable: %w", err)
	}
	config.MaxConns = int32(min(settings.Int("DB_POOL_SIZE", 5, 1), 10_000))
	config.ConnConfig.ConnectTimeout = connectTimeout
	if _, set := config.ConnConfig.RuntimeParams["application_name"]; !set {
		config.ConnConfig.RuntimeParams["application_name"] = service
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL cannot be used: %w", err)
	}
	return &DB{pool: pool, schema: schema}, nil
}

// Close waits for connections that are in use.
func (db *DB) Close() { db.pool.Close() }

// Dependency is the database in GET /health.
func (db *DB) Dependency() health.Dependency {
	return health.Dependency{Name: "postgres", Check: func(ctx context.Context) error {
		return db.explain(db.pool.Ping(ctx))
	}}
}

// Prepare creates the tables as soon as the database answers, so that they are there
// before the first request.
func (db *DB) Prepare(ctx context.Context) {
	for db.ensure(ctx) != nil { // whoever needs the tables reports why they are missing
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// QueryRow runs one statement and scans its one row. A table that someone dropped is
// created again and the statement tried once more.
func (db *DB) QueryRow(ctx context.Context, sql string, args []any, dest ...any) error {
	err := db.query(ctx, sql, args, dest)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == undefinedTable {
		db.ready.Store(false)
		err = db.query(ctx, sql, args, dest)
	}
	return db.explain(err)
}

// explain keeps a failed connection's list of addresses on one line of the log, and says
// when requests wait for a connection rather than for an answer.
func (db *DB) explain(err error) error {
	var failed *pgconn.ConnectError
	switch {
	case errors.As(err, &failed):
		return errors.New(strings.Join(strings.Fields(err.Error()), " "))
	case !errors.Is(err, context.DeadlineExceeded):
		return err
	case db.pool.Stat().AcquiredConns() >= db.pool.Config().MaxConns:
		return fmt.Errorf("no answer in time, all %d connections of the pool are in use", db.pool.Config().MaxConns)
	}
	return errors.New("no answer in time")
}

func (db *DB) query(ctx context.Context, sql string, args, dest []any) error {
	if err := db.ensure(ctx); err != nil {
		return err
	}
	return db.pool.QueryRow(ctx, sql, args...).Scan(dest...)
}

// NoRows reports whether the statement found nothing.
func NoRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

func (db *DB) ensure(ctx context.Context) error {
	if db.ready.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if _, err := db.pool.Exec(ctx, db.schema); err != nil {
		return fmt.Errorf("cannot create the tables: %w", err)
	}
	db.ready.Store(true)
	return nil
}
