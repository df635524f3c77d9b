// Gateway is the front door: it checks the token at auth and passes the rest to orders.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"lab/services/internal/env"
	"lab/services/internal/health"
	"lab/services/internal/peer"
	"lab/services/internal/server"
)

const (
	requestTime = 2800 * time.Millisecond // loadgen gives up after 3 s
	authTime    = 1500 * time.Millisecond
	maxBody     = 1 << 20
)

type gateway struct {
	auth, orders string
	client       *http.Client
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func run() error {
	var settings env.Reader
	srv := server.New("gateway", 8080, &settings)
	g := &gateway{
		auth:   strings.TrimRight(settings.String("AUTH_URL", "http://auth:8081"), "/"),
		orders: strings.TrimRight(settings.String("ORDERS_URL", "http://orders:8082"), "/"),
		client: peer.Client(),
	}
	if err := settings.Err(); err != nil {
		return err
	}
	srv.Health(health.Service("auth", g.auth, g.client), health.Service("orders", g.orders, g.client))
	srv.Work("GET /api/orders/{id}", requestTime, g.getOrder)
	srv.Work("POST /api/orders", requestTime, g.createOrder)
	return srv.Run()
}

func (g *gateway) getOrder(r *http.Request) (server.Result, error) {
	return g.forward(r, g.orders+"/orders/"+url.PathEscape(r.PathValue("id")), nil)
}

func (g *gateway) createOrder(r *http.Request) (server.Result, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return server.Result{}, server.Fail(http.StatusBadRequest, "cannot read the request: %v", err)
	}
	return g.forward(r, g.orders+"/orders", body)
}

func (g *gateway) forward(r *http.Request, address string, body []byte) (server.Result, error) {
	if err := g.authorize(r); err != nil {
		return server.Result{}, err
	}
	status, answer, err := peer.Call(r.Context(), g.client, r.Method, address, body)
	if err != nil {
		return server.Result{}, unreachable(r.Context(), "orders", err)
	}
	if status >= http.StatusInternalServerError {
		return server.Result{}, answered("orders", status, answer)
	}
	if !json.Valid(answer) {
		return server.Result{}, server.Fail(http.StatusBadGateway, "orders answered %d with something that is not JSON", status)
	}
	return server.Result{Status: status, Body: json.RawMessage(answer)}, nil
}

func (g *gateway) authorize(r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), authTime)
	defer cancel()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		token = r.URL.Query().Get("token")
	}
	status, body, err := peer.Call(ctx, g.client, http.MethodGet, g.auth+"/verify?token="+url.QueryEscape(token), nil)
	switch {
	case err != nil:
		return unreachable(ctx, "auth", err)
	case status == http.StatusOK:
		return nil
	case status == http.StatusUnauthorized:
		return server.Fail(http.StatusUnauthorized, "the token is not valid: send Authorization: Bearer TOKEN")
	}
	return answered("auth", status, body)
}

func unreachable(ctx context.Context, name string, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return server.Fail(http.StatusGatewayTimeout, "%s gave no answer in time", name)
	}
	return server.Fail(http.StatusBadGateway, "%s cannot be reached: %v", name, err)
}

func answered(name string, status int, body []byte) error {
	var detail struct{ Error string }
	if json.Unmarshal(body, &detail) != nil || detail.Error == "" {
		return server.Fail(http.StatusBadGateway, "%s answered %d", name, status)
	}
	return server.Fail(http.StatusBadGateway, "%s answered %d: %s", name, status, detail.Error)
}
