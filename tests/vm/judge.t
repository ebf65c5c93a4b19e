#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How the laboratory judges what happens in a machine, and that it leaves nothing behind.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

own_output
REPORT="vm: [0-9].*-$VM_ARCH"' \((kvm|tcg), [0-9]+ CPUs?\): started after [0-9]+\.[0-9] s, ended after [0-9]+\.[0-9] s'

# ---- a command's output and status -------------------------------------------------------------------

cat >"$WORK/command" <<'END'
exec 2>&1
echo "release: $(uname -r)"
echo "warnings: $(cat /proc/sys/kernel/panic_on_warn /proc/sys/kernel/panic_on_oops | tr '\n' ' ')"
echo spoilt >"$MARK"; echo "mark: $(cat "$MARK")"
mount -t tmpfs none /sys/kernel/btf; "$XDPSEC" selftest; echo "without BTF: $?"
umount /sys/kernel/btf; "$XDPSEC" selftest; echo "with BTF: $?"
exit 7
END
echo untouched >"$WORK/mark"
refuses "a command that fails" vm "MARK='$WORK/mark'; . '$WORK/command'"
said=$TAP_OUTPUT
is "a command that fails: its status" "$TAP_STATUS" 7
like "a command that fails: its output" "$said" "release: $RELEASE"
like "the last line says how long it took" "${said##*$'\n'}" "^$REPORT\$"
like "a warning of the kernel would stop it" "$said" "warnings: 1 1"
like "it can write" "$said" "mark: spoilt"
is "and nothing of that is left" "$(<"$WORK/mark")" untouched
like "a kernel without BTF: one sentence" "$said" "xdpsec: this kernel has no BTF \(/sys/kernel/btf/vmlinux\)
hint: use a kernel with CONFIG_DEBUG_INFO_BTF.*
without BTF: 1"
like "with BTF it works" "$said" "with BTF: 0"
# In seconds, by this machine's measure of now: enough to boot, and not much more.
boot_time=$(sed -En 's/.* started after ([0-9]+).*/\1/p' <<<"$said")
enough=$((boot_time * 2 + 4))
ok "nothing is left" nothing_left

# ---- processors --------------------------------------------------------------------------------------

# qemu_says VERSION CMD...: with a QEMU of which only that is not true
qemu_says() {
	mkdir -p "$WORK/bin"
	printf '#!/bin/sh\n[ "$1" != --version ] || exec echo "QEMU emulator version %s (Debian)"\nexec %s "$@"\n' \
		"$1" "$(command -v "$qemu")" >"$WORK/bin/$qemu"
	chmod +x "$WORK/bin/$qemu"
	PATH=$WORK/bin:$PATH "${@:2}"
}
ok "two processors that are asked for" vm -c 2 nproc
like "two processors that are asked for: there are two" "$TAP_OUTPUT" "^2
vm: .* 2 CPUs\):"
ok "a QEMU whose translations are safe" qemu_says 10.0.2 vm nproc
like "a QEMU whose translations are safe: two processors" "$TAP_OUTPUT" "^2
"
if grep -qx "$(</proc/sys/kernel/random/boot_id)" "$WORK/output/vm/kvm-fails"; then
	ok "an older QEMU" qemu_says 8.0.9 vm nproc
	like "an older QEMU: one processor" "$TAP_OUTPUT" "^1
vm: .* 1 CPU\):"
else
	skip "an older QEMU" "KVM works here"
fi

# ---- the kernel's complaints -------------------------------------------------------------------------

refuses "a panic" vm 'echo before; echo c >/proc/sysrq-trigger; exit 0'
is "a panic: status" "$TAP_STATUS" 125
like "a panic: what was said before" "$TAP_OUTPUT" "^before"
like "a panic: the reason" "$TAP_OUTPUT" "vm: the kernel $RELEASE complained: .*sysrq triggered crash"
like "a panic: the console" "$TAP_OUTPUT" "the last lines of the console.*Kernel panic - not syncing"
like "a panic: how long it took" "$TAP_OUTPUT" "$REPORT"
refuses "a splat, after which the kernel goes on" vm 'echo l >/proc/sysrq-trigger; exit 0'
is "a splat: status" "$TAP_STATUS" 125
like "a splat: the reason" "$TAP_OUTPUT" "vm: the kernel $RELEASE complained: Call [Tt]race"
ok "nothing is left" nothing_left

