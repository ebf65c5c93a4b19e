#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Forward secrecy, between two agents as users have them: what was recorded before a change of keys cannot be opened with
# all that both machines hold after it, though it could with what they held then. And of what a handshake has made,
# nothing stays anywhere: memory, maps, logs, status, command lines, environments.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

AESOCB3="from cryptography.hazmat.primitives.ciphers.aead import AESOCB3"
/usr/bin/python3 -c "$AESOCB3" 2>/dev/null || skip_all "needs python3-cryptography with AES-OCB"

reaches_b() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
secrets() { "$here/agent_secrets.py" "$@"; }
hex_of() { base64 -d <"$1" | od -An -tx1 -v | tr -d ' \n'; }
handshakes_a() { status_a .peers[0].agreement.handshakes; }
are_gone() { secrets gone "$NAME_A" "$WORK/handshake" && secrets gone "$NAME_B" "$WORK/handshake"; }

# start_agent a|b: in the foreground, its log in $WORK/agent-SITE.err; AGENT_A or AGENT_B
start_agent() {
	local site=SITE_${1^^} name=NAME_${1^^}

	start "${!site}" "$WORK/agent-$1" "$XDPSEC" agree "${!name}"
	printf -v "AGENT_${1^^}" %s "$STARTED"
	wait_for 10 has_agent "${!name}" || bail "no agent"
}

# hold NAME BEFORE|-: what both machines hold, in files NAME-* of $WORK; pages as in BEFORE are left out
hold() {
	local before=-

	[ "$2" = - ] || before=$WORK/$2
	secrets hold "$WORK/$1" "$before" "$NAME_A" "$AGENT_A" "$NAME_B" "$AGENT_B" || bail "agents or maps cannot be read"
}

# What else could have a key, beside memory and maps.
show() {
	local agent

	for agent in "$AGENT_A" "$AGENT_B"; do
		cat "/proc/$agent/cmdline" "/proc/$agent/environ" "/proc/$agent/status"
	done >"$WORK/process"
	cat "$WORK"/agent-* >"$WORK/log"
	cat "/run/xdpsec/$NAME_A.agent" "/run/xdpsec/$NAME_B.agent" "$WORK/state-a/$NAME_A.clock" \
		"$WORK/state-b/$NAME_B.clock" >"$WORK/files"
	{ xdpsec_a status -j "$NAME_A" && xdpsec_b status -j "$NAME_B"; } >"$WORK/status"
}

# opened MATERIAL...: what of the capture it opens, "PACKETS with an ephemeral, PACKETS with a key of data"
opened() {
	secrets read "$WORK/sealed.pcap" "$WORK/known" "${MARKER:0:16}" "$@" >"$WORK/read" || return 1
	jq -r '"\(.ephemeral.marked) with an ephemeral, \(.data.marked) with a key of data"' "$WORK/read"
}

make_sites
agreed_keys
(umask 077 && "$XDPSEC" genpsk >"$WORK/psk") || bail "genpsk failed"
# A has its keys in files. B has them in its configuration, as wg has, and more peers behind the first one.
PEER_LINES_A="PresharedKeyFile = $WORK/psk" PEER_LINES_B="PresharedKey = $(<"$WORK/psk")" write_agreed_configs
sed -i "s|^PrivateKeyFile = .*|PrivateKey = $(<"$WORK/b.private")|" "$WORK/$NAME_B.conf"
for other in {1..8}; do
	printf '[Peer]\nName = other-%d\nPublicKey = %s\nAllowedIPs = 2001:db8:e::%d/128\n' "$other" \
		"$("$XDPSEC" genkey | "$XDPSEC" pubkey)" "$other"
done >>"$WORK/$NAME_B.conf"
chmod 600 "$WORK/$NAME_B.conf"
printf 's_a=%s\ns_b=%s\npsk=%s\n' "$(hex_of "$WORK/a.private")" "$(hex_of "$WORK/b.private")" "$(hex_of "$WORK/psk")" \
	>"$WORK/known"
