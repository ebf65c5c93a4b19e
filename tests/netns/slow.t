#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A slow cipher is said: up and status name it, what it costs here, and what would be better on this machine; Driver ends
# that. The optional module is said too, where it is installed and not in use. What the kernel lists, and what is installed,
# is laid over the real files. The module itself is in module.t.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

RELEASE=$(uname -r)
SLOW="does not use the CPU's AES instructions, and takes [0-9]+\.[0-9] us for a packet of 1380 bytes: at most [1-9][0-9]* Mbit/s"

# cipher NAME DRIVER TYPE PRIORITY: an entry of /proc/crypto
cipher() {
	printf '%s\n' "name         : $1" "driver       : $2" "module       : kernel" "priority     : $4" "async        : no" \
		"type         : $3" ""
}
# The kernel has ecb with that driver of aes.
by() {
	cipher aes "$1" cipher 300
	cipher "ecb(aes)" "ecb($1)" lskcipher 300
}
# machine FLAG CMD...: a processor with that feature, and a kernel with the ciphers that CMD prints
machine() {
	printf '%s\t\t: fpu %s sse\n' "$flags" "$1" >"$WORK/cpuinfo"
	"${@:2}" >"$WORK/crypto"
	rm -rf "${WORK:?}"/{lib,sys}
	mkdir -p "$WORK/lib/modules" "$WORK/sys"
}
# with_file PATH [LINE]: below /lib/modules
with_file() {
	mkdir -p "$(dirname "$WORK/lib/modules/$1")" && echo "${2:-}" >"$WORK/lib/modules/$1"
}
# A module with AES instructions that this kernel has.
module=aesni_intel path=x86/crypto/aesni-intel.ko flags=flags
[ "$(uname -m)" != aarch64 ] || module=aes_ce_cipher path=arm64/crypto/aes-ce-cipher.ko flags=Features
with_driver_module() { with_file "$RELEASE/modules.dep" "kernel/arch/$path.xz: kernel/crypto/cryptd.ko"; }

# there CMD...: xdpsec at A, on that machine
# shellcheck disable=SC2016 # for the other shell
there() {
	in_a unshare -m sh -e -c '
		mount --bind "$1/crypto" /proc/crypto
		mount --bind "$1/cpuinfo" /proc/cpuinfo
		mount --bind "$1/sys" /sys/module
		mount -t overlay -o "lowerdir=$1/lib:/usr/lib" overlay /usr/lib
		shift
		exec "$@"' sh "$WORK" "$XDPSEC" --state-dir "$WORK/state-a" "$@"
}
# says NAME REGEX: status there has that advice, and no other
says() {
	ok "$1: status: nothing is wrong" there status -j "$NAME_A"
	like "$1: status says it" "$(jq -r '.advice | join("|")' <<<"$TAP_OUTPUT")" "^$2\$"
	is "$1: it is no fault" "$(jq -c .warnings <<<"$TAP_OUTPUT")" "[]"
}
set_driver() {
	sed -i '/^Driver/d' "$WORK/$NAME_A.conf"
	[ -z "${1:-}" ] || sed -i "/^Cipher/a Driver = $1" "$WORK/$NAME_A.conf"
}

