#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two gateways at site A with keepalived, by the files of dist/examples/keepalived: the tunnel follows the address, within two
# seconds, when a gateway is lost and when it comes back.
#
#	HOST 203.0.113.1 --- LAN --- gateways, 192.0.2.1 and .2, VIP 192.0.2.10 --- MIDDLE --- B
#
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

command -v keepalived >/dev/null || skip_all "needs keepalived"
EXAMPLE=$here/../../../dist/examples/keepalived
VIP=192.0.2.10 LAN_VIP=203.0.113.62
SECOND=$ID-c NAME_C=$ID-c
LIMIT_MS=$((2000 * WAIT_FACTOR))

# The gateways' devices are ports of bridges: eth0 in MIDDLE, eth1 in HOST.
make_gateways() {
	make_namespace "$SECOND"
	make_namespace "$HOST"
	ip -n "$MIDDLE" address flush dev a scope global
	ip -n "$MIDDLE" link add wan type bridge || bail "no bridge"
	ip -n "$MIDDLE" link set dev a master wan
	add_address "$MIDDLE" wan 192.0.2.254/24
	ip -n "$HOST" link add lan type bridge
	add_address "$HOST" lan 203.0.113.1/26
	ip -n "$HOST" route add default via $LAN_VIP
	ip -n "$SECOND" link add eth0 type veth peer name c netns "$MIDDLE"
	ip -n "$MIDDLE" link set dev c master wan up
	add_address "$SECOND" eth0 192.0.2.2/24
	ip -n "$SECOND" route add default via 192.0.2.254
	add_lan "$SITE_A" one 203.0.113.60/26
	add_lan "$SECOND" two 203.0.113.61/26
}

# add_lan NAMESPACE PORT ADDRESS
add_lan() {
	ip -n "$1" link add eth1 type veth peer name "$2" netns "$HOST"
	ip -n "$HOST" link set dev "$2" master lan up
	add_address "$1" eth1 "$3"
	enable_routing "$1"
}

# The units of systemd, as far as the notifying script needs them.
write_systemctl() {
	mkdir -p "$WORK/$1"
	cat >"$WORK/$1/systemctl" <<-END
		#!/bin/bash
		date "+%s%3N \$1" >>"$WORK/$1.moves"
		case \$1 in
		start) exec "$XDPSEC" agree --background "$1" ;;
		stop) pid=\$(awk -v inode="\$(stat -c %i /sys/fs/bpf/xdpsec/$1)" '\$2 == "FLOCK" && \$6 ~ (":" inode "\$") { print \$5 }' /proc/locks)
			[ -z "\$pid" ] || kill "\$pid" ;;
		esac
	END
	chmod +x "$WORK/$1/systemctl"
}

# write_gateway NAME PRIORITY: the files of the example, with this test's names
write_gateway() {
	write_systemctl "$1"
	sed "s|^instance=.*|instance=$1|; s|^mark=.*|mark=$WORK/$1/master|" "$EXAMPLE/xdpsec-notify" >"$WORK/$1/notify"
	sed "s|/etc/keepalived/xdpsec-notify|$WORK/$1/notify|; s|priority .*|priority $2|; /enable_script_security/d" \
		"$EXAMPLE/keepalived.conf" >"$WORK/$1/keepalived.conf"
	chmod +x "$WORK/$1/notify"
}

# start_keepalived NAMESPACE NAME
start_keepalived() {
	start "$1" "$WORK/$2.keepalived" env PATH="$WORK/$2:$PATH" keepalived --dont-fork --log-console --log-detail \
		--vrrp --use-file="$WORK/$2/keepalived.conf" --pid="$WORK/$2/pid" --vrrp_pid="$WORK/$2/vrrp_pid"
}

has_vip() { ip -n "$1" address show dev eth0 | grep -q "inet $VIP/" && ip -n "$1" address show dev eth1 | grep -q "inet $LAN_VIP/"; }
answered() { in_ns "$HOST" ping -c1 -W1 $TUNNEL_B4; }

