-- One row: whether this session now holds the database for a drain, which it does until it ends. Locks of this kind belong to the
-- database that a session is in: another one elsewhere is found by drain_holders.sql.
select pg_try_advisory_lock({key}, {oid}::int8::bit(32)::int4) as held
