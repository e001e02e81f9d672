-- One row per name that a filter can mean: databases, roles, and the applications of the sessions there are.
select 'database' as kind, encode(textsend(datname::text), 'hex') as name from pg_database
union all
select 'role', encode(textsend(rolname::text), 'hex') from pg_roles
union all
(select distinct 'application', encode(textsend(application_name), 'hex') from pg_stat_activity
 where application_name <> '' limit 1000)
