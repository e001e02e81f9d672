import logging
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Optional, TypeVar

import psycopg
from prometheus_client import Gauge
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout


class CountingPool(ConnectionPool):
    """psycopg's pool, which also knows how many callers have a connection, and how many wait for one (its own statistics
    count those that gave up, too)."""

    callers_waiting = 0
    in_use = 0
    _counting = threading.Lock()

    def getconn(self, timeout: Optional[float] = None) -> psycopg.Connection:
        self._count(waiting=1)
        try:
            connection = super().getconn(timeout)
        finally:
            self._count(waiting=-1)
        self._count(in_use=1)
        return connection

    def putconn(self, conn: psycopg.Connection) -> None:
        self._count(in_use=-1)
        super().putconn(conn)

    def _count(self, waiting: int = 0, in_use: int = 0) -> None:
        with self._counting:
            self.callers_waiting += waiting
            self.in_use += in_use

===

# The helpers, with what `pip install "psycopg[pool]" prometheus-client` brings.

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# What passes by itself: the server was away, full, starting or stopping. A deadlock (40P01) and a serialization failure
# (40001) are none of that; add them if your transactions are written to be run again at once.
TRANSIENT = {"08000", "08001", "08003", "08006", "53300", "57P01", "57P03"}


class RolledBack(Exception):
    """There was nothing to commit: a statement of the transaction had failed."""


class _Progress:
    commit_sent = False
    lost = False


def _attempt(work: Callable[[psycopg.Connection], Result], progress: _Progress) -> Result:
    # The pool takes the connection back in every case, rolls back, and closes what is broken; a ROLLBACK that fails is
    # logged, and why it was needed stays the exception that is raised.
    with pool.connection() as connection:
        try:
            result = work(connection)
            if connection.info.transaction_status == TransactionStatus.INERROR:
                raise RolledBack("a statement of the transaction had failed")
            progress.commit_sent = True
            connection.commit()
        except psycopg.Error:
            progress.lost = connection.closed
            raise
        return result


def _is_transient(error: psycopg.Error, progress: _Progress) -> bool:
    # A connection that breaks without a word from the server has no SQLSTATE. A PoolTimeout is final: connecting was
    # tried again all the while.
    return error.sqlstate in TRANSIENT or (error.sqlstate is None and progress.lost)


def transaction(work: Callable[[psycopg.Connection], Result]) -> Result:
    """Runs work(connection) in one transaction."""
    return _attempt(work, _Progress())


def transaction_with_retry(work: Callable[[psycopg.Connection], Result], retries: int = 3) -> Result:
    """The same, and the whole transaction again when it was lost to what passes by itself.

    As work may run several times, it may do nothing outside of the database. Once COMMIT was sent nothing is repeated: it
    may have been done.
    """
    tries = 0
    while True:
        tries += 1
        progress = _Progress()
        try:
            return _attempt(work, progress)
        except psycopg.Error as error:
            if progress.commit_sent or tries > retries or not _is_transient(error, progress):
                raise
            log.warning("transaction is run again: %s", error)
        # From 1 s to 2 s, then to 4 s, then to 5 s: not everybody comes back at once.
        time.sleep(random.uniform(1, min(5, 2**tries)))


def health() -> tuple[dict[str, Any], int]:
    """Body and status of GET /health, as in Flask's `return health()` and FastAPI's `JSONResponse(*health())`.

    200: the database answered, "degraded" when callers wait for a connection, because to take this instance away sends
    them to the others. 503: it did not answer, or ("degraded") all connections stayed in use.
    """
    waiting = pool.callers_waiting
    started = time.monotonic()
    status, code = "degraded" if waiting else "healthy", 200
    try:
        with pool.connection(timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        used_up = isinstance(error, PoolTimeout) and pool.in_use >= pool.max_size
        status, code = "degraded" if used_up else "unhealthy", 503
        log.error("database health: %s", error)
    latency = round((time.monotonic() - started) * 1000)
    stats = pool.get_stats()
    total, idle = stats["pool_size"], stats["pool_available"]
    return {"status": status, "latency_ms": latency, "total": total, "idle": idle, "waiting": waiting}, code


# What prometheus_client's registry shows of the pool.
connections = Gauge("db_pool_connections", "Connections of the database pool, and callers that wait for one.", ["state"])
connections.labels("total").set_function(lambda: pool.get_stats()["pool_size"])
connections.labels("idle").set_function(lambda: pool.get_stats()["pool_available"])
connections.labels("waiting").set_function(lambda: pool.callers_waiting)


def close() -> None:
    """Call this on SIGTERM, after the last request. Connections that are still in use are closed when they come back."""
    pool.close(timeout=10)
