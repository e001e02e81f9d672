-- One row per session that a live screen has room for, in the wanted order, each with the whole server in numbers; one row
-- without a session where there is none. Its rank: 0 others wait for it and it for nobody, 1 a failed transaction, 2 idle in a
-- transaction, 3 waits for a lock, 4 lasts, 5 nothing. Matches: as in sessions.sql; sessions among {pins} come whatever the
-- filter says, and before all that the limit leaves out. Of those among {shown}, still_there names who has not ended.
-- The activity array is read once; pg_blocking_pids, which holds up the lock manager, is asked only for the {asked} longest waits.
-- No relation but the catalogs of names is touched, so that no lock on a table holds this up.
with b as materialized (
  select * from pg_stat_get_activity(null)
), e as materialized (
  select x.pid, count(*) as blocks
  from (select distinct w.pid as waiter, unnest(pg_blocking_pids(w.pid)) as pid
        from (select b.pid from b where b.wait_event_type = 'Lock' order by b.query_start nulls last limit {asked}) w) x
  where x.pid <> 0 and x.pid <> x.waiter
  group by x.pid
), c as materialized (
  select array_agg(s.leader_pid) filter (where s.leader_pid <> s.pid) as leaders,
         count(*) filter (where s.is_client)                          as used,
         count(*) filter (where s.hidden and s.may_be_client)         as all_hidden,
         count(*) filter (where s.is_client and s.state in ('active', 'fastpath function call')) as active,
         count(*) filter (where s.is_client and s.state = 'idle')     as idle,
         count(*) filter (where s.is_client and s.state = 'idle in transaction') as idle_in_transaction,
         count(*) filter (where s.is_client and s.state = 'idle in transaction (aborted)') as aborted,
         count(*) filter (where s.wait_event_type = 'Lock')           as waiting,
         min(s.xact_start) filter (where s.is_client)                 as oldest_xact,
         min(s.query_start) filter (where s.wait_event_type = 'Lock') as longest_wait,
         max(greatest(age(s.backend_xmin), age(s.backend_xid)))       as horizon,
         count(*) filter (where s.matches)                            as all_matched,
         count(*) filter (where s.matches is null)                    as all_undecidable,
         string_agg(to_hex(floor(extract(epoch from s.backend_start))::int8) || '.' || to_hex(s.pid), ',')
           filter (where s.pid = any({shown}))                        as still_there
  from (select s.pid, s.leader_pid, s.hidden, s.may_be_client, s.state, s.wait_event_type, s.xact_start, s.query_start,
               s.backend_start, s.backend_xmin, s.backend_xid,
               coalesce(s.backend_type = 'client backend', false) as is_client,
               case when {scope} then ({filter}) else false end as matches
        from ({activity}) s offset 0) s
), n as materialized (
  select l.owner, l.name, l.most, count(*) filter (where l.is_client) as used, count(*) filter (where not l.is_client) as hidden
  from (select 'database' as owner, d.datname::text as name, d.datconnlimit as most,
               coalesce(b.backend_type = 'client backend', false) as is_client
        from pg_database d join b on b.datid = d.oid
        where d.datconnlimit > 0 and (b.backend_type = 'client backend' or b.backend_start is null and b.usesysid is not null)
        union all
        select 'role', r.rolname::text, r.rolconnlimit, coalesce(b.backend_type = 'client backend', false)
        from pg_roles r join b on b.usesysid = r.oid
        where r.rolconnlimit > 0 and (b.backend_type = 'client backend' or b.backend_start is null and b.datid is not null)) l
  group by l.owner, l.name, l.most
  order by count(*)::float8 / l.most desc, l.owner, l.name
  limit 1
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
       f.rank, coalesce((select e.blocks from e where e.pid = f.pid), 0) as blocks,
       c.used, c.all_hidden, c.active, c.idle, c.idle_in_transaction, c.aborted, c.waiting, c.all_matched, c.all_undecidable,
       c.still_there,
       extract(epoch from clock_timestamp() - c.oldest_xact)::float8  as oldest_xact,
       extract(epoch from clock_timestamp() - c.longest_wait)::float8 as longest_wait,
       greatest(c.horizon, p.horizon, l.horizon) as horizon, p.prepared,
       extract(epoch from clock_timestamp() - p.oldest)::float8 as oldest_prepared,
       n.owner as limit_owner, encode(textsend(n.name), 'hex') as limit_name, n.used as limit_used, n.hidden as limit_hidden,
       n.most as limit_most
from c
     cross join (select count(*) as prepared, min(x.prepared) as oldest, max(age(x.transaction)) as horizon
                 from pg_prepared_xact() x) p
     cross join (select max(greatest(age(x.xmin), age(x.catalog_xmin))) as horizon from pg_get_replication_slots() x) l
     left join n on true
     left join f on true
     left join pg_roles t on t.oid = f.usesysid left join pg_database d on d.oid = f.datid
order by {order}
