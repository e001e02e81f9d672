import asyncio
import contextlib
import logging
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
from prometheus_client import Gauge
===


# The helpers, with what `pip install asyncpg prometheus-client` brings.

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# What passes by itself: the server was away, full, starting or stopping. A deadlock (40P01) and a serialization failure
# (40001) are none of that; add them if your transactions are written to be run again at once.
TRANSIENT = {"08000", "08001", "08003", "08006", "53300", "57P01", "57P03"}

_waiting = 0


@contextlib.asynccontextmanager
async def acquire(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection, given back in every case. Callers that wait here are those that health and metrics count."""
    global _waiting
    _waiting += 1
    try:
        connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT)
    finally:
        _waiting -= 1
    try:
        yield connection
    finally:
        try:
            await pool.release(connection)
        except Exception as error:
            # asyncpg has closed it, and whatever broke it has been raised already.
            log.warning("connection closed instead of given back: %s", error)


class _Progress:
    commit_sent = False
    lost = False


async def _attempt(
    pool: asyncpg.Pool, work: Callable[[asyncpg.Connection], Awaitable[Result]], progress: _Progress
) -> Result:
    async with acquire(pool) as connection:
        try:
            transaction = connection.transaction()
            await transaction.start()
            try:
                result = await work(connection)
            except BaseException:
                # Why it failed stays the exception that is raised, whatever becomes of the ROLLBACK.
                try:
                    await transaction.rollback()
                except Exception as failed:
                    log.warning("rollback failed, its connection is closed: %s", failed)
                    with contextlib.suppress(asyncpg.InterfaceError):
                        connection.terminate()
                raise
            progress.commit_sent = True
            await transaction.commit()
        except Exception:
            progress.lost = _is_lost(connection)
            raise
        return result


def _is_lost(connection: asyncpg.Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # the pool has taken it back already


def _is_transient(error: Exception, progress: _Progress) -> bool:
    # Without a word from the server, what is lost is an OSError, an InterfaceError of the closed connection, or, when it
    # was idle as the server ended it, an InternalClientError. A TimeoutError is final: there has been waiting enough.
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in TRANSIENT
    if isinstance(error, asyncpg.InterfaceError):
        return progress.lost
    return isinstance(error, (ConnectionError, asyncpg.InternalClientError))


async def transaction(pool: asyncpg.Pool, work: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
    """Runs work(connection) in one transaction. It lets a failed statement's exception pass: asyncpg does not tell that a
    COMMIT after it has only rolled back."""
    return await _attempt(pool, work, _Progress())


async def transaction_with_retry(
    pool: asyncpg.Pool, work: Callable[[asyncpg.Connection], Awaitable[Result]], retries: int = 3
) -> Result:
    """The same, and the whole transaction again when it was lost to what passes by itself.

    As work may run several times, it may do nothing outside of the database. Once COMMIT was sent nothing is repeated: it
    may have been done.
    """
    tries = 0
    while True:
        tries += 1
        progress = _Progress()
        try:
            return await _attempt(pool, work, progress)
        except Exception as error:
            if progress.commit_sent or tries > retries or not _is_transient(error, progress):
                raise
            log.warning("transaction is run again: %s", error)
        # From 1 s to 2 s, then to 4 s, then to 5 s: not everybody comes back at once.
        await asyncio.sleep(random.uniform(1, min(5, 2**tries)))


async def health(pool: asyncpg.Pool) -> tuple[dict[str, Any], int]:
    """Body and status of GET /health, as in FastAPI's `JSONResponse(*await health(pool))`.

    200: the database answered, "degraded" when callers wait for a connection, because to take this instance away sends
    them to the others. 503: it did not answer, or ("degraded") all connections stayed in use.
    """
    waiting = _waiting
    started = time.monotonic()
    status, code = "degraded" if waiting else "healthy", 200
    connection = None
    try:
        async with pool.acquire(timeout=2) as connection:
            await connection.fetchval("SELECT 1", timeout=2)
    except Exception as error:
        used_up = connection is None and not pool.get_idle_size() and pool.get_size() >= pool.get_max_size()
        status, code = "degraded" if used_up else "unhealthy", 503
        log.error("database health: %s", error or "no answer within 2 s")
    latency = round((time.monotonic() - started) * 1000)
    total, idle = pool.get_size(), pool.get_idle_size()
    return {"status": status, "latency_ms": latency, "total": total, "idle": idle, "waiting": waiting}, code


def show_metrics(pool: asyncpg.Pool) -> None:
    """Shows the pool in prometheus_client's registry; call it once."""
    help_text = "Connections of the database pool, and callers that wait for one."
    connections = Gauge("db_pool_connections", help_text, ["state"])
    connections.labels("total").set_function(pool.get_size)
    connections.labels("idle").set_function(pool.get_idle_size)
    connections.labels("waiting").set_function(lambda: _waiting)


async def close(pool: asyncpg.Pool) -> None:
    """Call this on SIGTERM, after the last request. Connections that are still in use after 10 s are closed as they are."""
    try:
        await asyncio.wait_for(pool.close(), 10)
    except asyncio.TimeoutError:
        pool.terminate()
