#!/usr/bin/env bash
# Bundles on real file systems: ext4 from an image, memory that runs full, FAT32 as mtools writes it, a medium that keeps
# less than it says, one that is read-only, and one that is pulled while it is written.
# Usage: tests/media.sh PROGRAM SCRATCH-FOLDER. Needs root, for namespaces of its own. What the machine has not got is
# skipped, and said to be.
set -euo pipefail
# Nothing connects the machine in here, and what is mounted is gone afterwards.
[ "${3:-}" = inside ] || exec unshare --net --mount "$BASH" "$0" "$1" "$2" inside
# An empty folder over the classes of devices, so that radios of this machine do not matter.
mount -t tmpfs none /sys/class
program="$(realpath "$1")"
mkdir -p "$2"
folder="$(realpath "$2")"
cd "$folder"
umask 077
printf 'correct horse battery\n' >pass
export GAPVAULT_LANG=en
mounted=()
ended() {
    local at
    for at in "${mounted[@]}"; do umount -l "$at" 2>/dev/null || true; done
}
trap ended EXIT
skip() { echo "media: SKIPPED: $1"; }
fail() { echo "$step: $1"; [ ! -e out.txt ] || cat out.txt; exit 1; }
mounts() { # FOLDER MOUNT-ARGUMENT...
    local at="$1"; shift
    mkdir -p "$at"
    mount "$@" "$at" || return 1
    mounted+=("$at")
}

# as SIDE VERB...: each side has a home of its own, and nothing but media in common.
as() {
    local side="$1"; shift
    GAPVAULT_STATE="$folder/$side.state" "$program" --passphrase-file pass --quiet --vault "$side.vault" \
        --identity "$side.id" --json "$@" </dev/null
}
# does EXIT SIDE VERB...
does() {
    local want="$1" got=0; shift
    as "$@" >out.txt 2>&1 || got=$?
    [ "$got" = "$want" ] || fail "exit $got instead of $want: $*"
}
said() { grep -q "$1" out.txt || fail "it does not say $1"; }
value() { grep -o "\"$1\":\"\?[^\",}]*" out.txt | head -n 1 | sed 's/^"[^"]*":"\?//'; }
sealed() { # SIDE FILE: gives the id
    does 0 "$1" seal "$2" --class important
    id="$(value id)"
}
created() { # SIDE PEER ARGUMENT...: gives the bundle
    local side="$1" peer="$2"; shift 2
    does 0 "$side" bundle create --to "$peer" "$@"
    bundle="$(value bundle)"
}
sound() {
    local side
    for side in out in; do
        does 0 "$side" verify
        does 0 "$side" audit verify
    done
}
# What came in is what went out: the newest document there, opened.
arrived() { # SIDE FILE ID
    rm -f opened
    does 0 "$1" open "$3" -o opened
    cmp "$2" opened || fail "$2 is another one"
}

step="two vaults"
for side in out in; do
    as "$side" identity new --name "$side" --out "$side.id" --classic --work-factor 10 >/dev/null 2>&1
done
does 0 out init out.vault --name outside --zone networked --classic
does 0 in init in.vault --name inside --zone isolated --classic
for side in out in; do
    does 0 "$side" peer card -o "$side.card"
    eval "code_$side=\"$(value code)\""
done
# shellcheck disable=SC2154
does 0 out peer add in.card --code "$code_in"
# shellcheck disable=SC2154
does 0 in peer add out.card --code "$code_out"
head -c 3000000 /dev/urandom >large
printf 'text\n' >small

step="a medium that is pulled while it is written"
sealed out large
created out inside "$id" --volume 200000
medium="$folder/pulled"
for after in 0.02 0.05 0.1 0.2; do
    as out bundle write "$bundle" "$medium" >/dev/null 2>&1 &
    writer=$!
    sleep "$after"
    kill -9 "$writer" 2>/dev/null || true
    wait "$writer" 2>/dev/null || true
    does 0 out status
done
got=0; as out bundle write "$bundle" "$medium" >out.txt 2>&1 || got=$?
# The last one may have been quicker than its end.
if [ "$got" = 0 ]; then
    [ "$(value number)/$(value attempt)/$(value medium)" = 1/1/1 ] || fail "another number or attempt"
else
    does 0 out bundle list
    said '"state":"out"'
fi
does 0 in bundle verify "$medium"
does 0 in import "$medium" --accept
arrived in large "$id"
does 0 out receipt apply "$medium"
sound

step="ext4 from an image"
if command -v mkfs.ext4 >/dev/null && truncate -s 24M ext4.img && mkfs.ext4 -q -m 0 ext4.img \
    && mounts "$folder/ext4" -o loop ext4.img; then
    sealed out large
    created out inside "$id" --volume 500000
    # At the top lies lost+found, which would be an undeclared file.
    does 2 out bundle write "$bundle" ext4
    said 'lost+found'
    does 0 out bundle write "$bundle" ext4/bundle
    umount ext4
    # At the other machine it is read-only: it is let in, and no receipt is there.
    mount -o ro,loop ext4.img ext4
    does 0 in bundle verify ext4/bundle
    does 0 in import ext4/bundle --accept
    said '"receipt":null'
    arrived in large "$id"
    does 0 in receipt write "$bundle" answer
    does 0 out receipt apply answer
    umount ext4
    # With everything on it undeclared that a system leaves behind.
    mount -o loop ext4.img ext4
    sealed out small
    created out inside "$id"
    does 0 out bundle write "$bundle" ext4/second
    mkdir ext4/second/.Trash-0
    does 15 in import ext4/second
    said 'bundle.undeclared-file'
    rmdir ext4/second/.Trash-0
    does 0 in import ext4/second --accept
    does 0 out receipt apply ext4/second
    umount ext4
    sound
