#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is said on a kernel that is too old: the command that brings another one, where it is known. The kernel is this one,
# with the BTF and the version of another.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -e /sys/kernel/btf/vmlinux ] || skip_all "this kernel has no BTF"
for tool in unshare setarch; do
	command -v $tool >/dev/null || skip_all "there is no $tool"
done

# BTF without types, as linux/btf.h has it: magic, version 1, flags, header of 24 bytes, no types, strings of 1 byte.
printf '\x9f\xeb\x01\x00\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00' >"$WORK/btf"

# on CODENAME CMD...: with that BTF, on that Debian
on() {
	printf 'ID=debian\nVERSION_CODENAME=%s\nPRETTY_NAME="Debian"\n' "$1" >"$WORK/os-release"
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -ec 'mount --bind "$1/btf" /sys/kernel/btf/vmlinux
		mount --bind "$1/os-release" "$(realpath /etc/os-release)"
		shift
		exec "$@"' sh "$WORK" "${@:2}" 2>&1
}

said=$(on bookworm setarch --uname-2.6 "$XDPSEC" selftest)
like "an old kernel on Debian 12" "$said" "this kernel has no kfunc bpf_crypto_ctx_create"
like "the command, and the kernel" "$said" \
	"hint: apt-get install -t bookworm-backports linux-image-[a-z0-9]* && reboot, .*this is Linux 2[.]6[.]"
like "elsewhere: the version" "$(on trixie setarch --uname-2.6 "$XDPSEC" selftest)" \
	"hint: use Linux 6.12 or later; this is Linux 2[.]6[.]"
like "a kernel that is new enough, without them: its configuration" "$(on bookworm "$XDPSEC" selftest)" \
	"hint: use Linux 6.12 or later with CONFIG_CRYPTO"
unlike "on this one nothing of it is said" "$("$XDPSEC" selftest 2>&1)" "hint: (apt-get|use Linux)"
done_testing
