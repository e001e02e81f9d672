// Opens the emitted pool on the server of DATABASE_URL, and compares it with the plan: 9 connections, 7 s.
package main

import (
	"fmt"

	"db"
)

func main() {
	pool, err := db.Open()
	if err != nil {
		panic(err)
	}
	var timeout string
	if err := pool.QueryRow("show statement_timeout").Scan(&timeout); err != nil {
		panic(err)
	}
	seen := fmt.Sprint(pool.Stats().MaxOpenConnections, timeout)
	if seen != fmt.Sprint(9, "7s") {
		panic(seen)
	}
}
