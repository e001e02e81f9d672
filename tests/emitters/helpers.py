"""Runs what --helpers adds to a target against a real server: failing statements, a server that goes away, a used up pool. The
file is planned for 2 connections and 1 s of waiting; CLUSTER is the command that starts, stops and restarts the server."""

import asyncio
import glob
import json
import os
import runpy
import subprocess
import sys
import threading

import psycopg
from prometheus_client import REGISTRY

target, folder = sys.argv[1:]
(path,) = glob.glob(os.path.join(folder, "*.py"))
URL = os.environ["DATABASE_URL"]
MAX = 2
emitted = runpy.run_path(path)


# asyncpg keeps the server's words of a session that it ended, and gives them a code of its own.
ENDED = {"08003"} if target == "asyncpg" else {"57P01"}


class AppError(Exception):
    pass


def cluster(act):
    subprocess.run([*os.environ["CLUSTER"].replace("ACT", act).split()], check=True, stdout=subprocess.DEVNULL)


def outside(sql):
    with psycopg.connect(URL, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


SESSIONS = "select count(*) from pg_stat_activity where application_name = 'shop'"
ALL_BUT_MINE = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'shop'"


class Threads:
    """A library that blocks, each call in a thread of its own."""

    runs_before_it_connects = 0

    def __init__(self):
        self.pool = emitted.get("pool")

    async def call(self, name, steps, counter):
        def work(connection):
            counter.append(1)
            for step in steps:
                if callable(step):
                    step()
                else:
                    self.execute(connection, step)

        return await asyncio.to_thread(emitted[name], work)

    async def swallow(self):
        def work(connection):
            try:
                self.execute(connection, "select 1/0")
            except Exception:
                pass

        return await asyncio.to_thread(emitted["transaction"], work)

    async def health(self):
        return await asyncio.to_thread(emitted["health"])

    async def close(self):
        await asyncio.to_thread(emitted["close"])


class Psycopg(Threads):
    tells_of_refusals = False
    timeout = "PoolTimeout"

    def execute(self, connection, sql):
        connection.execute(sql)

    async def open(self):
        await asyncio.to_thread(self.pool.open, True)

    async def take(self):
        return await asyncio.to_thread(self.pool.getconn)

    async def give(self, connection):
        await asyncio.to_thread(self.pool.putconn, connection)


class Sqlalchemy(Threads):
    timeout = "TimeoutError"
    runs_before_it_connects = 1
    tells_of_refusals = True

    def execute(self, session, sql):
        session.execute(emitted["text"](sql))

    async def open(self):
        pass

    async def take(self):
        return await asyncio.to_thread(emitted["engine"].connect)

    async def give(self, connection):
        await asyncio.to_thread(connection.close)


class Asyncpg:
    tells_of_refusals = True
    timeout = "TimeoutError"
    runs_before_it_connects = 0

    async def open(self):
        self.pool = await emitted["create_pool"]()
        emitted["show_metrics"](self.pool)

    async def call(self, name, steps, counter):
        async def work(connection):
            counter.append(1)
            for step in steps:
                if callable(step):
                    await asyncio.to_thread(step)
                else:
                    await connection.execute(step)

        return await emitted[name](self.pool, work)

    async def health(self):
        return await emitted["health"](self.pool)

    async def take(self):
        return await self.pool.acquire(timeout=1)

    async def give(self, connection):
        await self.pool.release(connection)

    async def close(self):
        await emitted["close"](self.pool)


def state(name):
    return REGISTRY.get_sample_value("db_pool_connections", {"state": name})


def gauge():
    return tuple(int(state(name)) for name in ("total", "idle", "waiting"))


async def until(condition):
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within 10 s: {gauge()}")


def sqlstate(error):
    return getattr(getattr(error, "orig", error), "sqlstate", None)


async def failing(library, name, *steps):
    """The error of a transaction, and how often it ran."""
    runs = []
    try:
        await library.call(name, steps, runs)
    except Exception as error:
        return error, len(runs)
    raise AssertionError(f"{steps} did not fail")


async def all_can_be_taken(library):
    taken = [await library.take() for _ in range(MAX)]
    for connection in taken:
        await library.give(connection)
    await until(lambda: state("total") == state("idle"))
    assert outside(f"{SESSIONS} and state like 'idle in%'") == 0


async def main():
    library = {"psycopg-pool": Psycopg, "sqlalchemy": Sqlalchemy, "asyncpg": Asyncpg}[target]()
    outside("create table t (n int)")
    outside("create table fatal (n int)")
    outside("create function die() returns trigger language plpgsql as 'begin perform pg_terminate_backend(pg_backend_pid()); return null; end'")
    outside("create constraint trigger doom after insert on fatal deferrable initially deferred for each row execute function die()")
    await library.open()

    # A statement that fails.
    error, runs = await failing(library, "transaction_with_retry", "insert into t values (1)", "select 1/0")
    assert (sqlstate(error), runs) == ("22012", 1), (error, runs)
    assert outside("select count(*) from t") == 0
    runs = []
    await library.call("transaction", ["insert into t values (1)"], runs)
    assert outside("select count(*) from t") == 1

    # A server that restarts in the middle of a transaction.
    restarts = []

    def restart():
        if not restarts:
            restarts.append(1)
            cluster("restart")

    runs = []
    await library.call("transaction_with_retry", ["insert into t values (2)", restart, "insert into t values (3)"], runs)
    assert (outside("select count(*) from t"), len(runs)) == (3, 2), runs

    # A server that is away for longer than the first wait. (psycopg's pool tries by itself, and its callers wait for that.)
    if library.tells_of_refusals:

        def leave():
            if not away:
                cluster("stop")
                away.append(threading.Timer(2.2, cluster, ["start"]))
                away[0].start()

        away, runs = [], []
        await library.call("transaction_with_retry", ["insert into t values (4)", leave, "delete from t where n = 4"], runs)
        away[0].join()
        assert outside("select count(*) from t") == 3

    # Its own session ends; an error of the application's own is not masked by a ROLLBACK that fails.
    error, runs = await failing(library, "transaction", "select pg_terminate_backend(pg_backend_pid())")
    assert (sqlstate(error) in ENDED, runs) == (True, 1), (error, runs)

    def fail():
        outside(ALL_BUT_MINE)
        raise AppError("mine")

    error, _ = await failing(library, "transaction_with_retry", "insert into t values (4)", fail)
    assert isinstance(error, AppError), error
    await until(lambda: outside(SESSIONS) <= MAX)

    # A COMMIT whose fate is unknown.
    error, runs = await failing(library, "transaction_with_retry", "insert into fatal values (1)")
    assert (sqlstate(error) in ENDED, runs) == (True, 1), (error, runs)

    # A hundred errors.
    kinds = ["select 1/0", fail, "select pg_terminate_backend(pg_backend_pid())", "insert into fatal values (1)"]

    async def some(at):
        for step in range(at, at + 25):
            await failing(library, "transaction", "insert into t values (5)", kinds[step % 4] if step % 5 == 0 else kinds[0])

    for at in range(4):
        await some(at)
    await all_can_be_taken(library)
    assert outside("select count(*) from t") == 3

    # A pool that is used up.
    health, code = await library.health()
    assert (health["status"], code) == ("healthy", 200), health
    assert set(health) == {"status", "latency_ms", "total", "idle", "waiting"}, health
    json.dumps(health)
    taken = [await library.take() for _ in range(MAX)]
    health, code = await library.health()
    assert (health["status"], code) == ("degraded", 503), health
    waiter = asyncio.create_task(failing(library, "transaction_with_retry", "select 1"))
    await until(lambda: gauge() == (MAX, 0, 1))
    error, runs = await waiter
    assert (type(error).__name__, runs) == (library.timeout, library.runs_before_it_connects), error
    waiter = asyncio.create_task(library.call("transaction", ["select 1"], []))
    await until(lambda: gauge() == (MAX, 0, 1))
    asked = asyncio.create_task(library.health())
    await asyncio.sleep(0.2)
    for connection in taken:
        await library.give(connection)
    health, code = await asked
    assert (health["status"], code, health["waiting"]) == ("degraded", 200, 1), health
    await waiter
    await all_can_be_taken(library)

    # What a COMMIT of a failed transaction does is no success.
    if isinstance(library, Threads):
        try:
            await library.swallow()
            raise AssertionError("swallowed")
        except emitted["RolledBack"]:
            pass

    # A server that is away.
    await asyncio.to_thread(cluster, "stop")
    health, code = await library.health()
    assert (health["status"], code) == ("unhealthy", 503), health
    await asyncio.to_thread(cluster, "start")
    for _ in range(100):
        health, code = await library.health()
        if code == 200:
            break
        await asyncio.sleep(0.2)
    assert health["status"] == "healthy", health
    await library.close()
    await until(lambda: outside(SESSIONS) == 0)


asyncio.run(main())
