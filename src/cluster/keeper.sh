# The keeper of one throwaway server. It owns the folder, is the server's parent, and ends with both when its standard input
# closes, which happens however the program that started it ends. Orders come one per line: start, stop.
# Arguments: the folder, the folder of the server binaries, a data folder to copy instead of running initdb (or nothing).

dir=$1 bin=$2 template=$3 started=
cd "$dir" || exit

# waits until the server is gone, telling it again, because one that is only just starting may not listen yet
halt() {
    [ -z "$started" ] || until [ -e ended ]; do
        [ ! -s pid ] || kill "-$1" "$(cat pid)"
        sleep 0.01
    done 2>/dev/null
    started=
}

trap 'trap "" HUP INT TERM; halt QUIT; cd / && rm -rf "$dir"' EXIT
trap exit HUP INT TERM

if [ -n "$template" ]; then
    cp -R "$template" data
else
    "$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --wal-segsize=1 -N
fi </dev/null >log 2>&1 || {
    cat log >&2
    exit 1
}
cat server.conf >>data/postgresql.conf
[ -z "$(ls files)" ] || cp -p files/* data/
echo prepared

while read -r order; do
    case $order in
    start)
        started=yes
        {
            sh -c 'echo $$ >pid; exec "$0" -D data' "$bin/postgres"
            rm -f pid
            : >ended
        } </dev/null >log 2>&1 &
        ;;
    stop)
        halt INT
        echo stopped
        ;;
    esac
done
