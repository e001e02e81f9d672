-- One row per database, role and application that has client sessions, with how many began before {before}. Hidden sessions
-- with a database and a role may be clients and are counted: these columns are never hidden.
select encode(textsend(datname::text), 'hex')     as database,
       encode(textsend(usename::text), 'hex')     as role,
       encode(textsend(application_name), 'hex')  as application_name,
       count(*)                                   as n
from pg_stat_activity
where (backend_type = 'client backend' or (backend_start is null and datid is not null and usesysid is not null))
  and pid <> pg_backend_pid()
  and (backend_start is null or backend_start < {before})
group by datname, usename, application_name
order by n desc, datname, usename, application_name
