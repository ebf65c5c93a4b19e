#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# NetworkManager beside a tunnel and a hop: with the file that is installed it leaves our devices alone, and others not.

# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

for program in NetworkManager nmcli dbus-daemon; do
	command -v "$program" >/dev/null || skip_all "needs $program"
done
FILE=$here/../../../dist/xdpsec-networkmanager.conf

make_sites

# Another device that NetworkManager would take.
ip -n "$SITE_A" link add other0 type veth peer name other1 || bail "no veth"
ip -n "$SITE_A" link set dev other0 up
ip -n "$SITE_A" link set dev other1 up

# manager [FILE]: with a bus and a configuration of its own. Debian's takes no veth, which ours are; this one does.
manager() {
	cat >"$WORK/manager.sh" <<-'END'
		set -e
		mount -t tmpfs run /run
		mkdir -p /run/dbus /run/udev
		mount -t sysfs -o ro sysfs /sys
		for directory in /usr/lib/NetworkManager/conf.d /etc/NetworkManager /var/lib/NetworkManager; do
			[ ! -d $directory ] || mount -t tmpfs manager $directory
		done
		mkdir -p /etc/NetworkManager/conf.d
		printf '[main]\nplugins=keyfile\nno-auto-default=*\nauth-polkit=false\ndns=none\n[device-all]\nmatch-device=*\nmanaged=1\n' \
			>/etc/NetworkManager/conf.d/00-all.conf
		[ -z "$2" ] || cp "$2" /etc/NetworkManager/conf.d/
		bus=$(dbus-daemon --system --fork --nopidfile --nosyslog --print-pid)
		NetworkManager --no-daemon &
		manager=$!
		trap 'kill $manager $bus; wait $manager; exit' TERM
		while :; do
			nmcli -t -f DEVICE,STATE device >"$1.new" 2>/dev/null && mv "$1.new" "$1" || sleep 0.2
		done
	END
	rm -f "$WORK/devices"
	start "$SITE_A" "$WORK/manager.log" unshare -m \
		sh "$WORK/manager.sh" "$WORK/devices" "${1:-}"
}
state() { sed -n "s/^$1://p" "$WORK/devices"; }
is_unmanaged() { [ "$(state "$1")" = unmanaged ]; }
is_managed() { [ -n "$(state "$1")" ] && ! is_unmanaged "$1"; }
index() { ip -n "$SITE_A" -j link show dev "$1" | jq '.[0].ifindex'; }

for mode in inline tunnel; do
	if [ $mode = inline ]; then
		write_configs
		DEVICES=(xsh"$(index eth0)"a xsh"$(index eth0)"b)
	else
		write_tunnel_configs
		DEVICES=(xs0 xst"$(index eth0)")
	fi
	ok "$mode: up" up_a || bail "not up"
	manager
	ok "$mode: without the file, ${DEVICES[0]} is taken" wait_for 20 is_managed "${DEVICES[0]}"
	stop "$STARTED"
	ok "$mode: what it has taken away is there again" xdpsec_a reload "$NAME_A"
	manager "$FILE"
	for device in "${DEVICES[@]}"; do
		ok "$mode: with it, $device is left alone" wait_for 20 is_unmanaged "$device"
	done
	ok "$mode: with it, another device is taken" wait_for 20 is_managed other0
	stop "$STARTED"
	is "$mode: it works" "$(status_a '"\(.attached) \(.warnings | length)"')" "true 0"
	ok "$mode: down" down_a
done
done_testing
