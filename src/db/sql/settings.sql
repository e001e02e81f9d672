-- One row per setting that the server knows of {names}, with the value and the source it had when this session logged in.
-- Asked before its transaction SETs any of them. For every role.
select name, reset_val, source, min_val, max_val
from pg_settings
where name = any (array[{names}]::text[])
