-- One row: how many sessions are in a database, or a role's (hidden ones that may be some included), and how many backends are on the
-- way in: from before it reads the limits until it is listed, a starting backend holds a lock on its database.
select (select count(*) from ({activity}) s
        where {inside} and s.pid <> pg_backend_pid() and s.may_be_client) as sessions,
       (select count(*) from pg_locks l
        where l.locktype = 'object' and l.classid = 'pg_database'::regclass and {starting}
          and l.pid is distinct from pg_backend_pid()) as starting
