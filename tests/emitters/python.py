"""Loads one emitted file in its library, or parses it, and compares it with the plan: 9 connections, 1 kept, 7 s."""

import asyncio
import glob
import os
import runpy
import sys

target, folder = sys.argv[1:]
(path,) = [name for name in glob.glob(os.path.join(folder, "*")) if os.path.isfile(name)]
os.environ["DATABASE_URL"] = "postgresql://a:b@127.0.0.1:1/c"


def parsed():
    import yaml

    with open(path) as file:
        return yaml.safe_load(file)


def sqlalchemy():
    engine = runpy.run_path(path)["engine"]
    assert engine.pool.size() + engine.pool._max_overflow == 9, engine.pool.status()
    assert engine.dialect.driver == "psycopg"


def django():
    for name in ("PGDATABASE", "PGUSER", "PGPASSWORD", "PGHOST"):
        os.environ[name] = "x"
    from django.conf import settings

    settings.configure(DATABASES=runpy.run_path(path)["DATABASES"])
    import django as library

    library.setup()
    from django.db import connection

    pool = connection.pool
    assert (pool.min_size, pool.max_size, pool.timeout) == (1, 9, 10), pool
    assert pool.kwargs["application_name"] == "shop", pool.kwargs
    pool.close()


def psycopg_pool():
    pool = runpy.run_path(path)["pool"]
    assert (pool.min_size, pool.max_size, pool.max_idle) == (1, 9, 300), pool
    assert (pool.name, pool.kwargs["application_name"]) == ("shop", "shop"), pool.kwargs


def asyncpg_pool():
    import asyncpg as library

    seen = {}
    real = library.create_pool

    async def create(*given, **options):
        seen["pool"] = real(*given, **options)
        return seen["pool"]

    library.create_pool = create
    asyncio.run(runpy.run_path(path)["create_pool"]())
    pool = seen["pool"]
    assert (pool._minsize, pool._maxsize) == (1, 9)
    assert pool._connect_kwargs["server_settings"]["application_name"] == "shop"
    return pool


def asyncpg():
    assert asyncpg_pool()._reset is None


def asyncpg_proxy():
    pool = asyncpg_pool()
    assert asyncio.run(pool._reset(None)) is None
    assert pool._connect_kwargs["statement_cache_size"] == 0


def hikaricp():
    hikari = parsed()["spring"]["datasource"]["hikari"]
    assert (hikari["maximum-pool-size"], hikari["minimum-idle"]) == (9, 1)
    assert hikari["keepalive-time"] < hikari["max-lifetime"]


def hikaricp_properties():
    """Prints what Spring binds to HikariCP's own properties, but for where to connect."""

    def camel(name):
        first, *rest = name.split("-")
        return first + "".join(word.capitalize() for word in rest)

    for name, value in parsed()["spring"]["datasource"]["hikari"].items():
        if isinstance(value, dict):
            for key, inner in value.items():
                print(f"dataSource.{key}={str(inner).lower() if isinstance(inner, bool) else inner}")
        else:
            print(f"{camel(name)}={value}")


def rails():
    settings = parsed()["production"]
    assert (settings["pool"], settings["variables"]["statement_timeout"]) == (9, 7000)


def pgbouncer_compose():
    services = parsed()["services"]
    assert services["pgbouncer"]["environment"]["DEFAULT_POOL_SIZE"] == "9"
    assert services["pgbouncer"]["environment"]["AUTH_TYPE"] == "scram-sha-256"


def npgsql():
    import tree_sitter
    import tree_sitter_c_sharp

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c_sharp.language()))
    with open(path, "rb") as file:
        text = file.read()
    assert not parser.parse(text).root_node.has_error
    assert b"MaxPoolSize = 9," in text and b'ApplicationName = "shop",' in text


globals()[target.replace("-", "_")]()
