# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # used by those who source this
#
# What differs between the architectures of machines: $VM_ARCH, by Debian's name; by default this computer's own.
# foreign is empty for that. To be sourced.

native_architecture() {
	dpkg --print-architecture 2>/dev/null || case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}
native=$(native_architecture)
VM_ARCH=${VM_ARCH:-$native}
export VM_ARCH
foreign=$VM_ARCH
[ "$VM_ARCH" != "$native" ] || foreign=''

case $VM_ARCH in
amd64)
	qemu=qemu-system-x86_64 qemu_package=qemu-system-x86
	machine_type=pc console=ttyS0
	# Five level page tables only cost time.
	emulated_cpu=max,la57=off
	# A repeated string instruction counts once for each repetition: without "erms" copies are by eight bytes.
	counted_cpu=max,la57=off,erms=off
	kernel_modules=x86
	# The kernel would panic where a busy computer delays the ticks that it counts when it starts.
	kernel_parameters=no_timer_check
	;;
arm64)
	qemu=qemu-system-aarch64 qemu_package=qemu-system-arm
	machine_type=virt,gic-version=3 console=ttyAMA0
	# The architecture's own function for pointer authentication takes half of an emulator's time.
	emulated_cpu=max,pauth-impdef=on
	counted_cpu=$emulated_cpu
	kernel_modules=arm64
	kernel_parameters=
	;;
*)
	echo "vm: the laboratory has no machines of architecture $VM_ARCH" >&2
	echo "hint: ARCH=amd64 or ARCH=arm64" >&2
	exit 125
	;;
esac
