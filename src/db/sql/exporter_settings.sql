-- One row per setting that the server knows of {names}, with the number that this session got, and when the server started. Asked before
-- its transaction SETs any of them. For every role.
select s.name, s.setting::float8 as value,
       extract(epoch from pg_postmaster_start_time())::float8 as start_time_seconds
from pg_settings s
where s.name = any (array[{names}]::text[])
