-- One row per database that lets nobody in: closed on purpose, by a drain, or left so by one that was killed; and what an
-- interrupted DROP DATABASE leaves ({is_closed}). For every role.
select encode(textsend(d.datname::text), 'hex') as database,
       case when d.datconnlimit = -2 then 'invalid' when d.datallowconn then 'connection_limit' else 'allow_connections' end as why,
       (select min(l.pid) from pg_locks l where l.locktype = 'advisory' and l.classid = {key} and l.objid = d.oid
        and l.objsubid = 2 and l.granted) as held_by
from pg_database d
where {is_closed}
order by d.datname
