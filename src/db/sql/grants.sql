-- One row per privilege that is granted on a database, in the order in which it is stored; grantee null is PUBLIC.
select case when x.grantee <> 0 then encode(textsend(coalesce(r.rolname::text, '')), 'hex') end as grantee,
       x.grantee = d.datdba as to_owner, x.grantor = d.datdba as by_owner, x.privilege_type, x.is_grantable
from pg_database d
     cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba)))
       with ordinality as x (grantor, grantee, privilege_type, is_grantable, position)
     left join pg_roles r on r.oid = x.grantee
where {database}
order by x.position
