-- One row per kind of long-lasting work (idle-xact, long-query, long-xact) that there is: how many selected sessions
-- do it, and the one that has done it longest.
-- And, whatever is selected, the session and the standby that hold the horizon back most, with an age in transactions: the horizon is
-- the whole server's, and its transaction ids and snapshots are shown to everybody.
-- {states}: the same for each state; {older}: for each age that is asked about, how many are older.
with a as materialized (
  {activity}
), f as (
  select s.* from a s where {scope} and s.pid <> pg_backend_pid() and not s.hidden and ({filter})
), k as (
  select 'idle-xact' as kind, f.*, extract(epoch from clock_timestamp() - f.state_change)::float8 as seconds
  from f where f.state in ('idle in transaction', 'idle in transaction (aborted)')
  union all
  select 'long-query', f.*, extract(epoch from clock_timestamp() - f.work_start)::float8
  from f where f.work_start is not null
  union all
  select 'long-xact', f.*, extract(epoch from clock_timestamp() - f.xact_start)::float8
  from f where f.xact_start is not null
  union all
  select case when a.backend_type = 'walsender' then 'horizon standby' else 'horizon session' end, a.*,
         greatest(age(a.backend_xmin), age(a.backend_xid))::float8
  from a where a.pid <> pg_backend_pid() and coalesce(a.backend_xmin, a.backend_xid) is not null
  {states}
)
select k.kind, k.n, k.seconds, k.pid,
       encode(textsend(d.datname::text), 'hex')    as database,
       encode(textsend(r.rolname::text), 'hex')    as role,
       encode(textsend(k.application_name), 'hex') as application_name,
       k.client, k.state, k.older
from (select distinct on (kind) k.*, count(*) over (partition by kind) as n, {older} as older from k order by kind, seconds desc nulls last, pid) k
     left join pg_database d on d.oid = k.datid
     left join pg_roles r on r.oid = k.usesysid
order by k.kind
