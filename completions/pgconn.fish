# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pgconn_global_optspecs
    string join \n h/host= p/port= U/username= d/dbname= S/service= w/no-password password-command= W/password t/timeout= connect-wait= emergency= targets= targets-command= only= parallel= json F/format= o/output= watch= q/quiet v/verbose color= full no-query V/version help
end

function __fish_pgconn_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pgconn_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pgconn_using_subcommand
    set -l cmd (__fish_pgconn_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pgconn -n "__fish_pgconn_needs_command" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_needs_command" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_needs_command" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_needs_command" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_needs_command" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_needs_command" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_needs_command" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_needs_command" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_needs_command" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_needs_command" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_needs_command" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_needs_command" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_needs_command" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_needs_command" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_needs_command" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_needs_command" -s V -l version -d 'Print the version'
complete -c pgconn -n "__fish_pgconn_needs_command" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "stats" -d 'Count sessions by state and application, against limits'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "ls" -d 'List sessions'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "sessions" -d 'List sessions'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "long" -d 'List the longest queries and transactions first'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "queries" -d 'List the longest queries and transactions first'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "blockers" -d 'Show who waits for whom, as a tree, root first'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "blocking" -d 'Show who waits for whom, as a tree, root first'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "show" -d 'Show everything known of one session'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "top" -d 'See sessions, and end the right ones, on a live screen'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "cancel" -d 'Cancel running queries; the sessions stay'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "kill" -d 'End sessions, and verify that they are gone'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "terminate" -d 'End sessions, and verify that they are gone'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "drain" -d 'Empty a database and keep it closed meanwhile'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "timeout" -d 'Show, set and reset statement_timeout and its kin'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "pooler" -d 'See PgBouncer\'s pools, clients and servers'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "demo" -d 'Try everything on a throwaway PostgreSQL, full of trouble'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "check" -d 'Judge the health of connections, for monitoring plugins'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "ping" -d 'Say whether a server lets you in, and which phase is slow'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "conninfo" -d 'Show what would be connected to, and by which settings'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "size" -d 'Plan pool sizes and max_connections, write configuration'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "doctor" -d 'Find bad connection practice, with evidence and advice'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "metrics" -d 'Print metrics for Prometheus, once'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "serve" -d 'Serve metrics, health and a status page over HTTP'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "schema" -d 'Print the JSON Schema of an output'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "man" -d 'Print or install the manual pages'
complete -c pgconn -n "__fish_pgconn_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l by -d 'What to count by, in the table (repeat for more)' -r -f -a "state\t'State'
application\t'Application name'
database\t'Database'
role\t'Role'
client\t'Client address'
backend-type\t'Backend type'"
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l limit -d 'Groups to list of each; the others are summed' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand stats" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l sort -d 'Order of the rows' -r -f -a "age\t'Oldest session first'
xact\t'Oldest transaction first'
query\t'Longest running statement first'
for\t'Longest in its state first'
pid\t'Process id'
database\t'Database name'
role\t'Role name'
application\t'Application name'
client\t'Client address'
state\t'State'"
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l limit -d 'Rows at most' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand ls" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l sort -d 'Order of the rows' -r -f -a "age\t'Oldest session first'
xact\t'Oldest transaction first'
query\t'Longest running statement first'
for\t'Longest in its state first'
pid\t'Process id'
database\t'Database name'
role\t'Role name'
application\t'Application name'
client\t'Client address'
state\t'State'"
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l limit -d 'Rows at most' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand sessions" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l over -d 'Only queries and transactions at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l limit -d 'Rows at most' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l pooler -d 'A pooler\'s console: tell whose each session is' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand long" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l over -d 'Only queries and transactions at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l limit -d 'Rows at most' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l pooler -d 'A pooler\'s console: tell whose each session is' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand queries" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l pooler -d 'A pooler\'s console: tell whose each session is' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l all-waits -d 'Look at all waits, not only at the 2,000 longest'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand blockers" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l pooler -d 'A pooler\'s console: tell whose each session is' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l all-waits -d 'Look at all waits, not only at the 2,000 longest'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand blocking" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l pooler -d 'A pooler\'s console: tell whose the session is' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand show" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l interval -d 'Time between two looks' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l view -d 'What is listed first' -r -f -a "sessions\t'Every session'
trouble\t'Those with which something is wrong'
blockers\t'Who waits for whom'
groups\t'How many there are of what'
limits\t'Limits on connections'
pooler\t'The pools of the pooler in front'"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l sort -d 'Order of the sessions' -r -f -a "age\t''
xact\t''
query\t''
for\t''
pid\t''
database\t''
role\t''
application\t''
client\t''
state\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l pooler -d 'A pooler\'s console: view 6 lists its pools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l log -d 'Append a JSON line for each signal to this file' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l read-only -d 'Signal nobody'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand top" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l max -d 'Do nothing when more sessions match' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l verify -d 'How long to watch for completion' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l log -d 'Append a JSON line for each signal to this file' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l all -d 'All client sessions of the server'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand cancel" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l max -d 'Do nothing when more sessions match' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l verify -d 'How long to watch for completion' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l log -d 'Append a JSON line for each signal to this file' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l grace -d 'Cancel queries first, and end what is left then' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l settle -d 'How long to watch who comes back; 0 to not watch' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l pooler -d 'A pooler\'s console: end clients there' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l all -d 'All client sessions of the server'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand kill" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l max -d 'Do nothing when more sessions match' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l verify -d 'How long to watch for completion' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l log -d 'Append a JSON line for each signal to this file' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l grace -d 'Cancel queries first, and end what is left then' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l settle -d 'How long to watch who comes back; 0 to not watch' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l pooler -d 'A pooler\'s console: end clients there' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l all -d 'All client sessions of the server'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand terminate" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l db -d 'The database, by its exact name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l role -d 'The role, by its exact name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l fence -d 'How to keep new connections out' -r -f -a "limit\t'CONNECTION LIMIT 0: superusers still enter, the owner not'
revoke\t'CONNECT revoked: its owner and superusers still enter'
hard\t'ALLOW_CONNECTIONS false: nobody enters'"
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l for -d 'Hold it closed and empty this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l verify -d 'How long ending its sessions may take' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l restore -d 'Open what a drain that was killed left closed'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand drain" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l role -d 'What new sessions of this role get' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l db -d 'What new sessions in this database get' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l kind -d 'Only this setting (repeat for more)' -r -f -a "statement\t'statement_timeout'
lock\t'lock_timeout'
idle-in-transaction\t'idle_in_transaction_session_timeout'
idle-session\t'idle_session_timeout'
transaction\t'transaction_timeout'
client-check\t'client_connection_check_interval'
deadlock\t'deadlock_timeout'
tcp-user\t'tcp_user_timeout'
keepalives-idle\t'tcp_keepalives_idle'
keepalives-interval\t'tcp_keepalives_interval'
keepalives-count\t'tcp_keepalives_count'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l every-role -d 'What new sessions of each role that can log in get'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l every-kind -d 'TCP keepalives and deadlock_timeout too'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -f -a "set" -d 'Store a time limit for a role, a database, all roles or the server'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -f -a "reset" -d 'Take a stored time limit away'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and not __fish_seen_subcommand_from set reset help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l role -d 'For this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l db -d 'For this database, or with --role for that role in it' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l kind -d 'Which setting (repeat for more)' -r -f -a "statement\t'statement_timeout'
lock\t'lock_timeout'
idle-in-transaction\t'idle_in_transaction_session_timeout'
idle-session\t'idle_session_timeout'
transaction\t'transaction_timeout'
client-check\t'client_connection_check_interval'
deadlock\t'deadlock_timeout'
tcp-user\t'tcp_user_timeout'
keepalives-idle\t'tcp_keepalives_idle'
keepalives-interval\t'tcp_keepalives_interval'
keepalives-count\t'tcp_keepalives_count'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l all-roles -d 'For all roles'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l system -d 'For the server: ALTER SYSTEM'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s n -l dry-run -d 'Show what would be done, and stop'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l session -d 'Store nothing: print what sets it for one session'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l transaction -d 'Store nothing: print what sets it for one transaction'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from set" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l role -d 'For this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l db -d 'For this database, or with --role for that role in it' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l kind -d 'Which setting (repeat for more)' -r -f -a "statement\t'statement_timeout'
lock\t'lock_timeout'
idle-in-transaction\t'idle_in_transaction_session_timeout'
idle-session\t'idle_session_timeout'
transaction\t'transaction_timeout'
client-check\t'client_connection_check_interval'
deadlock\t'deadlock_timeout'
tcp-user\t'tcp_user_timeout'
keepalives-idle\t'tcp_keepalives_idle'
keepalives-interval\t'tcp_keepalives_interval'
keepalives-count\t'tcp_keepalives_count'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l all-roles -d 'For all roles'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l system -d 'For the server: ALTER SYSTEM'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s n -l dry-run -d 'Show what would be done, and stop'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from reset" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from help" -f -a "set" -d 'Store a time limit for a role, a database, all roles or the server'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from help" -f -a "reset" -d 'Take a stored time limit away'
complete -c pgconn -n "__fish_pgconn_using_subcommand timeout; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l for -d 'Count the work of this long, and show it per second' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l server -d 'The server behind it: which session serves whom' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l console -d 'The console of another process of it (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l db -d 'Those of this database, as the pooler names it' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l role -d 'Those of this user' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l app -d 'Connections with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l client -d 'Those of clients from this address, network or `local`' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l state -d 'In this state of the pooler: active, idle, waiting, used, …' -r -f -a "active\t''
waiting\t''
idle\t''
used\t''
tested\t''
new\t''
login\t''
waiting_login\t''
active_cancel\t''
being_canceled\t''
active_cancel_req\t''
waiting_cancel_req\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "clients" -d 'List clients, each with the connection that serves it'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "servers" -d 'List connections to servers, each with the client that it serves'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "pause" -d 'Keep a database\'s clients waiting, its server free'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "resume" -d 'Let the clients of a paused database go on'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "disable" -d 'Refuse new clients of a database; those that are there stay'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "enable" -d 'Let new clients of a disabled database in'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "kill" -d 'Disconnect a database\'s clients, keep new ones waiting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "reconnect" -d 'Replace a database\'s connections to the server as they become free'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "wait-close" -d 'Wait until the connections that RECONNECT replaces are closed'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and not __fish_seen_subcommand_from clients servers pause resume disable enable kill reconnect wait-close help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l db -d 'Those of this database, as the pooler names it' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l role -d 'Those of this user' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l app -d 'Connections with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l client -d 'Those of clients from this address, network or `local`' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l state -d 'In this state of the pooler: active, idle, waiting, used, …' -r -f -a "active\t''
waiting\t''
idle\t''
used\t''
tested\t''
new\t''
login\t''
waiting_login\t''
active_cancel\t''
being_canceled\t''
active_cancel_req\t''
waiting_cancel_req\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from clients" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l db -d 'Those of this database, as the pooler names it' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l role -d 'Those of this user' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l app -d 'Connections with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l client -d 'Those of clients from this address, network or `local`' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l state -d 'In this state of the pooler: active, idle, waiting, used, …' -r -f -a "active\t''
waiting\t''
idle\t''
used\t''
tested\t''
new\t''
login\t''
waiting_login\t''
active_cancel\t''
being_canceled\t''
active_cancel_req\t''
waiting_cancel_req\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from servers" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l verify -d 'How long its transactions may take to end' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l all -d 'All databases at once'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from pause" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l all -d 'All databases at once'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from resume" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from disable" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from enable" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from kill" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s y -l yes -d 'Do it without asking' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s n -l dry-run -d 'Show what would be done, and stop there'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from reconnect" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l verify -d 'How long to wait' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from wait-close" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "clients" -d 'List clients, each with the connection that serves it'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "servers" -d 'List connections to servers, each with the client that it serves'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "pause" -d 'Keep a database\'s clients waiting, its server free'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "resume" -d 'Let the clients of a paused database go on'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "disable" -d 'Refuse new clients of a database; those that are there stay'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "enable" -d 'Let new clients of a disabled database in'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "kill" -d 'Disconnect a database\'s clients, keep new ones waiting'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "reconnect" -d 'Replace a database\'s connections to the server as they become free'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "wait-close" -d 'Wait until the connections that RECONNECT replaces are closed'
complete -c pgconn -n "__fish_pgconn_using_subcommand pooler; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l keep -d 'Keep the server until Ctrl-C, to try commands on'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand demo" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l warning -d 'Warn outside this range: 10, 10:, 80%, 5m, 3@30s' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l critical -d 'Be critical outside this range' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s c -d 'Refused with a hint: thresholds belong to a rule' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l for -d 'How long to count for the rule rates [default: 5s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l db -d 'Sessions connected to this database' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l role -d 'Sessions of this role' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l app -d 'Sessions with this application_name' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l client -d 'Sessions from this address, network (CIDR) or `local`' -r -f -a "local\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l state -d 'active, idle, idle-in-transaction, aborted, waiting' -r -f -a "active\t''
idle\t''
idle-in-transaction\t''
aborted\t''
waiting\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l query -d 'Sessions whose query text matches (POSIX)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l idle-for -d 'Sessions idle, in a transaction or not, for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l xact-for -d 'Sessions in a transaction at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l query-for -d 'Sessions running a statement at least this old' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l user -d 'Refused with a hint: it means different things in different tools' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l all-backends -d 'Server processes, walsenders and workers too'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l count -d 'How often to connect' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l interval -d 'Pause between two connections' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand ping" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand conninfo" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l cores -d 'Physical cores of the database server' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l spindles -d 'Disks that seek at the same time [default: 1]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l instances -d 'Application\'s copies, as 8 or 3..40 [default: 1]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l processes -d 'Processes in each, each with a pool [default: 1]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l threads -d 'Threads (tasks at once) in one process: a pool is no larger than they can use' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l connections-per-task -d 'Connections that one task holds at once [default: 1]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l surge -d 'Percent more of them in a rollout [default: 0]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l max-connections -d 'Of the server [default: as it tells, or 100]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l reserve -d 'Percent of them to keep back [default: 15]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l reserved-slots -d 'Slots that ordinary roles can never use [default: the server\'s when connected, the provider\'s, else 3]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l app -d 'Name, or one of several, as api=8x4@3 (repeat)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l current -d 'A pool of today, as web=12:10 (repeat)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l serverless -d 'Serverless functions that run at once' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l plan -d 'Read the inputs from a TOML file (- is stdin)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l replicas -d 'Read replicas that every process opens a pool to as well' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l replica-max-connections -d 'max_connections of the replicas, when it is not the primary\'s' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l memory -d 'Memory of the database server, as 8GB, to check that the connections fit' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l work-mem -d 'work_mem of the database server, as 4MB, counted three times per connection' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l provider -d 'Hosted service that keeps slots and has a pooler of its own' -r -f -a "supabase\t''
neon\t''
rds\t''
azure\t''
digitalocean\t''
crunchy\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l pooler-processes -d 'PgBouncer processes that pool on their own [default: 1]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l pooler-pairs -d 'Pairs of database and user that connect through PgBouncer, each a pool [default: 1]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l pooler-reserve -d 'PgBouncer\'s reserve_pool_size [default: 0]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l sample -d 'Measure the live server\'s load for so long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l target-wait -d 'The mean wait for a connection to plan for, with --sample [default: 5ms]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l emit -d 'Print configuration; --emit list lists for what' -r -f -a "list\t'the targets there are'
node-pg\t'Node.js, pg (JavaScript module)'
prisma\t'Prisma up to 6 (.env)'
prisma7\t'Prisma 7 with @prisma/adapter-pg (TypeScript module)'
sqlalchemy\t'Python, SQLAlchemy 2 with psycopg 3'
django\t'Django 5.1 or later with psycopg 3 and its pool'
psycopg-pool\t'Python, psycopg_pool'
asyncpg\t'Python, asyncpg'
hikaricp\t'Java, HikariCP in Spring Boot (application.yml)'
pgxpool\t'Go, pgx 5 pgxpool'
database-sql\t'Go, database/sql with pgx 5'
sqlx\t'Rust, sqlx'
deadpool\t'Rust, deadpool-postgres'
npgsql\t'.NET, Npgsql'
rails\t'Ruby on Rails (database.yml)'
ecto\t'Elixir, Ecto (runtime.exs)'
knex\t'Node.js, Knex (knexfile)'
postgres-js\t'Node.js, postgres.js (Drizzle)'
pgbouncer\t'PgBouncer (pgbouncer.ini, and a script that writes userlist.txt)'
pgbouncer-compose\t'PostgreSQL and PgBouncer with Docker Compose'"
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l for -d 'The service to print it for' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l mode -d 'direct, or a pooler\'s transaction or session mode' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l pgbouncer-version -d 'PgBouncer\'s version, as 1.24' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l statement-timeout -d 'Cancel statements after this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l idle-timeout -d 'Close connections that were idle so long [default: 5m, at most half of --max-lifetime]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l max-lifetime -d 'Replace connections that are so old [default: 30m]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l acquire-timeout -d 'Wait so long for a connection [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l lint -d 'Judge a pgbouncer.ini, URLs, or a pool\'s settings' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l plan-example -d 'Print an example of such a file'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l from-server -d 'Read limits and use from the live server'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand size" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l for -d 'How long to watch for churn and leaks' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l ignore -d 'Do not judge by this rule (repeat for more)' -r -f -a "pooling\t''
pool-size\t''
pool-growth\t''
idle-sessions\t''
serverless\t''
long-work\t''
slots\t''
connection-limits\t''
closed\t''
idle-in-transaction\t''
vacuum-horizon\t''
prepared-xact\t''
statement-timeout\t''
idle-in-transaction-timeout\t''
application-name\t''
superuser\t''
tls\t''
monitoring-role\t''
reserved-slots\t''
pooler-mode\t''
pooler-caps\t''
pooler-auth\t''
pooler-prepared\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l accepted -d 'A file of findings that are known and accepted' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l pooler -d 'A pooler\'s console: judge its settings, too' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l exit-code -d 'End as `check` does'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand doctor" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l max-series -d 'Series at most in a family that depends on names' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l compat -d 'Metric names of another exporter' -r -f -a "postgres_exporter\t'Prometheus\' postgres_exporter (what it tells about connections)'
pgbouncer_exporter\t'Prometheus\' pgbouncer_exporter, for a pooler\'s console'"
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand metrics" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l listen -d 'Where to listen (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l min-interval -d 'Who asks again so soon gets the same look' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l tls-cert -d 'Speak TLS with this certificate (PEM)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l tls-key -d 'Its key (PEM)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l tls-client-ca -d 'Let in only certificates of this authority (PEM)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l basic-auth-file -d 'Let in only names of this file (htpasswd -B)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l max-series -d 'Series at most in a family that depends on names' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l compat -d 'Metric names of another exporter' -r -f -a "postgres_exporter\t'Prometheus\' postgres_exporter (what it tells about connections)'
pgbouncer_exporter\t'Prometheus\' pgbouncer_exporter, for a pooler\'s console'"
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand serve" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l dir -d 'Write every page below this folder' -r -f -a "(__fish_complete_directories)"
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s h -l host -d 'Server host name, address or socket directory' -r -f -a "(__fish_print_hostnames)"
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s p -l port -d 'Server port' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s U -l username -d 'Role to log in as' -r -f -a "(__fish_complete_users)"
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s d -l dbname -d 'Database to connect to, or a connection string' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s S -l service -d 'Entry of the connection service file' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l password-command -d 'Run a command that prints the password' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s t -l timeout -d 'Limit on connecting and on each statement [default: 10s]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l connect-wait -d 'Keep trying to connect for this long' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l emergency -d 'When every slot is taken, use a replication connection' -r -f -a "auto\t'When the server has no slot left for this role'
never\t'Never'
always\t'Always'"
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l targets -d 'Ask every server that this file lists' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l targets-command -d 'Ask every server that this command prints' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l only -d 'Only those of this name or label (repeatable)' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l parallel -d 'How many servers are asked at once [default: 8]' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s F -l format -d 'Output format' -r -f -a "table\t'For people'
json\t'One document'
ndjson\t'One row per line'
tsv\t'Tab-separated values with a header line'
nagios\t'The line that monitoring plugins print, with performance data (check only)'
prometheus\t'Prometheus\' text format (metrics only, and its default)'"
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s o -l output -d 'Write the result to a file (- is stdout)' -r -F
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l watch -d 'Look again every 2s, or every DUR, until Ctrl-C' -r
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s w -l no-password -d 'Never ask for a password'
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s W -l password -d 'Ask for a password before connecting'
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l json -d 'Write JSON (short for --format json)'
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s q -l quiet -d 'Say nothing but results, warnings and errors'
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -s v -l verbose -d 'Say more; twice: each SQL text as it is sent'
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l full -d 'Show long texts whole, every column and every row'
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l no-query -d 'Keep query texts out of the result'
complete -c pgconn -n "__fish_pgconn_using_subcommand man" -l help -d 'Print help, as -h at the end of a line does'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "stats" -d 'Count sessions by state and application, against limits'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "ls" -d 'List sessions'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "long" -d 'List the longest queries and transactions first'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "blockers" -d 'Show who waits for whom, as a tree, root first'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "show" -d 'Show everything known of one session'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "top" -d 'See sessions, and end the right ones, on a live screen'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "cancel" -d 'Cancel running queries; the sessions stay'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "kill" -d 'End sessions, and verify that they are gone'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "drain" -d 'Empty a database and keep it closed meanwhile'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "timeout" -d 'Show, set and reset statement_timeout and its kin'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "pooler" -d 'See PgBouncer\'s pools, clients and servers'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "demo" -d 'Try everything on a throwaway PostgreSQL, full of trouble'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "check" -d 'Judge the health of connections, for monitoring plugins'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "ping" -d 'Say whether a server lets you in, and which phase is slow'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "conninfo" -d 'Show what would be connected to, and by which settings'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "size" -d 'Plan pool sizes and max_connections, write configuration'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "doctor" -d 'Find bad connection practice, with evidence and advice'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "metrics" -d 'Print metrics for Prometheus, once'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "serve" -d 'Serve metrics, health and a status page over HTTP'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "schema" -d 'Print the JSON Schema of an output'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "completions" -d 'Print the completion script of a shell'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "man" -d 'Print or install the manual pages'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and not __fish_seen_subcommand_from stats ls long blockers show top cancel kill drain timeout pooler demo check ping conninfo size doctor metrics serve schema completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from timeout" -f -a "set" -d 'Store a time limit for a role, a database, all roles or the server'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from timeout" -f -a "reset" -d 'Take a stored time limit away'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "clients" -d 'List clients, each with the connection that serves it'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "servers" -d 'List connections to servers, each with the client that it serves'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "pause" -d 'Keep a database\'s clients waiting, its server free'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "resume" -d 'Let the clients of a paused database go on'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "disable" -d 'Refuse new clients of a database; those that are there stay'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "enable" -d 'Let new clients of a disabled database in'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "kill" -d 'Disconnect a database\'s clients, keep new ones waiting'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "reconnect" -d 'Replace a database\'s connections to the server as they become free'
complete -c pgconn -n "__fish_pgconn_using_subcommand help; and __fish_seen_subcommand_from pooler" -f -a "wait-close" -d 'Wait until the connections that RECONNECT replaces are closed'
complete -c pgconn -n "__fish_pgconn_using_subcommand check" -f -a "reachable connections free states idle-xact long-query long-xact blocked prepared-xact oldest-xmin closed rates pooler-waiting"
complete -c pgconn -n "__fish_pgconn_using_subcommand schema" -f -a "blockers cancel check conninfo doctor drain error health kill long ls metrics ping pooler show size size_lint stats target_error targets timeout"
complete -c pgconn -n "__fish_pgconn_using_subcommand completions" -f -a "bash elvish fish powershell zsh"
