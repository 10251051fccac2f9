#!/usr/bin/env bash
# Fuzzes each target for so many seconds, beginning with the corpus that is checked in; the tree stays clean.
# Usage: fuzz/run.sh [SECONDS] [TARGET...]. Without SECONDS 15; without targets all of them.
#
# With cargo-fuzz (installed where it is missing) libFuzzer looks for inputs by coverage. Where it cannot be had, the
# twin runs the same properties on arbitrary bytes and changed seeds. The last line says which of both ran.
set -euo pipefail
cd "$(dirname "$0")"
seconds="${1:-15}"
shift || true
targets=("$@")
[ $# -gt 0 ] || targets=(header stanza meta stream identity_file note manifest volume archive receipt card entry tiles proof cosignature quorum)
cargo_fuzz_version=0.13.2
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

tools="${GAPVAULT_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gapvault-tools}"
export PATH="$tools/bin:$PATH"
if ! command -v cargo-fuzz >/dev/null; then
    cargo install cargo-fuzz --locked --quiet --version "$cargo_fuzz_version" --root "$tools" || true
fi

# What the longest seed of a target needs, and some more.
declare -A longest=([header]=8192 [stanza]=8192 [meta]=12288 [stream]=1024 [identity_file]=4096 [note]=8192
    [manifest]=8192 [volume]=1024 [archive]=20480 [receipt]=4096 [card]=8192
    [entry]=8448 [tiles]=1024 [proof]=4096 [cosignature]=2048 [quorum]=4096)

twin() {
    echo "fuzzing by the twin (proptest), $(cargo --version)"
    FUZZ_SECONDS="$seconds" cargo test --release --locked --quiet --no-default-features --test twin -- \
        --test-threads=1 "${targets[@]}"
    echo "fuzzing: the twin ran ${targets[*]} for $seconds s each"
}

# Our own code is safe Rust; beneath it lie C, assembly and intrinsics. The address sanitizer that watches those needs a nightly
# toolchain; without one libFuzzer does without it.
toolchain=() sanitizer=none
if cargo +nightly --version >/dev/null 2>&1; then toolchain=(+nightly) sanitizer=address; fi
fuzz() { cargo "${toolchain[@]}" fuzz "$1" --sanitizer "$sanitizer" "${@:2}"; }

if ! command -v cargo-fuzz >/dev/null || ! fuzz build; then
    twin
    exit
fi
echo "fuzzing by libFuzzer, $(cargo fuzz --version), $(cargo "${toolchain[@]}" --version), sanitizer: $sanitizer"
for target in "${targets[@]}"; do
    cp -r "corpus/$target" "$work/$target"
    options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len="${longest[$target]}" -print_final_stats=1)
    [ -f "dict/$target.dict" ] && options+=(-dict="dict/$target.dict")
    if ! fuzz run "$target" "$work/$target" -- "${options[@]}" >"$work/log" 2>&1; then
        tail -n 60 "$work/log"
        echo "fuzzing: $target failed; the input is in fuzz/artifacts/$target"
        exit 1
    fi
    runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")"
    cover="$(grep -ao 'cov: [0-9]*' "$work/log" | tail -n 1)" || cover="no coverage told"
    echo "$target: $runs inputs in $seconds s, $cover"
done
echo "fuzzing: libFuzzer ran ${targets[*]} for $seconds s each"
