-- One row per database, role and application that has client sessions, with how many began before {before} or, being hidden,
-- may have.
with g as (
  select s.datid, s.usesysid, s.application_name, count(*) as n
  from ({activity}) s
  where s.may_be_client and s.pid <> pg_backend_pid() and (s.hidden or s.backend_start < {before})
  group by s.datid, s.usesysid, s.application_name
)
select encode(textsend(d.datname::text), 'hex')     as database,
       encode(textsend(r.rolname::text), 'hex')     as role,
       encode(textsend(g.application_name), 'hex')  as application_name,
       g.n
from g left join pg_database d on d.oid = g.datid left join pg_roles r on r.oid = g.usesysid
order by g.n desc, d.datname, r.rolname, g.application_name
