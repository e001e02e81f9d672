import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)
===

// The helpers, with pgx and github.com/prometheus/client_golang.

// What passes by itself: the server was away, full, starting or stopping. A deadlock (40P01) and a serialization failure
// (40001) are none of that; add them if your transactions are written to be run again at once.
var transientStates = map[string]bool{
	"08000": true, "08001": true, "08003": true, "08006": true, "53300": true, "57P01": true, "57P03": true,
}

var lost = []error{
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ETIMEDOUT, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF,
}

// waiting is how many callers wait in Acquire.
var waiting atomic.Int64

// Acquire waits at most AcquireTimeout for a connection. Its Release, to be deferred, closes one that is broken or still in a
// transaction instead of giving it back.
func Acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	waiting.Add(1)
	defer waiting.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, AcquireTimeout)
	defer cancel()
	return pool.Acquire(ctx)
}

// Transaction runs work in one transaction.
func Transaction(ctx context.Context, pool *pgxpool.Pool, work func(pgx.Tx) error) error {
	_, err := attempt(ctx, pool, work)
	return err
}

// TransactionWithRetry does the same, and the whole transaction again when it was lost to what passes by itself. As work may
// run several times, it may do nothing outside of the database. Once COMMIT was sent nothing is repeated: it may have been
// done.
func TransactionWithRetry(ctx context.Context, pool *pgxpool.Pool, retries int, work func(pgx.Tx) error) error {
	for try := 1; ; try++ {
		commitSent, err := attempt(ctx, pool, work)
		if err == nil || commitSent || try > retries || ctx.Err() != nil || !isTransient(err) {
			return err
		}
		log.Printf("transaction is run again: %v", err)
		// From 1 s to 2 s, then to 4 s, then to 5 s: not everybody comes back at once.
		most := 5.0
		if try < 3 {
			most = float64(int(1) << try)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration((1 + rand.Float64()*(most-1)) * float64(time.Second))):
		}
	}
}

func attempt(ctx context.Context, pool *pgxpool.Pool, work func(pgx.Tx) error) (commitSent bool, err error) {
	conn, err := Acquire(ctx, pool)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, err
	}
	// Also when work panics, or ctx is done. After COMMIT it does nothing; a connection on which it fails is closed, and why
	// it was needed stays the error that is returned.
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	if err := work(tx); err != nil {
		return false, err
	}
	return true, tx.Commit(ctx)
}

func isTransient(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return transientStates[refused.Code]
	}
	for _, reason := range lost {
		if errors.Is(err, reason) {
			return true
		}
	}
	// Nothing was sent on a connection that is closed already. A timeout is final: there has been waiting enough.
	return pgconn.SafeToRetry(err) && !pgconn.Timeout(err)
}

// Health answers GET /health. 200: the database answered, "degraded" when callers wait for a connection, because to take this
// instance away sends them to the others. 503: it did not answer, or ("degraded") all connections stayed in use.
func Health(pool *pgxpool.Pool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		waiting, started := waiting.Load(), time.Now()
		status, code := "healthy", http.StatusOK
		if waiting > 0 {
			status = "degraded"
		}
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		err := pool.Ping(ctx)
		stat := pool.Stat()
		if err != nil {
			status, code = "unhealthy", http.StatusServiceUnavailable
			if stat.AcquiredConns() >= stat.MaxConns() {
				status = "degraded"
			}
			log.Printf("database health: %v", err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"status": status, "latency_ms": time.Since(started).Milliseconds(),
			"total": stat.TotalConns(), "idle": stat.IdleConns(), "waiting": waiting,
		})
	})
}

// ShowMetrics shows the pool in a registry, as in ShowMetrics(pool, prometheus.DefaultRegisterer).
func ShowMetrics(pool *pgxpool.Pool, registerer prometheus.Registerer) error {
	for state, value := range map[string]func() float64{
		"total":   func() float64 { return float64(pool.Stat().TotalConns()) },
		"idle":    func() float64 { return float64(pool.Stat().IdleConns()) },
		"waiting": func() float64 { return float64(waiting.Load()) },
	} {
		gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "db_pool_connections",
			Help:        "Connections of the database pool, and callers that wait for one.",
			ConstLabels: prometheus.Labels{"state": state},
		}, value)
		if err := registerer.Register(gauge); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the pool, on SIGTERM and after the last request (http.Server.Shutdown). It waits for connections that are in
// use, until ctx is done.
func Close(ctx context.Context, pool *pgxpool.Pool) error {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
