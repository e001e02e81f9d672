-- One row per role that can log in. For every role.
select encode(textsend(rolname::text), 'hex') as name
from pg_roles
where rolcanlogin
order by rolname
