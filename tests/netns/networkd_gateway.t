#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dist/examples/networkd, as docs/deployment.md installs it: site-a boots with systemd, networkd configures its underlay
# and LAN, xdpsec@site-a its tunnel. Then networkd is reloaded and started anew under traffic.
#
#	host --- lan site-a eth0 --- internet --- eth0 site-b lan --- host
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/machine.sh
. "$here/machine.sh"
# shellcheck source=tests/netns/lib/document.sh
. "$here/document.sh"

# It boots a systemd for a minute.
[ -n "${BESIDE:-}" ] || skip_all "only by make beside"
[ -x /lib/systemd/systemd-networkd ] || skip_all "needs systemd-networkd"
id systemd-network >/dev/null 2>&1 || skip_all "needs systemd-networkd's user"
EXAMPLE=$TOP/dist/examples/networkd
A=$ID-site-a B=$ID-site-b INTERNET=$ID-i
FILES=$WORK/$A
MACHINE=([site-a]=$A [site-b]=$B)
declare -A UNDERLAY=([site-a]=192.0.2.1/25 [site-b]=198.51.100.1/24)
declare -A ROUTER=([site-a]=192.0.2.126/25 [site-b]=198.51.100.254/24)
declare -A LAN=([site-a]=203.0.113.1/26 [site-b]=203.0.113.65/26)
declare -A HOST_OF=([site-a]=203.0.113.2 [site-b]=203.0.113.66)

# make_gateway SITE: a machine, whose eth0 and lan have no address
make_gateway() {
	connect_gateway "$1"
	ok "machine $1" make_machine "${MACHINE[$1]}" || bail "no machine"
}

# What networkd does at site-a, by hand. Without the broadcast address, networkd 252 goes round in circles where it finds
# the address, and gives the device up.
configure_by_hand() {
	local namespace=${MACHINE[$1]}

	ip -n "$namespace" address add "${UNDERLAY[$1]}" brd + dev eth0
	ip -n "$namespace" address add "${LAN[$1]}" brd + dev lan
	ip -n "$namespace" link set dev eth0 up
	ip -n "$namespace" link set dev lan up
	ip -n "$namespace" route add default via "${ROUTER[$1]%/*}"
}

at() { in_machine "${MACHINE[$1]}" "${@:2}"; }
reaches() { in_ns "${MACHINE[$1]}-host" ping -c1 -W1 "${HOST_OF[$2]}"; }
# Called by carry_out: the public keys are copied by fill_in.
keys_made() { :; }
instance() { at site-a xdpsec status site-a -j | jq -c "$1"; }
property() { at site-a systemctl show -P "$2" "$1"; }
index() { ip -n "$A" -j link show dev "$1" | jq '.[0].ifindex'; }
# state DEVICE: what networkd says of it
state() { at site-a sed -n 's/^ADMIN_STATE=//p' "/run/systemd/netif/links/$(index "$1")"; }
is_state() { [ "$(state "$1")" = "$2" ]; }

# The units of a system with networkd, and D-Bus for networkctl.
add_units() {
	local unit

	for unit in systemd-networkd.{service,socket} systemd-network-generator.service systemd-networkd-wait-online.service \
		systemd-sysctl.service dbus.{service,socket}; do
		cp "/lib/systemd/system/$unit" "$FILES/units/" 2>/dev/null
	done
	# The kernel's other sysctls are this machine's as well.
	write_drop_in systemd-sysctl "ExecStart=" "ExecStart=/lib/systemd/systemd-sysctl /etc/sysctl.d/60-xdpsec.conf"
	mkdir -p "$FILES/units/sysinit.target.wants" "$FILES/units/sockets.target.wants"
	ln -s ../systemd-sysctl.service "$FILES/units/sysinit.target.wants/"
	ln -s ../dbus.socket "$FILES/units/sockets.target.wants/"
}

# write_drop_in UNIT LINE...
write_drop_in() {
	mkdir -p "$FILES/units/$1.service.d"
	printf '%s\n' '[Service]' "${@:2}" >"$FILES/units/$1.service.d/tests.conf"
}

