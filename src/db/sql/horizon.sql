-- One row per kind of holder there is besides sessions (longest.sql): the prepared transaction and the replication slot that hold the
-- horizon back most, behind which VACUUM removes nothing. Age: how many transaction ids have been given out since.
with h as (
  select 'prepared' as holder, age(p.transaction) as age, p.gid as name, p.database, p.owner
  from pg_prepared_xacts p
  union all
  select 'slot', greatest(age(l.xmin), age(l.catalog_xmin)), l.slot_name, l.database, null
  from pg_replication_slots l where coalesce(l.xmin, l.catalog_xmin) is not null
)
select distinct on (h.holder) h.holder, h.age, encode(textsend(h.name::text), 'hex') as name,
       encode(textsend(h.database::text), 'hex') as database,
       encode(textsend(h.owner::text), 'hex')    as role
from h
order by h.holder, h.age desc, h.name
