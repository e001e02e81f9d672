# Completion of pgconn in bash: pgconn itself says what can stand at the cursor, as the server knows it at this moment.
_pgconn() {
    local kind before typed value at
    COMPREPLY=()
    {
        IFS= read -r kind
        case $kind in
        values)
            while IFS= read -r value; do COMPREPLY+=("$value"); done
            if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
            ;;
        files | folders)
            IFS= read -r before
            IFS= read -r typed
            at=-f
            if [[ $kind == folders ]]; then at=-d; fi
            while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen "$at" -- "$typed")
            compopt -o filenames
            ;;
        command)
            IFS= read -r at
            if declare -F _comp_command_offset >/dev/null; then
                _comp_command_offset "$at"
            elif declare -F _command_offset >/dev/null; then
                _command_offset "$at"
            elif [[ $at -eq $COMP_CWORD ]]; then
                while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
            else
                while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
                compopt -o filenames
            fi
            ;;
        esac
    } < <(
        # not as arguments, which everybody can see
        export COMP_LINE COMP_POINT COMP_TYPE COMP_WORDBREAKS
        command pgconn __complete bash 2>/dev/null </dev/null
    )
} 2>/dev/null
# The order is the program's; bash before 4.4 sorts.
complete -o nosort -F _pgconn pgconn 2>/dev/null || complete -F _pgconn pgconn
