#!/usr/bin/env bash
# What gapvault sealed, opened by npm's age-encryption, with hybrid and with classic keys; and the reverse.
# Usage: tests/interop/run.sh PROGRAM EXAMPLE SCRATCH-FOLDER, where EXAMPLE is examples/age_open, built.
set -euo pipefail
program="$(realpath "$1")"
age_open="$(realpath "$2")"
folder="$3"
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$folder"
cp "$here"/package.json "$here"/package-lock.json "$here"/*.mjs "$folder"
cd "$folder"
umask 077
npm ci --silent --no-audit --no-fund
printf 'correct horse battery\n' >pass
export GAPVAULT_LANG=en
# Around the borders of chunks, and one that takes the threads.
head -c 0 /dev/zero >0.bin
head -c 65536 /dev/urandom >1.bin
head -c 65537 /dev/urandom >2.bin
head -c 5000001 /dev/urandom >3.bin
for kind in hybrid classic; do
    flag=""
    [ "$kind" = classic ] && flag=--classic
    export GAPVAULT_STATE="$folder/$kind/state"
    mkdir "$kind"
    run() { "$program" --passphrase-file pass --quiet --vault "$kind/v" --identity "$kind/me.id" "$@"; }
    # shellcheck disable=SC2086 # a flag or none
    run identity new --name Ann --out "$kind/me.id" --work-factor 10 $flag >/dev/null 2>&1
    # shellcheck disable=SC2086
    run init "$kind/v" --name v --zone isolated $flag >/dev/null
    member="$(sed -n 's/^id //p' "$kind/me.id.card")"
    recipient="$(sed -n 's/^recipient //p' "$kind/me.id.card")"
    for file in 0 1 2 3; do
        id="$(run seal "$file.bin" --class critical --json | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')"
        IDENTITY="$kind/me.id" VAULT="$kind/v" MEMBER="$member" CLASS=critical DOCUMENT="$id" OUT="$kind/out" \
            node open.mjs <pass 2>/dev/null
        cmp "$file.bin" "$kind/out"
        node seal.mjs "$recipient" "$file.bin" "$kind/theirs.age"
        rm -f "$kind/back"
        "$age_open" "$kind/me.id" pass "$kind/theirs.age" "$kind/back"
        cmp "$file.bin" "$kind/back"
    done
    echo "interop with age-encryption, $kind keys: ok"
done
