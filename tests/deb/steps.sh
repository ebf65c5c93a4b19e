# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Steps in a clean root, as TAP, and two sites in it. To be sourced there.

count=0 failed=0
ok() {
	local what=$1 log=/tmp/ok.log
	shift

	count=$((count + 1))
	if "$@" >$log 2>&1; then
		echo "ok $count - $what"
	else
		failed=$((failed + 1))
		echo "not ok $count - $what"
		sed 's/^/# /' $log
	fi
}
not() { ! "$@"; }
say() { echo "# $*"; }
is() { [ "$1" = "$2" ] || { echo "is '$1', not '$2'"; return 1; }; }
done_testing() { echo "1..$count"; exit $((failed > 0)); }

# apt COMMAND...: as a user types it; what it printed is in /tmp/apt.log
apt() {
	apt-get -q -y --no-install-recommends "$@" 2>&1 </dev/null | tr -d '\r' >/tmp/apt.log || {
		cat /tmp/apt.log
		return 1
	}
}
apt_said() { grep -E "$1" /tmp/apt.log; }
deb() { echo /packages/"$1"/xdpsec_*_"$(dpkg --print-architecture)".deb; }
version_of() { dpkg-deb -f "$(deb "$1")" Version; }
says_version() { xdpsec version | grep -F "xdpsec $(version_of "$1"),"; }

# key SITE: as README.md says
key() { (umask 077; xdpsec genkey >"/etc/xdpsec/$1.key"); }

# configure SITE INNER OTHER OTHER-ADDRESS OTHER-INNER
configure() {
	cat >"/etc/xdpsec/$1.conf" <<-END
	[Interface]
	Device = eth0
	Mode = tunnel
	Name = xs0
	Address = $2/26
	PrivateKeyFile = $1.key

	[Peer]
	Name = $3
	PublicKey = $(xdpsec pubkey <"/etc/xdpsec/$3.key")
	Endpoint = $4:7253
	AllowedIPs = $5/32
	PersistentKeepalive = 25
	END
}
configure_both() {
	configure site-a 203.0.113.193 site-b 192.0.2.2 203.0.113.194 &&
		configure site-b 203.0.113.194 site-a 192.0.2.1 203.0.113.193
}

status() { xdpsec status -j "$1" 2>/dev/null | tr -d ' \n'; }
outdated() { status "$1" | grep -o '"outdated":[a-z]*' | head -n 1; }
# The agents whose program is not the one that is installed.
old_agents() {
	local process count=0

	for process in /proc/[0-9]*; do
		[ "$(cat "$process/comm" 2>/dev/null)" != xdpsec-agent ] ||
			[[ "$(readlink "$process/exe")" != *deleted* ]] || count=$((count + 1))
	done
	echo $count
}
agents() { cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^xdpsec-agent$'; }
# The kernel's own are maps.debug and progs.debug.
pins() { find /sys/fs/bpf -mindepth 1 ! -name '*.debug'; }
# left: what still has a name of ours
left() {
	find / -xdev \( -path /packages -o -path /proc -o -path /sys -o -path /var/lib/apt -o -path /var/cache/apt \) -prune -o \
		\( -iname '*xdpsec*' -o -name '*bpf[-_]crypto[-_]bulk*' \) -print
	find /run -name '*xdpsec*'
}
