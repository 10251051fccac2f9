#!/usr/bin/env bash
# An isolated vault on a machine that gets connected: nothing is decrypted while it is, and the refusal is on record.
# Usage: tests/zone.sh PROGRAM SCRATCH-FOLDER. Needs root and `ip`, for network namespaces of its own.
set -euo pipefail
command -v ip >/dev/null || { echo "needs ip, of the package iproute2"; exit 1; }
program="$(realpath "$1")"
folder="$2"
mkdir -p "$folder"
cd "$folder"
umask 077
printf 'correct horse battery\n' >pass
export GAPVAULT_STATE="$folder/state" GAPVAULT_LANG=en
run() { "$program" --passphrase-file pass --quiet --vault vault --identity ann.id "$@" </dev/null; }
run identity new --name Ann --out ann.id --classic --work-factor 10 >/dev/null 2>&1
run init vault --name v --zone isolated --classic >/dev/null
printf 'text' >a.txt
run seal a.txt --class important --json >sealed.json
id="$(sed 's/.*"id":"\([0-9a-f]*\)".*/\1/' sealed.json)"

export -f run
export program id
# This machine may well be connected; the namespace is not. An empty folder over the classes of devices, so that
# radios of this machine do not matter.
unshare --net --mount bash -euc '
    mount -t tmpfs none /sys/class
    refusals() { run audit show --json | grep -o "\"reason\":\"denied.connected\"" | wc -l; }
    works() {
        rm -f opened.txt
        run open "$id" -o opened.txt >out.txt 2>&1 || { echo "exit $? although $1"; cat out.txt; exit 1; }
        cmp a.txt opened.txt
    }
    refused() {
        rm -f opened.txt
        before="$(refusals)"
        got=0; run open "$id" -o opened.txt --json >out.txt 2>&1 || got=$?
        [ "$got" = 4 ] && grep -q "denied\.connected" out.txt \
            || { echo "exit $got instead of a refusal: $1"; cat out.txt; exit 1; }
        [ ! -e opened.txt ] || { echo "something was released: $1"; exit 1; }
        [ "$(refusals)" = "$((before + 1))" ] || { echo "the refusal is not on record: $1"; exit 1; }
        run verify >/dev/null || { echo "what decrypts nothing was refused: $1"; exit 1; }
    }

    works "there is no interface but loopback"
    ip link set lo up
    works "loopback alone is up"
    ip route add blackhole 192.0.2.0/24
    works "what is thrown away leads nowhere"
    ip link add v0 type veth peer name v1
    works "no interface is up"
    ip link set v0 up
    refused "an interface is up, without a carrier"
    ip link set v1 up
    ip address add 198.51.100.1/24 dev v0
    refused "an interface is up"
    ip link set v0 down
    ip link set v1 down
    works "the interfaces are down again"

    mkdir -p /sys/class/rfkill/rfkill0 /sys/class/ieee80211/phy0/rfkill0
    echo phy0 >/sys/class/rfkill/rfkill0/name
    echo wlan >/sys/class/rfkill/rfkill0/type
    echo 0 >/sys/class/rfkill/rfkill0/hard
    echo 0 >/sys/class/rfkill/rfkill0/soft
    refused "a radio is on"
    echo 1 >/sys/class/rfkill/rfkill0/soft
    works "the radio is off"
    rm -r /sys/class/rfkill
    refused "a radio has no switch"
'
run audit verify >/dev/null
echo "zone: ok"
