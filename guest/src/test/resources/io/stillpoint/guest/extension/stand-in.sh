#!/bin/sh
# Stands for the extension's executable in tests: the verbs of docs/extensions.md, but it freezes nothing. What a test wants of it
# lies in FOLDER.test, beside the extension's folder: mute-VERB, fail-VERB with "EXIT CODE", unhealthy, left-frozen (until thaw), calls
# (it notes each verb there).
here=${0%/*}
folder=${here%/*}
test=$folder.test
version=$(sed 's/.*"version":"\([0-9.]*\)","os".*/\1/' "$here/manifest.json" 2>/dev/null)
state=$folder/state.json
verb=$1

say() {
    printf '{"extension":"VMSnapshotLinux","version":"%s","verb":"%s","code":"%s","message":"%s"%s}\n' \
        "$version" "$verb" "$1" "$2" "$3"
}

end() {
    say "$2" "$3"
    exit "$1"
}

verify() {
    files=$(grep -o '"path":"[^"]*","bytes":[0-9]*,"sha256":"[0-9a-f]*"' "$here/manifest.json") ||
        end 17 broken 'no manifest'
    for file in $files; do
        path=$(echo "$file" | cut -d'"' -f4)
        wanted=$(echo "$file" | cut -d'"' -f10)
        found=$(sha256sum "$here/$path" 2>/dev/null)
        [ "${found%% *}" = "$wanted" ] || end 17 broken "$path"
    done
}

keep() {
    printf '{"version":"%s","state":"%s"}\n' "$version" "$1" >"$state.new" && mv "$state.new" "$state" ||
        end 19 failed "$state"
}

installed() {
    case $(cat "$state" 2>/dev/null) in
    *"\"version\":\"$version\""*) sed 's/.*"state":"\([a-z]*\)".*/\1/' "$state" ;;
    esac
}

health() {
    now=$(installed)
    [ -n "$now" ] || end 18 not-installed ''
    if [ -e "$test/left-frozen" ]; then
        say ok '' ",\"state\":\"$now\",\"healthy\":false,\"checks\":[{\"name\":\"thawed\",\"ok\":false,\"detail\":\"/\"}]"
    elif [ -e "$test/unhealthy" ]; then
        say ok '' ",\"state\":\"$now\",\"healthy\":false,\"checks\":[{\"name\":\"memory\",\"ok\":false,\"detail\":\"no /run\"}]"
    else
        say ok '' ",\"state\":\"$now\",\"healthy\":true,\"checks\":[{\"name\":\"memory\",\"ok\":true,\"detail\":\"/run\"}]"
    fi
}

[ ! -d "$test" ] || echo "$version $*" >>"$test/calls"
if [ -e "$test/fail-$verb" ]; then
    read -r exit code <"$test/fail-$verb"
    end "$exit" "$code" 'as the test wants it'
fi
if [ -e "$test/mute-$verb" ]; then
    # Its answer is lost.
    echo '{"exten'
    exit 0
fi
verify
case $verb in
verify) say ok '' ;;
install)
    keep installed
    rm -f "$test/unhealthy"
    say ok ''
    ;;
enable)
    [ -n "$(installed)" ] || end 18 not-installed ''
    keep enabled
    health
    ;;
disable)
    keep disabled
    say ok ''
    ;;
update)
    [ -e "$state" ] || end 18 not-installed ''
    keep installed
    [ "$2" = --from ] && [ "$3" != "$version" ] && rm -rf "${folder:?}/${3:?}"
    say ok ''
    ;;
thaw)
    rm -f "$test/left-frozen"
    say ok ''
    ;;
uninstall)
    say ok ''
    rm -rf "$folder"
    ;;
health) health ;;
test-scripts)
    [ -n "$(installed)" ] || end 18 not-installed ''
    if [ -e "$test/no-scripts" ]; then
        say ok '' ',"scripts":{"configuration":"/etc/none.json","code":316,"detail":"","pre":{"ran":false},"post":{"ran":false}}'
    else
        say ok '' ',"scripts":{"configuration":"/etc/scripts.json","code":301,"detail":"/post.sh","continueOnFailure":true,"freezeEnabled":true,"pre":{"ran":true,"attempts":1,"exit":0,"code":0,"millis":120,"output":"a\u001b[31m\nb\n","cut":false},"post":{"ran":true,"attempts":2,"exit":9,"code":301,"millis":7,"output":"oh\n","cut":false}}'
    fi
    ;;
*) end 2 usage "$verb" ;;
esac
