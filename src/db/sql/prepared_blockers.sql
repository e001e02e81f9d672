-- One row per prepared transaction that holds a lock which somebody waits for, oldest first, with those who wait.
-- pg_locks is read once, and only when there is a prepared transaction. What each holds is found over its own transactionid
-- lock: the '-1/xid' form of virtualtransaction, which the manual joins by, only appears after a restart of the server.
with p as materialized (
  select p.gid, p.owner, p.database, p.prepared, p.transaction from pg_prepared_xacts p
), l as materialized (
  select l.* from pg_locks l where (select count(*) from p) > 0
), h as materialized (
  select p.gid, p.owner, p.database, p.prepared, h.locktype, h.database as datid, h.relation, h.page, h.tuple, h.virtualxid,
         h.transactionid, h.classid, h.objid, h.objsubid
  from p
       join l x on x.locktype = 'transactionid' and x.transactionid = p.transaction and x.pid is null and x.granted
       join l h on h.virtualtransaction = x.virtualtransaction and h.pid is null and h.granted
)
select encode(textsend(h.gid), 'hex')            as gid,
       encode(textsend(h.owner::text), 'hex')    as owner,
       encode(textsend(h.database::text), 'hex') as database,
       extract(epoch from clock_timestamp() - h.prepared)::float8 as seconds,
       array_to_string(array_agg(distinct w.pid), ',')            as waiting_pids
from h
     join l w on not w.granted and w.pid is not null and w.locktype = h.locktype
       and w.database is not distinct from h.datid and w.relation is not distinct from h.relation
       and w.page is not distinct from h.page and w.tuple is not distinct from h.tuple
       and w.virtualxid is not distinct from h.virtualxid and w.transactionid is not distinct from h.transactionid
       and w.classid is not distinct from h.classid and w.objid is not distinct from h.objid
       and w.objsubid is not distinct from h.objsubid
group by h.gid, h.owner, h.database, h.prepared
order by h.prepared, h.gid
