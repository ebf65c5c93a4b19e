#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Agreeing with a peer: preshared keys that differ or change, ciphers that nobody shares, an Endpoint that is a name with
# an address that changes, a replayed Initiation, inline mode; and two agents at once, which use no number twice.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"
# shellcheck source=tests/netns/lib/two_agents.sh
. "$here/two_agents.sh"

reaches_b() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
handshakes_a() { status_a .peers[0].agreement.handshakes; }
has_handshakes() { [ "$(handshakes_a)" -ge "$1" ]; }
counter_a() { xdpsec_a status "$NAME_A" | sed -n "s/.*key agreement: .*\<$1 \([0-9]*\).*/\1/p"; }
counts_a() { [ "$(counter_a "$1")" -gt 0 ]; }
says_a() { grep -q -- "$1" "$WORK/agent-a.err"; }
one_says() { grep -q -- "$1" "$WORK/agent-a.err" "$WORK/agent-b.err"; }
make_psk() { (umask 077 && "$XDPSEC" genpsk >"$WORK/$1.psk"); }

# start_agent a|b: in the foreground, its log in $WORK/agent-SITE.err
start_agent() {
	local site=SITE_${1^^} name=NAME_${1^^}

	start "${!site}" "$WORK/agent-$1" "$XDPSEC" agree "${!name}"
	wait_for 5 has_agent "${!name}" || bail "no agent"
}

both_up() {
	ok "$1: up" up_a --no-agent
	ok "$1: up at B" up_b --no-agent
	start_agent a
	start_agent b
}

make_sites

# ---- preshared keys --------------------------------------------------------------------------------------

