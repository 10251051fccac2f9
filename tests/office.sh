#!/usr/bin/env bash
# An office at work in an isolated vault: two officers, three clerks, an auditor and a contractor, with everything that
# takes two people, everything that is refused, and what the log says of each.
# Usage: tests/office.sh PROGRAM SCRATCH-FOLDER. Needs root and `ip`, for network namespaces of its own.
set -euo pipefail
command -v ip >/dev/null || { echo "needs ip, of the package iproute2"; exit 1; }
# This machine may well be connected; the namespace is not, until we connect it.
[ "${3:-}" = inside ] || exec unshare --net --mount "$BASH" "$0" "$1" "$2" inside
# An empty folder over the classes of devices, so that radios of this machine do not matter.
mount -t tmpfs none /sys/class
program="$(realpath "$1")"
mkdir -p "$2"
folder="$(realpath "$2")"
cd "$folder"
umask 077
printf 'correct horse battery\n' >pass
export GAPVAULT_STATE="$folder/state" GAPVAULT_LANG=en
people="olga otto cara carl cleo alma kurt"

as() {
    local who="$1"; shift
    "$program" --passphrase-file pass --quiet --vault vault --identity "$who.id" --json "$@" </dev/null
}
fail() { echo "$step: $1"; cat out.txt; exit 1; }

# step TEXT EXIT WHO VERB...: what somebody does, how it ends, and in new.txt the entries that it made, one in a line.
seen=0
step() {
    step="$1"
    local want="$2" got=0; shift 2
    as "$@" >out.txt 2>&1 || got=$?
    [ "$got" = "$want" ] || fail "exit $got instead of $want"
    "$program" --vault vault audit show --json | sed 's/},{"\(actor\|boot\)"/},\n{"\1"/g' >log.txt
    tail -n "+$((seen + 1))" log.txt >new.txt
    seen="$(wc -l <log.txt)"
}
said() { grep -q "\"code\":\"$1\"" out.txt || fail "it does not say $1"; }
# logged WHO EVENT OUTCOME [REASON]
logged() {
    grep "\"id\":\"${id[$1]}\",\"key\".*\"event\":\"$2\".*\"outcome\":\"$3\".*${4:+\"reason\":\"$4\"}" new.txt >/dev/null \
        || { cat new.txt; fail "no entry $2 $3 ${4:-} of $1"; }
}
# Nothing but refusals and what is asked for: the act itself is not there.
not_logged() { ! grep "\"event\":\"$1\".*\"outcome\":\"ok\"" new.txt >/dev/null || { cat new.txt; fail "an entry $1"; }; }
value() { grep -o "\"$1\":\"[^\"]*\"" out.txt | head -n 1 | cut -d '"' -f 4; }
asked() { logged "$1" request.make ok; not_logged "$2"; request="$(value request)"; }
approve() { # WHO EVENT: consents, and with that it is done
    step "$step, approved" 0 "$1" approve "$request" --yes
    logged "$1" request.approve ok
    logged "$1" "$2" ok
    logged "$1" request.done ok
    [ "$(value state)" = done ] || fail "the request is not over"
}
opens() { # WHO DOCUMENT
    rm -f opened.txt
    step "$1 opens" 0 "$1" open "$2" -o opened.txt --reason needed
    cmp a.txt opened.txt
    logged "$1" document.open ok
}

declare -A id
printf 'text\n' >a.txt
for who in $people; do
    "$program" --passphrase-file pass --quiet identity new --name "$who" --out "$who.id" --classic \
        --work-factor 10 --json >out.txt 2>&1
    id[$who]="$(value id)"
done

# One officer alone signs, although two are needed once there are two.
step "founded" 0 olga init vault --name office --zone isolated --officers-needed 2 --classic
logged olga vault.init ok
step "the second officer joins" 0 olga member add otto.id.card --role officer --clearance critical,important --titles --yes
logged olga roster.change ok
logged olga key.wrap ok
for who in cara carl cleo; do
    step "$who joins" 16 olga member add "$who.id.card" --role clerk --clearance important --titles --yes
    asked olga roster.change
    approve otto roster.change
    logged otto key.wrap ok
