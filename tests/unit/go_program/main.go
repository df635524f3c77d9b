// Copyright (c) 2026 The incident.response authors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A program whose goroutines wait for a database that gives its one connection to nobody else.
// It labels them with a secret, as programs do, and holds memory allocated under that label.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
)

type slowDriver struct{}

func (slowDriver) Open(string) (driver.Conn, error) { return slowConn{}, nil }

type slowConn struct{}

func (slowConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not here") }
func (slowConn) Close() error                        { return nil }
func (slowConn) Begin() (driver.Tx, error)           { return nil, errors.New("not here") }

var kept [][]byte

//go:noinline
func remember(size int) { kept = append(kept, make([]byte, size)) }

//go:noinline
func askDatabase(db *sql.DB) {
	_, _ = db.Exec("SELECT 1")
}

func main() {
	sql.Register("slow", slowDriver{})
	db, err := sql.Open("slow", "")
	if err != nil {
		panic(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Conn(context.Background()); err != nil { // taken, and never given back
		panic(err)
	}
	labels := pprof.Labels("customer", os.Args[1])
	for range 40 {
		go pprof.Do(context.Background(), labels, func(context.Context) { askDatabase(db) })
	}
	pprof.Do(context.Background(), labels, func(context.Context) { remember(32 << 20) })
	runtime.GC()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	panic(http.Serve(listener, nil))
}