export XDPSEC_AGREE="rekey=1500 grace=2000"
make_psk a
cp "$WORK/a.psk" "$WORK/b.psk"
PEER_LINES_A="PresharedKeyFile = $WORK/a.psk" PEER_LINES_B="PresharedKeyFile = $WORK/b.psk" write_agreed_configs
chmod 600 "$WORK"/*.psk
both_up psk
ok "psk: keys" wait_for 5 reaches_b
# Another program writes both files, in place, one after the other, while keys change.
make_psk new
before=$(handshakes_a)
cat "$WORK/new.psk" >"$WORK/a.psk"
ok "psk: changed at A first: what was agreed on before goes on" reaches_b
cat "$WORK/new.psk" >"$WORK/b.psk"
ok "psk: changed at both: keys go on changing" wait_for 10 has_handshakes $((before + 3))
# Who asks also tries the key of before, so both change.
make_psk wrong
make_psk other
cat "$WORK/wrong.psk" >"$WORK/b.psk"
cat "$WORK/other.psk" >"$WORK/a.psk"
ok "psk: different ones: who asks says so" wait_for 15 one_says "its answer does not decrypt: the preshared keys of both ends differ"
ok "psk: traffic goes on, with the keys of before" reaches_b
ok "psk: a file that was emptied" cp /dev/null "$WORK/a.psk"
ok "psk: is no key of zeros: A says so" wait_for 25 says_a "its preshared key cannot be read"
cat "$WORK/wrong.psk" >"$WORK/a.psk"
before=$(handshakes_a)
ok "psk: the same again at both: keys change" wait_for 15 has_handshakes $((before + 1))
unlike "psk: no key in a log" "$(cat "$WORK"/agent-?.err)" "$(cut -c1-20 <"$WORK/a.psk")"
ok "psk: down" down
unset XDPSEC_AGREE

# ---- ciphers ---------------------------------------------------------------------------------------------

PEER_LINES_A="Cipher = aes-256-ocb" PEER_LINES_B="Cipher = aes-128-ocb" write_agreed_configs
both_up cipher
ok "cipher: A is refused, and says why" wait_for 10 says_a "refuse.*: no common suite"
refuses "cipher: nothing passes" reaches_b
sed -i '/^Cipher/d' "$WORK/$NAME_B.conf"
ok "cipher: B takes both: reload" xdpsec_b reload "$NAME_B"
start_agent b
ok "cipher: keys" wait_for 40 reaches_b
is "cipher: of the one that both have" "$(status_a .peers[0].agreement.suite)" aes-256-ocb

# ---- replayed --------------------------------------------------------------------------------------------

capture_start asked b "udp port 7253 and src host $A4 and udp[4:2] = 184"
ok "replayed: A asks" xdpsec_a rekey "$NAME_A"
ok "replayed: and is answered" wait_for 5 reaches_b
capture_stop asked
before=$(status_b .peers[0].endpoint)
packets "$MIDDLE" inject b "$WORK/asked.pcap" --port 7253 --index 0 --source 192.0.2.99 --mac "$(mac "$SITE_B" eth0)"
b_counts_replayed() { xdpsec_b status "$NAME_B" | grep -qE 'key agreement: .*(replayed|too_soon)'; }
ok "replayed: B counts it" wait_for 5 b_counts_replayed
is "replayed: and does not move A" "$(status_b .peers[0].endpoint)" "$before"
ok "replayed: all goes on" reaches_b
ok "down" down

# ---- names -----------------------------------------------------------------------------------------------

# The agent's own file of hosts.
printf '127.0.0.1 localhost\n192.0.2.98 site-b.example.net\n' >"$WORK/hosts"
ENDPOINT_B=site-b.example.net:7253 ENDPOINT_A="" write_agreed_configs
ok "name: up" up_a --no-agent
ok "name: up at B" up_b
start "$SITE_A" "$WORK/agent-a" unshare -m sh -c "mount --bind $WORK/hosts /etc/hosts && exec $XDPSEC agree $NAME_A"
asks() { [ "$(status_a .peers[0].agreement.attempts)" -ge "$1" ]; }
ok "name: A asks at a wrong address" wait_for 10 asks 2
refuses "name: and is not answered" reaches_b
printf '127.0.0.1 localhost\n2001:db8:b::99 site-b.example.net\n%s site-b.example.net\n' "$B4" >"$WORK/hosts"
ok "name: looked up again, both versions in turn, it is" wait_for 25 reaches_b
like "name: B has learned where A is" "$(status_b .peers[0].endpoint)" "^$A4:"
agent=$(agent_a)
keeper=$(pgrep -P "$agent" xdpsec-keeper)
resolver=$(pgrep -P "$keeper" xdpsec-resolver)
for process in "$keeper" "$resolver"; do
	is "name: $(<"/proc/$process/comm") is there, and nobody special" \
		"$(stat -c %u "/proc/$process/task") $(awk '/^CapEff/ { print $2 }' "/proc/$process/status")" \
		"$(stat -c %u "/proc/$agent/task") 0000000000000000"
done
kill -9 "$resolver"
has_resolver() { pgrep -P "$keeper" xdpsec-resolver | grep -vx "$resolver"; }
ok "name: the resolver is killed: another one is started" wait_for 5 has_resolver
ok "name: and that is said" wait_for 5 says_a "the resolver's process has died (signal 9): it is started again"
resolver=$(has_resolver)
kill -9 "$agent"
ok "name: it ends with its agent" wait_for 5 is_gone "$resolver"
ok "name: so does its keeper" wait_for 5 is_gone "$keeper"
ok "down" down

# ---- two agents ------------------------------------------------------------------------------------------

export XDPSEC_AGREE="rekey=1500 grace=2000"
write_agreed_configs
ok "two: up" up
ok "two: keys" wait_for 5 reaches_b
two_agents "$TUNNEL_B4"
ok "two: down" down
unset XDPSEC_AGREE

# ---- inline mode -----------------------------------------------------------------------------------------

write_agreed_inline_configs
ok "inline: up" up_a
capture_start inline a "udp and src host $A4"
refuses "inline: no packet before there are keys" packets "$SITE_A" roundtrip "$B4" 5201
start "$SITE_A" "$WORK/other" python3 -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('$A4', 9999)); s.sendto(bytes(12) + bytes(164), ('$B4', 7253))"
ok "inline: up at B" up_b
start_echo "$SITE_B" "$B4" 5201
ok "inline: keys, and packets" wait_for 5 packets "$SITE_A" roundtrip "$B4" 5201
capture_stop inline
is "inline: what left in clear is the agent's" \
	"$(udp_of inline '[.[] | select(.spi == 0) | "\(.sport) \(.dport)"] | unique | join(", ")')" "7253 7253"
ok "inline: down" down
ok "nothing is left" no_trace
done_testing
