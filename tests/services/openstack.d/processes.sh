# Processes of one cloud, by their pid files: run/NAME.pid holds the pid and when it started, so that a
# pid that the system gave to another process is not taken for ours. All paths are relative to DIR.
# Read by tests/services/openstack.

started() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# The pid of the running process NAME, else nothing.
pid_of() {
    local pid since
    read -r pid since 2>/dev/null <"run/$1.pid" || return 0
    [ -n "$since" ] && [ "$(started "$pid")" = "$since" ] && echo "$pid"
    return 0
}

# launch NAME COMMAND...: in a session of its own, with none of the caller's pipes and locks.
launch() {
    local name=$1 pid
    shift
    setsid "$@" </dev/null >>"log/$name.out" 2>&1 8>&- 9>&- &
    pid=$!
    echo "$pid $(started "$pid")" >"run/$name.pid"
}

# await WHAT COMMAND...: until the command succeeds; ends at once when a process has died.
await() {
    local what=$1 end=$((SECONDS + 120)) file name
    shift
    until "$@" >/dev/null 2>&1; do
        for file in run/*.pid; do
            name=$(basename "$file" .pid)
            [ -n "$(pid_of "$name")" ] && continue
            tail -n 5 "log/$name.out" >&2
            die "$name ended; $PWD/log says why"
        done
        [ $SECONDS -lt $end ] || die "$what does not answer; $PWD/log says why"
        sleep 0.1
    done
}

# terminate SECONDS NAME...: asks, waits so long, kills.
terminate() {
    local end=$((SECONDS + $1)) name pid left
    shift
    for name in "$@"; do
        pid=$(pid_of "$name")
        [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    done
    while :; do
        left=
        for name in "$@"; do left+=$(pid_of "$name"); done
        [ -n "$left" ] || break
        if [ $SECONDS -ge $end ]; then
            for name in "$@"; do
                pid=$(pid_of "$name")
                [ -z "$pid" ] || kill -KILL -- "-$pid" 2>/dev/null || true
            done
            break
        fi
        sleep 0.1
    done
    for name in "$@"; do rm -f "run/$name.pid"; done
}
