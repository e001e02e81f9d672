-- One row per lock that a session of {waiters} waits for (not granted), and one per lock of a session of {blockers}, or of a prepared
-- transaction (pid 0, with its gid), that keeps one of them waiting, with the waiters: on the same object, in a mode that conflicts.
-- What is only ahead in a queue holds nothing of that. What a parallel worker has or waits for is its leader's, as pg_blocking_pids has it.
-- m: the modes, and with which of them, by place, each conflicts (`is true` keeps the planner, which expects few rows, from comparing
-- each lock with each waiter). has: the places of the modes in which a waiter has already what it waits for in another.
-- A session that waits for whoever has changed a row waits for a transaction, and has its turn at the row as a lock of its own,
-- which tells the table.
-- others: that it may wait for others afterwards. The server names one transaction at a time: of those that an index is not built
-- before (virtualxid), of those that share a row. A row is shared by nobody else when nobody else has a lock on its table as
-- whoever changes or locks rows has it, those aside who queue for the row.
-- next: whom an index that waits for writers before it is built will have to wait for, too: before it is checked it waits anew.
with g as materialized (
  select s.pid, s.leader_pid
  from (
    {activity}) s
  where s.backend_type = 'parallel worker'
), l as materialized (
  select coalesce(g.leader_pid, l.pid) as pid, coalesce(g.leader_pid, l.pid, 0) as one, l.granted, l.locktype, l.mode, l.database, l.relation, l.page, l.tuple,
         l.classid, l.objid, l.objsubid, l.transactionid, l.virtualtransaction,
         format('%s %s %s %s %s %s %s %s %s %s', l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
                l.transactionid, l.classid, l.objid, l.objsubid) as object
  from pg_locks l left join g on g.pid = l.pid
  where coalesce(g.leader_pid, l.pid) = any ({waiters}::int4[])
     or (l.granted and (l.pid is null or coalesce(g.leader_pid, l.pid) = any ({blockers}::int4[])
                        or (l.locktype = 'relation' and l.mode <> 'AccessShareLock')))
), p as materialized (
  select l.virtualtransaction, p.gid
  from pg_prepared_xacts p
       join l on l.pid is null and l.locktype = 'transactionid' and l.transactionid = p.transaction
), m (mode, place, conflicts) as (
  {lock_modes}
), w as materialized (
  select w.*, m.place, m.conflicts, t.object as turn,
         coalesce(w.relation, t.relation) as at_relation, coalesce(w.database, t.database) as at_database
  from l w join m on m.mode = w.mode
       left join l t on t.pid = w.pid and t.granted and t.locktype = 'tuple' and w.locktype = 'transactionid'
  where not w.granted
), x as materialized (
  select l.*, m.place
  from l join m on m.mode = l.mode
  where l.granted and (l.object in (select w.object from w)) is true
), h as materialized (
  select x.*, p.gid, w.pid as waiter, w.at_relation, w.at_database
  from x left join p on x.pid is null and p.virtualtransaction = x.virtualtransaction
       join w on w.object = x.object and w.one <> x.one and substr(w.conflicts, x.place, 1) = 'X'
), o as materialized (
  select w.pid, string_agg(distinct x.place::text, ',') as has
  from x join w on w.object = x.object and w.one = x.one
  group by w.pid
), s as (
  select w.pid, w.granted, w.locktype, w.mode, w.page, w.tuple, w.classid, w.objid, w.objsubid,
         w.at_relation as relation, w.at_database as database, null::int4 as waiter, w.object, w.place, w.conflicts,
         case w.locktype
           when 'virtualxid' then true
           when 'transactionid' then w.turn is null or exists (
             select from l r
             where r.granted and r.locktype = 'relation' and r.mode in ('RowShareLock', 'RowExclusiveLock')
               and r.relation = w.at_relation and r.database = w.at_database and r.one <> w.one
               and r.one <> all (array(select h.one from h where h.waiter = w.pid))
               and r.one <> all (array(select q.one from l q where q.object = w.turn)))
           else false end as others,
         case when w.locktype = 'virtualxid' then (
           select string_agg(distinct n.one::text, ',')
           from pg_stat_progress_create_index i
                join l n on n.granted and n.locktype = 'relation' and n.relation = i.relid and n.database = i.datid
                join m on m.mode = n.mode
           where i.pid = w.pid and i.phase = 'waiting for writers before build' and n.one not in (0, w.one)
             and substr((select share.conflicts from m share where share.mode = 'ShareLock'), m.place, 1) = 'X'
             and n.one <> all (array(select h.one from h where h.waiter = w.pid))) end as next, o.has, null::text as gid
  from w left join o on o.pid = w.pid
  union
  select h.one, h.granted, h.locktype, h.mode, h.page, h.tuple, h.classid, h.objid, h.objsubid,
         coalesce(h.relation, h.at_relation), coalesce(h.database, h.at_database), h.waiter, null, null, null, false, null, null, h.gid
  from h
)
select s.pid, s.granted, s.locktype, s.mode,
{lock_object},
       string_agg(s.waiter::text, ',') as waiters, s.object, s.place, s.conflicts, s.others, s.next, s.has,
       encode(textsend(s.gid), 'hex') as gid
from s
group by s.pid, s.granted, s.locktype, s.mode, s.page, s.tuple, s.classid, s.objid, s.objsubid, s.relation, s.database,
         s.object, s.place, s.conflicts, s.others, s.next, s.has, s.gid
order by s.pid, s.gid, s.granted, s.locktype, s.mode
