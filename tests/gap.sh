#!/usr/bin/env bash
# Two vaults with nothing in common but the folder on a medium: different homes, different people, and where the system
# allows it two network namespaces of which one has no interface at all. Twenty bundles go both ways; one is lost, one is
# damaged, one is replayed, three are forged, some are sent again. In the end both logs verify, and what went out of one is,
# digest by digest, what came into the other.
#
#     tests/gap.sh [path of the program]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$here/target/debug/gapvault}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8 GAPVAULT_LANG=en
unset GAPVAULT_VAULT GAPVAULT_IDENTITY GAPVAULT_PASSPHRASE_FILE GAPVAULT_STATE XDG_STATE_HOME XDG_CONFIG_HOME || true

fail() { echo "gap.sh: $*" >&2; exit 1; }

# The isolated side runs where there is no network, if namespaces can be had.
apart=()
if unshare --user --map-root-user --net true 2>/dev/null; then
    apart=(unshare --user --map-root-user --net)
    echo "the isolated vault works in a network namespace without interfaces"
else
    echo "no network namespaces here: the isolated vault works under an exception on record"
fi

medium=$work/medium
mkdir "$medium"
for side in outside inside; do
    mkdir -p "$work/$side/home"
    echo "correct horse battery" >"$work/$side/words"
    chmod 600 "$work/$side/words"
done

# run SIDE PERSON VERB…: everything a side does, with its own home and nothing of the other.
run() {
    local side=$1 person=$2
    shift 2
    local wrap=()
    [[ $side = inside ]] && wrap=("${apart[@]}")
    HOME="$work/$side/home" "${wrap[@]}" "$program" --yes --state "$work/$side/state" --vault "$work/$side/v" \
        --identity "$work/$side/$person.id" --passphrase-file "$work/$side/words" "$@"
}

# does SIDE PERSON VERB…: the same, and what it says is of interest only when it fails.
does() {
    local out
    out=$(run "$@" 2>&1) || fail "$* gave $out"
}

# fails SIDE PERSON CODE VERB…: the verb is refused with this code.
fails() {
    local side=$1 person=$2 code=$3
    shift 3
    local out
    if out=$(run "$side" "$person" --json "$@" 2>&1); then fail "not refused: $*"; fi
    [[ $out = *"\"code\":\"$code\""* ]] || fail "$* gave $out instead of $code"
}

