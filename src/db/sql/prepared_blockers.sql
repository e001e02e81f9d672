-- One row per prepared transaction that sessions of {pids} wait for, oldest first, with those of them that wait for it.
-- To be asked for sessions among whose blockers pg_blocking_pids has a 0: a prepared transaction, but not which. It is one
-- that holds a lock on what they wait for, in a mode that conflicts with the mode that they ask for.
-- m: the modes, and with which of them, by place, each conflicts.
-- pg_locks is read once. What each holds is found over its own transactionid lock: the '-1/xid' form of virtualtransaction,
-- which the manual joins by, only appears after a restart of the server. Of that only what is waited for goes on, found by
-- a hash (`is true` keeps the planner, which expects one row, from comparing each lock with each waiter).
with g as materialized (
  select s.pid, s.leader_pid
  from (
    {activity}) s
  where s.backend_type = 'parallel worker'
), l as materialized (
  select coalesce(g.leader_pid, l.pid) as pid, l.mode, l.virtualtransaction, l.locktype, l.transactionid,
         format('%s %s %s %s %s %s %s %s %s %s', l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
                l.transactionid, l.classid, l.objid, l.objsubid) as object
  from pg_locks l left join g on g.pid = l.pid
  where (l.granted and l.pid is null) or (not l.granted and coalesce(g.leader_pid, l.pid) = any ({pids}::int4[]))
), m (mode, place, conflicts) as (
  {lock_modes}
), w as materialized (
  select l.pid, l.object, m.conflicts
  from l join m on m.mode = l.mode
  where l.pid is not null
), h as materialized (
  select l.virtualtransaction, l.object, m.place
  from l join m on m.mode = l.mode
  where l.pid is null and (l.object in (select w.object from w)) is true
), p as materialized (
  select p.gid, p.owner, p.database, p.prepared, l.virtualtransaction
  from pg_prepared_xacts p
       join l on l.pid is null and l.locktype = 'transactionid' and l.transactionid = p.transaction
)
select encode(textsend(p.gid), 'hex')            as gid,
       encode(textsend(p.owner::text), 'hex')    as owner,
       encode(textsend(p.database::text), 'hex') as database,
       extract(epoch from clock_timestamp() - p.prepared)::float8 as seconds,
       array_to_string(array_agg(distinct w.pid), ',')            as waiting_pids
from p
     join h on h.virtualtransaction = p.virtualtransaction
     join w on w.object = h.object and substr(w.conflicts, h.place, 1) = 'X'
group by p.gid, p.owner, p.database, p.prepared
order by p.prepared, p.gid
