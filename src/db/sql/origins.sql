-- One row per application, role, database and kind of transport that client sessions have, pgconn's own left out.
-- The transport of hidden ones is null. From 18 on sessions are shown that are still logging in: they are nobody's yet.
with c as (
  select s.application_name, s.usesysid, s.datid,
         case when not s.hidden
              then s.client_addr is not null and not s.client_addr <<= any (array['127.0.0.0/8', '::1/128']::inet[])
                   and not coalesce(s.ssl, false) end as plaintext,
         count(*) as n
  from ({activity}) s
  where s.pid <> pg_backend_pid() and s.may_be_client and s.usesysid is not null
  group by 1, 2, 3, 4
)
select encode(textsend(c.application_name), 'hex') as application_name,
       encode(textsend(r.rolname::text), 'hex')    as role, coalesce(r.rolsuper, false) as superuser,
       coalesce(r.rolconnlimit >= 0, false) as role_limited,
       encode(textsend(d.datname::text), 'hex')    as database, coalesce(d.datconnlimit >= 0, false) as database_limited,
       c.plaintext, c.n
from c left join pg_roles r on r.oid = c.usesysid left join pg_database d on d.oid = c.datid
order by c.n desc, 1, 2, 5
