-- One row per kind of long-lasting work (idle-xact, long-query, long-xact) that there is: how many selected sessions
-- do it, and the one that has done it longest.
-- And, whatever is selected, the session and the standby that hold the horizon back most, with an age in transactions: the horizon is
-- the whole server's, and its transaction ids and snapshots are shown to everybody.
-- {states}: the same for each state; {older}: for each age that is asked about, how many are older.
-- Only what is judged or shown is kept of the activity array, and ages are made of the winners alone: both cost more than reading it.
with a as materialized (
  select s.pid, s.datid, s.usesysid, s.application_name, s.client_addr, s.client_port, s.backend_type, s.state,
         s.backend_start, s.state_change, s.work_start, s.xact_start, s.backend_xmin, s.backend_xid,
         {scope} and not s.hidden and ({filter}) as is_selected
  from ({activity}) s
  where s.pid <> pg_backend_pid()
), k as materialized (
  select 'idle-xact' as kind, a.pid, a.state_change as since, 0 as xids
  from a where a.is_selected and a.state in ('idle in transaction', 'idle in transaction (aborted)')
  union all
  select 'long-query', a.pid, a.work_start, 0
  from a where a.is_selected and a.work_start is not null
  union all
  select 'long-xact', a.pid, a.xact_start, 0
  from a where a.is_selected and a.xact_start is not null
  union all
  select case when a.backend_type = 'walsender' then 'horizon standby' else 'horizon session' end, a.pid, '-infinity',
         greatest(age(a.backend_xmin), age(a.backend_xid))
  from a where coalesce(a.backend_xmin, a.backend_xid) is not null
  {states}
), g as materialized (
  select k.kind, count(*) as n, min(k.since) as since, max(k.xids) as xids, {older} as older
  from k
  group by k.kind
), w as (
  select g.kind, min(k.pid) as pid
  from g join k on k.kind = g.kind and k.since = g.since and k.xids = g.xids
  group by g.kind
)
select g.kind, g.n,
       case when g.since = '-infinity' then g.xids else extract(epoch from clock_timestamp() - g.since) end::float8 as seconds,
       a.pid,
       encode(textsend(d.datname::text), 'hex')    as database,
       encode(textsend(r.rolname::text), 'hex')    as role,
       encode(textsend(a.application_name), 'hex') as application_name,
       case when a.client_addr is not null then host(a.client_addr) when a.client_port = -1 then 'local' end as client,
       a.state, g.older
from g join w on w.kind = g.kind
       join a on a.pid = w.pid
       left join pg_database d on d.oid = a.datid
       left join pg_roles r on r.oid = a.usesysid
order by g.kind
