#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A tunnel's device, addresses, routes and keepalives: what `up` makes, what `reload` changes, what `down` takes away,
# and what is said when something is in the way. What goes through it is for the other tests of tunnels.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
# shellcheck source=tests/netns/lib/inject.sh
. "$here/inject.sh"

make_sites
write_tunnel_configs
keep
defer down_anyhow
UP+=(--new-key)

# add_line SECTION LINE
add_line() { sed -i "0,/^\\[$1\\]/s||&\\n$2|" "$CONF"; }
link_a() { ip -n "$SITE_A" -j -d link show dev "$1" | jq -r ".[0].$2"; }
sysctl_a() { in_a cat "/proc/sys/net/$1"; }
routes_a() { ip -n "$SITE_A" route; ip -n "$SITE_A" -6 route | grep -v fe80; }
routes_of() { routes_a | sed -n "s/^\([^ ]*\) dev $1 proto static.*/\1/p" | sort | paste -sd' '; }
# The routes of A without a tunnel, to compare with
BEFORE=$(routes_a)

as_before() {
	no_trace_a || return 1
	[ "$(routes_a)" = "$BEFORE" ] || { routes_a; return 1; }
}

FAR=xst$(link_a eth0 ifindex)

# ---- what is made ------------------------------------------------------------------------------------

ok "up" up_plain || bail "not up"
is "the near end: MTU" "$(link_a xs0 mtu)" $((1500 - IP4_OVERHEAD))
is "the near end: flags" "$(link_a xs0 'flags | sort | join(" ")')" "BROADCAST LOWER_UP NOARP UP"
is "the near end: addresses, and no link-local one" \
	"$(ip -n "$SITE_A" -j address show dev xs0 | jq -r '[.[0].addr_info[] | "\(.local)/\(.prefixlen)"] | join(" ")')" \
	"$TUNNEL_A4/25 $TUNNEL_A6/64"
is "the near end: the addresses can be used" \
	"$(ip -n "$SITE_A" -j address show dev xs0 | jq '[.[0].addr_info[] | select(.tentative)] | length')" 0
like "the near end is known by its alias" "$(link_a xs0 ifalias)" "^xdpsec $NAME_A$"
for feature in tx-checksumming scatter-gather tcp-segmentation-offload generic-segmentation-offload; do
	like "the near end: $feature" "$(in_a ethtool -k xs0)" "$feature: off"
done
like "the near end: GRO" "$(in_a ethtool -k xs0)" "generic-receive-offload: on"
cpus=$(getconf _NPROCESSORS_CONF)
for device in xs0 "$FAR"; do
	is "queues of $device" "$(link_a "$device" num_tx_queues) $(link_a "$device" num_rx_queues)" "$cpus $cpus"
done
# 3: it was set, and udev does not exchange it
assignment() {
	# shellcheck disable=SC2016
	in_a unshare -m sh -c 'mount -t sysfs none /sys && cat "/sys/class/net/$1/addr_assign_type"' sh "$1"
}
is "both ends: the MAC addresses stay" "$(assignment xs0) $(assignment "$FAR")" "3 3"
is "the far end: MTU" "$(link_a "$FAR" mtu)" 65535
is "the far end: does ARP" "$(link_a "$FAR" 'flags | index("NOARP")')" null
is "the far end: no address" "$(ip -n "$SITE_A" -j address show dev "$FAR" | jq '.[0].addr_info | length')" 0
is "the far end: forwarding" "$(sysctl_a ipv4/conf/"$FAR"/forwarding) $(sysctl_a ipv6/conf/"$FAR"/forwarding)" "1 1"
is "the far end: IPv6 is silent" "$(sysctl_a ipv6/conf/"$FAR"/disable_ipv6)" 1
is "nothing else forwards" "$(sysctl_a ipv4/conf/eth0/forwarding) $(sysctl_a ipv4/conf/xs0/forwarding)" "0 0"
is "the pinned programs" "$(ls -x "$INSTANCE/programs")" "decapsulate  encapsulate  keepalive"
is "the pinned links" "$(ls -x "$INSTANCE/links")" "encapsulate  keepalive"
is "the routes" "$(routes_of xs0)" "$(printf '%s\n' $TUNNEL_B4 $TUNNEL_B6 | sort | paste -sd' ')"
is "status" "$(status_a '[.mode, .attached, .tunnel.device, .tunnel.mtu, .tunnel.listen_port, .tunnel.source_port,
	.tunnel.dscp, (.tunnel.addresses | join(",")), (.warnings | length)] | map(tostring) | join(" ")')" \
	"tunnel true xs0 $((1500 - IP4_OVERHEAD)) 7253 flow uniform $TUNNEL_A4/25,$TUNNEL_A6/64 0"
