-- One row per session in scope, with whether the filters select it (matches; null when that is hidden: undecidable), in
-- the wanted order. Parallel workers are folded into their leader. Query text leaves as bytes: it can be in any encoding.
with a as materialized (
  {activity}
), f as (
  select s.*, ({filter}) as matches,
         extract(epoch from s.now - s.backend_start)::float8 as session_seconds,
         extract(epoch from s.now - s.xact_start)::float8    as xact_seconds,
         extract(epoch from s.now - s.state_change)::float8  as state_seconds,
         case when s.state in ('active', 'fastpath function call')
              then extract(epoch from s.now - s.query_start)::float8 end as query_seconds
  from (select a.*, clock_timestamp() as now from a) s
  where {scope}
), w as (
  select leader_pid, count(*) as n from a where leader_pid <> pid group by leader_pid
), me as (
  {powers}
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
       f.session_seconds, f.xact_seconds,
       f.query_seconds, f.state_seconds,
       {query}, octet_length(f.query) as query_bytes, f.query_id, f.hidden, f.matches is null as undecidable,
       coalesce(w.n, 0) as parallel_workers,
       {may_signal} as can_signal, f.matches,
       coalesce(t.rolsuper, f.usesysid is null) as of_superuser,
       f.backend_type = 'autovacuum worker' and f.query like '%(to prevent wraparound)' as prevents_wraparound{totals}
from f cross join me left join pg_roles t on t.oid = f.usesysid left join w on w.leader_pid = f.pid
     left join pg_database d on d.oid = f.datid
where {keep}
order by {order}, f.pid
{limit}
