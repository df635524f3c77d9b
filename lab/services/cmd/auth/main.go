// Auth says whether a token is valid: from Redis when it can, else from PostgreSQL.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"lab/services/internal/env"
	"lab/services/internal/health"
	"lab/services/internal/logs"
	"lab/services/internal/postgres"
	"lab/services/internal/server"
)

const (
	requestTime = 1400 * time.Millisecond
	cacheTime   = 400 * time.Millisecond // the cache must cost less than what it saves
	cacheTTL    = 60 * time.Second

	// lab-token is what loadgen sends.
	schema = `CREATE TABLE IF NOT EXISTS tokens (
	token text PRIMARY KEY,
	username text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO tokens (token, username) VALUES ('lab-token', 'loadgen') ON CONFLICT DO NOTHING`
)

type auth struct {
	cache *redis.Client
	db    *postgres.DB
	limit logs.Limiter
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "auth:", err)
		os.Exit(1)
	}
}

func run() error {
	var settings env.Reader
	srv := server.New("auth", 8081, &settings)
	db, err := postgres.Open(srv.Name, schema, &settings)
	if err = errors.Join(settings.Err(), err); err != nil {
		return err
	}
	defer db.Close()
	a := &auth{cache: openCache(srv.Name, &settings), db: db, limit: logs.Limiter{Interval: 5 * time.Second}}
	defer a.cache.Close()
	ping := func(ctx context.Context) error { return a.cache.Ping(ctx).Err() }
	srv.Health(db.Dependency(), health.Dependency{Name: "redis", Check: ping})
	srv.Background(db.Prepare)
	srv.Work("GET /verify", requestTime, a.verify)
	return srv.Run()
}

func openCache(service string, settings *env.Reader) *redis.Client {
	redis.SetLogger(silent{}) // its errors reach us as values
	return redis.NewClient(&redis.Options{
		Addr:                  settings.String("REDIS_ADDR", "redis:6379"),
		ClientName:            service,
		DialTimeout:           time.Second,
		ReadTimeout:           time.Second,
		WriteTimeout:          time.Second,
		ContextTimeoutEnabled: true,
		MaxRetries:            -1,
		DialerRetries:         1,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func (a *auth) verify(r *http.Request) (server.Result, error) {
	token := r.URL.Query().Get("token")
	if token == "" {
		return server.Result{}, server.Fail(http.StatusUnauthorized, "no token: send /verify?token=TOKEN")
	}
	user, cached, cacheErr := a.fromCache(r.Context(), token)
	if cached {
		return valid(user), nil
	}
	err := a.db.QueryRow(r.Context(), "SELECT username FROM tokens WHERE token = $1", []any{token}, &user)
	if postgres.NoRows(err) {
		return server.Result{}, server.Fail(http.StatusUnauthorized, "unknown token")
	}
	if err != nil {
		return server.Result{}, server.Fail(http.StatusServiceUnavailable, "postgres: %v", err)
	}
	if cacheErr == nil {
		a.fill(r.Context(), token, user)
	}
	return valid(user), nil
}

func valid(user string) server.Result {
	return server.Result{Status: http.StatusOK, Body: map[string]string{"user": user}}
}

// fromCache treats a cache that fails as an empty one: the answer is in the database.
func (a *auth) fromCache(ctx context.Context, token string) (user string, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, cacheTime)
	defer cancel()
	user, err = a.cache.Get(ctx, key(token)).Result()
	if errors.Is(err, redis.Nil) {
		return "", false, nil
	}
	if err != nil {
		a.warn("cannot read the cache", err)
		return "", false, err
	}
	return user, true, nil
}

func (a *auth) fill(ctx context.Context, token, user string) {
	ctx, cancel := context.WithTimeout(ctx, cacheTime)
	defer cancel()
	if err := a.cache.Set(ctx, key(token), user, cacheTTL).Err(); err != nil {
		a.warn("cannot fill the cache", err)
	}
}

func key(token string) string { return "token:" + token }

func (a *auth) warn(msg string, err error) {
	if skipped, ok := a.limit.Allow(msg); ok {
		slog.Warn(msg, "error", err, "repeated", skipped)
	}
}
