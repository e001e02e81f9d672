-- One row per lock that a session of {waiters} waits for (not granted), and one per lock of a session of {blockers} that keeps one
-- of them waiting, with the waiters: on the same object, in a mode that conflicts. What is only ahead in a queue holds nothing of that.
-- m: the modes, and with which of them, by place, each conflicts.
-- A session that waits for whoever has changed a row waits for a transaction, and has its turn at the row as a lock of its own,
-- which tells the table. Relations of other databases have no name here.
with l as materialized (
  select l.pid, l.granted, l.locktype, l.mode, l.database, l.relation, l.page, l.tuple, l.classid, l.objid, l.objsubid,
         format('%s %s %s %s %s %s %s %s %s %s', l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
                l.transactionid, l.classid, l.objid, l.objsubid) as object
  from pg_locks l
  where l.pid = any ({waiters}::int4[]) or (l.granted and l.pid = any ({blockers}::int4[]))
), m (mode, place, conflicts) as (
  {lock_modes}
), w as materialized (
  select w.*, m.conflicts, coalesce(w.relation, t.relation) as at_relation, coalesce(w.database, t.database) as at_database
  from l w join m on m.mode = w.mode
       left join l t on t.pid = w.pid and t.granted and t.locktype = 'tuple' and w.locktype = 'transactionid'
  where not w.granted
), s as (
  select w.pid, w.granted, w.locktype, w.mode, w.page, w.tuple, w.classid, w.objid, w.objsubid,
         w.at_relation as relation, w.at_database as database, null::int4 as waiter
  from w
  union
  select h.pid, h.granted, h.locktype, h.mode, h.page, h.tuple, h.classid, h.objid, h.objsubid,
         coalesce(h.relation, w.at_relation), coalesce(h.database, w.at_database), w.pid
  from l h join m on m.mode = h.mode
       join w on w.object = h.object and w.pid <> h.pid and substr(w.conflicts, m.place, 1) = 'X'
  where h.granted
)
select s.pid, s.granted, s.locktype, s.mode,
       encode(textsend(
         case when s.relation is null then null
              when s.database in (0, (select oid from pg_database where datname = current_database()))
              then s.relation::regclass::text
              else format('relation %s of database %s', s.relation, (select datname from pg_database where oid = s.database))
         end), 'hex') as relation,
       case when s.locktype = 'advisory' and s.objsubid = 1 then ((s.classid::int8 << 32) | s.objid::int8)::text
            when s.locktype = 'advisory'
            then format('%s, %s', s.classid::int8::bit(32)::int4, s.objid::int8::bit(32)::int4)
            when s.locktype = 'tuple' then format('(%s,%s)', s.page, s.tuple) end as key,
       string_agg(s.waiter::text, ',') as waiters
from s
group by s.pid, s.granted, s.locktype, s.mode, s.page, s.tuple, s.classid, s.objid, s.objsubid, s.relation, s.database
order by s.pid, s.granted, s.locktype, s.mode
