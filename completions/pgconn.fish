# Completion of pgconn in fish: pgconn itself says what can stand at the cursor, as the server knows it at this moment.
function __pgconn_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    # not as arguments, which everybody can see
    set -lx PGCONN_WORDS (string join -- \x1e $words "$last")
    set -l answer (command pgconn __complete fish 2>/dev/null </dev/null)
    switch "$answer[1]"
        case values
            printf '%s\n' $answer[2..-1]
        case files
            for path in (__fish_complete_path "$answer[3]")
                printf '%s\n' "$answer[2]$path"
            end
        case folders
            for path in (__fish_complete_directories "$answer[3]" '')
                printf '%s\n' "$answer[2]$path"
            end
        case command
            set -l at (math $answer[2] + 1)
            set -l typed
            if test $at -le (count $words)
                set typed (string escape -- $words[$at..-1])
            end
            complete -C "$typed $last"
    end
end
complete -c pgconn -e
complete -c pgconn -k -f -a '(__pgconn_complete)'
