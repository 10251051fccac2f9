#!/usr/bin/env bash
# A vault on a medium that became read-only: it can be verified, and nothing else is done or released.
# Usage: tests/readonly.sh PROGRAM SCRATCH-FOLDER. Needs root, for a mount in a namespace of its own.
set -euo pipefail
program="$(realpath "$1")"
folder="$2"
mkdir -p "$folder"
cd "$folder"
umask 077
printf 'correct horse battery\n' >pass
export GAPVAULT_STATE="$folder/state" GAPVAULT_LANG=en
run() { "$program" --passphrase-file pass --quiet --vault vault --identity ann.id "$@" </dev/null; }
run identity new --name Ann --out ann.id --work-factor 10 >/dev/null 2>&1
run init vault --name v --zone networked >/dev/null
printf 'text' >a.txt
run seal a.txt --class important --json >sealed.json
id="$(sed 's/.*"id":"\([0-9a-f]*\)".*/\1/' sealed.json)"
before="$(run audit verify --json)"

export -f run
export program id
unshare --mount bash -euc '
    mount --bind vault vault
    mount -o remount,bind,ro vault
    expect() {
        want="$1"; shift
        got=0; run "$@" >out.txt 2>&1 || got=$?
        [ "$got" = "$want" ] || { echo "exit $got instead of $want: $*"; cat out.txt; exit 1; }
    }
    expect 0 verify
    expect 0 audit verify
    expect 14 seal a.txt --class important
    expect 14 open "$id" -o opened.txt
    expect 14 list
    expect 14 destroy "$id" --reason over --yes
    expect 14 rebuild
    [ ! -e opened.txt ] || { echo "something was released"; exit 1; }
'
[ "$(run audit verify --json)" = "$before" ] || { echo "the log changed"; exit 1; }
run open "$id" -o opened.txt >/dev/null
cmp a.txt opened.txt
echo "read-only: ok"