# Before systemd starts: the files of the package, and what udev would have told systemd of eth0, and networkd of all
# devices that will be.
write_before_boot() {
	cat >"$FILES/before-boot" <<-END
		mkdir -p /run/udev/data /run/udev/tags/systemd
		for index in \$(seq 60); do echo I:1 >/run/udev/data/n\$index; done
		printf 'I:1\nE:SYSTEMD_ALIAS=/sys/subsystem/net/devices/eth0\nG:systemd\nQ:systemd\n' >/run/udev/data/n$(index eth0)
		touch /run/udev/tags/systemd/n$(index eth0) /run/udev/control
		mkdir -p /etc/systemd/network
		cp $TOP/dist/05-xdpsec.network /etc/systemd/network/
		mount -t tmpfs doc /usr/share/doc
		mkdir -p /usr/share/doc/xdpsec/examples
		cp -r $EXAMPLE /usr/share/doc/xdpsec/examples/
	END
}

# As after a power cut: what is the network's own here goes as well.
cut_power() {
	halt_machine "$A"
	ip -n "$A" link del dev xs0
	ip -n "$A" link set dev eth0 xdp off
	ip -n "$A" address flush dev eth0
	ip -n "$A" address flush dev lan
	ip -n "$A" link set dev eth0 down
	ip -n "$A" link set dev lan down
	ip -n "$A" route flush table main
	ip -n "$A" route flush type unreachable
	in_ns "$A" sysctl -qw net.ipv4.ip_forward=0
}

# What is not networkd's: addresses, routes, rules, programs.
ours() {
	ip -n "$A" -o address show dev lo
	ip -n "$A" -o address show dev xs0
	ip -n "$A" route show table all dev xs0
	ip -n "$A" -6 route show table all dev xs0
	ip -n "$A" rule
	ip -n "$A" -6 rule
	ip -n "$A" -o link show dev eth0 | grep -o 'xdp/id:[0-9]*'
	at site-a tc filter show dev eth0 egress
}

# unchanged NAME COMMAND...: networkd is done with its devices again, and has changed nothing of ours
unchanged() {
	local before device name=$1

	shift
	before=$(ours)
	ok "$name" "$@"
	for device in lo eth0 lan; do
		ok "$name: $device is configured again" wait_for 20 is_state $device configured
	done
	is "$name: nothing of ours has changed" "$(ours)" "$before"
	is "$name: no warning" "$(instance .warnings)" "[]"
	is "$name: xs0 is not networkd's" "$(state xs0)" unmanaged
	ok "$name: network to network" wait_for 10 reaches site-a site-b
}

# gaps: the answers that are missing between others
gaps() { sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "$WORK/ping" | awk '{ n += $1 - last - 1; last = $1 } END { print n + 0 }'; }

# undisturbed NAME COMMAND...: and traffic goes on meanwhile, but for the time of a few packets
undisturbed() {
	local ping

	start "$A-host" "$WORK/ping" stdbuf -oL ping -i 0.02 "${HOST_OF[site-b]}"
	ping=$STARTED
	wait_for 5 grep -q 'bytes from' "$WORK/ping" || bail "no ping"
	unchanged "$@"
	stop "$ping"
	ok "$1: of $(grep -c 'bytes from' "$WORK/ping") packets $(gaps) are lost" [ "$(gaps)" -lt 5 ]
}

make_namespace "$INTERNET"
enable_routing "$INTERNET"
make_gateway site-a
make_gateway site-b
configure_by_hand site-a
configure_by_hand site-b
add_units
write_before_boot
boot_machine "$A" || skip_all "$NO_SYSTEMD"
carry_out "Two sites"
carry_out "With systemd-networkd"
for device in lo eth0 lan; do
	ok "networkd takes over $device" wait_for 20 is_state $device configured
done
ok "network to network" reaches site-a site-b

# ---- a boot --------------------------------------------------------------------------------------------

ok "power off" cut_power
refuses "off: site-b is not reached" reaches site-a site-b
ok "power on" boot_machine "$A"
ok "eth0 is configured" wait_for 20 is_state eth0 configured
ok "so is lan" wait_for 20 is_state lan configured
ok "network to network" wait_for 20 reaches site-a site-b
ok "and back" reaches site-b site-a
is "all units are up" "$(at site-a systemctl --failed --plain --no-legend)" ""
device=$(property sys-subsystem-net-devices-eth0.device ActiveEnterTimestampMonotonic)
starting=$(property xdpsec@site-a InactiveExitTimestampMonotonic)
started=$(property xdpsec@site-a ActiveEnterTimestampMonotonic)
networkd=$(property systemd-networkd InactiveExitTimestampMonotonic)
ok "first the device, then the instance, then networkd: $device, $starting to $started, $networkd" \
	[ "$device" -gt 0 -a "$device" -le "$starting" -a "$starting" -lt "$started" -a "$started" -le "$networkd" ]
