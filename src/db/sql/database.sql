-- One row: a database as it is before and after a drain, and what this role is to it. No row when there is none.
select d.oid, encode(textsend(d.datname::text), 'hex') as name, d.datallowconn as allow_connections,
       d.datconnlimit as connection_limit, encode(textsend(o.rolname::text), 'hex') as owner,
       d.datacl is null as default_grants, encode(textsend(coalesce(d.datacl::text, '')), 'hex') as acl,
       coalesce(pg_has_role(d.datdba, 'USAGE'), false) as owned
from pg_database d left join pg_roles o on o.oid = d.datdba
where {database}
