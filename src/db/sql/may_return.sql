-- One row per session that is about to be ended and may come back: where it comes from, and the time on the server's clock. Nobody
-- comes back who may not log in; and PostgreSQL's own programs do not: one that has lost its session is over.
select s.pid, s.datid, s.usesysid, encode(textsend(s.application_name), 'hex') as application_name, s.client,
       {utc:clock_timestamp()} as now
from unnest({pids}::int4[], {backend_starts}::timestamptz[]) as w (pid, backend_start)
     join ({activity}) s on s.pid = w.pid and s.backend_start = w.backend_start
     join pg_database d on d.oid = s.datid
     join pg_roles r on r.oid = s.usesysid
where s.backend_type = 'client backend' and d.datallowconn and r.rolcanlogin
  and (r.rolsuper or (d.datconnlimit <> 0 and r.rolconnlimit <> 0))
  and s.application_name not in ('psql', 'pg_dump', 'pg_dumpall', 'pg_restore', 'pg_basebackup', 'vacuumdb', 'reindexdb',
                                 'clusterdb', 'pg_amcheck')