is "status: the peer" "$(status_a '.peers[0] | [.endpoint, .state, .roaming, .moves, .keepalive, .path_mtu, .outer_path_mtu,
	(.allowed_ips | sort | join(",")), has("protects")] | map(tostring) | join(" ")')" \
	"$B4:7253 never false 0 0 $((1500 - IP4_OVERHEAD)) 1500 $TUNNEL_B6/128,$TUNNEL_B4/32 false"
like "status for people" "$(xdpsec_a status "$NAME_A")" \
	"mode tunnel.*tunnel device: xs0, MTU $((1500 - IP4_OVERHEAD)), UDP port 7253.*endpoint: $B4:7253, no packet received yet.*allowed IPs: "
fails "up twice" "$NAME_A: is up already" up_plain
ok "check of what is up" xdpsec_a check "$CONF"
cp "$CONF" "$WORK/$ID-other.conf"
fails "another tunnel on the port" "ListenPort: 7253: already used by the tunnel xs0 \\($NAME_A\\)" xdpsec_a up "$WORK/$ID-other.conf"
ok "down" down_plain
ok "down: no trace" as_before

# ---- variants ----------------------------------------------------------------------------------------

# with NAME EXPRESSION WANT CMD...: the configuration as it is, up: CMD prints WANT; down again
with() {
	local name=$1 want=$2

	shift 2
	ok "$name: up" up_plain
	is "$name" "$("$@")" "$want"
	ok "$name: down" down_plain
	ok "$name: no trace" as_before
	restore
}

set_line Endpoint "[$B6]:7253"
with "MTU over IPv6" $((1500 - IP6_OVERHEAD)) link_a xs0 mtu
set_line Endpoint "[$B6]:7253"
with "endpoint of IPv6 in status" "[$B6]:7253" status_a '.peers[0].endpoint'
sed -i '/^Endpoint/d' "$CONF"
with "MTU to a peer that is to be learned, as it has itself" $((1500 - IP4_OVERHEAD)) link_a xs0 mtu
sed -i '/^Endpoint/d' "$CONF"
with "a peer that is to be learned in status" "null true null" \
	status_a '.peers[0] | "\(.endpoint) \(.roaming) \(.path_mtu)"'
add_line Interface "MTU = 1300"
with "MTU by hand" "1300 1300" eval 'echo "$(link_a xs0 mtu) $(status_a .tunnel.mtu)"'
add_line Interface "SourcePort = listen"
with "SourcePort = listen, and so roaming" "listen true" status_a '"\(.tunnel.source_port) \(.peers[0].roaming)"'
add_line Interface "SourcePort = listen"
add_line Peer "Roaming = no"
with "Roaming = no" false status_a '.peers[0].roaming'
add_line Interface "Dscp = 46"
with "Dscp" 46 status_a .tunnel.dscp
add_line Interface "Table = off"
with "Table = off" "" routes_of xs0
set_line Address "$TUNNEL_A4/25"
set_line AllowedIPs "$TUNNEL_B4"
with "without IPv6 inside it is silent" "1" sysctl_a ipv6/conf/xs0/disable_ipv6
# As a hardened host has it.
set_default() { in_a sh -c 'echo "$1" >/proc/sys/net/ipv6/conf/default/disable_ipv6' sh "$1"; }
ok "IPv6 is switched off for new devices" set_default 1
with "IPv6 inside has it on all the same" "0 $TUNNEL_A6" eval '
	echo "$(sysctl_a ipv6/conf/xs0/disable_ipv6) $(ip -n "$SITE_A" -6 -j address show dev xs0 | jq -r ".[0].addr_info[0].local")"'
sed -i '/^Address/d' "$CONF"
with "only routes of IPv6 have it on, too" "0 $TUNNEL_B6" eval '
	echo "$(sysctl_a ipv6/conf/xs0/disable_ipv6) $(ip -n "$SITE_A" -6 -j route show dev xs0 | jq -r ".[0].dst")"'
