-- One row per kind of holder there is: the one that holds the horizon back most, behind which VACUUM removes nothing. Age: how many
-- transaction ids have been given out since. Transaction ids and snapshots are shown to everybody. A session that reads at READ
-- COMMITTED and is idle in its transaction holds nothing.
with h as (
  select case when s.backend_type = 'walsender' then 'standby' else 'session' end as holder, s.pid,
         greatest(age(s.backend_xmin), age(s.backend_xid)) as age, null as name,
         s.datid, s.usesysid, s.application_name, s.client, s.state
  from ({activity}) s
  where s.pid <> pg_backend_pid() and coalesce(s.backend_xmin, s.backend_xid) is not null
  union all
  select 'prepared', 0, age(p.transaction), p.gid, d.oid, r.oid, '', null, null
  from pg_prepared_xacts p left join pg_database d on d.datname = p.database left join pg_roles r on r.rolname = p.owner
  union all
  select 'slot', coalesce(l.active_pid, 0), greatest(age(l.xmin), age(l.catalog_xmin)), l.slot_name, l.datoid, null, '', null, null
  from pg_replication_slots l where coalesce(l.xmin, l.catalog_xmin) is not null
)
select distinct on (h.holder) h.holder, h.age, encode(textsend(h.name), 'hex') as name, h.pid,
       encode(textsend(d.datname::text), 'hex')    as database,
       encode(textsend(r.rolname::text), 'hex')    as role,
       encode(textsend(h.application_name), 'hex') as application_name,
       h.client, h.state
from h left join pg_database d on d.oid = h.datid left join pg_roles r on r.oid = h.usesysid
order by h.holder, h.age desc, h.pid