# ---- time --------------------------------------------------------------------------------------------

refuses "a command that does not end" vm -t $enough 'echo before; exec tail -f /dev/null'
is "a command that does not end: status" "$TAP_STATUS" 124
like "a command that does not end: output" "$TAP_OUTPUT" "^before.*
vm: not done after $enough s\$"
is "a command that does not end: lines of the console" "$(grep -c '^    ' <<<"$TAP_OUTPUT")" 30
ok "nothing is left" nothing_left

qemu_of_machines() {
	local machine

	for machine in $(machines); do
		[ "$(readlink "/proc/$machine/exe")" != "$(realpath "$(command -v "$qemu")")" ] ||
			echo "$machine"
	done
}
boots() { [ -s "$(compgen -G "$WORK/output/vm/job-*/console")" ]; }
vm -t 8 true >"$WORK/hang" 2>&1 &
hang=$!
ok "a machine that boots" wait_for 8 boots
for machine in $(qemu_of_machines); do kill -STOP "$machine"; done
wait "$hang"
is "a boot that hangs: status" "$?" 124
like "a boot that hangs: says so" "$(<"$WORK/hang")" "ended after .*the last lines of the console of $RELEASE.*
vm: not done after 8 s\$"
is "a boot that hangs: the console's last lines" "$(sed -n 's/^    //p' "$WORK/hang")" \
	"$(tail -n 30 "$WORK/output/vm/console" | tr -d '\r')"
unlike "a boot that hangs: it has not started" "$(<"$WORK/hang")" "started after"
ok "nothing is left" nothing_left

# ---- kernels ------------------------------------------------------------------------------------------

vm_of() { "$RUN" "${ANOTHER[@]}" -o "$WORK/output" -k "$@"; }
refuses "a version that nobody has" vm_of 5.99 true
is "a version that nobody has: status" "$TAP_STATUS" 125
like "a version that nobody has: message" "$TAP_OUTPUT" "vm: no package of kernel 5\.99 in the suites that apt reaches
hint: .*apt-cache"
# Before bpf_crypto, with BTF.
"$TOP/tests/vm/kernel" 6.1 "$OUTPUT/vm" >"$WORK/old" 2>&1
case $? in
0)
	refuses "a kernel without bpf_crypto" vm_of 6.1 '"$XDPSEC" selftest'
	is "a kernel without bpf_crypto: status" "$TAP_STATUS" 1
	like "a kernel without bpf_crypto: one sentence" "$TAP_OUTPUT" \
		"xdpsec: this kernel has no kfunc bpf_crypto_ctx_create
hint: (apt-get install .* linux-image-amd64 && reboot, .*|use Linux 6\.12 or later); this is Linux 6\.1\."
	;;
3) skip "a kernel without bpf_crypto" "no suite within reach has one" ;;
*) bail "cannot fetch the kernel 6.1: $(<"$WORK/old")" ;;
esac

# ---- Ctrl-C ------------------------------------------------------------------------------------------

if [ -n "$(command -v tmux)" ]; then
	open_terminal "'$RUN' ${ANOTHER[*]} -k $KERNEL -o '$WORK/output' 'echo here; exec tail -f /dev/null'"
	ok "a command on a terminal" wait_for 120 shows '^here'
	ok "a command on a terminal: there are processes of it" test -n "$(qemu_of_machines)"
	press C-c
	ok "Ctrl-C: it ends" wait_for 10 has_ended
	is "Ctrl-C: status" "$(<"$WORK/status")" 130
	ok "Ctrl-C: no process, no mount, no file is left" nothing_left
	is "Ctrl-C: terminal and mounts are as before" "$(<"$WORK/after")" "$(<"$WORK/before")"
	close_terminal

	open_terminal "'$RUN' ${ANOTHER[*]} -k $KERNEL -o '$WORK/output' true"
	ok "a machine that boots" wait_for 8 boots
	press C-c
	ok "Ctrl-C while it boots: it ends" wait_for 10 has_ended
	is "Ctrl-C while it boots: status" "$(<"$WORK/status")" 130
	ok "Ctrl-C while it boots: nothing is left" nothing_left
else
	skip "Ctrl-C" "needs tmux"
fi
done_testing