set_line Address "$TUNNEL_A4/25"
set_line AllowedIPs "$TUNNEL_B4"
with "and without IPv6 inside it stays off" "1" sysctl_a ipv6/conf/xs0/disable_ipv6
ok "IPv6 is on for new devices again" set_default 0
sed -i '/^Address/d' "$CONF"
with "without addresses" "$(printf '%s\n' $TUNNEL_B4 $TUNNEL_B6 | sort | paste -sd' ')" routes_of xs0
set_line AllowedIPs "203.0.113.128/25, 2001:db8:f::/64"
with "AllowedIPs that are the device's own network, to which there are routes" "" routes_of xs0
add_line Peer "PersistentKeepalive = 7"
with "the keepalive's neighbour" "169.254.16.0 true 7" eval '
	echo "$(ip -n "$SITE_A" -j neigh show dev "$FAR" | jq -r ".[0] | \"\(.dst) \(has(\"managed\"))\"") $(status_a ".peers[0].keepalive")"'

# ---- what is in the way ------------------------------------------------------------------------------

ip -n "$SITE_A" link add xs0 type veth peer name spare
fails "the name is in use" "$NAME_A.conf:[0-9]+: Name: xs0: a network device of that name exists.*hint: " up_plain
ok "the name is in use: that device stays" ip -n "$SITE_A" link del dev xs0
ok "the name is in use: no trace" as_before
ip -n "$SITE_A" link add "$FAR" type veth peer name spare
fails "the far end's name is in use" "cannot create the tunnel device: a device xs0 or $FAR exists" up_plain
ok "the far end's name is in use: that device stays" ip -n "$SITE_A" link del dev "$FAR"
ok "the far end's name is in use: no trace" as_before
fails "--no-attach" "--no-attach: not for tunnels, whose programs are attached to their own device" up_plain --no-attach

set_line AllowedIPs "198.51.100.0/24"
inside="Endpoint: $B4:7253: lies in 198.51.100.0/24 of AllowedIPs without a more specific route.*hint: ip .*route add $B4/32 via 192.0.2.254 dev eth0"
fails "an endpoint in AllowedIPs" "$NAME_A.conf:[0-9]+: $inside" up_plain
fails "an endpoint in AllowedIPs: check" "$inside" xdpsec_a check "$CONF"
ok "an endpoint in AllowedIPs: no trace" as_before
ok "the route of the hint" ip -n "$SITE_A" route add $B4/32 via 192.0.2.254 dev eth0
ok "a route around: check" xdpsec_a check "$CONF"
ok "a route around" up_plain
is "a route around: it stays in use" "$(ip -n "$SITE_A" -j route get $B4 | jq -r '.[0].dev')" eth0
fails "the route around goes: reload" "${inside%via*}via GATEWAY dev eth0" eval 'ip -n "$SITE_A" route del $B4/32; reload_a'
ok "a route around: down" down_plain
ok "a route around: no trace" as_before
set_line Endpoint "[$B6]:7253"
set_line AllowedIPs "2001:db8::/32"
fails "an endpoint of IPv6 in AllowedIPs" \
	"lies in 2001:db8::/32 of AllowedIPs.*hint: ip .*route add $B6/128 via 2001:db8:a::fe dev eth0" up_plain
restore
for prefix in ::/0 ::/1; do
	set_line AllowedIPs $prefix
	ok "$prefix does not contain an endpoint of IPv4" xdpsec_a check "$CONF"
done
set_line AllowedIPs "198.51.100.0/24"
add_line Interface "Table = off"
ok "without routes an endpoint may be in AllowedIPs" xdpsec_a check "$CONF"
restore
set_line Endpoint "$A4:7253"
fails "an endpoint that is this machine" "Endpoint: $A4:7253: is an address of this host" up_plain
restore
set_line AllowedIPs "192.0.2.0/24"
fails "a route that is there already" "AllowedIPs: 192.0.2.0/24: a route to it through another device exists.*hint: .*Table = off" \
	up_plain
ok "a route that is there already: no trace" as_before
restore
ip -n "$SITE_A" route del default
BEFORE=$(routes_a)
ok "no route to the endpoint: up" up_plain
like "no route to the endpoint: a warning" "$TAP_OUTPUT" \
	"warning: .*Endpoint: $B4:7253: no route to it: peer site-b cannot be reached.*hint: ip .*route add $B4/32 via GATEWAY dev eth0"
