-- One row: which cluster this is; its standbys have the same number. No other cluster has it but copies of its files.
select system_identifier from pg_control_system()
