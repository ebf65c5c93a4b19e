#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Errors of the laboratory before it starts. No machine boots.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

# fails NAME STATUS REGEX CMD...
fails() {
	refuses "$1" "${@:4}"
	is "$1: exit code" "$TAP_STATUS" "$2"
	like "$1: message" "$TAP_OUTPUT" "$3"
}

# tools: those of this machine, and something in the place of those that it lacks, as the first one that is missing ends
# everything
tools() {
	local tool

	mkdir "$WORK/tools"
	ln -s /bin/* /usr/bin/* "$WORK/tools/" 2>/dev/null
	for tool in "$qemu" busybox cpio depmod xz; do
		[ -n "$(command -v "$tool")" ] || ln -s /bin/true "$WORK/tools/$tool"
	done
}

# without TOOL CMD...: as if it were not installed. What is looked for in sbin anyway cannot be hidden.
without() {
	local tool=$1

	[ -e "$WORK/tools" ] || tools
	mv "$WORK/tools/$tool" "$WORK/hidden" 2>/dev/null
	PATH=$WORK/tools "${@:2}"
	local status=$?
	mv "$WORK/hidden" "$WORK/tools/$tool" 2>/dev/null
	return $status
}

run() { "$RUN" -o "$WORK/output" "$@"; }

fails "no command" 2 "^run .*COMMAND" run
fails "two commands" 2 "^run .*COMMAND" run true true
fails "an unknown option" 2 "illegal option.*run .*COMMAND" run -z true
dependencies=(--vm ${foreign:+--cross "$foreign"})
for tool in "$qemu:$qemu_package" busybox:busybox-static cpio:cpio xz:xz-utils; do
	fails "without ${tool%:*}" 125 \
		"^vm: ${tool%:*} is missing
hint: apt-get install ${tool#*:}, or sudo scripts/install-deps ${dependencies[*]}\$" without "${tool%:*}" run true
done
fails "without qemu, who may not install it" 1 "^install-deps: missing: .*$qemu_package.*hint: .*sudo" \
	without "$qemu" "${AS_NOBODY[@]}" "$TOP/scripts/install-deps" "${dependencies[@]}"

for tool in "$qemu" busybox cpio xz depmod; do
	[ -n "$(command -v "$tool")" ] || missing="${missing:-} $tool"
done
if [ -z "${missing:-}" ]; then
	for version in 6 6.12.x latest -6.12 "6.12 7.3" ../6.12 newest-debug 6.12-kasan; do
		fails "KERNEL=$version" 125 "^vm: '$version' is not a kernel version
hint: KERNEL=6.12, KERNEL=7.3, KERNEL=newest or KERNEL=6.12-debug\$" run -k "$version" true
	done
	fails "no time" 125 "^vm: '5m' is not a number of seconds" run -t 5m true
	fails "no number of CPUs" 125 "^vm: 'all' is not a number of CPUs" run -c all true
	fails "an empty number of CPUs" 125 "^vm: '' is not a number of CPUs" run -c '' true
	# A kernel's command line has no way to name such a directory.
	fails "a directory with a blank" 125 "^vm: '$WORK/a b/vm': .*such a name" "$RUN" -o "$WORK/a b" true
	# Dynamically linked: it could not run where there is nothing else.
	cp --remove-destination "$(realpath "$(type -P true)")" "$WORK/tools/busybox"
	fails "a busybox with libraries" 125 "^vm: .*busybox is not linked statically
hint: apt-get install busybox-static" env PATH="$WORK/tools" "$RUN" -o "$WORK/output" true
else
	skip "kernel versions, directories" "needs$missing"
fi
# Without what the make that runs this was told.
plain_make() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$TOP" "$@"; }
fails "an unknown architecture" 125 "^vm: the laboratory has no machines of architecture vax
hint: ARCH=amd64 or ARCH=arm64\$" run -a vax true
fails "dependencies of an unknown architecture" 2 "^install-deps: --cross: needs an architecture" \
	"$TOP/scripts/install-deps" --vm --cross vax
# This computer's own would start all its tests.
[ "$native" = arm64 ] && another=amd64 || another=arm64
fails "another architecture's tests here" 2 "^make check: this computer cannot run what is built for $another
hint: make vmtest ARCH=$another" plain_make check ARCH=$another OUTPUT="$WORK/output"
fails "an architecture that the tree does not know" 2 "ARCH=vax: the tree knows" plain_make all ARCH=vax
fails "a shell without a terminal" 125 "^vm: a shell needs a terminal
hint: make vmtest CMD=" run -i bash
ok "nothing was left" nothing_left
done_testing