ok "no route to the endpoint: down" down_plain
ip -n "$SITE_A" link add spare type veth peer name spare-far
set_line Device spare
tap_run xdpsec_a check "$CONF"
like "no route, as the device is down" "$TAP_OUTPUT" "no route to it: .*hint: spare is down: ip -n $SITE_A link set dev spare up"
ip -n "$SITE_A" link del spare
restore
ip -n "$SITE_A" route add default via 192.0.2.254
BEFORE=$(routes_a)
start_echo "$SITE_A" $A4 7253
ok "somebody has the port: up" up_plain
like "somebody has the port: a warning" "$TAP_OUTPUT" "warning: .*UDP port 7253: process [0-9]+ .packets[^)]*. uses it, and gets no packets.*hint: "
ok "somebody has the port: down" down_plain
stop "$STARTED"
ok "nobody has the port: up" up_plain
unlike "nobody has the port: no warning" "$(without_advice <<<"$TAP_OUTPUT")" "warning"
ok "nobody has the port: down" down_plain
add_line Interface "MTU = 1441"
fails "an MTU that is too large" "MTU: 1441: with 60 bytes of overhead, such packets exceed the MTU of eth0, 1500.*hint: 1440 at most" \
	up_plain
set_line MTU 1279
fails "an MTU that is too small for IPv6" "MTU: 1279: IPv6 in the tunnel needs at least 1280" up_plain
set_line MTU 1280
ok "an MTU that is just large enough for IPv6" xdpsec_a check "$CONF"
restore
ip -n "$SITE_A" link set dev eth0 mtu 1339
fails "an underlay that is too small" \
	"Device: eth0: MTU 1339 is too small: it must hold 1280 bytes of IPv6 and 60 bytes of overhead.*hint: ip .*link set dev eth0 mtu 1340" up_plain
set_line Address "$TUNNEL_A4/25"
set_line AllowedIPs "$TUNNEL_B4"
ok "an underlay that is large enough for IPv4 inside" xdpsec_a check "$CONF"
ip -n "$SITE_A" link set dev eth0 mtu 1500
restore
ok "nothing of these is left" as_before

# ---- what fails half-way, and what is killed ---------------------------------------------------------

add_line Peer "PersistentKeepalive = 25"
if can_trace; then
	killed() {
		injected "$1" signal=SIGKILL
		[ $? -eq 137 ]
	}
	while IFS='|' read -r name error regex <&3; do
		fails "Ctrl-C while $name" "interrupted: undone" injected "$regex" signal=SIGINT
		ok "Ctrl-C while $name: no trace" as_before
		fails "$error while $name" "^xdpsec: .+: " injected "$regex" error="$error"
		ok "$error while $name: no trace" as_before || down_plain
		ok "killed while $name" killed "$regex"
		ok "killed while $name: check" xdpsec_a check "$CONF"
		like "killed while $name: check: what is left is no conflict" "$TAP_OUTPUT" \
			"warning: $NAME_A: was left incomplete by a command that was killed.*hint: xdpsec -n $SITE_A up $CONF, which first takes down"
		ok "killed while $name: the next up" up_plain
		is "killed while $name: works" "$(status_a '"\(.attached) \(.warnings | length)"') $(routes_of xs0 | wc -w)" "true 0 2"
		ok "killed while $name: down" down_plain
		ok "killed while $name: no trace" as_before
		ok "killed while $name, again" killed "$regex"
		ok "killed while $name, again: down" down_plain
		ok "killed while $name, again: no trace" as_before
	done 3<<-'END'
		writing an endpoint|ENOMEM|MAP_UPDATE_ELEM.*flags=(0x4|BPF_F_LOCK)
		pinning a program|ENOSPC|OBJ_PIN.*/programs/keepalive
		creating the device|ENOBUFS|sendto.*(0x600|NLM_F_EXCL.NLM_F_CREATE).*\\x78\\x73\\x30|sendto.*nlmsg_type=(0x10|RTM_NEWLINK).*(0x600|NLM_F_EXCL)
		attaching encapsulate|ENOMEM|LINK_CREATE.*(0x2e|TCX_INGRESS)
		attaching keepalive|ENOMEM|LINK_CREATE.*(0x2f|TCX_EGRESS)
		pinning the link of encapsulate|ENOSPC|OBJ_PIN.*/links/encapsulate
		attaching XDP of the near end|EBUSY|sendto.*nlmsg_type=(0x13|RTM_SETLINK)
		adding an address|ENOBUFS|sendto.*nlmsg_type=(0x14|RTM_NEWADDR)
		adding a neighbour|ENOBUFS|sendto.*nlmsg_type=(0x1c|RTM_NEWNEIGH)
		adding a route|ENOBUFS|sendto.*nlmsg_type=(0x18|RTM_NEWROUTE)
	END
