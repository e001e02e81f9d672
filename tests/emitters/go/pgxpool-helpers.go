// Runs what --helpers adds to pgxpool against a real server: failing statements, a server that goes away, a used up pool. The file
// is planned for 2 connections and 1 s of waiting; CLUSTER is the command that starts, stops and restarts the server.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"time"

	"db"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	most     = 2
	sessions = "select count(*) from pg_stat_activity where application_name = 'shop'"
	endAll   = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'shop'"
	endMine  = "select pg_terminate_backend(pg_backend_pid())"
	row      = "insert into t values (1)"
)

var (
	ctx = context.Background()
	// the application's own error
	mine = errors.New("mine")
	pool *pgxpool.Pool
)

type step func(pgx.Tx) error

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(what string, seen, wanted any) {
	if fmt.Sprint(seen) != fmt.Sprint(wanted) {
		panic(fmt.Sprintf("%s: %v instead of %v", what, seen, wanted))
	}
}

func cluster(act string) {
	words := strings.Fields(strings.Replace(os.Getenv("CLUSTER"), "ACT", act, 1))
	must(exec.Command(words[0], words[1:]...).Run())
}

func outside(sql string) (count int) {
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	must(err)
	defer conn.Close(ctx)
	if strings.HasPrefix(sql, "select") {
		must(conn.QueryRow(ctx, sql).Scan(&count))
	} else {
		_, err = conn.Exec(ctx, sql)
		must(err)
	}
	return count
}

func sql(text string) step {
	return func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, text)
		return err
	}
}

func fail(pgx.Tx) error {
	outside(endAll)
	return mine
}

func once(work func(pgx.Tx) error) error  { return db.Transaction(ctx, pool, work) }
func again(work func(pgx.Tx) error) error { return db.TransactionWithRetry(ctx, pool, 3, work) }

// failing is the SQLSTATE or the text of a transaction's error, and how often it ran.
func failing(run func(func(pgx.Tx) error) error, steps ...step) string {
	runs := 0
	err := run(func(tx pgx.Tx) error {
		runs++
		for _, step := range steps {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	})
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return fmt.Sprint(refused.Code, " ", runs)
	}
	return fmt.Sprint(err, " ", runs)
}

func until(condition func() bool) {
	for try := 0; try < 200; try++ {
		if condition() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	panic("not within 10 s")
}

func allCanBeTaken() {
	taken := take()
	equal("in use", pool.Stat().AcquiredConns(), most)
	for _, conn := range taken {
		conn.Release()
	}
	until(func() bool { return pool.Stat().AcquiredConns() == 0 })
	equal("left in a transaction", outside(sessions+" and state like 'idle in%'"), 0)
}

func take() (taken [most]*pgxpool.Conn) {
	for at := range taken {
		conn, err := db.Acquire(ctx, pool)
		must(err)
		taken[at] = conn
	}
	return taken
}

func health() (answer map[string]any, seen string) {
	recorder := httptest.NewRecorder()
	db.Health(pool).ServeHTTP(recorder, httptest.NewRequest("GET", "/health", nil))
	must(json.Unmarshal(recorder.Body.Bytes(), &answer))
	return answer, fmt.Sprint(answer["status"], " ", recorder.Code)
}

func gauge(registry *prometheus.Registry) string {
	families, err := registry.Gather()
	must(err)
	equal("families", len(families), 1)
	equal("name", families[0].GetName(), "db_pool_connections")
	seen := map[string]float64{}
	for _, metric := range families[0].GetMetric() {
		seen[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
	}
	return fmt.Sprint(seen["total"], seen["idle"], seen["waiting"])
}

func main() {
	outside("create table t (n int)")
	outside("create table fatal (n int)")
	outside("create function die() returns trigger language plpgsql as 'begin perform pg_terminate_backend(pg_backend_pid()); return null; end'")
	outside("create constraint trigger doom after insert on fatal deferrable initially deferred for each row execute function die()")
	opened, err := db.Open(ctx)
	must(err)
	pool = opened
	registry := prometheus.NewRegistry()
	must(db.ShowMetrics(pool, registry))

	// A statement that fails.
	equal("statement", failing(again, sql(row), sql("select 1/0")), "22012 1")
	equal("rows", outside("select count(*) from t"), 0)
	must(once(sql(row)))
	equal("rows", outside("select count(*) from t"), 1)

	// A server that restarts in the middle of a transaction.
	runs := 0
	must(again(func(tx pgx.Tx) error {
		runs++
		if err := sql(row)(tx); err != nil {
			return err
		}
		if runs == 1 {
			cluster("restart")
		}
		return sql(row)(tx)
	}))
	equal("runs, rows", fmt.Sprint(runs, outside("select count(*) from t")), "2 3")

	// Its own session ends; an error of the application's own is not masked by a ROLLBACK that fails.
	equal("ended", failing(once, sql(endMine)), "57P01 1")
	equal("own error", failing(again, sql(row), fail), "mine 1")
	until(func() bool { return outside(sessions) <= most })

	// A COMMIT whose fate is unknown.
	equal("commit", failing(again, sql("insert into fatal values (1)")), "57P01 1")

	// A hundred errors, and one that nobody caught.
	kinds := []step{sql("select 1/0"), fail, sql(endMine), sql("insert into fatal values (1)")}
	for try := 0; try < 100; try++ {
		kind := kinds[0]
		if try%5 == 0 {
			kind = kinds[try/5%4]
		}
		if failing(once, sql(row), kind) == "<nil> 1" {
			panic("it did not fail")
		}
	}
	func() {
		defer func() { equal("panic", recover(), "lost") }()
		_ = once(func(pgx.Tx) error { panic("lost") })
	}()
	allCanBeTaken()
	equal("rows", outside("select count(*) from t"), 3)

	// A pool that is used up.
	answer, seen := health()
	equal("health", seen, "healthy 200")
	equal("keys", len(answer), 5)
	taken := take()
	_, seen = health()
	equal("used up", seen, "degraded 503")
	waiter := make(chan string)
	go func() { waiter <- failing(again, sql("select 1")) }()
	until(func() bool { return gauge(registry) == "2 0 1" })
	equal("waiter", strings.HasSuffix(<-waiter, "deadline exceeded 0"), true)
	go func() { waiter <- failing(once, sql("select 1")) }()
	until(func() bool { return gauge(registry) == "2 0 1" })
	time.AfterFunc(200*time.Millisecond, func() {
		for _, conn := range taken {
			conn.Release()
		}
	})
	_, seen = health()
	equal("while others wait", seen, "degraded 200")
	equal("waiter", <-waiter, "<nil> 1")
	allCanBeTaken()

	// What a COMMIT of a failed transaction does is no success.
	swallow := func(tx pgx.Tx) error { _ = sql("select 1/0")(tx); return nil }
	equal("swallowed", failing(once, swallow), "commit unexpectedly resulted in rollback 1")

	// A server that is away.
	cluster("stop")
	_, seen = health()
	equal("away", seen, "unhealthy 503")
	cluster("start")
	// each connection of before may be met once: pgx asks only those that were idle for a second whether they are alive
	until(func() bool { _, seen = health(); return seen == "healthy 200" })

	// The end: connections in use are waited for, but not for ever.
	conn, err := db.Acquire(ctx, pool)
	must(err)
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	equal("close", db.Close(short, pool), context.DeadlineExceeded)
	conn.Release()
	until(func() bool { return outside(sessions) == 0 })
}
