# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Clean Debian roots, and commands in them. To be sourced, with $output set; needs root and mmdebstrap.
# shellcheck disable=SC2154 # output

# What was downloaded once, by release.
deb_packages() { echo "$output/deb/packages/$1"; }

# root_make RELEASE DIR: a new root of that release, with apt and what is essential.
root_make() {
	local archive=$output/deb/roots/$1.tar log=$output/deb/roots/$1.log

	command -v mmdebstrap >/dev/null || {
		echo "deb: mmdebstrap is missing" >&2
		echo "hint: apt-get install mmdebstrap" >&2
		return 1
	}
	mkdir -p "$output/deb/roots" "$(deb_packages "$1")/partial" "$2"
	if [ ! -e "$archive" ]; then
		echo "  ROOT    $1"
		mmdebstrap --variant=minbase --format=tar "$1" "$archive.new" >"$log" 2>&1 </dev/null || {
			tail -n 20 "$log" >&2
			return 1
		}
		mv "$archive.new" "$archive"
	fi
	tar -x -C "$2" --exclude=./dev -f "$archive"
	mkdir -p "$2/dev"
	cat /etc/resolv.conf >"$2/etc/resolv.conf"
	cat /etc/hosts >"$2/etc/hosts"
	# No daemon is started.
	printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
	chmod 755 "$2/usr/sbin/policy-rc.d"
	echo "$1" >"$2/etc/deb-release"
}

# root_run DIR COMMAND...: run it there, with process ids, mounts and a BPF file system of its own: so it sees no instance
# of this machine, and what it leaves running ends with it. Packages that apt downloads are kept for the next root.
root_run() {
	local root=$1 packages
	shift

	packages=$(deb_packages "$(cat "$root/etc/deb-release")")
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --pid --fork --uts --ipc -- bash -c '
		set -e
		root=$1 packages=$2
		shift 2
		mount --make-rprivate /
		# A mount of its own, as `ip netns exec` wants it.
		mount --bind "$root" "$root"
		mount --rbind /dev "$root/dev"
		mount -t proc proc "$root/proc"
		mount -t sysfs sysfs "$root/sys"
		mount -t bpf -o mode=0700 bpf "$root/sys/fs/bpf"
		mount -t tmpfs -o mode=0755 tmpfs "$root/run"
		mount --bind "$packages" "$root/var/cache/apt/archives"
		exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive "$@"
	' bash "$root" "$packages" "$@"
}

# root_log DIR LOG COMMAND...: the same, whose output is shown only if it fails.
root_log() {
	local root=$1 log=$2
	shift 2

	root_run "$root" "$@" >>"$log" 2>&1 </dev/null || {
		tail -n 20 "$log" | cut -c -300 >&2
		echo "deb: $(cat "$root/etc/deb-release"): failed: $*; all of it is in $log" >&2
		return 1
	}
}