else
	skip "Ctrl-C, errors and SIGKILL at every kind of step" "needs strace"
fi
restore

# ---- reload ------------------------------------------------------------------------------------------

ok "up at A for reload" up_plain || bail "not up"
ok "up at B for reload" up_b || bail "not up"
ok "through the tunnel" wait_for 5 in_a ping -c1 -W1 $TUNNEL_B4
like "heard" "$(status_a '.peers[0].state')" alive
ok "reload without a difference" reload_a
like "reload without a difference: says so" "$TAP_OUTPUT" "added: 0, changed: 0, removed: 0"

# Everything that follows happens under load: no packet of this peer may be lost.
start "$SITE_A" "$WORK/ping" ping -i 0.002 $TUNNEL_B4
PING=$STARTED
make_key c
make_key d
cat >>"$CONF" <<-END

	[Peer]
	Name = site-c
	Endpoint = 198.51.100.77:4501
	AllowedIPs = 203.0.113.64/26, 2001:db8:e::/48
	PersistentKeepalive = 25
	TxSpi = 0x3001
	TxKeyFile = $WORK/c.key
	RxSpi = 0x3002
	RxKeyFile = $WORK/d.key
END
cp "$CONF" "$WORK/two"
ok "a new peer" reload_a --new-key
like "a new peer: says so" "$TAP_OUTPUT" "added: 1, changed: 0, removed: 0"
is "a new peer: status" "$(status_a '.peers[1] | "\(.name) \(.endpoint) \(.allowed_ips | sort | join(",")) \(.keepalive) \(.state)"')" \
	"site-c 198.51.100.77:4501 2001:db8:e::/48,203.0.113.64/26 25 never"
is "a new peer: routes" "$(routes_of xs0)" \
	"$(printf '%s\n' $TUNNEL_B4 $TUNNEL_B6 203.0.113.64/26 2001:db8:e::/48 | sort | paste -sd' ')"
is "a new peer: its neighbour" "$(ip -n "$SITE_A" -j neigh show dev "$FAR" | jq -r '[.[].dst] | join(" ")')" 169.254.16.1
set_line AllowedIPs "$TUNNEL_B4, 203.0.113.0/26"
sed -i 's/198.51.100.77:4501/[2001:db8:b::77]:4502/; s/^PersistentKeepalive.*/PersistentKeepalive = off/' "$CONF"
ok "other AllowedIPs, endpoint and keepalive" reload_a
like "other AllowedIPs, endpoint and keepalive: says so" "$TAP_OUTPUT" "added: 0, changed: 2, removed: 0"
is "other AllowedIPs: routes" "$(routes_of xs0)" \
	"$(printf '%s\n' $TUNNEL_B4 203.0.113.0/26 203.0.113.64/26 2001:db8:e::/48 | sort | paste -sd' ')"
is "another endpoint and keepalive: status" "$(status_a '.peers[1] | "\(.endpoint) \(.keepalive) \(.moves)"')" "[2001:db8:b::77]:4502 0 0"
is "another keepalive: no neighbour" "$(ip -n "$SITE_A" -j neigh show dev "$FAR" | jq -r '[.[].dst] | join(" ")')" ""
is "an endpoint of IPv6 beside one of IPv4: the MTU is what the latter has" "$(link_a xs0 mtu) $(status_a .tunnel.mtu)" \
	"$((1500 - IP4_OVERHEAD)) $((1500 - IP4_OVERHEAD))"
add_line Interface "MTU = 1300"
add_line Interface "SourcePort = listen"
add_line Interface "Dscp = 10"
sed -i "s/^\\[Peer\\]/&\nRoaming = no/" "$CONF"
ok "MTU, SourcePort and Dscp" reload_a
is "MTU, SourcePort and Dscp: status" "$(link_a xs0 mtu) $(status_a '.tunnel | "\(.mtu) \(.source_port) \(.dscp)"')" "1300 1300 listen 10"
restore
ok "the peer goes" reload_a
like "the peer goes: says so" "$TAP_OUTPUT" "added: 0, changed: 1, removed: 1"
is "the peer goes: its routes too" "$(routes_of xs0)" "$(printf '%s\n' $TUNNEL_B4 $TUNNEL_B6 | sort | paste -sd' ')"
is "the peer goes: MTU" "$(link_a xs0 mtu)" $((1500 - IP4_OVERHEAD))

