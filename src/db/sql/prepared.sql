-- One row: how many of the selected prepared transactions there are, and the oldest of them. No row when there is none.
-- {older}: for each age that is asked about, how many are older.
select count(*) over () as n,
       encode(textsend(p.gid), 'hex')            as gid,
       encode(textsend(p.owner::text), 'hex')    as owner,
       encode(textsend(p.database::text), 'hex') as database,
       p.seconds, {older} as older
from (select p.*, extract(epoch from clock_timestamp() - p.prepared)::float8 as seconds
      from pg_prepared_xacts p where {filter}) p
order by p.prepared, p.gid
limit 1
