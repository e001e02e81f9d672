-- One row per process of {pids} that waits for a lock, with that lock: a process waits for one at a time. Asked only where some of
-- those that are shown wait, because pg_locks holds up the lock manager; and as a question of its own: as a part of a listing it
-- would make each listing a tenth dearer to plan, and cost the square of a queue.
-- A session that waits for whoever has changed a row waits for a transaction, and has its turn at the row as a lock of its own,
-- which tells the table.
with l as materialized (
  select l.pid, max(l.locktype) filter (where not l.granted) as locktype, max(l.mode) filter (where not l.granted) as mode,
         max(l.page) filter (where not l.granted) as page, max(l.tuple) filter (where not l.granted) as tuple,
         max(l.classid) as classid, max(l.objid) as objid, max(l.objsubid) as objsubid,
         max(l.relation) filter (where not l.granted) as relation, max(l.database) filter (where not l.granted) as database,
         max(l.relation) filter (where l.granted) as at_relation, max(l.database) filter (where l.granted) as at_database
  from pg_locks l
  where l.pid = any ({pids}::int4[]) and (not l.granted or l.locktype = 'tuple')
  group by l.pid
), s as (
  select l.pid, l.locktype, l.mode, l.page, l.tuple, l.classid, l.objid, l.objsubid,
         case l.locktype when 'transactionid' then l.at_relation else l.relation end as relation,
         case l.locktype when 'transactionid' then l.at_database else l.database end as database
  from l
  where l.locktype is not null
)
select s.pid, s.locktype, s.mode,
{lock_object}
from s