else
    skip "ext4, since an image cannot be made or mounted here"
fi

step="memory that runs full"
sealed out large
created out inside "$id" --volume 200000
mounts "$folder/tiny" -t tmpfs -o size=64k none
does 14 out bundle write "$bundle" tiny/bundle
said 'io.medium-full'
media=()
for number in 1 2 3 4 5 6; do
    mounts "$folder/full$number" -t tmpfs -o size=1m none
    does 0 out bundle write "$bundle" "full$number/bundle"
    media+=("full$number/bundle")
    [ "$(value medium)" = "$number" ] || fail "it is not medium $number"
    [ "$(value complete)" = false ] || break
done
[ "$(value complete)" = true ] || fail "six media are not enough"
[ "$number" -gt 2 ] || fail "one medium took nearly all"
does 15 in import "${media[0]}" "${media[1]}"
said 'bundle.incomplete'
does 0 in import "${media[@]}" --accept
arrived in large "$id"
does 0 in receipt write "$bundle" answer2
does 0 out receipt apply answer2
# Somebody else fills it while it is written to: what was there is gone on with.
sealed out large
created out inside "$id" --volume 200000
mounts "$folder/filled" -t tmpfs -o size=8m none
as out bundle write "$bundle" filled/bundle >out.txt 2>&1 &
writer=$!
head -c 9000000 /dev/zero >filled/other 2>/dev/null || true
got=0; wait "$writer" || got=$?
rm filled/other
if [ "$got" != 0 ]; then
    [ "$got" = 14 ] || fail "exit $got where the medium is full"
    does 0 out bundle write "$bundle" filled/bundle
fi
does 0 in import filled/bundle --accept
does 0 out receipt apply filled/bundle
sound

step="FAT32, written with mtools"
if command -v mkfs.vfat >/dev/null && command -v mcopy >/dev/null && command -v mmd >/dev/null; then
    sealed out large
    created out inside "$id" --volume fat32
    does 0 out bundle write "$bundle" fat
    mkfs.vfat -F 32 -C fat.img 66000 >/dev/null
    mmd -i fat.img ::/BUNDLE
    # FAT gives names in capitals back where nobody has said otherwise.
    for name in fat/*; do
        mcopy -i fat.img "$name" "::/BUNDLE/$(basename "$name" | tr '[:lower:]' '[:upper:]')"
    done
    mkdir came
    mcopy -i fat.img '::/BUNDLE/*' came/
    [ -e came/MANIFEST ] || fail "no name in capitals came back: $(ls came)"
    does 0 in bundle verify came
    does 0 in import came --accept
    arrived in large "$id"
    # The answer goes the same way.
    for name in came/receipt*; do
        mcopy -i fat.img "$name" "::/BUNDLE/$(basename "$name" | tr '[:lower:]' '[:upper:]')"
    done
    mkdir back
    mcopy -i fat.img '::/BUNDLE/*' back/
    does 0 out receipt apply back
    sound
    # Where the kernel knows FAT, it is mounted as well.
    if mounts "$folder/vfat" -o loop fat.img 2>/dev/null; then
        sealed out small
        created out inside "$id"
        does 0 out bundle write "$bundle" vfat/second
        does 0 in import vfat/second --accept
        does 0 out receipt apply vfat/second
        umount vfat
        sound
    else
        skip "FAT32 from a mount, which this kernel does not know"
    fi
else
    skip "FAT32, since mkfs.vfat or mtools is missing"
fi

step="a medium that keeps less than it says"
if command -v mkfs.ext4 >/dev/null && mounts "$folder/cramped" -t tmpfs -o size=3m none \
    && truncate -s 32M cramped/liar.img && mkfs.ext4 -q -m 0 -O ^has_journal cramped/liar.img 2>/dev/null \
    && mounts "$folder/liar" -o loop cramped/liar.img; then
    sealed out large
    created out inside "$id" --volume 300000
    got=0; as out bundle write "$bundle" liar/bundle >out.txt 2>&1 || got=$?
    [ "$got" != 0 ] || fail "it was written, and there is no room for it"
    [ "$got" = 14 ] || [ "$got" = 9 ] || fail "exit $got"
    [ ! -e liar/bundle/manifest ] || fail "it looks like a whole bundle"
    does 0 out verify
    does 0 out bundle write "$bundle" good
    [ "$(value attempt)/$(value medium)" = 1/1 ] || fail "another attempt"
    does 0 in import good --accept
    arrived in large "$id"
    does 0 out receipt apply good
    sound
else
    skip "a medium that keeps less than it says, since no image can be mounted here"
fi
echo "media: ok"