# moved NAME: when the addresses have moved to that gateway, in ms
moved() { awk '$2 == "start" { at = $1 } END { print at }' "$WORK/$1.moves"; }
has_moved() { tail -n1 "$WORK/$1.moves" | grep -q start; }
# answer_after MS: when the first answer has come since
answer_after() {
	sed -n 's/^\[\([0-9]*\)\.\([0-9]\{3\}\)[0-9]*\].*bytes from.*/\1\2/p' "$WORK/ping" |
		awk -v since="$1" '$1 >= since { print; found = 1; exit } END { exit !found }'
}
# took NAME: milliseconds from the last move of the addresses to that gateway, until the first answer
took() {
	local since

	since=$(moved "$1")
	wait_for 10 answer_after "$since" || return
	echo $(($(answer_after "$since") - since))
}

make_sites
make_gateways
ENDPOINT_A=$VIP:7253 ALLOWED_B="$TUNNEL_A4/32, 203.0.113.0/26" INTERFACE_LINES="Source = $VIP" write_agreed_configs
sed -i '/^Source/d' "$WORK/$NAME_B.conf"
cp "$WORK/$NAME_A.conf" "$WORK/$NAME_C.conf"
mkdir -p "$WORK/state-c"
xdpsec_c() { "$XDPSEC" -n "$SECOND" --state-dir "$WORK/state-c" "$@"; }
down_c() { [ ! -e "/sys/fs/bpf/xdpsec/$NAME_C" ] || xdpsec_c down "$NAME_C"; }
ok "up at the first gateway, without an agent" up_a --no-agent
ok "up at the second, without an agent" xdpsec_c up --no-agent "$WORK/$NAME_C.conf"
defer down_c
ok "up at B" up_b
write_gateway "$NAME_A" 100
write_gateway "$NAME_C" 90
start_keepalived "$SITE_A" "$NAME_A"
FIRST=$STARTED
ok "the first gateway takes the addresses" wait_for 10 has_vip "$SITE_A"
start_keepalived "$SECOND" "$NAME_C"
SECOND_KEEPALIVED=$STARTED
ok "hosts of site A reach B" wait_for 10 answered
is "the first gateway has an agent" "$(has_agent "$NAME_A" && echo yes)" yes
is "the second has none" "$(has_agent "$NAME_C" && echo yes)" ""
start "$HOST" "$WORK/ping" stdbuf -oL ping -D -i 0.05 $TUNNEL_B4

# Its power is gone.
lose() { in_ns "$1" ip link set dev eth0 down && in_ns "$1" ip link set dev eth1 down; }
come_back() {
	ip -n "$1" link set dev eth0 up && ip -n "$1" link set dev eth1 up && ip -n "$1" route replace default via 192.0.2.254
}
ok "the first gateway is lost" lose "$SITE_A"
ok "the second takes the addresses" wait_for 10 has_vip "$SECOND"
ok "the second starts its agent" wait_for 10 has_moved "$NAME_C"
ms=$(took "$NAME_C")
ok "hosts reach B by the second $ms ms after the addresses have moved" [ "$ms" -le "$LIMIT_MS" ]
ok "the second has an agent" has_agent "$NAME_C"
echo "- -" >>"$WORK/$NAME_A.moves"
ok "the first comes back" come_back "$SITE_A"
ok "the first takes the addresses" wait_for 10 has_vip "$SITE_A"
ok "the first starts its agent" wait_for 10 has_moved "$NAME_A"
ms=$(took "$NAME_A")
ok "hosts reach B by the first $ms ms after they have moved back" [ "$ms" -le "$LIMIT_MS" ]
ok "the second ends its agent" wait_for 5 no_agent "$NAME_C"

# keepalived itself ends.
stop "$FIRST"
ok "keepalived ends: the second takes the addresses" wait_for 10 has_vip "$SECOND"
ok "keepalived ends: hosts reach B" wait_for 10 answered
stop "$SECOND_KEEPALIVED"
ok "down at the gateways" eval 'down_a && down_c'
ok "down at B" down_b
done_testing
