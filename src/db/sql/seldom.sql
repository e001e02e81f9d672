-- One row: the answers to questions about what is seldom there, null where there is nothing of it: to plan them is dearer than to find
-- that out. {prepared}, {horizon} and {closed} are those answers, as query_to_xml has them. Where this role is kept from a
-- view, its question is asked, to be refused.
select case when p.are_any then {prepared} end as prepared,
       case when p.are_any or not has_table_privilege('pg_replication_slots', 'select')
                 or exists (select from pg_get_replication_slots())
            then {horizon} end as horizon,
       case when exists (select from pg_database d where {is_closed})
            then {closed} end as closed
from (select not has_table_privilege('pg_prepared_xacts', 'select') or exists (select from pg_prepared_xact()) as are_any offset 0) p
