-- One row: what decides which sessions this role may signal. Privileges count, not bare membership (NOINHERIT);
-- pg_signal_autovacuum_worker exists from 18 on.
  select r.rolsuper, coalesce(pg_has_role(to_regrole('pg_signal_backend'), 'USAGE'), false) as signals,
         coalesce(pg_has_role(to_regrole('pg_signal_autovacuum_worker'), 'USAGE'), false) as signals_autovacuum
  from pg_roles r where r.rolname = session_user
