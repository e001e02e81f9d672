// Opens the emitted pool on the server of DATABASE_URL, and compares it with the plan: 9 connections, 1 kept, 7 s.
package main

import (
	"context"
	"fmt"

	"db"
)

func main() {
	pool, err := db.Open(context.Background())
	if err != nil {
		panic(err)
	}
	var timeout string
	if err := pool.QueryRow(context.Background(), "show statement_timeout").Scan(&timeout); err != nil {
		panic(err)
	}
	seen := fmt.Sprint(pool.Config().MaxConns, pool.Config().MinConns, timeout)
	if seen != fmt.Sprint(int32(9), int32(1), "7s") {
		panic(seen)
	}
}
