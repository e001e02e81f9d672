-- One row per application, role, database and kind of transport that client sessions have, pgconn's own left out.
-- Hidden rows that have a database and a role may be client sessions and are kept; their transport is null.
with c as (
  select v.application_name, v.usesysid, v.datid,
         case when v.backend_start is not null
              then v.client_addr is not null and not v.client_addr <<= any (array['127.0.0.0/8', '::1/128']::inet[])
                   and not coalesce(v.ssl, false) end as plaintext,
         count(*) as n
  from pg_stat_get_activity(null) v
  where v.pid <> pg_backend_pid()
    and (v.backend_type = 'client backend' or (v.backend_start is null and v.datid is not null and v.usesysid is not null))
  group by 1, 2, 3, 4
)
select encode(textsend(c.application_name), 'hex') as application_name,
       encode(textsend(r.rolname::text), 'hex')    as role, coalesce(r.rolsuper, false) as superuser,
       coalesce(r.rolconnlimit >= 0, false) as role_limited,
       encode(textsend(d.datname::text), 'hex')    as database, coalesce(d.datconnlimit >= 0, false) as database_limited,
       c.plaintext, c.n
from c left join pg_roles r on r.oid = c.usesysid left join pg_database d on d.oid = c.datid
order by c.n desc, 1, 2, 5
