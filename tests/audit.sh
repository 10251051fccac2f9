#!/usr/bin/env bash
# An auditor who trusts nobody: the exported log of a vault, checked as the README.txt beside it says, with Go's own packages,
# with sha256sum, with a package of Python's, and with the small program that knows no vault. Then each kind of file is changed
# by one byte, and every check that covers it has to say so.
#
#     tests/audit.sh [path of the program] [path of the auditor's program]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$here/target/debug/gapvault}")
auditor=$(realpath "${2:-$here/target/debug/gapvault-audit}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8 GAPVAULT_LANG=en HOME="$work/home"
unset GAPVAULT_VAULT GAPVAULT_IDENTITY GAPVAULT_PASSPHRASE_FILE GAPVAULT_STATE XDG_STATE_HOME XDG_CONFIG_HOME XDG_CACHE_HOME || true
mkdir "$work/home"
cd "$work"

fail() { echo "audit.sh: $*" >&2; exit 1; }

echo "correct horse battery" >words
chmod 600 words
common=(--yes --state state --passphrase-file words)
for name in olga ada; do
    "$program" "${common[@]}" identity new --name "$name" --out "$name.id" --work-factor 10 >/dev/null
done
vault=$("$program" "${common[@]}" --identity olga.id --json init v --name office --zone networked | sed 's/.*"vault":"\([0-9a-f]*\)".*/\1/')
[[ ${#vault} = 64 ]] || fail "no vault id: $vault"
officer() { "$program" "${common[@]}" --vault v --identity olga.id "$@"; }
officer member add ada.id.card --role auditor >/dev/null
# More than two full tiles.
mkdir papers
for number in $(seq 600); do echo "paper $number" >"papers/$number.txt"; done
officer seal papers --class important >/dev/null

# Nobody has seen it yet, and whoever asks for that is told so.
officer list --find paper >/dev/null
officer audit export unseen >/dev/null
if "$auditor" verify --evidence unseen --trust "$vault" --strict >/dev/null; then fail "a log without witnesses passed as strict"; fi

# The auditor signs as a witness, on another machine, who has the log's key from the officer's paper.
key=$(officer --json audit checkpoint | sed 's/.*"keys":\["\([^"]*\)".*/\1/')
officer audit request-cosign -o request.txt
"$auditor" --yes --state elsewhere --passphrase-file words --identity ada.id --json cosign request.txt -o signed.txt --log "$key" >cosigned.json
witness=$(sed 's/.*"witness":"\([^"]*\)".*/\1/' cosigned.json)
officer audit import-cosign signed.txt >/dev/null
# The log goes on with another key: the auditor's machine, which was told the first one, follows by the evidence.
first=$key
officer host rekey >/dev/null
officer list --find paper >/dev/null
officer audit export followed >/dev/null
officer audit request-cosign -o again.txt --witness "$witness"
if "$auditor" --yes --state elsewhere --passphrase-file words --identity ada.id cosign again.txt >/dev/null 2>unknown.txt; then
    fail "a key that nobody vouched for was believed"
fi
grep -q 'evidence' unknown.txt || fail "no hint: $(cat unknown.txt)"
"$auditor" --yes --state elsewhere --passphrase-file words --identity ada.id cosign again.txt -o resigned.txt --evidence followed >/dev/null
officer audit import-cosign resigned.txt >/dev/null
mapfile -t keys < <(officer --json audit checkpoint | sed 's/.*"keys":\[\([^]]*\)\].*/\1/' | tr ',' '\n' | tr -d '"')
[[ ${#keys[@]} = 2 && ${keys[0]} = "$first" ]] || fail "not two keys: ${keys[*]}"
key=${keys[1]}
digest=$(officer --json audit export evidence | sed 's/.*"digest":"\([^"]*\)".*/\1/')

# README.txt: nothing was changed since.
[[ $(sha256sum evidence/SHA256SUMS | cut -d' ' -f1) = "$digest" ]] || fail "the digest of SHA256SUMS is another one"
sums() { (cd "$1" && sha256sum --quiet -c SHA256SUMS >/dev/null 2>&1); }
sums evidence || fail "sha256sum"
[[ $(awk '/^$/ { exit } { print }' evidence/roster/0001.note | sha256sum | cut -d' ' -f1) = "$vault" ]] || fail "the vault's id"
grep -qF "$vault" evidence/README.txt && grep -qF "$key" evidence/README.txt || fail "README.txt names neither vault nor key"

# The small program, with what the auditor was told.
small() { "$auditor" --json verify --evidence "$1" --trust "$vault" "${@:2}" 2>/dev/null; }
small evidence --strict >verdict.json || fail "gapvault-audit: $(cat verdict.json)"
grep -q '"verdict":"ok"' verdict.json || fail "$(cat verdict.json)"
grep -q '"witnessed_size":0' verdict.json && fail "the witness's signature was lost: $(cat verdict.json)"
"$auditor" prove 17 --evidence evidence --trust "$vault" -o 17.tlog-proof
"$auditor" check-proof 17.tlog-proof --log "$key" >/dev/null

# Go's packages, by the command that README.txt gives.
if command -v go >/dev/null && [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]; then
    grep -qF 'GO111MODULE=off GOPATH=/usr/share/gocode go run check.go log/1 KEY...' evidence/README.txt || fail "README.txt has another command"
    (cd evidence && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$work/go" go build -o "$work/check" check.go)
    checked() { "$work/check" "$1/log/1" "${keys[@]}" >"$work/go.txt" 2>&1; }
    checked evidence || fail "Go: $(cat go.txt)"
    cat go.txt
else
    checked() { return 1; }
    echo "skipped: Go's packages are not here"
fi

# One byte of each kind of file.
spoilt=0
while read -r file; do
    rm -rf spoilt
    cp -r evidence spoilt
    size=$(stat -c %s "spoilt/$file")
    # In a tile any byte; in a note one of its first lines, since Go passes over the signatures of people whom it does not know.
    case $file in */tile/*) at=$((size / 3)) ;; *) at=$((size > 20 ? 20 : 0)) ;; esac
    byte=$(od -An -tu1 -j "$at" -N 1 "spoilt/$file" | tr -d ' ')
    printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="spoilt/$file" bs=1 seek="$at" conv=notrunc status=none
    if sums spoilt && [[ $(sha256sum spoilt/SHA256SUMS | cut -d' ' -f1) = "$digest" ]]; then fail "sha256sum did not see $file at $at"; fi
    case $file in
        log/1/tile/* | log/1/checkpoint | log/1/checkpoints)
            if checked spoilt; then fail "Go did not see $file at $at"; fi
            if small spoilt >/dev/null; then fail "gapvault-audit did not see $file at $at"; fi ;;
        roster/* | policy/* | log-keys/*)
            if small spoilt >/dev/null; then fail "gapvault-audit did not see $file at $at"; fi ;;
    esac
    spoilt=$((spoilt + 1))
done < <(cd evidence && find . -type f -printf '%P\n' | sort)
echo "one byte changed in each of $spoilt files: noticed every time"

# A package of Python's, where a new enough Python really runs.
python=""
for candidate in python3.14 python3.13 python3.12 "$(command -v pyenv >/dev/null && echo "$(pyenv root)"/versions/3.1[2-9]*/bin/python3)" python3; do
    for each in $candidate; do
        if [ -z "$python" ] && "$each" -c 'import sys, venv; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then python=$each; fi
    done
done
if [ -n "$python" ] && "$python" -m venv others && others/bin/pip install -q aics-tlog==0.2.1 >pip.txt 2>&1; then
    others/bin/python "$here/tests/audit/others.py" evidence "$(IFS=,; echo "${keys[*]}")" "$witness" "$auditor" "$work"
else
    echo "skipped: aics-tlog needs Python 3.12 or newer"
fi
echo "audit.sh: ok"
