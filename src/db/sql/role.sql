-- One row: a role as it is before and after a drain, and whether this role may alter it. {admin}: 16 and later ask for ADMIN OPTION.
-- No row when there is none.
select r.oid, encode(textsend(r.rolname::text), 'hex') as name, r.rolconnlimit as connection_limit, r.rolsuper as superuser,
       me.rolsuper or (me.rolcreaterole and not r.rolsuper and {admin}) as alterable
from pg_roles r cross join pg_roles me
where me.rolname = current_user and {role}
