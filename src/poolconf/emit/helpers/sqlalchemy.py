import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from prometheus_client import Gauge
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection, QueuePool


class CountingPool(QueuePool):
    """SQLAlchemy's pool, which also knows how many callers wait for a connection."""

    waiting = 0
    _counting = threading.Lock()

    def connect(self) -> PoolProxiedConnection:
        self._count(1)
        try:
            return super().connect()
        finally:
            self._count(-1)

    def used_up(self) -> bool:
        return self.checkedout() >= self.size() + self._max_overflow

    def _count(self, change: int) -> None:
        with self._counting:
            self.waiting += change

===

# The helpers, with what `pip install sqlalchemy "psycopg[binary]" prometheus-client` brings.

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# What passes by itself: the server was away, full, starting or stopping. A deadlock (40P01) and a serialization failure
# (40001) are none of that; add them if your transactions are written to be run again at once.
TRANSIENT = {"08000", "08001", "08003", "08006", "53300", "57P01", "57P03"}
# libpq has no SQLSTATE for a connection that could not be made.
NOT_CONNECTED = re.compile(
    "connection refused|connection reset|timeout expired|timed out|closed the connection unexpectedly"
    "|too many (clients|connections)|remaining connection slots|starting up|shutting down|in recovery mode",
    re.IGNORECASE,
)


class RolledBack(Exception):
    """There was nothing to commit: a statement of the transaction had failed."""


def _pool() -> CountingPool:
    return cast(CountingPool, engine.pool)


class _Progress:
    commit_sent = False


def _attempt(work: Callable[[Session], Result], progress: _Progress) -> Result:
    # The session gives its connection back in every case. What is loaded can be read after that.
    with Session(engine, expire_on_commit=False) as session:
        try:
            result = work(session)
            session.flush()
            if session.in_transaction():
                driver = session.connection().connection.driver_connection
                if driver is not None and driver.info.transaction_status == TransactionStatus.INERROR:
                    raise RolledBack("a statement of the transaction had failed")
            progress.commit_sent = True
            session.commit()
        except BaseException:
            # Why it failed stays the exception that is raised, whatever becomes of the ROLLBACK.
            try:
                session.rollback()
            except Exception as failed:
                log.warning("rollback failed, its connection is closed: %s", failed)
                session.invalidate()
            raise
        return result


def _is_transient(error: DBAPIError) -> bool:
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is not None:
        return sqlstate in TRANSIENT
    lost = error.connection_invalidated or NOT_CONNECTED.search(str(error.orig))
    return isinstance(error, OperationalError) and bool(lost)


def transaction(work: Callable[[Session], Result]) -> Result:
    """Runs work(session) in one transaction."""
    return _attempt(work, _Progress())


def transaction_with_retry(work: Callable[[Session], Result], retries: int = 3) -> Result:
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
        except DBAPIError as error:
            if progress.commit_sent or tries > retries or not _is_transient(error):
                raise
            log.warning("transaction is run again: %s", error.orig)
        # From 1 s to 2 s, then to 4 s, then to 5 s: not everybody comes back at once.
        time.sleep(random.uniform(1, min(5, 2**tries)))


def health() -> tuple[dict[str, Any], int]:
    """Body and status of GET /health, as in Flask's `return health()` and FastAPI's `JSONResponse(*health())`.

    200: the database answered, "degraded" when callers wait for a connection, because to take this instance away sends
    them to the others. 503: it did not answer, or ("degraded") all connections stayed in use.
    """
    waiting = _pool().waiting
    started = time.monotonic()
    status, code = "degraded" if waiting else "healthy", 200
    try:
        # The pool has one limit for every wait, which is too long here.
        while _pool().used_up():
            if time.monotonic() - started > 2:
                raise PoolTimeout("no connection within 2 s")
            time.sleep(0.02)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except (DBAPIError, PoolTimeout) as error:
        status, code = "degraded" if isinstance(error, PoolTimeout) else "unhealthy", 503
        log.error("database health: %s", error)
    latency = round((time.monotonic() - started) * 1000)
    idle = _pool().checkedin()
    total = idle + _pool().checkedout()
    return {"status": status, "latency_ms": latency, "total": total, "idle": idle, "waiting": waiting}, code


# What prometheus_client's registry shows of the pool.
connections = Gauge("db_pool_connections", "Connections of the database pool, and callers that wait for one.", ["state"])
connections.labels("total").set_function(lambda: _pool().checkedin() + _pool().checkedout())
connections.labels("idle").set_function(lambda: _pool().checkedin())
connections.labels("waiting").set_function(lambda: _pool().waiting)


def close() -> None:
    """Call this on SIGTERM, after the last request. Connections that are still in use are closed when they come back."""
    engine.dispose()
