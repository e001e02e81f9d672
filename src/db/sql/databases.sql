-- One row per database: who may enter, and, as far as they are wanted ({counters}), its counters of sessions and their time since the
-- statistics were reset. For every role; in no order, as role_limits.sql.
select d.oid, encode(textsend(d.datname::text), 'hex') as database, d.datconnlimit as connection_limit,
       d.datallowconn as allow_connections, {counters}
from pg_database d
