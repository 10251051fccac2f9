#!/usr/bin/env bash
# Runs gapvault beside cp, age, rage and restic, in turn, several rounds, and prints medians and ratios.
#
#   benches/compare.sh [-r ROUNDS] [-d FOLDER] [SECTION…]
#
# Sections: small large stream rewrap revoke decide verify bundle memory scale long append (all of them without any).
# FOLDER should be on a memory file system and have 14 GiB free; it is /dev/shm where that exists.
# A program that is not installed is left out. Needs GNU time, and bash 4.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=5
base=/dev/shm
[ -d "$base" ] || base="${TMPDIR:-/tmp}"
while getopts r:d: option; do
    case "$option" in
        r) rounds="$OPTARG" ;;
        d) base="$OPTARG" ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
sections=("$@")
[ ${#sections[@]} -gt 0 ] || sections=(small large stream rewrap revoke decide verify bundle memory scale long append)

work="$(mktemp -d "$base/gapvault-compare.XXXXXX")"
trap 'rm -rf "$work"' EXIT
cargo build --release --locked --quiet --bins --examples
gapvault="$PWD/target/release/gapvault"
examples="$PWD/target/release/examples"

export XDG_STATE_HOME="$work/state" RESTIC_PASSWORD=measured RESTIC_CACHE_DIR="$work/restic-cache" LANG=C.UTF-8
unset GAPVAULT_VAULT GAPVAULT_IDENTITY GAPVAULT_PASSPHRASE_FILE 2>/dev/null || true
printf 'measured and not guarded' >"$work/pass"
chmod 600 "$work/pass"

has() { command -v "$1" >/dev/null; }

# timed NAME COMMAND…: runs it and notes the milliseconds.
timed() {
    local name="$1" start end
    shift
    start=$(date +%s%N)
    "$@" >"$work/out" 2>&1 || { echo "failed: $*" >&2; cat "$work/out" >&2; exit 1; }
    end=$(date +%s%N)
    [ "$round" = 0 ] || echo $(((end - start) / 1000)) >>"$work/times.$name"
}

median() { sort -n "$work/times.$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] / 1000 }'; }

# told NAME AGAINST…: the median of one, and its ratio to others.
told() {
    local name="$1" own
    [ -e "$work/times.$name" ] || return 0
    own=$(median "$name")
    shift
    printf '%-28s %9.0f ms' "$name" "$own"
    for other in "$@"; do
        [ -e "$work/times.$other" ] || continue
        awk -v own="$own" -v other="$(median "$other")" -v name="$other" \
            'BEGIN { printf "   %.2f of %s", own / other, name }'
    done
    printf '\n'
}

# people KIND FOLDER: an identity and an empty vault.
people() {
    local kind="$1" folder="$2" flag=""
    [ "$kind" = classic ] && flag="--classic"
    rm -rf "$folder" && mkdir "$folder"
    # shellcheck disable=SC2086 # no flag or one
    "$gapvault" --quiet --passphrase-file "$work/pass" identity new --name Bench --out "$folder/me.id" \
        --work-factor 10 $flag >/dev/null 2>&1
    [ -z "${policy:-}" ] || flag="$flag --policy $policy"
    # shellcheck disable=SC2086
    "$gapvault" --quiet --passphrase-file "$work/pass" --identity "$folder/me.id" \
        init "$folder/vault" --name "${name:-bench}" --zone networked $flag >/dev/null 2>&1
}

as() {
    local folder="$1"
    shift
    "$gapvault" --quiet --passphrase-file "$work/pass" --identity "$folder/me.id" --vault "$folder/vault" "$@"
}

peers() {
    [ ! -e "$work/key.age" ] || return 0
    if has age-keygen; then age-keygen -o "$work/key.age" 2>/dev/null; fi
    if [ ! -e "$work/key.age" ] && has rage-keygen; then rage-keygen -o "$work/key.age" 2>/dev/null; fi
    recipient="$(sed -n 's/^# public key: //p' "$work/key.age" 2>/dev/null || true)"
}

copied() { cp -r "$1" "$2" && sync -f "$2"; }

small() {
    echo "== 10,000 files of 10 KiB"
    mkdir "$work/many"
    head -c 102400000 /dev/urandom | split -b 10240 -a 4 -d - "$work/many/f"
    for round in $(seq 0 "$rounds"); do
        for kind in hybrid classic; do
            people "$kind" "$work/v"
            timed "seal-$kind" as "$work/v" seal "$work/many" --class important
            rm -rf "$work/v"
        done
        rm -rf "$work/copy"
        timed cp copied "$work/many" "$work/copy"
        rm -rf "$work/copy"
        if has restic; then
            rm -rf "$work/restic" && restic init -q -r "$work/restic"
            timed restic restic backup -q -r "$work/restic" "$work/many"
            rm -rf "$work/restic" "$work/restic-cache"
        fi
    done
    told cp
    told restic cp
    told seal-hybrid restic cp
    told seal-classic restic cp
    rm -rf "$work/many"
}

large() {
    echo "== 1 GiB"
    peers
    head -c 1073741824 /dev/urandom >"$work/big"
    for round in $(seq 0 "$rounds"); do
        timed cp-1 copied "$work/big" "$work/copy"
        rm -f "$work/copy"
        if has age; then
            timed age age -r "$recipient" -o "$work/big.age" "$work/big"
            timed age-d age -d -i "$work/key.age" -o "$work/back" "$work/big.age"
            rm -f "$work/back" "$work/big.age"
        fi
        if has rage; then
            timed rage rage -r "$recipient" -o "$work/big.age" "$work/big"
            timed rage-d rage -d -i "$work/key.age" -o "$work/back" "$work/big.age"
            rm -f "$work/back" "$work/big.age"
        fi
        people hybrid "$work/v"
        timed seal as "$work/v" seal "$work/big" --class important
        timed open as "$work/v" open --all --into "$work/out-1" --reason bench
        cmp "$work/big" "$work/out-1/big"
        rm -rf "$work/v" "$work/out-1"
    done
    told cp-1
    told age cp-1
    told rage cp-1
    told seal age rage
    told age-d
    told rage-d
    told open age-d rage-d
    rm -f "$work/big"
}

stream() {
    echo "== 1 GiB, the stream alone"
    peers
    head -c 1073741824 /dev/urandom >"$work/big"
    for round in $(seq 0 "$rounds"); do
        for program in age rage; do
            has "$program" || continue
            timed "$program-e" "$program" -r "$recipient" -o "$work/big.age" "$work/big"
            timed "$program-d" "$program" -d -i "$work/key.age" -o "$work/back" "$work/big.age"
            rm -f "$work/back" "$work/big.age"
        done
        timed stream-e "$examples/age_stream" encrypt "$recipient" "$work/big" "$work/big.age"
        timed stream-d "$examples/age_stream" decrypt "$work/key.age" "$work/big.age" "$work/back"
        cmp "$work/big" "$work/back"
        rm -f "$work/back" "$work/big.age"
    done
    told stream-e age-e rage-e
    told stream-d age-d rage-d
    rm -f "$work/big"
}

# changed FOLDER WAY: new headers or file keys for all documents of a vault.
changed() {
    "$examples/rewrap" "$2" "$1/me.id" "$work/pass" "$1/vault" "$XDG_STATE_HOME/gapvault"
}

rewrap() {
    echo "== new headers: 10,000 documents of 10 KiB, 20 of 10 KiB, 20 of 100 MiB"
    mkdir "$work/many" "$work/few" "$work/large"
    head -c 102400000 /dev/urandom | split -b 10240 -a 4 -d - "$work/many/f"
    head -c 204800 /dev/urandom | split -b 10240 -a 2 -d - "$work/few/f"
    head -c 2097152000 /dev/urandom | split -b 104857600 -a 2 -d - "$work/large/f"
    for set in many few large; do
        people hybrid "$work/v-$set"
        as "$work/v-$set" seal "$work/$set" --class important >/dev/null
        rm -rf "${work:?}/$set"
    done
    for round in $(seq 0 "$rounds"); do
        for set in many few large; do timed "rewrap-$set" changed "$work/v-$set" rewrap; done
    done
    told rewrap-many
    told rewrap-few
    told rewrap-large rewrap-few
    for set in many few large; do as "$work/v-$set" verify >/dev/null; done
    rm -rf "$work"/v-*
}

# Somebody leaves a vault of 50,000 documents of 64 KiB: when the new roster is in force, and when all is done.
revoke() {
    echo "== revoke: 50,000 documents of 64 KiB"
    mkdir "$work/many"
    head -c 3276800000 /dev/urandom | split -b 65536 -a 5 -d - "$work/many/f"
    people hybrid "$work/v"
    as "$work/v" seal "$work/many" --class important >/dev/null
    rm -rf "$work/many"
    for round in $(seq 0 "$rounds"); do
        "$gapvault" --quiet --passphrase-file "$work/pass" identity new --name "Clerk $round" \
            --out "$work/v/clerk.id" --work-factor 10 >/dev/null 2>&1
        as "$work/v" member add "$work/v/clerk.id.card" --role clerk --clearance important --titles --yes >/dev/null
        local id start
        id="$(sed -n 's/^id //p' "$work/v/clerk.id.card")"
        start=$(date +%s%3N)
        timed revoke as "$work/v" member revoke "$id" --yes
        rm -f "$work/v"/clerk.id*
        [ "$round" = 0 ] || as "$work/v" audit show --last 60000 --json | revoked_after "$start" >>"$work/times.roster"
    done
    told roster
    told revoke
    as "$work/v" verify >/dev/null
    rm -rf "$work/v"
}

# One decision, in a roster of 1,000 members.
decide() {
    echo "== one decision"
    "$examples/decide" 1000
}

# Microseconds from this moment to the newest entry that put a roster in force.
revoked_after() {
    local time
    time="$(grep -o '"code":"member-revoke"[^}]*}[^}]*}[^}]*' | tail -n 1 | grep -o '"time":"[^"]*"' | cut -d'"' -f4)"
    echo $((($(date -d "$time" +%s%3N) - $1) * 1000))
}

verify() {
    echo "== verify: 2 GiB in 200 documents"
    mkdir "$work/many"
    head -c 2147483600 /dev/urandom | split -b 10737418 -a 3 -d - "$work/many/f"
    people hybrid "$work/v"
    as "$work/v" seal "$work/many" --class important >/dev/null
    rm -rf "$work/many"
    local documents=("$work"/v/vault/documents/*/*.age)
    for round in $(seq 0 "$rounds"); do
        timed sha256 "$examples/sha256" "$(nproc)" "${documents[@]}"
        timed verify as "$work/v" verify
    done
    told sha256
    told verify sha256
    rm -rf "$work/v"
}

# usual FOLDER: what people do by hand: one archive, encrypted, cut, with digests and parity.
usual() {
    tar -C "$work/many" -c . | age -r "$recipient" | split -b 220000000 -d - "$1/part."
    (cd "$1" && sha256sum part.* >SHA256SUMS && par2 create -q -q -r10 -n1 all.par2 part.*)
}

# sent: a bundle of all documents, asked for.
sent() {
    local ids
    ids=$(as "$work/a" --json list | python3 -c 'import json,sys
print(*[row["id"] for row in json.load(sys.stdin)["documents"]])')
    # shellcheck disable=SC2086 # many ids
    as "$work/a" --json bundle create $ids --to b | python3 -c 'import json,sys; print(json.load(sys.stdin)["bundle"])'
}

bundle() {
    echo "== a bundle: 2 GiB in 20 documents, 10 % parity"
    peers
    mkdir "$work/many"
    head -c 2147483640 /dev/urandom | split -b 107374182 -a 2 -d - "$work/many/f"
    printf '%s\n' '[critical]' 'open-zone = "any"' 'open-reason = "optional"' 'export-in-approvals = 0' \
        'export-out-approvals = 0' 'export-out-releaser = false' 'accept = "importer"' '[important]' \
        'export-in-approvals = 0' 'export-out-approvals = 0' 'export-out-releaser = false' \
        'destroy-approvals = 0' >"$work/alone.toml"
    for side in a b; do
        policy="$work/alone.toml" name=$side people hybrid "$work/$side"
        as "$work/$side" peer card -o "$work/$side.card" >/dev/null
    done
    as "$work/a" --yes peer add "$work/b.card" >/dev/null
    as "$work/b" --yes peer add "$work/a.card" >/dev/null
    as "$work/a" seal "$work/many" --class important >/dev/null
    has age && has par2 || rm -rf "$work/many"
    local made medium="$work/medium"
    for round in $(seq 0 "$rounds"); do
        made=$(sent)
        timed bundle-write as "$work/a" bundle write "$made" "$medium"
        timed cp-bundle copied "$medium" "$work/copy"
        rm -rf "$work/copy"
        timed sha256-bundle "$examples/sha256" 1 "$medium"/[vp]0*
        timed bundle-verify as "$work/b" bundle verify "$medium"
        timed import as "$work/b" import "$medium"
        timed accept as "$work/b" import accept "$made" --receipt "$medium"
        as "$work/a" receipt apply "$medium" >/dev/null
        as "$work/b" --json list | python3 -c 'import json,sys
print(*[row["id"] for row in json.load(sys.stdin)["documents"]])' >"$work/ids"
        for id in $(cat "$work/ids"); do as "$work/b" --yes destroy "$id" --reason bench >/dev/null; done
        rm -rf "$medium"
        # The same once more with a volume lost: what mending adds is the difference.
        made=$(sent)
        as "$work/a" bundle write "$made" "$medium" >/dev/null
        rm "$medium/v0004"
        timed import-mending as "$work/b" import "$medium"
        as "$work/b" --yes import reject "$made" --receipt "$medium" >/dev/null
        as "$work/a" receipt apply "$medium" >/dev/null
        rm -rf "$medium"
        # Slow: once is enough.
        if [ "$round" = 1 ] && [ -d "$work/many" ]; then
            mkdir "$work/usual"
            timed tar-age-split-par2 usual "$work/usual"
            rm -rf "$work/usual"
        fi
    done
    told cp-bundle
    told tar-age-split-par2 cp-bundle
    told bundle-write cp-bundle tar-age-split-par2
    told bundle-verify sha256-bundle
    told import cp-bundle
    told accept cp-bundle
    told import-mending cp-bundle import
    made=$(sent)
    local own=("$gapvault" --quiet --passphrase-file "$work/pass")
    echo "write   $(peak "${own[@]}" --identity "$work/a/me.id" --vault "$work/a/vault" bundle write "$made" "$medium")"
    rm "$medium/v0004"
    echo "verify  $(/usr/bin/time -f %M "${own[@]}" --vault "$work/b/vault" bundle verify "$medium" 2>&1 >/dev/null |
        tail -1 | awk '{ printf "%.1f MiB", $1 / 1024 }')"
    echo "import  $(peak "${own[@]}" --identity "$work/b/me.id" --vault "$work/b/vault" import "$medium" --accept)"
    rm -rf "$work/many" "$work/a" "$work/b" "$medium"
}

# peak COMMAND…: its peak memory in MiB.
peak() { /usr/bin/time -f %M -o "$work/peak" "$@" >/dev/null 2>&1 && awk '{ printf "%.1f MiB", $1 / 1024 }' "$work/peak"; }

memory() {
    echo "== peak memory, a file of 3 GiB"
    people hybrid "$work/v"
    head -c 3221225472 /dev/urandom >"$work/huge"
    local own=("$gapvault" --quiet --passphrase-file "$work/pass" --identity "$work/v/me.id" --vault "$work/v/vault")
    echo "seal    $(peak "${own[@]}" seal "$work/huge" --class important)"
    echo "open    $(peak "${own[@]}" open --all --into "$work/out-3" --reason bench)"
    cmp "$work/huge" "$work/out-3/huge"
    echo "verify  $(peak "${own[@]}" verify)"
    rm -rf "$work/huge" "$work/out-3" "$work/v"
}

scale() {
    echo "== 100,000 documents of 1,000 sessions, 200,000 entries"
    "$examples/big_vault" "$work/big" >/dev/null
    cp "$work/big/me.pass" "$work/big-pass"
    chmod 600 "$work/big-pass"
    local own=("$gapvault" --quiet --state "$work/big/state" --vault "$work/big/vault")
    own+=(--identity "$work/big/me.id" --passphrase-file "$work/big-pass")
    for round in $(seq 0 "$rounds"); do
        timed status "${own[@]}" status
        timed list-json "${own[@]}" list --json
        echo "small $round" >"$work/one.txt"
        timed seal-one "${own[@]}" seal "$work/one.txt" --class important
    done
    told status
    told list-json
    told seal-one
    echo "status  $(peak "${own[@]}" status)"
    echo "list    $(peak "${own[@]}" list --json)"
    echo "seal    $(peak "${own[@]}" seal "$work/one.txt" --class important)"
    rm -rf "$work/big"
}

# What a long log costs at the opening, and when it is judged: 1,000 documents, and the rest of the entries about them.
long() {
    echo "== 1,000 documents, and 2,000 to 1,000,000 entries"
    for entries in 2000 100000 1000000; do
        "$examples/long_log" "$work/long" "$entries" >/dev/null 2>&1
        local own=("$gapvault" --quiet --state "$work/long/state" --vault "$work/long/vault")
        for round in $(seq 0 "$rounds"); do
            timed "status-$entries" "${own[@]}" status
            timed "judged-$entries" "${own[@]}" audit verify
        done
        told "status-$entries" status-2000
        echo "        $(peak "${own[@]}" status), $(ls "$work/long/vault/sorted" 2>/dev/null | wc -l) sorted files"
        told "judged-$entries" judged-2000
        echo "        $(peak "${own[@]}" audit verify)"
        rm -rf "$work/long"
    done
}

# Appending, beside one fdatasync: on a disk, since a memory file system syncs nothing.
append() {
    echo "== appending, in ${TMPDIR:-/tmp}"
    local folder
    folder="$(mktemp -d "${TMPDIR:-/tmp}/gapvault-append.XXXXXX")"
    "$examples/append" "$folder" 200
    rm -rf "$folder"
}

echo "$(uname -sm), $(nproc) threads, $rounds rounds after one to warm up, in $base"
for section in "${sections[@]}"; do "$section"; done
