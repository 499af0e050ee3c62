# What the host does in the folder of an extension, with the guest's own commands. POSIX shell; runs in dash, bash and busybox.
#   $1 step   $2 folder   $3 version   $4 the executable's name
# Fails with 1, the system's words on standard error, and behind them what may explain these.
step=$1
folder=$2
version=$3
executable=$4
part=$folder/$version.part
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export LC_ALL
umask 077

# Those of the file system that the folder lies on: the last mount above it counts.
mount_options() {
    while read -r _ point _ options _; do
        case $folder/ in "${point%/}"/*) found=$options ;; esac
    done </proc/mounts
    echo "$found"
}

fail() {
    read -r enforcing 2>/dev/null </sys/fs/selinux/enforce
    echo "why: uid=$(id -u) selinux=$enforcing mount=$(mount_options) $1" >&2
    exit 1
}

case $step in
prepare)
    rm -rf -- "$folder"/*.part || fail
    mkdir -p -- "$part" || fail
    # It may be there from before we knew better.
    chmod 700 "$folder" "$part" || fail
    printf '#!/bin/sh\nexit 42\n' >"$part/$executable" || fail
    chmod 700 "$part/$executable" || fail
    # Overwritten by the upload, it keeps its mode.
    "$part/$executable" </dev/null
    [ $? = 42 ] || fail not-run
    ;;
accept)
    rm -rf -- "$folder/$version" || fail
    mv -- "$part" "$folder/$version" || fail
    ;;
clean)
    rm -rf -- "$folder"/*.part || fail
    ;;
remove)
    rm -rf -- "$folder" || fail
    # Others may have things there.
    rmdir -- "${folder%/*}" 2>/dev/null
    true
    ;;
*)
    exit 2
    ;;
esac