done
step "the auditor joins" 16 otto member add alma.id.card --role auditor --yes
asked otto roster.change
step "the own request" 4 otto approve "$request" --yes
said denied.own-request
logged otto request.approve denied denied.own-request
step "a clerk's approval" 4 cara approve "$request" --yes
said denied.role
logged cara request.approve denied denied.role
approve olga roster.change
step "a contractor without a sponsor" 2 olga member add kurt.id.card --role contractor --clearance important --yes
said usage.sponsor-needed
# The day that a membership ends is tried with a clock of its own in the tests of the policy: the program has none to set.
step "a contractor joins" 16 olga member add kurt.id.card --role contractor --clearance important \
    --until "$(date -u +%Y-12-31)" --sponsor "${id[cleo]}" --yes
asked olga roster.change
approve otto roster.change

step "a clerk changes no roster" 4 cara member add kurt.id.card --role clerk --yes
said denied.role
logged cara roster.change denied denied.role
step "status" 0 alma status
grep -q '"pending":\[\]' out.txt || fail "something waits"

# Documents: who may, may.
step "seals" 0 cara seal a.txt --class important; logged cara document.seal ok; one="$(value id)"
step "seals" 0 carl seal a.txt --class important; two="$(value id)"
step "seals" 0 kurt seal a.txt --class important; three="$(value id)"
step "seals" 0 kurt seal a.txt --class critical; secret="$(value id)"
for who in cara carl cleo kurt otto; do opens "$who" "$one"; done
opens olga "$secret"
step "no clearance" 4 cara open "$secret" -o never.txt --reason needed
said denied.clearance
logged cara document.open denied denied.clearance
step "an auditor reads nothing" 4 alma open "$one" -o never.txt --reason needed
logged alma document.open denied denied.clearance
step "no reason" 4 olga open "$secret" -o never.txt
said denied.reason
logged olga document.open denied denied.reason

# A destruction takes another person; here it is carried out by whoever approves.
step "a destruction" 16 cara destroy "$one" --reason over --yes
asked cara document.destroy
step "with nobody's approval" 4 cara destroy "$one" --reason over --request "$request" --yes
said denied.approvals
logged cara document.destroy denied denied.approvals
step "the own destruction" 4 cara approve "$request" --yes --run
logged cara request.approve denied
step "a clerk approves a destruction" 4 carl approve "$request" --yes --run
said denied.role
logged carl request.approve denied denied.role
opens carl "$one"
step "who may requests see" 0 otto requests
grep -q "$request" out.txt || fail "the request is not shown to who can approve"
step "approved and carried out" 0 olga approve "$request" --yes --run
logged olga request.approve ok
logged olga request.done ok
logged olga document.destroy ok
step "it is gone" 3 carl open "$one" -o never.txt --reason needed
said not-found.destroyed
step "once is all" 2 olga approve "$request" --yes --run
said usage.request-ended

# And here by who asked.
step "a destruction" 16 carl destroy "$two" --reason over --yes
asked carl document.destroy
step "approved" 0 otto approve "$request" --yes
logged otto request.approve ok
not_logged document.destroy
step "of another document" 2 carl destroy "$three" --reason over --request "$request" --yes
said usage.other-request
step "by another clerk" 2 cara destroy "$two" --reason over --request "$request" --yes
said usage.other-request
step "repeated with the request" 0 carl destroy "$two" --reason over --request "$request" --yes
logged carl document.destroy ok
logged carl request.done ok

# Refused, and taken back.
step "a destruction" 16 cara destroy "$three" --reason over --yes
asked cara document.destroy
step "a clerk rejects nothing" 4 carl reject "$request" --yes
logged carl request.reject denied denied.role
step "rejected" 0 otto reject "$request" --yes
logged otto request.reject ok
step "approved too late" 2 olga approve "$request" --yes --run
said usage.request-ended
step "carried out too late" 2 cara destroy "$three" --reason over --request "$request" --yes
said usage.request-ended
step "a destruction" 16 cara destroy "$three" --reason over --yes
asked cara document.destroy
step "another's request" 4 carl withdraw "$request" --yes
logged carl request.withdraw denied denied.not-the-requester
step "taken back" 0 cara withdraw "$request" --yes
logged cara request.withdraw ok
step "approved too late" 2 otto approve "$request" --yes --run
said usage.request-ended
opens carl "$three"