is "which it would stop with" "$(property xdpsec@site-a BindsTo)" sys-subsystem-net-devices-eth0.device
is "the MTU of xs0" "$(ip -n "$A" -j link show dev xs0 | jq '.[0].mtu')" 1440
is "networkd leaves xs0 alone" "$(state xs0)" unmanaged
is "and its far end" "$(state "xst$(index eth0)")" unmanaged
is "nothing to warn of" "$(instance .warnings)" "[]"

# What IPv4Forwarding= of a .network file sets is not enough, as packets of the other site come in by xs0.
at site-a sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.eth0.forwarding=1 net.ipv4.conf.lan.forwarding=1
refuses "forwarding of eth0 and lan only: nothing comes in" reaches site-b site-a
at site-a sysctl -qw net.ipv4.ip_forward=1
ok "for all devices it does" reaches site-b site-a

# ---- networkd under traffic ----------------------------------------------------------------------------

undisturbed "restart of networkd" at site-a systemctl restart systemd-networkd
if at site-a networkctl list >/dev/null 2>&1; then
	undisturbed "networkctl reload" at site-a networkctl reload
	at site-a sed -i '/^Address=/a Address=203.0.113.60/26' /etc/systemd/network/10-lan.network
	unchanged "networkctl reload, of a file that has changed" at site-a networkctl reload
	has_second() { ip -n "$A" address show dev lan | grep -q 203.0.113.60/; }
	ok "which networkd has read" wait_for 10 has_second
	unchanged "networkctl reconfigure" at site-a networkctl reconfigure lo eth0 lan
else
	skip "networkctl" "no D-Bus"
fi

# ---- the instance under networkd -----------------------------------------------------------------------

ok "restart of the instance" at site-a systemctl restart xdpsec@site-a
ok "network to network" wait_for 10 reaches site-a site-b
ok "xs0 is a new one, and not networkd's either" wait_for 10 is_state xs0 unmanaged
capture_start_at_a() { MIDDLE=$INTERNET capture_start "$1" a "src net 203.0.113.0/26"; }
capture_start_at_a closed
ok "stop of the instance" at site-a systemctl stop xdpsec@site-a
refuses "fail closed: site-b is not reached" reaches site-a site-b
like "fail closed: which the host is told" "$TAP_OUTPUT" "Unreachable"
MIDDLE=$INTERNET capture_stop closed
icmp_of() { tcpdump -n -r "$WORK/$1.pcap" icmp 2>/dev/null | wc -l; }
is "fail closed: nothing leaves in clear" "$(icmp_of closed)" 0
ip -n "$A" route flush type unreachable
capture_start_at_a open
refuses "without the routes of 10-lo.network" reaches site-a site-b
MIDDLE=$INTERNET capture_stop open
ok "it leaves in clear" [ "$(icmp_of open)" -gt 0 ]
ok "networkd brings them again" at site-a systemctl restart systemd-networkd
ok "start of the instance" at site-a systemctl start xdpsec@site-a
ok "network to network" wait_for 10 reaches site-a site-b

# Everything through the tunnel: rules, which networkd would remove if it could.
at site-a sed -i 's/^AllowedIPs.*/AllowedIPs = 0.0.0.0\/0/' /etc/xdpsec/site-a.conf
at site-a sed -i '/^\[Route\]/,$d' /etc/systemd/network/10-lo.network
ok "everything through the tunnel" at site-a systemctl restart xdpsec@site-a
ok "without unreachable routes" at site-a systemctl restart systemd-networkd
ip -n "$A" route flush type unreachable
ok "network to network" wait_for 10 reaches site-a site-b
like "there are rules" "$(ip -n "$A" rule)" "lookup 51820"
undisturbed "everything: restart of networkd" at site-a systemctl restart systemd-networkd
if at site-a networkctl list >/dev/null 2>&1; then
	no_rule() { ! ip -n "$A" rule | grep -q 192.0.2.77; }
	unchanged "everything: networkctl reconfigure" at site-a networkctl reconfigure eth0
	at site-a ip rule add pref 32000 from 192.0.2.77 lookup main
	ok "everything: and with a rule that is not ours" at site-a networkctl reconfigure eth0
	ok "which networkd removes" wait_for 10 no_rule
	is "ours stay" "$(instance .warnings)" "[]"
fi
at site-a systemctl stop xdpsec@site-a
at site-b xdpsec down site-b
done_testing
