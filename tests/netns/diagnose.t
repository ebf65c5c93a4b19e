#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `xdpsec diagnose`: faults that are set up, and the one that it names. Without DIAGNOSE=1 only those that take no
# waiting for what does not come.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

diagnose_a() { xdpsec_a diagnose "$NAME_A" "$@"; }
reaches_b() { in_a ping -c1 -W1 "$TUNNEL_B4"; }
config_a() { sed -i "$1" "$WORK/$NAME_A.conf"; }
config_b() { sed -i "$1" "$WORK/$NAME_B.conf"; }

# healthy NAME CMD...: nothing is wrong
healthy() {
	ok "$1: healthy" "${@:2}"
	like "$1: healthy: it says so" "$TAP_OUTPUT" "$NAME_A(: site-b)?: nothing wrong was found"
	unlike "$1: healthy: nothing is called wrong" "$TAP_OUTPUT" "(^|"$'\n'")wrong"
}
# named NAME CHECK REGEX HINT [CMD...]: that check is the only one that is wrong, and the last
named() {
	local name=$1 check=$2 text=$3 hint=$4

	shift 4
	[ $# -gt 0 ] || set -- diagnose_a site-b
	refuses "$name: it finds something" "$@"
	is "$name: exit code" "$TAP_STATUS" 1
	is "$name: one thing is wrong" "$(grep -c ^wrong <<<"$TAP_OUTPUT")" 1
	like "$name: it is named" "$(grep ^wrong <<<"$TAP_OUTPUT")" "(^wrong *|: )$check: .*$text"
	like "$name: the last line is a hint" "$(tail -n1 <<<"$TAP_OUTPUT")" "^hint: .*$hint"
}
all() { [ "${DIAGNOSE:-}" = 1 ]; }
fresh() {
	down_a && down_b
	rm -f "$WORK/$NAME_A.conf" "$WORK/$NAME_B.conf"
}
# tunnel: both ends up, and agreed
tunnel() {
	fresh
	write_agreed_configs
	up >/dev/null 2>&1 || bail "not up"
	wait_for 10 reaches_b || bail "no tunnel"
}
UNDERLAY=4
make_sites
# A second way out of A.
ip -n "$SITE_A" link add eth1 type veth peer name a1 netns "$MIDDLE" || bail "no veth"
add_address "$MIDDLE" a1 203.0.114.254/24
add_address "$SITE_A" eth1 203.0.114.1/24

# ---- what is right -----------------------------------------------------------------------------------------

named "not up" configuration "/etc/xdpsec/$NAME_A.conf: No such file or directory, and no instance $NAME_A is up" \
	"xdpsec -n $SITE_A up FILE. starts one" xdpsec_a diagnose "$NAME_A"
tunnel
healthy "tunnel" diagnose_a
healthy "tunnel, by its peer" diagnose_a site-b
ok "tunnel: JSON" diagnose_a -j
is "tunnel: JSON: it is right" "$(jq -r '"\(.name) \(.wrong) \([.findings[].result] | unique | join(" "))"' <<<"$TAP_OUTPUT")" "$NAME_A false ok"
fails "no such peer" "$NAME_A: has no peer site-x.*hint: " diagnose_a site-x
fails "from another namespace" "another network namespace.*hint: xdpsec -n $SITE_A diagnose $NAME_A site-b\$" \
	xdpsec_b diagnose "$NAME_A" site-b

# ---- faults of this host -----------------------------------------------------------------------------------

# Old programs: the record of another version, and maps of one.
instance_map=/sys/fs/bpf/xdpsec/$NAME_A/maps/instance
# set_bytes OFFSET HEX: of the instance's record
set_bytes() {
	local value

	value=$(bpftool -j map lookup pinned "$instance_map" key hex 0 0 0 0 | jq -r '.value[]' | sed 's/^0x//' |
		awk -v at="$1" -v new="$2" 'NR == at + 1 { $0 = new } { printf "%s ", $0 }')
	# shellcheck disable=SC2086 # bytes
	bpftool map update pinned "$instance_map" key hex 0 0 0 0 value hex $value
}
ok "old programs: another version" set_bytes 32 39
named "old programs" programs "they are old: of xdpsec 9" "xdpsec -n $SITE_A down $NAME_A && "
ok "old programs: other maps" set_bytes 0 03
named "old maps" programs "with maps of version 3, and this is" "xdpsec -n $SITE_A down $NAME_A && "
ok "old programs: as they were" eval 'set_bytes 0 04; set_bytes 32 30'
ok "detached: TC" bpftool link detach pinned "/sys/fs/bpf/xdpsec/$NAME_A/links/encapsulate"
named "detached" attachment "not at TC ingress of xst.*: nothing is sent" "reload $NAME_A"
ok "detached: the command" xdpsec_a reload "$NAME_A"
ok "no agent: it is killed" kill -9 "$(agent_a)"
wait_for 5 no_agent "$NAME_A"
named "no agent" agent "none is running" "agree --background $NAME_A"
ok "no agent: the command" xdpsec_a agree --background "$NAME_A"
ok "offloads: on" in_a ethtool -K xs0 tx on
named "offloads" offloads "those of xs0 are on" "reload $NAME_A"
ok "offloads: the command" xdpsec_a reload "$NAME_A"
ok "no inner route" ip -n "$SITE_A" route del $TUNNEL_B4 dev xs0
named "no inner route" "inner route" "lacks 1 of its routes, first $TUNNEL_B4/32" "reload $NAME_A"
ok "no inner route: the command" xdpsec_a reload "$NAME_A"
ip -n "$SITE_A" link set dev eth0 down
named "device down" device "eth0 is down" "link set dev eth0 up"
ip -n "$SITE_A" link set dev eth0 up
# IPv6 addresses are gone.
add_address "$SITE_A" eth0 "$A6/64"
ip -n "$SITE_A" route add default via 192.0.2.254
ip -n "$SITE_A" route add default via 2001:db8:a::fe

ok "wrong device: another route" ip -n "$SITE_A" route add $B4 via 203.0.114.254 dev eth1
named "wrong device" route "leads by eth1, and Device is eth0" "Device = eth1"
# command_of: what the hint says, up to what it says instead
command_of() { sed -n 's/^hint: //p' <<<"$TAP_OUTPUT" | sed 's/;.*//'; }
ok "wrong device: the command" eval "$(command_of)"
healthy "wrong device: the command" diagnose_a site-b
ip -n "$SITE_A" route del $B4
ok "wrong device: a rule" eval 'ip -n "$SITE_A" rule add to $B4 table 77 && ip -n "$SITE_A" route add default via 203.0.114.254 table 77'
named "wrong device: a rule" route "leads by eth1, and Device is eth0" "route replace $B4 via 192.0.2.254 dev eth0 table 77;"
ok "wrong device: a rule: the command" eval "$(command_of)"
healthy "wrong device: a rule: the command" diagnose_a site-b
ip -n "$SITE_A" rule del to $B4 table 77
ip -n "$SITE_A" route flush table 77
for type in blackhole $(all && echo prohibit unreachable); do
	ok "black hole: $type" ip -n "$SITE_A" route add $type $B4
	named "black hole, $type" route "a route to $B4 says $type" "route del"
	ip -n "$SITE_A" route del $type $B4
done
ip -n "$SITE_A" route del default
named "no route" route "there is none to $B4" "route replace $B4"
ip -n "$SITE_A" address del $A4/24 dev eth0
named "no address" route "there is none to $B4: eth0 has no IPv4 address" "address add $A4/LENGTH dev eth0"
add_address "$SITE_A" eth0 "$A4/24"
ip -n "$SITE_A" route add default via 192.0.2.254

# ---- firewalls ---------------------------------------------------------------------------------------------

nft_a() { in_a nft "$@"; }
# blocked NAME HOOK RULES REGEX
blocked() {
	ok "$1: rules" nft_a "add table inet f; add chain inet f c { type filter hook $2 priority 0; $3"
	named "$1" firewall "$4" "nft insert rule inet f c udp dport 7253 accept"
	eval "$(sed -n 's/^hint: //p' <<<"$TAP_OUTPUT")" >/dev/null
	healthy "$1: the command" diagnose_a site-b
	nft_a delete table inet f
}
if in_a nft list ruleset >/dev/null 2>&1; then
	blocked "nft out" output "policy accept; }; add rule inet f c udp dport 7253 drop" \
		"UDP port 7253 is blocked on the way out: chain c of table inet f, by its rule"
	blocked "nft in" input "policy drop; }; add rule inet f c iifname lo accept" \
		"UDP port 7253 is blocked on the way in: chain c of table inet f, by its policy"
	nft_a "add table inet f; add chain inet f c { type filter hook input priority 0; policy drop; }
		add rule inet f c ct state vmap { established : accept, related : accept, invalid : drop }
		add rule inet f c udp dport { 53, 7000-8000 } ip saddr 198.51.100.0/24 accept
		add rule inet f c meta l4proto { icmp, ipv6-icmp } accept"
	healthy "nft that lets it pass" diagnose_a site-b
	nft_a delete table inet f
	# Whether nft says that a table is dormant, and which device a chain is at, depends on its version.
	nft_a "add table inet f { flags dormant; }; add chain inet f c { type filter hook output priority 0; policy drop; }"
	ok "nft, dormant: not called wrong" diagnose_a site-b
	nft_a delete table inet f
	nft_a "add table inet f; add chain inet f c { type filter hook ingress device eth1 priority 0; policy drop; }"
	ok "nft, at another device: not called wrong" diagnose_a site-b
	nft_a delete table inet f
	nft_a "add table inet f; add chain inet f r { type filter hook prerouting priority -300; }
		add chain inet f c { type filter hook input priority 0; policy drop; }
		add rule inet f r udp dport 7253 notrack
		add rule inet f c ct state untracked accept"
	ok "nft without conntrack: not called wrong" diagnose_a site-b
	nft_a delete table inet f
	nft_a "add table netdev f; add chain netdev f c { type filter hook egress device eth0 priority 0; policy accept; }
		add rule netdev f c udp dport 7253 drop"
	tap_run diagnose_a site-b
	like "nft at egress: the chain is named" "$TAP_OUTPUT" "firewall: .*chain c of table netdev f"
	nft_a delete table netdev f
	# B asks, and A only answers.
	ok "nft that lets answers out: B asks" xdpsec_b rekey "$NAME_B"
	wait_for 10 eval '[ "$(status_a ".peers[0].agreement.role")" = responder ]'
	nft_a "add table inet f; add chain inet f c { type filter hook output priority 0; policy drop; }
		add rule inet f c ct state established accept
		add rule inet f c meta l4proto { icmp, ipv6-icmp } accept"
	healthy "nft that lets answers out" diagnose_a site-b
	nft_a delete table inet f
else
	skip "rules of nftables" "no nft"
fi

# ---- the file ----------------------------------------------------------------------------------------------

other=$("$XDPSEC" genkey | "$XDPSEC" pubkey)
ok "duplicate peer key in the file" eval "printf '[Peer]\nName = site-c\nPublicKey = %s\nEndpoint = $B4:7253\nAllowedIPs = 203.0.113.200/32\n' \
	'$(<"$WORK/b.public")' >>'$WORK/$NAME_A.conf'"
named "duplicate peer key in the file" configuration "PublicKey.*site-b" ""
write_agreed_configs
ok "changed, not reloaded" config_a "s|^PublicKey = .*|PublicKey = $other|"
named "changed, not reloaded" configuration "peer site-b was changed there, and what is up does not have it" "reload $NAME_A"

write_agreed_configs
ok "own AllowedIPs" eval 'config_a "s|^AllowedIPs = .*|AllowedIPs = $TUNNEL_A4/32, $TUNNEL_A6/128|" && xdpsec_a reload "$NAME_A"'
named "own AllowedIPs" AllowedIPs "($TUNNEL_A4|$TUNNEL_A6) is an address of this host" "set AllowedIPs of site-b in $WORK"
fails "own AllowedIPs: probe does not ask this host" "AllowedIPs have no single address" xdpsec_a probe "$NAME_A" site-b
# The first host of the network is this one.
ok "own network" eval 'config_a "s|^AllowedIPs = .*|AllowedIPs = 203.0.113.128/25|" && xdpsec_a reload "$NAME_A"'
like "own network: it asks another host" "$(diagnose_a site-b)" "packets: .*; $TUNNEL_B4 answers"
ok "as it was" eval 'write_agreed_configs; xdpsec_a reload "$NAME_A"'
wait_for 10 reaches_b || bail "no tunnel"

# ---- the other site ----------------------------------------------------------------------------------------

ok "other site down" down_b
named "other site down" packets "the other site is not up: $B4 says \"port unreachable\" of UDP port 7253" "xdpsec up"
# Inline mode seals what others send: whether packets arrive cannot be told before there are some.
fresh
rm -rf "$WORK"/state-?
write_configs
ok "nothing sent yet: up" up
ok "nothing sent yet: it is not called wrong" diagnose_a site-b
like "nothing sent yet: the last line says what is not known" "$(tail -n1 <<<"$TAP_OUTPUT")" \
	"^$NAME_A: site-b: nothing wrong was found; [1-9][0-9]* of [1-9][0-9]* checks could not tell$"

if ! all; then
	note "DIAGNOSE=1 sets up the other faults"
	ok "down" fresh
	ok "nothing is left" eval 'ip -n "$SITE_A" link del eth1; no_trace'
	done_testing
	exit
fi
fresh
write_agreed_configs
ok "other site down: up" up_a
named "other site down" handshake "the other site is not up: $B4 says \"port unreachable\" of UDP port 7253" "xdpsec up"
fresh
ENDPOINT_B=$B4:7254 ENDPOINT_A='' write_agreed_configs
ok "wrong port: up" up
named "wrong port" handshake "the port is wrong: $B4 says \"port unreachable\" of UDP port 7254, and not of 7253" \
	"set Endpoint = $B4:7253"
fresh
write_agreed_configs
config_a "s|^PublicKey = .*|PublicKey = $other|"
ok "wrong key here: up" up
wait_for 10 eval '[ "$(status_a .agent.counters.unknown_key)" -gt 0 ]'
named "wrong key here" handshake "$B4 asks with a public key that no peer here has.*the key is wrong" "PublicKey of site-b in $WORK"
fresh
write_agreed_configs
config_b "s|^PublicKey = .*|PublicKey = $other|"
ok "wrong key there: up" up
wait_for 10 eval '[ "$(status_a .agent.counters.bad_mac1)" -gt 0 ]'
named "wrong key there" handshake "not for our public key.*the key is wrong there" "set PublicKey of this site to $(sed 's/[+]/[+]/g' "$WORK/a.public")"

# ---- the reverse path --------------------------------------------------------------------------------------

tunnel
# Strict, and without a mark the way back is another one.
ok "rp_filter: strict" in_a sysctl -qw net.ipv4.conf.eth0.rp_filter=1
healthy "rp_filter: strict" diagnose_a site-b
ok "rp_filter: a mark" config_a '/^\[Interface\]/a FwMark = 77'
ok "rp_filter: a mark: reload" xdpsec_a reload "$NAME_A"
ip -n "$SITE_A" route add $B4 via 203.0.114.254 dev eth1
ip -n "$SITE_A" rule add fwmark 77 table 77
ip -n "$SITE_A" route add default via 192.0.2.254 table 77
named "rp_filter" rp_filter "strict on eth0, and without a mark the route to the peer leads by eth1" \
	"sysctl -w net.ipv4.conf.eth0.rp_filter=2"
ok "rp_filter: the command" in_a sysctl -qw net.ipv4.conf.eth0.rp_filter=2
healthy "rp_filter: the command" diagnose_a site-b
ip -n "$SITE_A" route del $B4
ip -n "$SITE_A" rule del fwmark 77
# A name with a dot.
fresh
write_agreed_configs
config_a 's/^Name = xs0/Name = xs0.7/'
config_a '/^\[Interface\]/a Table = off'
ok "rp_filter, a dot: up" up
wait_for 10 agreed_a
ip -n "$SITE_A" route add $TUNNEL_B4 via 203.0.114.254 dev eth1
ok "rp_filter, a dot: strict" in_a sysctl -qw net/ipv4/conf/xs0.7/rp_filter=1
named "rp_filter, a dot" "tunnel rp_filter" "strict on xs0.7, and the route to $TUNNEL_B4/32 leads by" \
	"sysctl -w net.ipv4.conf.xs0/7.rp_filter=2"
ok "rp_filter, a dot: the command" eval "$(command_of)"
is "rp_filter, a dot: the command" "$(in_a sysctl -n net/ipv4/conf/xs0.7/rp_filter)" 2
ip -n "$SITE_A" route del $TUNNEL_B4
tunnel
config_a '/^\[Interface\]/a Table = off'
ok "tunnel rp_filter: no routes" eval 'down_a && up_a'
ok "tunnel rp_filter: strict" in_a sysctl -qw net.ipv4.conf.xs0.rp_filter=1
ip -n "$SITE_A" route add $TUNNEL_B4 via 203.0.114.254 dev eth1
named "tunnel rp_filter" "tunnel rp_filter" "strict on xs0, and the route to $TUNNEL_B4/32 leads by eth1" \
	"sysctl -w net.ipv4.conf.xs0.rp_filter=2"
in_a sysctl -qw net.ipv4.conf.xs0.rp_filter=2
named "a route of somebody else" "inner route" "that to $TUNNEL_B4 leads by eth1, and not into xs0" "route replace $TUNNEL_B4 dev xs0"
ok "a route of somebody else: the command" eval "$(command_of)"
healthy "a route of somebody else: the command" diagnose_a site-b
ip -n "$SITE_A" route del $TUNNEL_B4


# ---- on the way --------------------------------------------------------------------------------------------

nft_middle() { in_middle nft "$@"; }
# middle RULES: of the router, on the way through
middle() { nft_middle "add table inet m; add chain inet m c { type filter hook forward priority 0; $1"; }
tunnel
if nft_middle list ruleset >/dev/null 2>&1; then
	down_b
	down_a
	ok "blocked on the way: rules" middle 'policy accept; }; add rule inet m c udp dport 7253 drop'
	ok "blocked on the way: up" up
	named "blocked on the way" handshake "$B4 answers to ping, and nothing comes from UDP port 7253: it is blocked on the way by a firewall" \
		"let UDP port 7253 pass"
	nft_middle flush chain inet m c
	wait_for 20 agreed_a
	ok "blocked when agreed: rules" nft_middle "add rule inet m c udp dport 7253 drop"
	named "blocked when agreed" packets "packets go out, and none come in: $B4 answers to ping.*blocked on the way" "let UDP port 7253 pass"
	ok "only answers: rules" nft_middle 'flush chain inet m c; chain inet m c { policy drop; };
		add rule inet m c iifname "a" accept; add rule inet m c ct state established accept'
	named "only answers" packets "packets go out, and none come in: $B4 answers to ping, and has agreed on keys: .* lets only answers pass" \
		"set SourcePort = listen at both ends, and reload"
	ok "only answers: the command" eval 'config_a "/^PrivateKeyFile/a SourcePort = listen" &&
		config_b "/^PrivateKeyFile/a SourcePort = listen" && xdpsec_b reload "$NAME_B" && xdpsec_a reload "$NAME_A"'
	healthy "only answers: the command" diagnose_a
	nft_middle 'flush chain inet m c; chain inet m c { policy accept; }'
	fresh
	ENDPOINT_A='' write_agreed_configs
	ok "prohibited: rules" nft_middle "add rule inet m c udp dport 7253 reject with icmpx admin-prohibited"
	ok "prohibited: up" up
	named "prohibited on the way" handshake "UDP port 7253 is blocked by a firewall: 192.0.2.254 says \"prohibited\"" "on 192.0.2.254"
	nft_middle flush chain inet m c
	fresh
	write_agreed_configs
	ok "blocked one way: rules" nft_middle "add rule inet m c iifname a udp dport 7253 drop"
	ok "blocked one way: up" up
	wait_for 20 eval '[ "$(status_a .agent.counters.responses_sent)" -gt 2 ]'
	named "blocked one way" handshake "it asks, and has not confirmed our .* answers: UDP port 7253 is blocked on the way there" "let UDP port 7253 pass from here to $B4"
	nft_middle delete table inet m
else
	skip "blocked on the way" "no nft"
fi
fresh
write_agreed_configs
ip -n "$MIDDLE" route add blackhole $B4
ok "black hole on the way: up" up_a
named "black hole on the way" handshake "packets to $B4 vanish.*no router on the way says anything .the next one, 192.0.2.254, answers to ping.*a black hole" "traceroute -n $B4"
ip -n "$MIDDLE" route del blackhole $B4
if nft_middle list ruleset >/dev/null 2>&1; then
	ok "black hole behind a router: rules" middle "policy accept; }; add rule inet m c ip daddr $B4 drop"
	named "black hole behind a router" handshake "packets to $B4 vanish.*the last router that answers is 192.0.2.254, 1 hop away" "on 192.0.2.254: ip route get $B4"
	nft_middle delete table inet m
fi
ip -n "$MIDDLE" route add unreachable $B4
named "no route on the way" handshake "192.0.2.254 says \"host unreachable\" of $B4" "on 192.0.2.254"
ip -n "$MIDDLE" route del unreachable $B4
fresh
ip -n "$SITE_A" address add 203.0.113.77/32 dev lo
ENDPOINT_A='' write_agreed_configs
config_a '/^\[Interface\]/a Source = 203.0.113.77'
in_middle sysctl -qw net.ipv4.conf.a.rp_filter=1
ok "spoofed source: up" up
named "spoofed source" handshake "the source address is wrong: $B4 answers to ping from $A4, and not from 203.0.113.77" "set Source = $A4"
in_middle sysctl -qw net.ipv4.conf.a.rp_filter=0
ip -n "$SITE_A" address del 203.0.113.77/32 dev lo
named "a source that is gone" source "203.0.113.77 is not an address of this host" "address add 203.0.113.77"

# ---- what both ends agree on -------------------------------------------------------------------------------

fresh
PEER_LINES_A="Cipher = aes-128-ocb" PEER_LINES_B="Cipher = aes-256-ocb" write_agreed_configs
ok "no common cipher: up" up
wait_for 10 eval '[ "$(status_a ".peers[0].agreement.state")" = refused ]'
named "no common cipher" handshake "refuses to agree on a key: no common suite" "set Cipher to the same at both ends"
fresh
(umask 077; "$XDPSEC" genpsk >"$WORK/one.psk"; "$XDPSEC" genpsk >"$WORK/two.psk")
PEER_LINES_A="PresharedKeyFile = $WORK/one.psk" PEER_LINES_B="PresharedKeyFile = $WORK/two.psk" write_agreed_configs
ok "another preshared key: up" up
wait_for 10 eval 'status_a ".warnings[]" | grep -q preshared'
named "another preshared key" handshake "the preshared keys differ" "preshared key|UDP port"
fresh
ENDPOINT_B='' write_agreed_configs
config_a "s|^PublicKey = .*|PublicKey = $other|"
ok "a stranger: up" up
wait_for 10 eval '[ "$(status_a .agent.counters.unknown_key)" -gt 0 ]'
named "a stranger" endpoint "$B4 asks with a public key that no peer has" "PublicKey of site-b in $WORK"

# A second host has A's key: B sees one peer that moves and begins anew.
fresh
write_agreed_configs
ok "duplicate key: up" up
CLONE=$ID-c
make_namespace "$CLONE"
ip -n "$CLONE" link add eth0 type veth peer name c netns "$MIDDLE"
add_address "$MIDDLE" c 192.0.2.249/30
add_address "$CLONE" eth0 192.0.2.250/30
ip -n "$CLONE" route add default via 192.0.2.249
cp "$WORK/$NAME_A.conf" "$WORK/$ID-c.conf"
mkdir -p "$WORK/state-c"
xdpsec_c() { "$XDPSEC" -n "$CLONE" --state-dir "$WORK/state-c" "$@"; }
ok "duplicate key: up once more" xdpsec_c up "$WORK/$ID-c.conf"
defer eval "[ ! -e /sys/fs/bpf/xdpsec/$ID-c ] || xdpsec_c down $ID-c"
# How often B has seen that peer begin anew.
generation() { status_b '.peers[0].agreement.restarts // 0'; }
for who in xdpsec_a xdpsec_c xdpsec_a xdpsec_c; do
	before=$(generation)
	name=$NAME_A
	[ $who = xdpsec_a ] || name=$ID-c
	$who rekey "$name"
	ok "duplicate key: $name is asked anew" wait_for 10 eval "[ \"\$(generation)\" != $before ]"
done
named "duplicate key" handshake "duplicate key: the peer has begun anew .* times, and moved .* times" "genkey on one of them" \
	xdpsec_b diagnose "$NAME_B" site-a
ok "duplicate key: down" xdpsec_c down "$ID-c"

# ---- networks behind both ----------------------------------------------------------------------------------

# The peer's keepalive says that packets arrive.
fresh
ALLOWED_A=203.0.115.1/32 write_agreed_configs
ok "nobody answers: up" up
wait_for 10 agreed_a
healthy "nobody answers" diagnose_a site-b
like "nobody answers: it says who" "$TAP_OUTPUT" "ok *site-b: packets: .*; 203.0.115.1 does not answer to ping"
fresh
make_host
LAN=203.0.113.0/25
in_a sysctl -qw net.ipv4.ip_forward=0
ALLOWED_A="$TUNNEL_B4/32, 203.0.113.192/28" write_agreed_configs
ok "no forwarding: up" up
named "no forwarding" forwarding "off for .*inside \\($LAN\\)" "sysctl -w net.ipv4.ip_forward=1"
ok "no forwarding: the command" in_a sysctl -qw net.ipv4.ip_forward=1
in_a sysctl -qw net.ipv4.conf.inside.forwarding=0 net.ipv4.conf.eth1.forwarding=0
named "no forwarding by one device" forwarding "off for .*inside \\($LAN\\)" "sysctl -w net.ipv4.conf.*inside.forwarding=1"
ok "no forwarding by one device: the command" eval "$(command_of)"
named "LAN missing there" AllowedIPs "the peer answers xs0, and not the network behind this host, .*inside \\($LAN\\): it is missing in AllowedIPs" "at the other end: add the network to AllowedIPs"
config_b "s|^AllowedIPs = .*|AllowedIPs = $TUNNEL_A4/32, $LAN|"
ok "LAN missing there: mended" xdpsec_b reload "$NAME_B"
wait_for 10 reaches_b
healthy "LAN missing there: mended" diagnose_a site-b
# Networks that are none behind this host: of another tunnel, and in another VRF.
ip -n "$SITE_A" link add xs7 type veth peer name xs7-far || bail "no veth"
ip -n "$SITE_A" link set xs7-far up
ip -n "$SITE_A" link set xs7 arp off
add_address "$SITE_A" xs7 198.18.7.1/24
for device in inside eth1; do
	ip -n "$SITE_A" link set $device down
done
healthy "another tunnel" diagnose_a site-b
in_a sysctl -qw net.ipv4.ip_forward=0
xdpsec_a reload "$NAME_A" >/dev/null 2>&1
healthy "another tunnel, no forwarding" diagnose_a site-b
in_a sysctl -qw net.ipv4.ip_forward=1
ip -n "$SITE_A" link set xs7 arp on
named "a network beside the tunnel" AllowedIPs "not the network behind this host, xs7 \\(198.18.7.0/24\\)" "at the other end"
if has_link_type vrf table 77; then
	ip -n "$SITE_A" link add red type vrf table 77
	ip -n "$SITE_A" link set red up
	ip -n "$SITE_A" link set xs7 master red
	healthy "a network in another VRF" diagnose_a site-b
	ip -n "$SITE_A" link del red
else
	skip "a network in another VRF" "this kernel has no VRF"
fi
ip -n "$SITE_A" link del xs7
for device in inside eth1; do
	ip -n "$SITE_A" link set $device up
done
ip -n "$SITE_B" address add 203.0.113.225/32 dev lo
ok "LAN missing here: B sends from one" eval 'in_b ping -c1 -W1 -I 203.0.113.225 $TUNNEL_A4; true'
named "LAN missing here" AllowedIPs "dropped as spoofed: it sends from a network that is missing in its AllowedIPs here" "AllowedIPs of site-b in"
config_a "s|^AllowedIPs = .*|AllowedIPs = $TUNNEL_B4/32, 203.0.113.192/28, 203.0.113.225/32|"
ok "LAN missing here: mended" xdpsec_a reload "$NAME_A"
wait_for 10 reaches_b
healthy "LAN missing here: mended" diagnose_a site-b
ip -n "$SITE_B" address add 203.0.113.226/32 dev lo
ok "one stray packet of many" eval 'in_b ping -q -f -c150 $TUNNEL_A4 && ! in_b ping -c1 -W0.2 -I 203.0.113.226 $TUNNEL_A4'
is "one stray packet of many: it was dropped" "$(status_a .drops.spoofed)" 2
healthy "one stray packet of many" diagnose_a site-b
start "$SITE_B" "$WORK/strays" ping -i0.05 -I 203.0.113.226 "$TUNNEL_A4"
strays=$STARTED
named "strays that go on" AllowedIPs "dropped as spoofed: it sends from a network that is missing in its AllowedIPs here" "AllowedIPs of site-b in"
stop "$strays"
fresh
in_a sysctl -qw net.ipv4.ip_forward=0
write_agreed_configs
ok "MTU: up" up
wait_for 10 reaches_b
ok "MTU: a narrow way that says nothing" eval 'ip -n "$MIDDLE" link set dev b mtu 1400 && ip -n "$SITE_B" link set dev eth0 mtu 1400 &&
	in_middle nft "add table inet s; add chain inet s c { type filter hook output priority 0; }; add rule inet s c icmp type destination-unreachable drop"'
named "MTU" "path MTU" "packets of 1340 bytes pass, and the MTU of xs0 is 1440" "set MTU = 1340"
in_middle nft delete table inet s
ip -n "$MIDDLE" link set dev b mtu 1500
ip -n "$SITE_B" link set dev eth0 mtu 1500

# ---- IPv6, inline mode, manual keys ------------------------------------------------------------------------

fresh
UNDERLAY=6 write_agreed_configs
ok "IPv6: up" up
wait_for 10 reaches_b
healthy "IPv6" diagnose_a site-b
ok "IPv6: other site down" down_b
named "IPv6: other site down" packets "the other site is not up: $B6 says \"port unreachable\"" "xdpsec up"
fresh
for PORTS in 4789 all; do
	write_agreed_inline_configs
	ok "inline, $PORTS: up" up
	wait_for 10 agreed_a
	healthy "inline, $PORTS" diagnose_a site-b
	ip -n "$SITE_A" route add $B4 via 203.0.114.254 dev eth1
	named "inline, $PORTS: wrong device" route "leads by eth1, and Device is eth0" "Device = eth1"
	ip -n "$SITE_A" route del $B4
	fresh
	write_agreed_inline_configs
	ok "inline, $PORTS: up at A" up_a
	named "inline, $PORTS: other site down" handshake "the other site is not up: $B4 says \"port unreachable\"" "xdpsec up"
	fresh
	write_agreed_inline_configs
	config_a "s|^PublicKey = .*|PublicKey = $other|"
	ok "inline, $PORTS: wrong key: up" up
	wait_for 10 eval '[ "$(status_a .agent.counters.unknown_key)" -gt 0 ]'
	named "inline, $PORTS: wrong key" handshake "the key is wrong" "PublicKey of site-b"
	fresh
done
rm -rf "$WORK"/state-?
write_tunnel_configs
ok "manual keys: up" up
healthy "manual keys" diagnose_a site-b
# Nothing has to come back with manual keys, and the host need not answer either.
if in_b nft list ruleset >/dev/null 2>&1; then
	fresh
	rm -rf "$WORK"/state-?/*
	write_tunnel_configs
	in_b nft "add table inet q; add chain inet q c { type filter hook input priority 0; }; add rule inet q c icmp type echo-request drop"
	ok "manual keys, no pings: up" up
	ok "manual keys, no pings: not called wrong" diagnose_a site-b
	like "manual keys, no pings: it could not tell" "$TAP_OUTPUT" "could not tell *site-b: packets: .*nothing has to come back"
	in_b nft delete table inet q
fi
ok "manual keys: other site down" down_b
named "manual keys: other site down" packets "the other site is not up: $B4 says \"port unreachable\"" "xdpsec up"
fresh
# The port of earlier versions is opened without a socket, and its refusal says nothing. Nobody can be asked through this
# tunnel.
ENDPOINT_B=$B4:4500 ALLOWED_A=0.0.0.0/0 write_tunnel_configs
config_b "/^ListenPort/d"
ok "manual keys: the former port: up" up
ok "manual keys: the former port: it works" wait_for 5 reaches_b
tap_run diagnose_a site-b
like "manual keys: the former port: nothing is known" "$TAP_OUTPUT" "could not tell *site-b: packets: "
unlike "manual keys: the former port: it is not called wrong" "$TAP_OUTPUT" "packets: .*port"
fresh
ENDPOINT_B=$B4:4500 write_tunnel_configs
ok "manual keys: the former port, ListenPort there: up" up
refuses "manual keys: the former port, ListenPort there: nothing arrives" reaches_b
named "manual keys: the former port, ListenPort there" packets "the port may be wrong: $B4 is up with UDP port 7253, and a site with a ListenPort does not open packets to 4500" \
	"set Endpoint = $B4:7253"
fresh
write_tunnel_configs
make_key wrong
rm -rf "$WORK"/state-?/*
config_a "s|^RxKeyFile = .*|RxKeyFile = $WORK/wrong.key|"
ok "manual keys: wrong key: up" up
named "manual keys: wrong key" packets "dropped as auth_failed: the keys or Bind of both ends differ" "compare the keys"
ok "down" fresh
ok "nothing is left" eval 'ip -n "$SITE_A" link del eth1; no_trace'
done_testing
