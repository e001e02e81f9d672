-- One row: how many client sessions have begun since {since} that come from where ended ones came from: the database, role,
-- application and client address of each.
select count(*) as returned
from ({activity}) s
     join unnest({databases}::oid[], {roles}::oid[], {applications}::text[], {clients}::text[])
            as w (datid, usesysid, application_name, client)
       on s.datid = w.datid and s.usesysid = w.usesysid and s.client is not distinct from w.client
          and encode(textsend(s.application_name), 'hex') = w.application_name
where s.backend_type = 'client backend' and s.pid <> pg_backend_pid() and s.backend_start > {since}::timestamptz
