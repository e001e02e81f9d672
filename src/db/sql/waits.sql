-- One row per session that waits or is waited for (pid 0: a prepared transaction), the longest waits first; where nobody waits, one
-- of pid 0.
-- The one question of who waits: whoever lists, plans, judges or counts waits asks it, so that all of them say the same.
-- pg_locks is read only when somebody may be waiting, pg_blocking_pids asked only for the {asked} longest of the {limit} longest
-- waits: both hold up the lock manager, and what it costs grows with the third power of a queue. Of the others it is told who holds
-- what they wait for, in a mode that conflicts; not who is ahead of them in a queue. m: the modes, and with which of them, by place,
-- each conflicts (`is true` keeps the planner, which expects few rows, from comparing each lock with each waiter). What is locked by
-- the fast path keeps nobody waiting: whoever wants it in a mode that conflicts takes it out of there.
-- pg_locks shows everybody everything, so that waits are seen that the activity view hides, and it shows every kind of process that
-- waits, not only clients.
-- {other_waits} are those that pg_locks does not show; they count once they have lasted. None of them has lasted longer than
-- {at_most_seconds}.
-- Queues are told from when waits began, not from how long they have lasted: the clock goes on from row to row.
-- Of the process that replays on a standby pg_blocking_pids tells nothing: it asks for nothing but the whole of a relation, and
-- whoever has any lock there is in its way.
-- A leader and its parallel workers are one, as they are for the server: what a worker waits for, its leader's query waits for.
-- Only who asks for details pays for them: {kept} are the columns that are needed of each row, all of them for details.
with a as materialized (
  select {kept}, ({filter}) as matches
  from ({activity}) s
), g as materialized (
  select s.pid, s.leader_pid
  from a s
  where s.backend_type = 'parallel worker' and s.leader_pid in (select a.pid from a)
), l as materialized (
  select coalesce(g.leader_pid, l.pid) as pid, min({waitstart}) as waitstart
  from pg_locks l left join g on g.pid = l.pid
  where not l.granted and l.pid is not null
    and (select coalesce(bool_or(a.wait_event_type = 'Lock' or a.hidden), false) from a)
  group by 1
), e as materialized (
  select coalesce(g.leader_pid, s.pid) as pid,
         max(case s.wait_event_type when 'BufferPin' then 'BufferPin' else s.wait_event end) as waits_for
  from a s left join g on g.pid = s.pid
  where {other_waits}
  group by 1
), w as materialized (
  select s.pid, s.matches, {began} as began, {wait_seconds} as seconds, 'Lock' as waits_for
  from a s join l on l.pid = s.pid
  union all
  select s.pid, s.matches, s.query_start,
         {at_most_seconds}, e.waits_for
  from a s join e on e.pid = s.pid
  where (s.query_start is null or clock_timestamp() - s.query_start > interval '1 second')
    and s.pid not in (select l.pid from l)
), r as materialized (
  select w.*, row_number() over (order by w.began nulls first, w.pid) <= {asked} as asked,
         count(*) over () as n, count(*) filter (where w.matches is null) over () as undecided
  from w where w.matches is not false
  order by w.began nulls first, w.pid limit {limit}
), k as materialized (
  select coalesce(g.leader_pid, l.pid, 0) as one, l.granted, l.mode,
         format('%s %s %s %s %s %s %s %s %s %s', l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
                l.transactionid, l.classid, l.objid, l.objsubid) as object
  from pg_locks l left join g on g.pid = l.pid
  where not l.fastpath and (select coalesce(bool_or(not r.asked), false) from r)
), m (mode, place, conflicts) as (
  {lock_modes}
), q as materialized (
  select k.one, k.object, m.conflicts
  from r join k on k.one = r.pid and not k.granted
       join m on m.mode = k.mode
  where not r.asked
), h as materialized (
  select k.one, k.object, m.place
  from k join m on m.mode = k.mode
  where k.granted and (k.object in (select q.object from q)) is true
), u as materialized (
  select q.one as pid, array_agg(distinct h.one) as holders
  from q join h on h.object = q.object and h.one <> q.one and substr(q.conflicts, h.place, 1) = 'X'
  group by q.one
), b as materialized (
  select r.*,
         case when r.waits_for <> 'Lock' or cardinality(x.blocked_by) > 0 then x.blocked_by
              when not r.asked then u.holders
              else array(
                select coalesce(g.leader_pid, h.pid)
                from pg_locks q join pg_locks h on h.database = q.database and h.relation = q.relation
                     left join g on g.pid = h.pid
                where q.pid = r.pid and not q.granted and q.locktype = 'relation' and q.mode = 'AccessExclusiveLock'
                  and h.granted and h.locktype = 'relation' and h.mode <> 'SIReadLock' and h.pid <> q.pid) end as blocked_by
  from r left join u on u.pid = r.pid
       cross join lateral (
         select case r.waits_for when 'Lock' then case when r.asked then pg_blocking_pids(r.pid) end
                                 when 'SafeSnapshot' then pg_safe_snapshot_blocking_pids(r.pid)
                                 else array[]::int4[] end as blocked_by offset 0) x
), p as (
  select b.pid, b.matches, b.began, b.seconds, b.waits_for, b.asked, b.n, b.undecided, b.blocked_by from b
  union all
  select distinct h.pid, null::bool, null::timestamptz, null::float8, null, null::bool, null::int8, null::int8, null::int4[]
  from (select unnest(b.blocked_by) as pid from b) h
  where h.pid not in (select b.pid from b)
  union all
  select 0, null, null, null, null, null, null, null, null
  where not exists (select from b)
)
select p.pid, coalesce(p.matches, false) as selected, p.seconds, p.waits_for, p.asked, p.n, p.undecided,
       array_to_string(array(select distinct x from unnest(p.blocked_by) x where x <> p.pid order by x), ',') as blocked_by,
       encode(textsend(d.datname::text), 'hex')    as database,
       encode(textsend(r.rolname::text), 'hex')    as role,
       encode(textsend(s.application_name), 'hex') as application_name,
       s.client, s.state, s.backend_type{details}
from p left join a s on s.pid = p.pid
     left join pg_database d on d.oid = s.datid
     left join pg_roles r on r.oid = s.usesysid
order by p.began nulls last, p.pid
