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
	var timeout, name string
	if err := pool.QueryRow("select current_setting('statement_timeout'), current_setting('application_name')").Scan(&timeout, &name); err != nil {
		panic(err)
	}
	seen := fmt.Sprint(pool.Stats().MaxOpenConnections, timeout, name)
	if seen != fmt.Sprint(9, "7s", "shop") {
		panic(seen)
	}
}
