-- One row per value of {names} that is stored for a role, a database, a role in a database, or all roles. For every role.
select encode(textsend(r.rolname::text), 'hex') as role,
       encode(textsend(d.datname::text), 'hex') as database,
       split_part(c, '=', 1)                    as name,
       encode(textsend(substr(c, strpos(c, '=') + 1)), 'hex')                as raw,
       encode(textsend(quote_literal(substr(c, strpos(c, '=') + 1))), 'hex') as literal
from pg_db_role_setting s
     left join pg_roles r on r.oid = s.setrole
     left join pg_database d on d.oid = s.setdatabase
     cross join lateral unnest(s.setconfig) c
where split_part(c, '=', 1) = any (array[{names}]::text[])
  and (s.setrole = 0) = (r.oid is null) and (s.setdatabase = 0) = (d.oid is null)
order by 1 nulls last, 2 nulls last, 3
