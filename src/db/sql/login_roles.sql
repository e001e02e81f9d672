-- One row per role that can log in: whether it is a superuser, sees other roles' sessions, and may use the slots of
-- reserved_connections (false before 16). Membership decides, with INHERIT from 15 on. For every role.
select encode(textsend(r.rolname::text), 'hex') as name, r.rolsuper as superuser,
       coalesce(pg_has_role(r.oid, to_regrole('pg_read_all_stats'),
                            case when current_setting('server_version_num')::int4 >= 150000 then 'USAGE' else 'MEMBER' end),
                false) as sees_all,
       coalesce(pg_has_role(r.oid, to_regrole('pg_use_reserved_connections'), 'USAGE'), false) as reserved
from pg_roles r
where r.rolcanlogin
order by r.rolname
