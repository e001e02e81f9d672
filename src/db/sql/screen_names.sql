-- One row per role and per database that sessions are of, for a live screen: its name, which is null where it was dropped since, and
-- of a role whether it is a superuser and whether this role has its privileges.
select 'role' as kind, x.oid, encode(textsend(r.rolname::text), 'hex') as name,
       coalesce(r.rolsuper, false) as of_superuser, pg_has_role(x.oid, 'USAGE') as as_own
from (select distinct b.usesysid as oid from pg_stat_get_activity(null) b where b.usesysid is not null) x
     left join pg_roles r on r.oid = x.oid
union all
select 'database', x.oid, encode(textsend(d.datname::text), 'hex'), null, null
from (select distinct b.datid as oid from pg_stat_get_activity(null) b where b.datid is not null) x
     left join pg_database d on d.oid = x.oid
