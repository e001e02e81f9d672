-- One row per one of {names} that postgresql.auto.conf, the file that ALTER SYSTEM writes, holds: the last line counts.
-- Needs what pg_file_settings needs: superuser, or its grants.
select distinct on (name) name, encode(textsend(quote_literal(setting)), 'hex') as literal
from pg_file_settings
where name = any (array[{names}]::text[]) and sourcefile like '%/postgresql.auto.conf'
order by name, seqno desc
