#!/usr/bin/env bash
# The report as a browser shows it: both languages, on a telephone, on a desk, in the dark and on A4; no script, nothing
# fetched, nothing wider than the screen, nothing that keeps a reader with other eyes out (axe).
#
#     tests/report.sh [path of the program] [folder for pages, pictures and PDFs]
#
# Needs chromium and npm; without them it says so and does nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$here/target/debug/gapvault}")
work=${2:-$(mktemp -d)}
mkdir -p "$work"
work=$(realpath "$work")
export LC_ALL=C.UTF-8 TZ=Asia/Taipei
unset GAPVAULT_VAULT GAPVAULT_IDENTITY GAPVAULT_PASSPHRASE_FILE GAPVAULT_STATE XDG_STATE_HOME XDG_CONFIG_HOME || true

fail() { echo "report.sh: $*" >&2; exit 1; }

chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ] || ! command -v npm >/dev/null; then
    echo "skipped: needs chromium and npm"
    exit 0
fi

for lang in en zh-TW; do
    (cd "$work" && rm -rf "demo-$lang" && HOME=$work "$program" --lang "$lang" --quiet demo "demo-$lang" >/dev/null) || fail "demo in $lang"
    cp "$work/demo-$lang/report.html" "$work/report-$lang.html"
done

# A log that was changed still has a report, which says so first; the exit code is that of the verdict.
cd "$work/demo-en"
gapvault() { HOME=$work "$program" --lang en --vault vault --state state "$@"; }
tail=vault/log/tail
cp "$tail" "$work/tail"
python3 - "$tail" <<'END'
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
at = data.index(b'"outcome":"denied"') if b'"outcome":"denied"' in data else len(data) // 2
data[at + 12] ^= 1
open(path, "wb").write(data)
END
rm -f "$work/report-changed.html"
code=0
gapvault audit report -o "$work/report-changed.html" || code=$?
cp "$work/tail" "$tail"
[ "$code" = 6 ] || fail "a changed log ended with $code"

# All three forms say the same.
gapvault audit report --format json >"$work/report.json"
gapvault audit report --format csv >"$work/report.csv"
python3 - "$work/report.json" "$work/report.csv" <<'END' || fail "JSON and CSV do not agree"
import csv, json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
assert report["schema"] == "gapvault.audit.report/v1", report["schema"]
rows = list(csv.reader(open(sys.argv[2], encoding="utf-8", newline="")))
assert rows[0] == ["section", "item", "field", "value"] and all(len(row) == 4 for row in rows)
values = {tuple(row[:3]): row[3] for row in rows[1:]}
assert values["basis.verdict", "", ""] == report["basis"]["verdict"] == "ok"
assert values["account.entries", "", ""] == str(report["account"]["entries"])
for at, member in enumerate(report["account"]["members"]):
    assert values["account.members", str(at), "name"] == member["name"]
assert not any(value.startswith(("=", "+", "-", "@")) for value in values.values())
print(f"JSON and CSV agree on {len(values)} values")
END

tools="${GAPVAULT_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gapvault-tools}/browser"
if [ ! -d "$tools/node_modules/axe-core" ]; then
    mkdir -p "$tools"
    npm install --silent --no-audit --no-fund --prefix "$tools" playwright-core@1 axe-core@4 >/dev/null || fail "npm install"
fi
NODE_PATH="$tools/node_modules" CHROMIUM="$chromium" node "$here/tests/report/look.js" "$work" \
    report-en.html report-zh-TW.html report-changed.html
