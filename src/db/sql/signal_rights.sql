-- One row: what decides which sessions this role may signal, the one that the session acts as (current_user; `ALTER ROLE … SET
-- role` makes it another than the login role). Privileges count, not bare membership (NOINHERIT);
-- pg_signal_autovacuum_worker exists from 18 on.
  select r.rolname, r.rolsuper, r.rolcreaterole,
         coalesce(pg_has_role(to_regrole('pg_signal_backend'), 'USAGE'), false) as signals,
         coalesce(pg_has_role(to_regrole('pg_signal_autovacuum_worker'), 'USAGE'), false) as signals_autovacuum
  from pg_roles r where r.rolname = current_user