without_module
make_sites
write_configs
best=$(awk '$1 == "driver" { driver = $3 } $1 == "priority" { priority = $3 } $1 == "name" { name = $3 }
	$1 == "type" && $3 == "cipher" && name == "aes" { print priority, driver }' /proc/crypto | sort -rn | sed -n '1s/.* //p')

# ---- up ------------------------------------------------------------------------------------------------

machine aes by aes-fixed-time
with_driver_module
ok "slow: up" there up "$WORK/$NAME_A.conf" --new-key || bail "not up"
like "slow: up says so" "$TAP_OUTPUT" "warning: $NAME_A: ecb\\(aes-fixed-time\\) $SLOW"
like "slow: and what to load" "$TAP_OUTPUT" "hint: modprobe $module, then xdpsec reload $NAME_A"
is "slow: once" "$(grep -c "AES instructions" <<<"$TAP_OUTPUT")" 1
ok "slow: status, for people" there status "$NAME_A"
like "slow: it is a warning there" "$TAP_OUTPUT" "  warning: ecb\\(aes-fixed-time\\) $SLOW.*; modprobe $module, then "
ok "slow: down" xdpsec_a down "$NAME_A"
machine aes by aes-aesni
with_driver_module
ok "fast: up" there up "$WORK/$NAME_A.conf" || bail "not up"
unlike "fast: up says nothing of it" "$TAP_OUTPUT" "AES|module"

# ---- status, of what is up -----------------------------------------------------------------------------

# The context was bound to the best that was listed, so that no other warning comes.
drivers() {
	cipher "ecb(aes)" "ecb($1)" lskcipher 300
}
machine aes drivers aes-aesni
says "fast" ""
machine aes drivers aes-generic
with_driver_module
says "tables" "ecb\\(aes-generic\\) $SLOW.*; modprobe $module, then xdpsec reload $NAME_A"
machine aes drivers aes-fixed-time
says "a kernel without the module" "ecb\\(aes-fixed-time\\) .*; this kernel has no driver for them: Driver = aes-fixed-time keeps it, and ends this; Driver = aes-generic is faster, but its timing depends on the key"
machine sse2 drivers aes-generic
with_driver_module
says "a processor without" "ecb\\(aes-generic\\) .*; this CPU has none: Driver = aes-generic keeps it, and ends this"
machine aes drivers aes-lib
says "the library, and a processor with" ""
machine sse2 drivers aes-lib
says "the library, and a processor without" "ecb\\(aes-lib\\) .*; this CPU has none: .*"
machine sse2 drivers aes-unheard-of
says "a driver that nobody knows" ""
machine sse2 true
says "a kernel that lists nothing" ""

# ---- the module, which is not in use -------------------------------------------------------------------

module() { says "module: $1" "$2"; }
machine aes drivers aes-aesni
with_file "$RELEASE/updates/dkms/bpf_crypto_bulk.ko.xz"
module "not loaded" "the module bpf_crypto_bulk is installed, but not loaded: .*; modprobe bpf_crypto_bulk, then xdpsec reload $NAME_A"
is "module: not loaded: selftest" "$(there selftest -j | jq -r .module)" "installed, not loaded"
machine aes drivers aes-aesni
with_file "6.12.1-other/updates/bpf_crypto_bulk.ko"
module "of another kernel" "the module bpf_crypto_bulk is installed for Linux 6.12.1-other, and not for this one: .*; dkms autoinstall -k ${RELEASE//+/\\+}, then modprobe bpf_crypto_bulk"
machine aes drivers aes-aesni
mkdir "$WORK/sys/bpf_crypto_bulk"
module "loaded, without a cipher for it" ""
async() { cipher "ecb(aes)" ecb-aes-asynchronous skcipher 500 | sed 's/no$/yes/'; cipher "ecb(aes)" "ecb(aes-aesni)" skcipher 300; }
machine aes async
mkdir "$WORK/sys/bpf_crypto_bulk"
module "loaded, with ciphers that it does not take" ""
internal() {
	drivers aes-aesni
	cipher "ecb(aes)" ecb-aes-other skcipher 500
	cipher "__ecb(aes)" __ecb-aes-aesni skcipher 400
}
machine aes internal
mkdir "$WORK/sys/bpf_crypto_bulk"
refuses "module: came later: status ends with 1" there status "$NAME_A"
like "module: came later: a warning, and what to do" "$TAP_OUTPUT" \
	"warning: site-b: it uses ecb\\(aes-aesni\\), since bulk\\(__ecb-aes-aesni\\) was loaded later: xdpsec reload $NAME_A "
# It is not there in truth, as if it was removed in this moment.
before=$(status_a '.peers[0].tx.sequence')
ok "module: gone again: reload takes the kernel's own" there reload "$NAME_A"
is "module: gone again: bound" "$(status_a '.peers[0] | [.tx.driver, .rx.driver] | unique | join(" ")')" "ecb(aes-aesni)"
is "module: gone again: the sequence stays" "$(status_a '.peers[0].tx.sequence')" "$before"

# ---- Driver is a choice --------------------------------------------------------------------------------

set_driver "$best"
ok "Driver: reload" xdpsec_a reload "$NAME_A"
machine sse2 drivers aes-generic
says "Driver: its cost was accepted" ""
machine aes internal
mkdir "$WORK/sys/bpf_crypto_bulk"
says "Driver: and the module not asked for" ""
ok "Driver: down" xdpsec_a down "$NAME_A"
machine sse2 by aes-generic
ok "Driver: up" there up "$WORK/$NAME_A.conf" || bail "not up"
unlike "Driver: up says nothing of it" "$TAP_OUTPUT" "AES|module"
ok "down" down_a
ok "nothing is left" no_trace_a
done_testing
