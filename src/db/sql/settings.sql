-- One row per setting that the server knows of {names}, with the value and the source it had when this session logged in.
-- Asked before any SET of its transaction, search_path included: everything in it is qualified. For every role.
select name, reset_val, source, min_val, max_val
from pg_catalog.pg_settings
where name operator(pg_catalog.=) any (array[{names}]::pg_catalog.text[])
