#!/usr/bin/env bash
# What gapvault sealed with classic keys, opened by age and by rage with the very lines of docs/EMERGENCY.md; and what they
# seal for our keys, opened by us. A program that is not there is skipped.
# Usage: tests/interop/stock.sh PROGRAM EXAMPLE SCRATCH-FOLDER, where EXAMPLE is examples/age_open, built.
set -euo pipefail
program="$(realpath "$1")"
age_open="$(realpath "$2")"
folder="$3"
page="$(cd "$(dirname "$0")/../.." && pwd)/docs/EMERGENCY.md"
mkdir -p "$folder"
cd "$folder"
umask 077
printf 'correct horse battery\n' >pass
export GAPVAULT_LANG=en GAPVAULT_STATE="$folder/state"
# Around the borders of chunks, and one that takes the threads.
head -c 0 /dev/zero >0.bin
head -c 65536 /dev/urandom >1.bin
head -c 65537 /dev/urandom >2.bin
head -c 5000001 /dev/urandom >3.bin
run() { "$program" --passphrase-file pass --quiet --vault v --identity me.id "$@"; }
run identity new --name Ann --out me.id --work-factor 10 --classic >/dev/null 2>&1
run init v --name v --zone isolated --classic >/dev/null
recipient="$(sed -n 's/^recipient //p' me.id.card)"
MEMBER="$(sed -n 's/^id //p' me.id.card)"
# rage asks in a window where it finds a program for that.
export IDENTITY=me.id VAULT=v CLASS=critical OUT=out MEMBER PINENTRY_PROGRAM=none

for stock in age rage; do
    if ! command -v "$stock" >/dev/null; then
        echo "interop with $stock: skipped, it is not installed"
        continue
    fi
    mapfile -t lines < <(sed -n '/^<!-- commands -->/,/^<!-- \/commands -->/p' "$page" | grep "^$stock ")
    [ "${#lines[@]}" = 3 ] || { echo "docs/EMERGENCY.md has ${#lines[@]} lines for $stock"; exit 1; }
    for file in 0 1 2 3; do
        rm -f member.key class.key out back theirs.age
        DOCUMENT="$(run seal "$file.bin" --class critical --json | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')"
        export DOCUMENT
        # Both ask for the passphrase on a terminal only.
        script -qec "${lines[0]}" /dev/null <pass >/dev/null
        sh -c "${lines[1]}"
        sh -c "${lines[2]}"
        # age 1.1 makes no file for an empty document.
        [ -s "$file.bin" ] || touch out
        cmp "$file.bin" out
        "$stock" -r "$recipient" -o theirs.age "$file.bin"
        "$age_open" me.id pass theirs.age back
        cmp "$file.bin" back
    done
    echo "interop with $("$stock" --version | head -n 1 | sed "s/^$stock *//; s/^/$stock /"), classic keys: ok"
done
