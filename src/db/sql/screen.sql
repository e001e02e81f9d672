-- One row per session that a live screen has room for, in the wanted order, the first with the whole server in numbers; one row
-- without a session where there is none. Its rank: 0 others wait for it and it for nobody, 1 a failed transaction, 2 idle in a
-- transaction, 3 waits for a lock, 4 lasts, 5 nothing. Matches: as in sessions.sql; sessions that are pinned come whatever
-- the filter says, and before all that the limit leaves out. Of those among {shown}, still_there names who has not ended.
-- Counts, in order: clients that are seen, hidden sessions that may be clients; of the clients active, idle, in a transaction, in a
-- failed one; who waits for a lock; the transaction ids given out since the oldest that a session holds; who matches, and of whom
-- that is hidden. Ages: the oldest transaction, the longest wait. They are lists, and not a column each, because every row has the
-- columns; their values stand in the first.
-- The activity array is read once. Most of what this costs is to be planned, so that names come from screen_names.sql, moments are
-- seconds since 1970 and are written by who reads them, and what is not asked for is not there: {waits} is screen_waits.sql, {roots}
-- screen_roots.sql, each with what is taken from it, or nothing at all.
-- {keys}: what the order goes by, in front of all else, where a sort finds it without walking through the row.
-- No relation is touched but where a filter or an order speaks of names, so that no lock on a table holds this up.
with b as materialized (
  select * from pg_stat_get_activity(null)
){waits}{roots}, f as (
  select {keys}f.*
  from (select case when {is_root} and s.wait_event_type is distinct from 'Lock' then 0
                    when s.state = 'idle in transaction (aborted)' then 1
                    when s.state = 'idle in transaction' then 2
                    when s.wait_event_type = 'Lock' then 3
                    when clock_timestamp() - least(s.xact_start, s.work_start) >= interval '5 seconds' then 4
                    else 5 end as rank,
               ({filter}) as matches, s.*
        from ({activity}) s where {scope}) f
  where {keep}
  order by {pinned_first}{order}
  limit {limit}
)
select f.pid, f.usesysid, f.datid,
       extract(epoch from f.backend_start) as backend_start, extract(epoch from f.xact_start) as xact_start,
       extract(epoch from f.query_start) as query_start, extract(epoch from f.state_change) as state_change,
       f.hidden, {query}, octet_length(f.query) as query_bytes, f.backend_type,
       encode(textsend(f.application_name), 'hex') as application_name,
       f.client, nullif(f.client_port, -1) as client_port, f.state, f.wait_event_type, f.wait_event,
       extract(epoch from f.work_start) as work_start, f.query_id,
       f.backend_xid, f.backend_xmin, greatest(age(f.backend_xmin), age(f.backend_xid)) as xmin_age,
       f.matches, f.rank, {blocks} as blocks,
       case when row_number() over listed = 1 then c.now end as now,
       case when row_number() over listed = 1 then c.counts end as counts,
       case when row_number() over listed = 1 then c.ages end as ages,
       case when row_number() over listed = 1 then c.leaders end as leaders,
       case when row_number() over listed = 1 then c.still_there end as still_there
from (
  select extract(epoch from clock_timestamp()) as now,
         array_agg(s.leader_pid) filter (where s.leader_pid <> s.pid) as leaders,
         array[count(*) filter (where s.is_client),
               count(*) filter (where s.hidden and s.may_be_client),
               count(*) filter (where s.is_client and s.state in ('active', 'fastpath function call')),
               count(*) filter (where s.is_client and s.state = 'idle'),
               count(*) filter (where s.is_client and s.state = 'idle in transaction'),
               count(*) filter (where s.is_client and s.state = 'idle in transaction (aborted)'),
               {waiting},
               max(greatest(age(s.backend_xmin), age(s.backend_xid))),
               count(*) filter (where s.matches),
               count(*) filter (where s.matches is null)]::text as counts,
         array[extract(epoch from clock_timestamp() - min(s.xact_start) filter (where s.is_client)),
               extract(epoch from clock_timestamp() - {longest_wait})]::text as ages,
         string_agg(to_hex(floor(extract(epoch from s.backend_start))::int8) || '.' || to_hex(s.pid), ',')
           filter (where s.pid = any({shown})) as still_there
  from (select s.pid, s.leader_pid, s.hidden, s.may_be_client, s.state, s.wait_event_type, s.xact_start, s.query_start,
               s.backend_start, s.backend_xmin, s.backend_xid,
               coalesce(s.backend_type = 'client backend', false) as is_client,
               case when {scope} then ({filter}) else false end as matches
        from ({activity}) s offset 0) s) c
  left join f on true
window listed as (order by {order})
order by {order}
