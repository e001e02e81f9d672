-- One row, where this is the server and the role that are to be altered, in the {state} that is expected. Else it fails (division_by_zero), and with it
-- the transaction that it opens: nothing that travels behind it is done.
select 1 / count(*) from pg_roles r where r.oid = {oid} and r.rolname::text = {name} and {server} and {state}
