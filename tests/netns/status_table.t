#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `xdpsec status` of many peers: one line each, those that are not alive first; of one peer; and again and again.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/sites.sh
. "$here/sites.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

to_full_disk() { "$@" >/dev/full; }
status() { xdpsec_a status "$@"; }
# add_peers FIRST LAST: to the configuration of A, peers that nobody is
add_peers() {
	for ((i = $1; i <= $2; i++)); do
		printf '\n[Peer]\nName = nobody-%d\nPublicKey = %s\nAllowedIPs = 203.0.113.%d/32\n' "$i" \
			"$("$XDPSEC" genkey | "$XDPSEC" pubkey)" "$i"
	done >>"$WORK/$NAME_A.conf"
}
# row PEER: its line of the table; titles: the first one
row() { grep -E "^[ !] *$1 " "$WORK/said"; }
titles() { grep -E ' PEER +STATE ' "$WORK/said"; }
table() { status "$NAME_A" >"$WORK/said"; }
agreed() { [ "$(status_a '.peers[] | select(.name == "site-b").agreement.state')" = agreed ]; }
all_idle() { table; row site-b | grep -q ' idle '; }
alive() { table; row site-b | grep -q ' alive '; }

make_sites
agreed_keys
write_agreed_configs
add_peers 1 3
ok "four peers: A is up" up_a || bail "not up"
ok "B is up" up_b || bail "not up"
ok "they agree" wait_for 10 agreed
table
is "four peers: no table" "$(titles)" ""
is "four peers: all of each" "$(grep -c '^peer: ' "$WORK/said")" 4

add_peers 4 4
ok "a fifth peer" xdpsec_a reload "$NAME_A"
ok "they still agree" wait_for 10 agreed
table
like "five peers: a table" "$(titles)" '^ +PEER +STATE +ENDPOINT +HANDSHAKE +RECEIVED +RX +TX +DROPPED$'
is "five peers: a line each" "$(grep -cE '^[ !] *(site-b|nobody-[1-4]) ' "$WORK/said")" 5
is "five peers: nothing else of them" "$(grep -c '^peer: ' "$WORK/said")" 0
is "those that are not alive are first, in the order of the file" \
	"$(sed -nE 's/^[ !] *((site|nobody)-[a-z0-9]+) .*/\1/p' "$WORK/said" | paste -sd' ')" \
	"nobody-1 nobody-2 nobody-3 nobody-4 site-b"
like "and are marked" "$(row nobody-1)" '^! +nobody-1 +no key +not known yet +never +never +0 B +0 B +0$'
ok "a peer with a key and no packet yet is idle" all_idle
like "which is no fault" "$(row site-b)" "^  +site-b +idle +$B4:7253 +[0-9]+ s ago +never +0 B +[0-9]+ B +0\$"
like "the sum, and what shows more" "$(tail -n 1 "$WORK/said")" \
	"^5 peers, 4 of them not alive \\(!\\); \`xdpsec -n $SITE_A status $NAME_A PEER\` shows one, --long all\$"
in_a ping -q -c 30 -i 0.01 -s 1000 -M dont "$TUNNEL_B4" >/dev/null
ok "traffic makes it alive" wait_for 3 alive
like "with units of bytes" "$(row site-b)" ' alive .* ([0-9]{2}[.][0-9]{2} KiB +){2}0$'
status --long "$NAME_A" >"$WORK/said"
is "--long: all of each" "$(titles) $(grep -c '^peer: ' "$WORK/said")" " 5"
# Others may have instances on this machine.
status -l | awk -v name="$NAME_A" '/^instance: / { on = $2 == name } on' >"$WORK/said"
is "-l: the same among all instances" "$(titles) $(grep -c '^peer: ' "$WORK/said")" " 5"
is "JSON has all of each, table or not" "$(status -j "$NAME_A" | jq -c '[.peers | length, (map(keys) | unique | length)]')" \
	"[5,$(status -j -l "$NAME_A" | jq '.peers | map(keys) | unique | length')]"
status "$NAME_A" | cat >"$WORK/said"
unlike "no color where it is no terminal" "$(<"$WORK/said")" $'\033'

# ---- one peer -----------------------------------------------------------------------------------------

ok "one peer" status "$NAME_A" site-b
is "one peer: only that one" "$(grep '^peer: ' <<<"$TAP_OUTPUT")" "peer: site-b"
like "one peer: all of it" "$TAP_OUTPUT" "endpoint: $B4:7253.*latest handshake: .*tx: SPI .*rx: SPI "
is "one peer: JSON: the same as among all" "$(status -j "$NAME_A" site-b | jq -cS '[.name, .public_key]')" \
	"$(status -j "$NAME_A" | jq -cS '.peers[] | select(.name == "site-b") | [.name, .public_key]')"
