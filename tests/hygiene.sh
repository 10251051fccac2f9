#!/usr/bin/env bash
# While gapvault works: no passphrase in its arguments or environment, no core dump allowed.
# Usage: tests/hygiene.sh PROGRAM SCRATCH-FOLDER
set -euo pipefail
program="$(realpath "$1")"
folder="$2"
mkdir -p "$folder"
cd "$folder"
umask 077
secret="correct-horse-$RANDOM-battery"
printf '%s\n' "$secret" >pass
export GAPVAULT_STATE="$folder/state"
run() { "$program" --passphrase-file pass --quiet "$@"; }
run identity new --name Ann --out ann.id --work-factor 10 >/dev/null
run --identity ann.id init vault --name v --zone isolated >/dev/null
head -c 200000000 /dev/zero >big
"$program" --passphrase-file pass --quiet --vault vault --identity ann.id seal big --class important --json >sealed.json &
pid=$!
seen=0
while kill -0 "$pid" 2>/dev/null; do
    if [ -r "/proc/$pid/cmdline" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q seal; then
        seen=1
        if grep -q "$secret" "/proc/$pid/cmdline" 2>/dev/null; then echo "the passphrase is in the arguments"; exit 1; fi
        if grep -aq "$secret" "/proc/$pid/environ" 2>/dev/null; then echo "the passphrase is in the environment"; exit 1; fi
    fi
done
wait "$pid"
[ "$seen" = 1 ] || { echo "the program was gone before it could be looked at"; exit 1; }
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    strace -f -e trace=prctl,prlimit64,setrlimit -o trace "$program" --vault vault status >/dev/null
    grep -q 'PR_SET_DUMPABLE, *\(0\|SUID_DUMP_DISABLE\)' trace || { echo "core dumps are not switched off"; exit 1; }
fi
echo "hygiene: ok"
