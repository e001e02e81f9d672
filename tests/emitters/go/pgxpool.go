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
	var timeout, name string
	if err := pool.QueryRow(context.Background(), "select current_setting('statement_timeout'), current_setting('application_name')").Scan(&timeout, &name); err != nil {
		panic(err)
	}
	seen := fmt.Sprint(pool.Config().MaxConns, pool.Config().MinConns, timeout, name)
	if seen != fmt.Sprint(int32(9), int32(1), "7s", "shop") {
		panic(seen)
	}
}
