-- One row per role with a CONNECTION LIMIT that counts: superusers are exempt, and a limit of 0 keeps everybody out on purpose. In no order:
-- a session that has just begun would have to look up how.
select r.oid, encode(textsend(r.rolname::text), 'hex') as role, r.rolconnlimit as connection_limit
from pg_roles r
where r.rolconnlimit > 0 and not r.rolsuper
