-- One row per session in scope, with whether the filters select it (matches; null when that is hidden: undecidable), in
-- the wanted order. Parallel workers are folded into their leader. Query text leaves as bytes: it can be in any encoding.
-- The activity array is read once, and kept as it comes: that is cheaper than keeping what is made of it. Everything that costs
-- (names, ages, texts) is made of the rows that are kept, not of all that are counted.
with b as materialized (
  select * from pg_stat_get_activity(null)
), c as materialized (
  select array_agg(s.leader_pid) filter (where s.leader_pid <> s.pid) as leaders{counts}
  from (select s.pid, s.leader_pid, s.hidden, case when {scope} then ({filter}) else false end as matches
        from ({activity}) s offset 0) s
), f as (
  select f.*, clock_timestamp() as now
  from (select s.*, ({filter}) as matches from ({activity}) s where {scope}) f
  where {keep}
  {cut}
)
select f.pid,
       to_hex(floor(extract(epoch from f.backend_start))::int8) || '.' || to_hex(f.pid) as session_id,
       {utc:f.backend_start} as backend_start,
       f.backend_type,
       encode(textsend(d.datname::text), 'hex')        as database,
       encode(textsend(t.rolname::text), 'hex')        as role,
       encode(textsend(f.application_name), 'hex')     as application_name,
       f.client, nullif(f.client_port, -1) as client_port, f.state, f.wait_event_type, f.wait_event,
       {utc:f.xact_start} as xact_start, {utc:f.query_start} as query_start, {utc:f.state_change} as state_change,
       extract(epoch from f.now - f.backend_start)::float8 as session_seconds,
       extract(epoch from f.now - f.xact_start)::float8    as xact_seconds,
       extract(epoch from f.now - f.state_change)::float8  as state_seconds,
       extract(epoch from f.now - f.work_start)::float8    as query_seconds,
       f.backend_xid, f.backend_xmin, greatest(age(f.backend_xmin), age(f.backend_xid)) as xmin_age,
       {query}, octet_length(f.query) as query_bytes, f.query_id, f.hidden, f.matches is null as undecidable,
       coalesce(cardinality(array_positions(c.leaders, f.pid)), 0) as parallel_workers,
       f.matches, coalesce(t.rolsuper, f.usesysid is null) as of_superuser, pg_has_role(f.usesysid, 'USAGE') as as_own,
       f.backend_type = 'autovacuum worker' and f.query like '%(to prevent wraparound)' as prevents_wraparound{totals}
from f cross join c left join pg_roles t on t.oid = f.usesysid left join pg_database d on d.oid = f.datid
order by {order}
