# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The command line: exact messages and exit codes. To be sourced by a test.

# The instances of this machine have no part in these messages: root has an empty BPF file system for each test.
if [ "$(id -u)" -eq 0 ] && [ -z "${CLI_MOUNTED:-}" ] && unshare -m mount -t bpf none /sys/fs/bpf 2>/dev/null; then
	# shellcheck disable=SC2016 # for the inner shell
	CLI_MOUNTED=1 exec unshare -m sh -ec 'mount -t bpf none /sys/fs/bpf && exec bash "$@"' sh "$0" "$@"
fi

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"

# shellcheck disable=SC2034 # used by the tests
TOP=$(realpath "$here/../..")
XDPSEC=${XDPSEC:-$TOP/.output/xdpsec}
[ -x "$XDPSEC" ] || skip_all "$XDPSEC is not built"

WORK=$(mktemp -d "${TMPDIR:-/tmp}/xdpsec-cli-XXXXXX") || exit 255
defer rm -rf "$WORK"
umask 077
# strerror() is part of the messages.
export LC_ALL=C

# prints NAME STATUS WANT CMD...: CMD exits with STATUS and prints exactly WANT, standard error included.
prints() {
	local name=$1 status=$2 want=$3

	shift 3
	tap_run "$@"
	is "$name" "exit code $TAP_STATUS"$'\n'"$TAP_OUTPUT" "exit code $status"$'\n'"$want"
}

# To be run by `prints`: CMD with a full disk, or a file, as standard output.
to_full_disk() {
	"$@" >/dev/full
}

to_file() {
	"${@:2}" >"$1"
}

# A configuration without a mistake, but for the device: there is none of that name, so that it is the only
# complaint, with and without root.
CONFIG=$WORK/site-a.conf
NO_DEVICE="xdpsec: $CONFIG:2: Device: xdpsec-none: no such device in this network namespace
hint: \`ip link\` lists the devices; \`xdpsec -n NETNS\` looks in another namespace"

write_config() {
	cat >"$CONFIG" <<-'END'
		[Interface]
		Device = xdpsec-none
		Mode = inline
		Xdp = auto

		[Peer]
		Name = site-b
		Address = 198.51.100.0/24
		Ports = 4789, 5201-5210
		Cipher = aes-128-ocb
		TxSpi = 0x00001001
		TxKeyFile = a-to-b.key
		RxSpi = 0x00001002
		RxKeyFile = b-to-a.key

		[Peer]
		Name = site-c
		Address = 203.0.113.0/24
		Ports = all
		TxSpi = 0x2001
		TxKeyFile = a-to-c.key
		RxSpi = 0x2002
		RxKeyFile = c-to-a.key
	END
}

# The same for tunnel mode.
write_tunnel() {
	cat >"$CONFIG" <<-'END'
		[Interface]
		Device = xdpsec-none
		Mode = tunnel
		Name = xs0
		Address = 203.0.113.1/30, 2001:db8:f::a/64
		ListenPort = 7253

		[Peer]
		Name = site-b
		Endpoint = 198.51.100.2:7253
		AllowedIPs = 203.0.113.64/26, 2001:db8:b::/48
		TxSpi = 0x1001
		TxKeyFile = a-to-b.key
		RxSpi = 0x1002
		RxKeyFile = b-to-a.key

		[Peer]
		Name = site-c
		AllowedIPs = 203.0.113.128/26
		TxSpi = 0x2001
		TxKeyFile = a-to-c.key
		RxSpi = 0x2002
		RxKeyFile = c-to-a.key
	END
}

make_keys() {
	local key

	for key in a-to-b b-to-a a-to-c c-to-a; do
		rm -f "$WORK/$key.key"
		"$XDPSEC" genkey --manual >"$WORK/$key.key" || bail "genkey does not work"
	done
}

# The state of no machine, and keys that are new.
# shellcheck disable=SC2120 # one test has another file
check() { "$XDPSEC" --state-dir "$WORK/state" check --new-key "${1:-$CONFIG}"; }

# first_of CMD...: its first complaint, with the hint
first_of() {
	local status

	"$@" >"$WORK/all" 2>&1
	status=$?
	head -n 2 "$WORK/all"
	return $status
}

# with_file CMD...: what it says, with FILE for the path of the configuration
with_file() {
	local status

	"$@" >"$WORK/all" 2>&1
	status=$?
	sed "s|^xdpsec: $CONFIG|xdpsec: FILE|" "$WORK/all"
	return $status
}

# The same without what is said of the device, which is missing in all of them: `check` says all that is wrong.
check_file() {
	local output status

	output=$(check 2>&1)
	status=$?
	sed '/: Device: xdpsec-none: no such device/{N;d}' <<<"$output"
	return $status
}

# mistake NAME SED WANT: the configuration above, changed by the sed script, is refused with WANT; FILE in it
# stands for the path. WRITE=write_tunnel changes that of tunnel mode.
mistake() {
	${WRITE:-write_config}
	sed -i -e "$2" "$CONFIG"
	prints "$1" 1 "xdpsec: ${3//FILE/$CONFIG}" check_file
}

# fine NAME SED: nothing is wrong but the missing device.
fine() {
	${WRITE:-write_config}
	sed -i -e "$2" "$CONFIG"
	prints "$1" 1 "$NO_DEVICE" check
}
