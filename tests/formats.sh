#!/usr/bin/env bash
# Every form that `audit query` writes, read by parsers that are not ours, value by value beside the JSON; and a sample, drawn
# again by the program in docs/QUERY.md. Needs python3; npm for the check of ECS by Elastic's own types.
# Usage: tests/formats.sh PROGRAM SCRATCH-FOLDER
set -euo pipefail
program="$(realpath "$1")"
folder="$2"
here="$(cd "$(dirname "$0")" && pwd)/formats"
mkdir -p "$folder"
cd "$folder"
umask 077
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"

printf 'correct horse battery\n' >pass
printf 'wrong horse battery\n' >wrong
export GAPVAULT_LANG=en GAPVAULT_STATE="$folder/state" GAPVAULT_VAULT="$folder/v" GAPVAULT_PASSPHRASE_FILE="$folder/pass"
export GAPVAULT_IDENTITY="$folder/ann.id"
run() { "$program" --quiet "$@"; }
# Names and titles that mean something in one form or another.
run identity new --name '=Ann "A|B] \x' --out ann.id --work-factor 10 --classic >/dev/null
run init v --name v --zone networked --classic >/dev/null
printf a >a.txt
run seal a.txt --class important --title '=cmd|calc!A1, "q" ]\ =x' >/dev/null
run seal a.txt --class critical --title '第一號文書，副本' >/dev/null
run seal a.txt --class important --title='-2+3' >/dev/null
for id in $(run list --json | grep -o '"id":"[0-9a-f]*"' | cut -d'"' -f4); do
    run open "$id" -o "$id.out" --reason "to look" >/dev/null 2>&1 || true
done
GAPVAULT_PASSPHRASE_FILE="$folder/wrong" run list --find x >/dev/null 2>&1 && { echo "a wrong passphrase did"; exit 1; }

# The same entries in every form: all but title.read, since looking at titles is an entry too.
events=""
for event in vault.init roster.change key.wrap identity.unlock document.seal document.open request.make; do
    events="$events --event $event"
done
for form in json jsonl csv csv-lossless:lossless.csv cef ocsf ecs syslog; do
    # shellcheck disable=SC2086 # a list of options
    run audit query --titles $events --format "${form%:*}" -o "query.${form#*:}"
done
venv/bin/python "$here/check.py" "$folder"

if command -v npm >/dev/null; then
    mkdir -p npm
    cp "$here"/package.json "$here"/package-lock.json ecs.ts npm
    (cd npm && npm ci --silent --no-audit --no-fund --ignore-scripts &&
        npx tsc --noEmit --strict --skipLibCheck --moduleResolution bundler --module esnext --target es2022 ecs.ts)
    echo "ECS by Elastic's own types: ok"
else
    echo "ECS by Elastic's own types: skipped, needs npm"
fi

# A sample, drawn again by the program that docs/QUERY.md prints.
sed -n '/^```python draw.py$/,/^```$/p' "$here/../../docs/QUERY.md" | sed '1d;$d' >draw.py
run audit checkpoint -o handed-over.txt
seed='2026-11-27 lottery 03 14 15'
run audit sample --seed "$seed" --size 5 --checkpoint handed-over.txt --out proofs --json >sample.json
drawn="$(python3 draw.py handed-over.txt "$seed" 5)"
told="$(grep -o '"index":[0-9]*' sample.json | cut -d: -f2 | tr '\n' ' ')"
# shellcheck disable=SC2116,SC2086 # blanks do not count
[ "$(echo $drawn)" = "$(echo $told)" ] || { echo "drawn again: $drawn, told: $told"; exit 1; }
for place in $drawn; do run audit check-proof "proofs/$place.tlog-proof" >/dev/null; done
echo "a sample drawn again: ok"
