#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# systemd-networkd beside a tunnel and a hop, where its configuration takes every Ethernet device: with the file that
# is installed it leaves ours alone, and does not wait for them.

# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/managers.sh
. "$here/managers.sh"

NETWORKD=${NETWORKD:-/lib/systemd/systemd-networkd}
[ -x "$NETWORKD" ] || skip_all "needs systemd-networkd"
id systemd-network >/dev/null 2>&1 || skip_all "needs systemd-networkd's user"
FILE=$here/../../../dist/05-xdpsec.network

make_sites

# networkd [FILE]: what it says of site A's devices is in $LINKS, files named by their indexes
networkd() {
	LINKS=$WORK/links-$RANDOM
	mkdir -p "$LINKS" "$WORK/network"
	rm -f "$WORK"/network/*
	printf '[Match]\nType=ether\n[Network]\nDHCP=yes\n' >"$WORK/network/20-wired.network"
	printf '[Match]\nName=eth0\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nAddress=%s/24\nGateway=192.0.2.254\n' $A4 >"$WORK/network/10-eth0.network"
	[ -z "${1:-}" ] || cp "$1" "$WORK/network/"
	cat >"$WORK/networkd.sh" <<-'END'
		set -e
		# A machine without systemd has no /run/systemd.
		mount -t tmpfs run /run
		mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
		mount --bind "$2" /run/systemd/netif/links
		chown -R systemd-network:systemd-network /run/systemd/netif
		# networkd sees only the devices of its own namespace, and does not wait for udev.
		mount -t sysfs -o ro sysfs /sys
		for directory in /etc /usr/lib /usr/local/lib; do
			[ ! -d $directory/systemd/network ] || mount -t tmpfs network $directory/systemd/network
		done
		cp "$1"/* /etc/systemd/network/
		exec "$3"
	END
	start "$SITE_A" "$WORK/networkd.log" unshare -m sh "$WORK/networkd.sh" "$WORK/network" "$LINKS" "$NETWORKD"
}
state() { sed -n 's/^ADMIN_STATE=//p' "$LINKS/$(index "$1")"; }
is_state() { [ "$(state "$1")" = "$2" ]; }
is_taken() { [[ $(state "$1") =~ ^(configuring|configured|failed)$ ]]; }

for mode in inline tunnel; do
	up_in_mode $mode
	networkd
	for device in "${DEVICES[@]}"; do
		ok "$mode: without the file, $device is taken" wait_for 20 is_taken "$device"
	done
	stop "$STARTED"
	networkd "$FILE"
	for device in "${DEVICES[@]}"; do
		ok "$mode: with it, $device is left alone" wait_for 20 is_state "$device" unmanaged
	done
	like "$mode: with it, eth0 is managed" "$(state eth0)" "^config"
	stop "$STARTED"
	down_in_mode $mode
done
done_testing