json() { python3 -c 'import json,sys; value=json.load(sys.stdin)
for key in sys.argv[1].split("."): value=value[int(key)] if key.isdigit() else value[key]
print(value)' "$1"; }

person() { # SIDE NAME
    HOME="$work/$1/home" "$program" --state "$work/$1/state" --passphrase-file "$work/$1/words" \
        identity new --name "$2" --out "$work/$1/$2.id" --work-factor 10 --classic >/dev/null 2>&1
}

cat >"$work/rules.toml" <<'RULES'
[critical]
open-zone = "any"
open-reason = "optional"
export-in-approvals = 0
export-out-approvals = 1
export-out-releaser = true
accept = "importer"
[important]
export-in-approvals = 0
export-out-approvals = 1
export-out-releaser = true
RULES

for side in outside inside; do
    for who in olga otto rita; do person $side $who; done
    zone=networked
    [[ $side = inside ]] && zone=isolated
    does $side olga init "$work/$side/v" --name "$side" --zone $zone --policy "$work/rules.toml" --classic
    [[ $side = inside && ${#apart[@]} = 0 ]] && does inside olga policy except --hours 2 --reason "no namespaces"
    does $side olga member add "$work/$side/otto.id.card" --role officer --clearance critical,important \
        --titles --import --release
    does $side olga member add "$work/$side/rita.id.card" --role clerk --release
done

# Pairing: each code is compared with what the other side printed.
for side in outside inside; do
    other=inside
    [[ $side = inside ]] && other=outside
    code=$(run $side olga --json peer card -o "$work/$side.card" | json code)
    fails $other olga usage.code-differs peer add "$work/$side.card" --code "00000 00000 00000 00000 00000"
    does $other olga peer add "$work/$side.card" --code "$code"
done

# send SIDE N: seals a document, has it approved, writes the bundle to $medium/N.
send() {
    local side=$1 number=$2 other=inside
    [[ $side = inside ]] && other=outside
    local class=important
    ((number % 2)) && class=critical
    head -c $((number * 1000)) /dev/urandom >"$work/$side/paper-$number"
    local id bundle
    id=$(run $side otto --json seal "$work/$side/paper-$number" --class $class | json documents.0.id)
    bundle=$(run $side otto --json bundle create "$id" --to $other --volume 4000 --reason "case $number" | json bundle)
    if [[ $side = inside ]]; then
        fails $side otto denied.approvals bundle write "$bundle" "$medium/none"
        fails $side otto denied.own-request bundle approve "$bundle"
        does $side olga bundle approve "$bundle"
        does $side rita bundle approve "$bundle" --as releaser
    fi
    does $side otto bundle write "$bundle" "$medium/$side-$number"
    echo "$bundle" >"$work/$side/bundle-$number"
}

for number in $(seq 1 10); do
    send outside "$number"
    send inside "$number"
done

for number in $(seq 1 10); do
    for side in outside inside; do
        other=inside
        [[ $side = inside ]] && other=outside
        folder=$medium/$side-$number
        bundle=$(cat "$work/$side/bundle-$number")
        case $side-$number in
        outside-3) # Lost on the way: the next one shows it, and the sender writes it again.
            rm -r "$folder"
            fails $other otto bundle.gap import "$medium/outside-4" --accept
            does $side otto bundle resend "$bundle" "$folder"
            ;;
        outside-5) # So damaged that parity does not do: only those volumes come again.
            for volume in v0002 v0003; do printf 'x' | dd of="$folder/$volume" bs=1 seek=500 conv=notrunc status=none; done
            fails $other otto damaged.bundle import "$folder" --accept
            does $side otto receipt apply "$folder"
            damaged=$(run $side otto --json bundle list | python3 -c 'import json,sys
print([row["state"] for row in json.load(sys.stdin)["out"] if row["bundle"].startswith(sys.argv[1])][0])' "$bundle")
            [[ $damaged = damaged ]] || fail "the sender does not know of the damage: $damaged"
            does $side otto bundle resend "$bundle" "$medium/again" --only v0002,v0003
            rm "$folder"/receipt*
            does $other otto import "$folder" "$medium/again" --accept
            does $side otto receipt apply "$medium/again"
            continue
            ;;
        inside-4) # One volume is gone: parity has it.
            rm "$folder/v0002"
            ;;
        inside-6) # Forged: another byte under the signature, a signature of nobody, a file that nobody signed for.
            cp -r "$folder" "$work/forged"
            sed -i 's/^number .*/number 60/' "$work/forged/manifest"
            fails $other otto bundle.signature import "$work/forged" --accept
            cp "$folder/manifest" "$work/forged/manifest"
            sed -i '$d' "$work/forged/manifest"
            printf '\xe2\x80\x94 gapvault/m/0123456789abcdef AAAAAAAA\n' >>"$work/forged/manifest"
            if run $other otto import "$work/forged" --accept >/dev/null 2>&1; then fail "forged signature let in"; fi
            cp "$folder/manifest" "$work/forged/manifest"
            echo "[autorun]" >"$work/forged/autorun.inf"
            fails $other otto bundle.undeclared-file import "$work/forged" --accept
            rm -r "$work/forged"
            ;;
        esac
        run $other otto --json bundle verify "$folder" >"$work/verify" || [[ $side-$number = inside-4 ]] ||
            fail "verify: $(cat "$work/verify")"
        does $other otto import "$folder" --accept
        does $side otto receipt apply "$folder"
        if [[ $side-$number = outside-7 ]]; then # Replayed.
            fails $other otto bundle.replayed import "$folder" --accept
        fi
    done
done

# Both logs verify, and the digests match.
for side in outside inside; do
    does $side otto verify
    does $side otto audit verify
    run $side otto --json audit show >"$work/$side/log"
done
python3 - "$work/outside/log" "$work/inside/log" <<'PY'
import json, sys
logs = [json.load(open(path))["entries"] for path in sys.argv[1:]]
def digests(log, event):
    return sorted((e["detail"]["bundle"], e["object"]["payload_sha256"], e["object"]["commitment"])
                  for e in log if e["event"] == event and e["outcome"] == "ok")
for here, there in ((0, 1), (1, 0)):
    out, came = digests(logs[here], "document.export"), digests(logs[there], "document.import")
    assert len(out) == 10 and out == came, (out, came)
print("both logs verify, and their payload digests match")
PY