picture() { status_a '[.tunnel, (.peers[] | del(.tx, .rx, .drops))] | tostring'; routes_a; ip -n "$SITE_A" neigh show dev "$FAR"; }
before=$(picture)
set_line AllowedIPs "$TUNNEL_B4, 203.0.113.0/26, 192.0.2.0/24"
fails "a route that is there already" "192.0.2.0/24: a route to it through another device exists" reload_a
is "a route that is there already: nothing has changed" "$(picture)" "$before"
restore
while IFS='|' read -r key value was <&3; do
	set_line "$key" "$value"
	fails "another $key" "$key( of \\[Interface\\])? cannot be changed by reload \\(it is $was\\).*hint: xdpsec .*down $NAME_A" reload_a
	restore
done 3<<-END
	Name|xs1|xs0
	Address|203.0.113.140/25|$TUNNEL_A4/25
	ListenPort|4501|7253
END
add_line Interface "Table = off"
fails "another Table" "Table cannot be changed by reload \\(it is auto\\)" reload_a
restore
write_configs
fails "another Mode" "Mode cannot be changed by reload \\(it is tunnel\\)" reload_a
restore
is "after all of this nothing has changed" "$(picture)" "$before"

kill -INT "$PING"
wait "$PING" 2>/dev/null
like "no packet was lost" "$(tail -n2 "$WORK/ping")" "^([0-9]+) packets transmitted, ([0-9]+) received, 0% packet loss"
[[ $(<"$WORK/ping") =~ ([0-9]+)\ packets\ transmitted,\ ([0-9]+)\ received ]]
is "none of ${BASH_REMATCH[1]:-0}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}"
like "there were many" "${BASH_REMATCH[1]:-0}" "^[0-9]{3,}$"

# B's packets come from other ports than the one at which it listens, which makes it a peer that moves.
has_moved() {
	in_a ping -c1 -W1 $TUNNEL_B4
	[ "$(status_a '.peers[0].moves')" -gt 0 ]
}
add_line Peer "Roaming = yes"
ok "a peer that may roam" reload_a
ok "a peer that may roam has moved" wait_for 5 has_moved
moved=$(status_a '.peers[0].endpoint')
like "a peer that may roam: where it is" "$moved" "^$B4:(49|5|6)[0-9]{3,4}$"
add_line Peer "PersistentKeepalive = 25"
ok "something else changes" reload_a
is "something else changes: the peer stays where it is" "$(status_a '.peers[0].endpoint')" "$moved"
restore
ok "it may no longer roam" reload_a
is "it may no longer roam: back to its Endpoint" "$(status_a '.peers[0].endpoint')" "$B4:7253"
ok "it may no longer roam: heard again" wait_for 5 in_a ping -c1 -W1 $TUNNEL_B4

# ---- the state of a peer -----------------------------------------------------------------------------

# status_later FILTER: as it will be in five minutes if nothing happens: CLOCK_MONOTONIC is ahead in a time namespace
status_later() {
	unshare --time --monotonic 300 --fork -- "$XDPSEC" status "$NAME_A" -j | jq -r "$1"
}
is_silent_later() {
	in_a ping -c1 -W1 $TUNNEL_B4
	[ "$(status_later '.peers[0].state')" = silent ]
}
if unshare --time --monotonic 300 --fork -- true 2>/dev/null; then
	is "who answered last is not silent for having nothing to say" "$(status_later '.peers[0].state')" alive
	ok "down at B" down_b
	ok "who does not answer is silent after a while" wait_for 10 is_silent_later
	is "who does not answer: not yet" "$(status_a '.peers[0].state')" alive
else
	skip "silent peers" "no time namespaces"
	ok "down at B" down_b
fi

# ---- devices that somebody changes -------------------------------------------------------------------

in_a sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/ip_forward'
like "forwarding is switched off" "$(status_a '.warnings[]')" "forwarding of $FAR was switched off"
in_a sh -c "echo 1 >/proc/sys/net/ipv4/conf/$FAR/forwarding"
is "forwarding is on again" "$(status_a '.warnings | length')" 0
ip -n "$SITE_A" link set dev xs0 down
like "the device is set down" "$(status_a '.warnings[]')" "the tunnel device xs0 was set down"
ip -n "$SITE_A" link del dev xs0
like "the device is deleted" "$(status_a '.warnings[]')" "the tunnel device xs0 is gone"
fails "the device is deleted: reload" "the tunnel device xs0 is gone.*hint: xdpsec .*down" reload_a
ok "the device is deleted: down" down_plain
ok "nothing is left" no_trace
done_testing
