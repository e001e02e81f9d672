# The keeper of one throwaway server. It owns the folder, is the server's parent, and ends with both when its standard input
# closes, which happens however the program that started it ends. Orders come one per line: start, stop. Files in the folder
# tell how far things are: prepared or failed; pid while the server runs; ended when it has ended by itself, stopped when it
# was told to; log is what was said.
# Arguments: the folder, the folder of the server binaries, a data folder to copy instead of running initdb (or nothing).

dir=$1 bin=$2 template=$3 started=
umask 077
cd "$dir" || exit

prepare() {
    # told to end, it waits for the program that it runs, which has been told as well
    trap : TERM
    if [ -n "$template" ]; then
        cp -R "$template" data
    else
        # the folder keeps others from the socket, and nothing keeps them from an address
        [ ! -e password ] || set -- --pwfile=password
        "$bin/initdb" "$@" -D data -U postgres --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C \
            --wal-segsize=1 -N
    fi && rm -f password && cat server.conf >>data/postgresql.conf && if [ -n "$(ls files)" ]; then cp -p files/* data/; fi
}

serve() {
    trap : TERM
    sh -c 'echo $$ >pid; exec "$0" -D data' "$bin/postgres"
    rm -f pid
    : >ended
}

# waits until the server is gone, telling it again, because one that is only just starting may not listen yet
halt() {
    [ -z "$started" ] || until [ -e ended ]; do
        [ ! -s pid ] || kill "-$1" "$(cat pid)"
        sleep 0.01
    done
    rm -f ended
    started=
}

finish() {
    trap '' HUP INT TERM
    [ -n "$started" ] || kill -TERM 0
    halt QUIT
    wait
    cd / && rm -rf "$dir"
}

trap finish EXIT
trap exit HUP INT TERM

{ if prepare; then : >prepared; else : >failed; fi; } >log 2>&1 &

while read -r order; do
    case $order in
    start)
        started=yes
        rm -f stopped
        serve >log 2>&1 &
        ;;
    stop)
        halt INT
        : >stopped
        ;;
    esac
done
