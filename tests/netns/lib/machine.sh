# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Machines: a network namespace, and of the file system what a machine has of its own: /etc, /var/lib, /run, bpffs,
# xdpsec where `make install` puts it. Where the kernel and the distribution allow it, systemd is its first process,
# and has the targets of a system, xdpsec@.service and xdpsec-agree@.service as its only units. $WORK/NAMESPACE/units has
# them; the script $WORK/NAMESPACE/before-boot, if a test has written it, runs in the machine before its first process.
#
#	make_machine NAMESPACE	of which make_namespace has made the network
#	connect_gateway SITE	make the network of a gateway: its line to $INTERNET, and a host behind lan
#	in_machine NAMESPACE CMD...
#	boot_machine NAMESPACE	with systemd; NO_SYSTEMD says why it cannot be
#	halt_machine NAMESPACE	as if its power was cut; /etc and /var/lib stay, the network with its devices too
#
# To be sourced after lib.sh.

# shellcheck disable=SC2154 # set by lib.sh
TOP=$(realpath "$here/../../..")
UNIT_SOURCE="$TOP/dist/xdpsec@.service.in"
SYSTEMD=${SYSTEMD:-/lib/systemd/systemd}
declare -A MACHINE_PROCESS
NO_SYSTEMD=
export PATH=/usr/local/sbin:$PATH

# eth0 and lan of the gateway get no address. MACHINE, ROUTER, LAN and HOST_OF have what belongs to the site.
connect_gateway() {
	local namespace=${MACHINE[$1]} line=${1#site-}

	make_namespace "$namespace"
	make_namespace "$namespace-host"
	ip -n "$namespace" link add eth0 type veth peer name "$line" netns "$INTERNET"
	ip -n "$namespace" link add lan type veth peer name eth0 netns "$namespace-host"
	add_address "$INTERNET" "$line" "${ROUTER[$1]}"
	add_address "$namespace-host" eth0 "${HOST_OF[$1]}/26"
	ip -n "$namespace-host" route add default via "${LAN[$1]%/*}"
}

# The unit as `make install` has it.
unit() { sed 's|@SBINDIR@|/usr/local/sbin|g' "$UNIT_SOURCE"; }

make_machine() {
	local files=$WORK/$1

	mkdir "$files"
	# The upper directory of an overlay cannot be on another overlay, as /tmp may be.
	mount -t tmpfs "$ID" "$files" || return 1
	defer umount "$files"
	mkdir -p "$files"/{etc,var}/{upper,work} "$files"/{cgroup,units}
	cp /lib/systemd/system/*.target "$files/units/" 2>/dev/null
	unit >"$files/units/xdpsec@.service"
	UNIT_SOURCE=$TOP/dist/xdpsec-agree@.service.in unit >"$files/units/xdpsec-agree@.service"
	run_machine "$1" tail -f /dev/null
}

# run_machine NAMESPACE CMD...: CMD is the first process. Its cgroup is below ours.
run_machine() {
	local files=$WORK/$1 group=$ID-machine-$1

	halt_machine "$1" || return 1
	cat >"$files/init" <<-END
		set -e
		mount --make-rprivate /
		mount -t cgroup2 cgroup2 "$files/cgroup"
		mkdir -p "$files/cgroup\$CGROUP/$group"
		echo \$\$ >"$files/cgroup\$CGROUP/$group/cgroup.procs"
		umount "$files/cgroup"
		exec unshare --cgroup sh -e "$files/init2" "\$@"
	END
	cat >"$files/init2" <<-END
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t bpf -o mode=0700 bpf /sys/fs/bpf
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mount -t overlay -o lowerdir=/etc,upperdir=$files/etc/upper,workdir=$files/etc/work overlay /etc
		mount -t overlay -o lowerdir=/var/lib,upperdir=$files/var/upper,workdir=$files/var/work overlay /var/lib
		mount -t tmpfs run /run
		mkdir /run/lock
		# Tests start and stop more often than a person would.
		mkdir -p /run/systemd/system.conf.d
		printf '[Manager]\nDefaultStartLimitIntervalSec=0\n' >/run/systemd/system.conf.d/tests.conf
		mount -t tmpfs local /usr/local/sbin
		ln -s "$XDPSEC" /usr/local/sbin/xdpsec
		if [ ! -e "$files/ran" ]; then
			# Files of the test machine there do not belong to the tests.
			rm -rf /etc/xdpsec /var/lib/xdpsec
			mkdir -m 0700 /etc/xdpsec
			touch "$files/ran"
		fi
		mount -t tmpfs -o mode=0700 none /var/log
		if [ -d /lib/systemd/system ]; then
			mkdir -p /etc/systemd/system
			mount --bind "$files/units" /lib/systemd/system
			mkdir -p "$files/etc-units"
			mount --bind "$files/etc-units" /etc/systemd/system
			for generators in /lib/systemd/system-generators /etc/systemd/system-generators; do
				[ ! -d \$generators ] || mount -t tmpfs none \$generators
			done
		fi
		[ ! -e "$files/before-boot" ] || sh -e "$files/before-boot"
		touch /run/ready
		exec "\$@"
	END
	rm -f "$files/log"
	CGROUP=$(sed -n 's/^0:://p' /proc/self/cgroup) nsenter --net="/run/netns/$1" -- unshare --mount --pid --uts --ipc --fork \
		--kill-child=KILL sh "$files/init" "${@:2}" >"$files/log" 2>&1 </dev/null &
	MACHINE_PROCESS[$1]=$!
	defer halt_machine "$1"
	wait_for 10 in_machine "$1" test -e /run/ready || { cat "$files/log"; return 1; }
}

# The first process of the machine, which unshare has started.
machine_init() { cat "/proc/${MACHINE_PROCESS[$1]}/task/${MACHINE_PROCESS[$1]}/children"; }

in_machine() {
	local init

	init=$(machine_init "$1") || return 1
	nsenter --target "${init% }" --net --mount --pid --uts --ipc --cgroup -- "${@:2}"
}

halt_machine() {
	local group=$ID-machine-$1

	[ -n "${MACHINE_PROCESS[$1]:-}" ] || return 0
	kill -KILL "${MACHINE_PROCESS[$1]}" 2>/dev/null
	wait "${MACHINE_PROCESS[$1]}" 2>/dev/null
	MACHINE_PROCESS[$1]=
	# The processes of a machine go with its first one, and the cgroup is free a moment later.
	wait_for 10 unshare --mount sh -c '
		mount -t cgroup2 cgroup2 "$1" && cd "$1/$2" &&
		{ [ ! -d "$3" ] || find "$3" -depth -type d -exec rmdir {} \; ; } && [ ! -d "$3" ]' \
		sh "$WORK/$1/cgroup" "$(sed -n 's/^0::.//p' /proc/self/cgroup)" "$group"
}

boot_machine() {
	if [ ! -x "$SYSTEMD" ]; then
		NO_SYSTEMD="systemd is not installed"
	elif ! container=xdpsec-test run_machine "$1" "$SYSTEMD" --system --unit=multi-user.target \
		--log-target=console --show-status=no >"$WORK/no-systemd"; then
		NO_SYSTEMD="systemd cannot be started: $(tail -n 1 "$WORK/no-systemd")"
	elif ! wait_for 60 is_booted "$1"; then
		NO_SYSTEMD="systemd does not get on: $(tail -n 1 "$WORK/$1/log")"
	fi
	[ -z "$NO_SYSTEMD" ]
}

is_booted() {
	[[ $(in_machine "$1" systemctl is-system-running 2>/dev/null) =~ running|degraded ]]
}