# A clerk leaves; the contractor's sponsor goes, and the contractor can do nothing more.
step "a clerk leaves" 16 olga member revoke "${id[cleo]}" --reason moved --yes
asked olga roster.change
opens cleo "$three"
approve otto roster.change
step "what waits is done" 0 otto key finish
logged otto document.rewrap ok
logged otto key.finish ok
step "status" 0 alma status
grep -q '"pending":\[\]' out.txt || fail "something waits"
grep -q 'without-sponsor' out.txt || fail "no warning of the contractor without a sponsor"
for verb in "open $three -o never.txt" "seal a.txt --class important" "list --find a"; do
    # shellcheck disable=SC2086
    step "who left: $verb" 5 cleo $verb
    said authentication.not-a-member
    grep -q '"category":"authentication-failure"' new.txt || fail "it is not on record: $verb"
done
step "without a sponsor" 4 kurt open "$three" -o never.txt --reason needed
said denied.sponsor
logged kurt document.open denied denied.sponsor
step "old keys are thrown away" 0 olga key retire
logged olga key.retire ok
for who in cara carl olga otto; do opens "$who" "$three"; done
for who in olga otto; do opens "$who" "$secret"; done
[ ! -e never.txt ] || fail "something was released"

# A policy: an act that was allowed asks now.
step "seals" 0 cara seal a.txt --class important; four="$(value id)"
printf '[important]\ndestroy-approvals = 0\n' >easy.toml
printf '[important]\ndestroy-approvals = 1\nopen-reason = "required"\n' >hard.toml
step "a clerk sets no policy" 4 cara policy set easy.toml
logged cara roster.change denied denied.role
step "an easy policy" 16 olga policy set easy.toml --reason trial
asked olga roster.change
approve otto roster.change
step "destroyed alone" 0 cara destroy "$four" --reason over --yes
logged cara document.destroy ok
step "a hard policy" 16 otto policy set hard.toml
asked otto roster.change
approve olga roster.change
step "destruction asks again" 16 cara destroy "$three" --reason over --yes
asked cara document.destroy
step "rejected" 0 olga reject "$request" --yes
step "a reason is asked for now" 4 cara open "$three" -o never.txt
said denied.reason
opens cara "$three"

# The machine gets connected: nothing is decrypted until officers allow it, for some hours.
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
step "connected" 4 cara open "$three" -o never.txt --reason needed
said denied.connected
logged cara document.open denied denied.connected
step "titles" 4 cara list --find a
logged cara title.read denied denied.connected
step "status" 0 alma status
grep -q '"code":"connected"' out.txt || fail "no warning of the connection"
step "sealing decrypts nothing" 0 cara seal a.txt --class important
step "a clerk excepts nothing" 4 cara policy except --hours 1 --reason move
logged cara zone.except denied denied.role
step "an exception" 16 olga policy except --hours 1 --reason move
asked olga zone.except
step "not yet" 4 cara open "$three" -o never.txt --reason needed
said denied.connected
approve otto zone.except
opens cara "$three"
step "status" 0 alma status
grep -q '"code":"excepted"' out.txt || fail "no warning of the exception"
ip link delete v0

# Where two have to sign, two stay: neither sends the other away.
step "an officer leaves" 4 olga member revoke "${id[otto]}" --yes
said denied.last-officer
step "a request to be taken back" 16 olga member revoke "${id[cara]}" --yes
asked olga roster.change
step "withdrawn" 0 olga withdraw "$request" --yes

[ ! -e never.txt ] || fail "something was released"
step "requests" 0 olga requests --all
grep -q '"requests":\[\]' out.txt || fail "something waits"
for verb in "verify" "audit verify"; do
    # shellcheck disable=SC2086
    step "$verb" 0 alma $verb
    grep -q '"verdict":"ok".*"findings":\[\],"pending":\[\]' out.txt || fail "not in order"
done
step "status" 0 alma status
grep -q '"pending":\[\]' out.txt || fail "something waits"
echo "office: ok"
