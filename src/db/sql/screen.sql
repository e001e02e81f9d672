-- One row per session that a live screen has room for, in the wanted order, each with the whole server in numbers; one row
-- without a session where there is none. Its rank: 0 others wait for it and it for nobody, 1 a failed transaction, 2 idle in a
-- transaction, 3 waits for a lock, 4 lasts, 5 nothing. Matches: as in sessions.sql; sessions among {pins} come whatever the
-- filter says, and before all that the limit leaves out. Of those among {shown}, still_there names who has not ended.
-- Counts, in order: clients that are seen, hidden sessions that may be clients; of the clients active, idle, in a transaction, in a
-- failed one; who waits for a lock; the transaction ids given out since the oldest that a session holds; who matches, and of whom
-- that is hidden. Ages: the oldest transaction, the longest that anybody can have waited. They are lists, and not a column each,
-- because they come with every row.
-- The activity array is read once. No relation but the catalogs of names is touched, so that no lock on a table holds this up.
-- {roots} are screen_roots.sql, or nobody at all: what is not asked for is not planned either.
with b as materialized (
  select * from pg_stat_get_activity(null)
), e as materialized (
  {roots}
), c as materialized (
  select array_agg(s.leader_pid) filter (where s.leader_pid <> s.pid) as leaders,
         array[count(*) filter (where s.is_client),
               count(*) filter (where s.hidden and s.may_be_client),
               count(*) filter (where s.is_client and s.state in ('active', 'fastpath function call')),
               count(*) filter (where s.is_client and s.state = 'idle'),
               count(*) filter (where s.is_client and s.state = 'idle in transaction'),
               count(*) filter (where s.is_client and s.state = 'idle in transaction (aborted)'),
               count(*) filter (where s.wait_event_type = 'Lock'),
               max(greatest(age(s.backend_xmin), age(s.backend_xid))),
               count(*) filter (where s.matches),
               count(*) filter (where s.matches is null)]::text as counts,
         array[extract(epoch from clock_timestamp() - min(s.xact_start) filter (where s.is_client)),
               extract(epoch from clock_timestamp() - min(s.query_start) filter (where s.wait_event_type = 'Lock'))]::text as ages,
         string_agg(to_hex(floor(extract(epoch from s.backend_start))::int8) || '.' || to_hex(s.pid), ',')
           filter (where s.pid = any({shown})) as still_there
  from (select s.pid, s.leader_pid, s.hidden, s.may_be_client, s.state, s.wait_event_type, s.xact_start, s.query_start,
               s.backend_start, s.backend_xmin, s.backend_xid,
               coalesce(s.backend_type = 'client backend', false) as is_client,
               case when {scope} then ({filter}) else false end as matches
        from ({activity}) s offset 0) s
), f as (
  select f.*, clock_timestamp() as now
  from (select s.*, ({filter}) as matches,
               case when s.pid in (select e.pid from e) and s.wait_event_type is distinct from 'Lock' then 0
                    when s.state = 'idle in transaction (aborted)' then 1
                    when s.state = 'idle in transaction' then 2
                    when s.wait_event_type = 'Lock' then 3
                    when clock_timestamp() - least(s.xact_start, s.work_start) >= interval '5 seconds' then 4
                    else 5 end as rank
        from ({activity}) s where {scope}) f
  where {keep} or f.pid = any({pins})
  order by f.pid = any({pins}) desc, {order}
  limit {limit}
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
       f.rank, coalesce((select e.blocks from e where e.pid = f.pid), 0) as blocks, c.counts, c.ages, c.still_there
from c left join f on true left join pg_roles t on t.oid = f.usesysid left join pg_database d on d.oid = f.datid
order by {order}
