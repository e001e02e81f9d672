-- One row per lock that the session of {named} holds or waits for: what it waits for first, then what keeps most others waiting, then
-- the strongest; {most} at most, of all n. What a parallel worker has or waits for is its leader's, whose own wait comes first.
-- Those on its own transaction ids are only there where somebody waits for them; those of serializable transactions that keep nobody
-- waiting never are.
-- waiting: how many it keeps waiting, that ask for the same object in a mode that conflicts.
-- A session that waits for whoever has changed a row waits for a transaction, and has its turn at the row as a lock of its own,
-- which tells the table.
with a as materialized (
  {activity}
), t as materialized (
  select s.pid, s.pid = coalesce(n.leader_pid, n.pid) as leads
  from a s join a n on coalesce(s.leader_pid, s.pid) = coalesce(n.leader_pid, n.pid)
  where {named}
), l as materialized (
  select l.pid in (select t.pid from t) as own, l.pid in (select t.pid from t where t.leads) as is_leaders, l.pid, l.granted,
         l.locktype, l.mode, l.database, l.relation, l.page, l.tuple, l.classid, l.objid, l.objsubid, {waitstart} as began,
         format('%s %s %s %s %s %s %s %s %s %s', l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
                l.transactionid, l.classid, l.objid, l.objsubid) as object
  from pg_locks l
  where l.mode <> 'SIReadLock' and (not l.granted or l.pid in (select t.pid from t))
), m (mode, place, conflicts) as (
  {lock_modes}
), v as materialized (
  select w.object, m.place, count(distinct w.pid) as waiting
  from l w join m q on q.mode = w.mode join m on substr(q.conflicts, m.place, 1) = 'X'
  where not w.granted and not w.own
  group by w.object, m.place
), o as (
  select l.granted, l.locktype, l.mode, l.page, l.tuple, l.classid, l.objid, l.objsubid,
         coalesce(l.relation, t.relation) as relation, coalesce(l.database, t.database) as database,
         m.place, l.granted or bool_or(l.is_leaders) as is_first, min(l.began) as began,
         max(case when l.granted then coalesce(v.waiting, 0) else 0 end) as waiting
  from l join m on m.mode = l.mode
       left join v on v.object = l.object and v.place = m.place
       left join l t on t.own and t.granted and t.locktype = 'tuple' and t.pid = l.pid and l.locktype = 'transactionid' and not l.granted
  where l.own and (not l.granted or v.waiting > 0 or l.locktype not in ('virtualxid', 'transactionid'))
  group by l.granted, l.locktype, l.mode, l.page, l.tuple, l.classid, l.objid, l.objsubid, coalesce(l.relation, t.relation),
           coalesce(l.database, t.database), m.place, l.object
)
select s.granted, s.locktype, s.mode,
{lock_object},
       extract(epoch from clock_timestamp() - s.began)::float8 as wait_seconds, s.waiting, s.n
from (select o.*, count(*) over () as n from o
      order by o.granted, o.is_first desc, o.waiting desc, o.place desc, o.locktype, o.database, o.relation limit {most}) s
order by s.granted, s.is_first desc, s.waiting desc, s.place desc, s.locktype, s.database, s.relation