# Keys change when the test says so.
export XDPSEC_AGREE="rekey=600000 grace=300"
ok "up" up_a --no-agent
ok "up at B" up_b --no-agent
start_agent a
start_agent b
ok "keys" wait_for 5 reaches_b
hold before -

# ---- what is recorded, and what both held then --------------------------------------------------------------

capture_start sealed a "udp port 7253"
ok "new keys, and the memory of both agents meanwhile" \
	secrets witness "$WORK/sealed.pcap" "$AGENT_A" "$AGENT_B" "$WORK/then" "$WORK/before"
ok "packets both ways" in_a ping -c20 -i0.01 -W1 -p "${MARKER:0:32}" "$TUNNEL_B4"
capture_stop sealed
before=$(handshakes_a)
secrets derive "$WORK/sealed.pcap" "$WORK/known" "$WORK/then.asking" >"$WORK/handshake"
grep '^spi' "$WORK/handshake" >>"$WORK/known"
is "another implementation finds all that the handshake has made, by the ephemeral in A's memory then" \
	"$(sed 's/=.*//' "$WORK/handshake" | LC_ALL=C sort | paste -sd,)" \
	"K_ack,K_confirm,K_data i to r,K_data r to i,ck,ck after ee,ck after es,ck after se,ck after ss,e,ee,es,h,k,k after ee,$(
	)k after es,k after se,k after ss,k_i,k_r,se,spi_i,spi_r,ss"
found_then() { secrets find "$WORK/handshake" "$WORK/then.$1" | grep ", first half:" | sed 's/.*: \(.*\), .*/\1/' | paste -sd,; }
is "of it A had, to take the Response" "$(found_then asking)" "e,ck after ss,k after ss"
is "and B, to be used after the Confirm" "$(found_then answering)" "K_data r to i"
is "with A's memory then, the capture is opened" "$(opened "$WORK/then.asking")" \
	"40 with an ephemeral, 0 with a key of data"
is "with B's, half of it" "$(opened "$WORK/then.answering")" "0 with an ephemeral, 20 with a key of data"

# ---- between two changes of keys -----------------------------------------------------------------------------

hold during -
show
everything=("$WORK/during-$AGENT_A".{memory,maps} "$WORK/during-$AGENT_B".{memory,maps} "$WORK"/{process,log,files,status})
is "now nothing of that is left, in memory, maps, logs, status, files, command lines or environments" \
	"$(secrets find "$WORK/handshake" "${everything[@]}")" ""
is "what is configured is nowhere but in the memory of its agent" \
	"$(secrets find "$WORK/known" "${everything[@]}" | sed "s/$AGENT_A/A/; s/$AGENT_B/B/")" \
	"$(printf 'during-%s.memory: %s half: 1\n' A "s_a, first" A "s_a, second" A "psk, first" A "psk, second" \
		B "s_b, first" B "s_b, second" B "psk, first" B "psk, second")"
for site in a b; do
	agent=AGENT_${site^^}
	is "and at ${site^^} that memory is locked, in no core and in no child" \
		"$(secrets places "${!agent}" "$WORK"/{a,b}.private "$WORK/psk")" \
		"$(printf '%s half: 1 in memory for secrets\n' "$site.private, first" "$site.private, second" "psk, first" "psk, second")"
done

# ---- after the next one --------------------------------------------------------------------------------------

has_changed() { [ "$(handshakes_a)" -gt "$before" ]; }
ok "keys change" xdpsec_a rekey "$NAME_A"
ok "and are agreed on" wait_for 5 has_changed
ok "those of before are gone" wait_for 5 are_gone
ok "traffic goes on" reaches_b
hold after before
is "with all that both have now, both static keys and the preshared one, nothing is opened" \
	"$(opened "$WORK"/after-*.{memory,maps})" "0 with an ephemeral, 0 with a key of data"
is "though all of it was tried" "$(jq '.sealed >= 40 and .handshakes >= 1 and .candidates > 1000' "$WORK/read")" true
done_testing
