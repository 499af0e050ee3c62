# Thaws every file system of this guest after some seconds, unless its token is removed before.
# Stillpoint feeds it to a shell before it freezes the guest. POSIX shell; runs in dash, bash and busybox.
#   $1 token   $2 seconds   $3 list of mounts   $4 control groups
# Ends with 0 once the watchdog waits, else with another status: then none does.
token=$1
seconds=$2
mounts=$3
groups=$4
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
umask 077
cd / || exit 3

# Everything that runs later runs once before the freeze, so that it is in memory then. busybox knows the
# long option only. Nothing may read our standard input, which holds the rest of this script.
command -v fsfreeze >/dev/null || exit 3
fsfreeze --help </dev/null >/dev/null 2>&1
rm -f "$token.none" || exit 3
sleep 0 || exit 3
read -r _ <"$mounts" || exit 3
read -r up _ </proc/uptime || exit 3
# Whole seconds, rounded up: it fires within two seconds after its time, never before.
end=$((${up%%.*} + seconds + 1))

# All at once: a file system on a loop device can't thaw before the one below it, whatever the order.
# Network and user-space file systems are left alone: nobody froze them, and opening them may hang.
thaw_all() {
    while read -r device folder type _; do
        case $device in /dev/*) ;; *) continue ;; esac
        case $type in fuse*) continue ;; esac
        # The kernel writes blanks and backslashes of a path as octal numbers.
        fsfreeze --unfreeze "$(printf %b "$folder")" &
    done <"$mounts"
    wait
}

# A job that was killed left its watchdog, whose time would end our freeze. It is called off, and what it would have
# thawed is thawed now.
left=
for old in "${token%/*}"/stillpoint-freeze-*; do
    if [ -e "$old" ]; then
        left=yes
        rm -f "$old"
    fi
done
if [ -n "$left" ]; then thaw_all </dev/null >/dev/null 2>&1; fi

watch() {
    while [ -e "$token" ] && read -r up _ </proc/uptime && [ "${up%%.*}" -lt "$end" ]; do
        # Without sleep we can't wait; too early is the safe side.
        sleep 1 || break
    done
    if [ -e "$token" ]; then
        thaw_all
        rm -f "$token"
    fi
}

# Ready is said once a signal can't end the watchdog any more, and no output of the agent's is held open
# then: the agent would wait for its end.
ready=$(
    {
        exec </dev/null 2>/dev/null
        # Out of the agent's control group: when the agent dies, systemd ends all that is in it.
        for group in "$groups" "$groups/systemd"; do
            if [ -w "$group/cgroup.procs" ]; then echo 0 >"$group/cgroup.procs"; fi
        done
        # Whoever ends us takes the deadline away: thaw at once.
        trap 'end=0' HUP INT TERM
        : >"$token" || exit
        echo ready
        exec >/dev/null
        watch
    } &
)
[ "$ready" = ready ] || exit 3
