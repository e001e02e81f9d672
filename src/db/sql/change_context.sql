-- One row: the role and the database that a change of settings is for, null when they do not exist, and what this role may
-- do to them in particular; what it may anywhere is in server_context.sql. {admin}: 16 and later ask for ADMIN OPTION. {may_set}, {may_alter_system}: 15 and later have privileges on
-- parameters. pg_shdepend tells of owned objects in all databases.
select encode(textsend(quote_ident(r.rolname::text)), 'hex')  as role_identifier,
       r.rolsuper                                             as role_superuser,
       r.rolreplication                                       as role_replication,
       r.rolcanlogin                                          as role_can_login,
       r.oid = me.oid                                         as role_own,
       {admin}                                                as role_admin,
       exists (select from pg_shdepend o where o.refclassid = 'pg_authid'::regclass and o.refobjid = r.oid
               and o.deptype = 'o')                           as role_owns_objects,
       encode(textsend(quote_ident(d.datname::text)), 'hex')  as database_identifier,
       encode(textsend(o.rolname::text), 'hex')               as database_owner,
       pg_has_role(d.datdba, 'USAGE')                         as database_owned,
       me.rolsuper or {may_set}                               as may_set,
       me.rolsuper or {may_alter_system}                      as may_alter_system,
       has_function_privilege('pg_reload_conf()', 'EXECUTE')  as may_reload,
       has_table_privilege('pg_file_settings', 'SELECT')
         and has_function_privilege('pg_show_all_file_settings()', 'EXECUTE') as sees_files,
       (select s.rolname from pg_roles s
        where s.rolname in ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'neon_superuser', 'supabase_admin')
        order by s.rolname limit 1)                           as service
from pg_roles me
     left join pg_roles r on r.rolname::text = {role}
     left join pg_database d on d.datname::text = {database}
     left join pg_roles o on o.oid = d.datdba
where me.rolname = current_user
