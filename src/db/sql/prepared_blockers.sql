-- One row per prepared transaction that holds a lock which somebody waits for, oldest first, with those who wait.
-- The join goes over the transaction's own transactionid lock: the '-1/xid' form of virtualtransaction, which the manual
-- joins by, only appears after a restart of the server.
select encode(textsend(p.gid), 'hex')            as gid,
       encode(textsend(p.owner::text), 'hex')    as owner,
       encode(textsend(p.database::text), 'hex') as database,
       extract(epoch from clock_timestamp() - p.prepared)::float8 as seconds,
       array_to_string(array_agg(distinct w.pid), ',')            as waiting_pids
from pg_prepared_xacts p
     join pg_locks x on x.locktype = 'transactionid' and x.transactionid = p.transaction and x.pid is null and x.granted
     join pg_locks h on h.virtualtransaction = x.virtualtransaction and h.pid is null and h.granted
     join pg_locks w on not w.granted and w.pid is not null and w.locktype = h.locktype
       and w.database is not distinct from h.database and w.relation is not distinct from h.relation
       and w.page is not distinct from h.page and w.tuple is not distinct from h.tuple
       and w.virtualxid is not distinct from h.virtualxid and w.transactionid is not distinct from h.transactionid
       and w.classid is not distinct from h.classid and w.objid is not distinct from h.objid
       and w.objsubid is not distinct from h.objsubid
group by p.gid, p.owner, p.database, p.prepared
order by p.prepared, p.gid