fails "no such peer" "$NAME_A: has no peer site-c"$'\n'"hint: did you mean site-b\\?$" status "$NAME_A" site-c
fails "no such peer, nor one like it" "$NAME_A: has no peer x"$'\n'"hint: \`xdpsec -n $SITE_A status $NAME_A\` lists them$" \
	status "$NAME_A" x
is "no such peer: JSON" "$(status -j "$NAME_A" site-c 2>/dev/null | jq -c '[.name, .error]')" "[\"$NAME_A\",\"has no peer site-c\"]"
tap_run status "$NAME_B-none" site-b
is "a peer of an instance that is not up" "$TAP_STATUS" 4

# ---- completion asks status ---------------------------------------------------------------------------

# shellcheck source=tests/complete.sh
. "$here/../../complete.sh"
offers_peers() { offers "$1" "xdpsec -n $SITE_A $2" | paste -sd' '; }
for shell in $(shells); do
	is "$shell completes instances" "$(offers_peers "$shell" "down $NAME_A")" "$NAME_A"
	is "$shell completes peers" "$(offers_peers "$shell" "status $NAME_A ")" "nobody-1 nobody-2 nobody-3 nobody-4 site-b"
	is "$shell completes peers behind an option of the command" "$(offers "$shell" "xdpsec status -n $SITE_A $NAME_A " | paste -sd' ')" \
		"nobody-1 nobody-2 nobody-3 nobody-4 site-b"
	is "$shell completes instances behind an address" "$(offers "$shell" "xdpsec metrics --listen 127.0.0.1:7253 $NAME_A")" "$NAME_A"
	is "$shell completes the beginning of a peer" "$(offers_peers "$shell" "probe $NAME_A si")" "site-b"
	is "$shell: up to the last argument" "$(offers "$shell" "xdpsec -n $SITE_A status $NAME_A site-b " | grep -v '^-')" ""
done

# ---- again and again ----------------------------------------------------------------------------------

# turns FILE N: so many were printed
turns() { [ "$(grep -cE '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}' "$1")" -ge "$2" ]; }
end_watch() { ! kill "$watch" 2>/dev/null; }
# ends_by SIGNAL: the process $watch ends with exit status 0
ends_by() { kill -"$1" "$watch" && wait "$watch"; }

"$XDPSEC" -n "$SITE_A" status -w "$NAME_A" >"$WORK/watched" &
watch=$!
defer end_watch
ok "--watch: again after a second" wait_for 5 turns "$WORK/watched" 2
ok "--watch: SIGTERM ends it, without an error" ends_by TERM
unlike "--watch: a file is not cleared" "$(<"$WORK/watched")" $'\033'
is "--watch: whole reports" "$(grep -c '^instance: ' "$WORK/watched")" "$(grep -c '^5 peers, ' "$WORK/watched")"
"$XDPSEC" -n "$SITE_A" status -wj "$NAME_A" >"$WORK/watched" &
watch=$!
defer end_watch
two_objects() { [ "$(jq -s length "$WORK/watched" 2>/dev/null)" -ge 2 ] 2>/dev/null; }
ok "--watch with JSON: one document after the other" wait_for 5 two_objects
ok "--watch with JSON: ends as well" ends_by TERM
# More than a buffer, and less.
for option in -wj -w; do
	tap_run to_full_disk timeout $((10 * TAP_PATIENCE)) "$XDPSEC" -n "$SITE_A" status $option "$NAME_A"
	is "$option: a full disk ends it" "$TAP_STATUS" 1
	like "$option: and is reported" "$TAP_OUTPUT" "(^|"$'\n'")xdpsec: standard output: No space left on device$"
done
# A terminal, whose Ctrl-C is the signal.
/usr/bin/python3 - "$WORK/terminal" "$XDPSEC" -n "$SITE_A" status -w "$NAME_A" <<-'END'
	import os, pty, select, sys, time
	out, command = open(sys.argv[1], "wb"), sys.argv[2:]
	pid, fd = pty.fork()
	if pid == 0:
	    os.environ.pop("NO_COLOR", None)
	    os.execv(command[0], command)
	seen, end = b"", time.monotonic() + 20
	while seen.count(b"\033[H\033[J") < 2 and time.monotonic() < end:
	    if select.select([fd], [], [], 1)[0]:
	        seen += os.read(fd, 65536)
	os.write(fd, b"\003")
	status = os.waitpid(pid, 0)[1]
	out.write(seen + b"\nended with %d\n" % os.waitstatus_to_exitcode(status))
END
like "--watch: a terminal is cleared, and Ctrl-C ends it with 0" "$(<"$WORK/terminal")" $'\033\\[H\033\\[J.*PEER.*ended with 0$'
like "what is not alive is red there" "$(<"$WORK/terminal")" $'\033\\[31m! *nobody-1'

ok "down" down
done_testing
