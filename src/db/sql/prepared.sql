-- One row: how many prepared transactions there are, and the oldest of them. No row when there is none.
select count(*) over () as n,
       encode(textsend(p.gid), 'hex')            as gid,
       encode(textsend(p.owner::text), 'hex')    as owner,
       encode(textsend(p.database::text), 'hex') as database,
       extract(epoch from clock_timestamp() - p.prepared)::float8 as seconds
from pg_prepared_xacts p
order by p.prepared, p.gid
limit 1
