#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# NetworkManager beside a tunnel and a hop: with the file that is installed it leaves our devices alone, and others not.

# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/managers.sh
. "$here/managers.sh"

for program in NetworkManager nmcli dbus-daemon; do
	command -v "$program" >/dev/null || skip_all "needs $program"
done
FILE=$here/../../../dist/xdpsec-networkmanager.conf

make_sites
# "inside" is another device that NetworkManager takes.
make_host

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
		[ -z "$1" ] || cp "$1" /etc/NetworkManager/conf.d/
		bus=$(dbus-daemon --system --fork --nopidfile --nosyslog --print-pid)
		NetworkManager --no-daemon &
		manager=$!
		trap 'kill $manager $bus; wait $manager; exit' TERM
		wait $manager
	END
	start "$SITE_A" "$WORK/manager.log" unshare -m sh "$WORK/manager.sh" "${1:-}"
}
# state DEVICE: nmcli reaches the bus in the manager's mount namespace
state() { nsenter -t "$STARTED" -m -n nmcli -t -f DEVICE,STATE device | sed -n "s/^$1://p"; }
is_unmanaged() { [ "$(state "$1")" = unmanaged ]; }
is_managed() { [ -n "$(state "$1")" ] && ! is_unmanaged "$1"; }

for mode in inline tunnel; do
	up_in_mode $mode
	manager
	ok "$mode: without the file, ${DEVICES[0]} is taken" wait_for 20 is_managed "${DEVICES[0]}"
	stop "$STARTED"
	ok "$mode: what it has taken away is there again" xdpsec_a reload "$NAME_A"
	manager "$FILE"
	for device in "${DEVICES[@]}"; do
		ok "$mode: with it, $device is left alone" wait_for 20 is_unmanaged "$device"
	done
	ok "$mode: with it, another device is taken" wait_for 20 is_managed inside
	stop "$STARTED"
	down_in_mode $mode
done
done_testing
