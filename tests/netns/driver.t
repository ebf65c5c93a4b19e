#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The driver behind ecb(aes): status tells it, and when the kernel has a better one by now; reload changes over to
# that without losing a packet or repeating a number, and what somebody else asked for by name makes no difference.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/driver.sh
. "$here/driver.sh"

# The drivers of the bare cipher, the kernel's choice first: "DRIVER MODULE".
drivers() {
	awk '$1 == "driver" { driver = $3 } $1 == "module" { module = $3 } $1 == "priority" { priority = $3 }
		$1 == "name" { name = $3 } $1 == "type" && $3 == "cipher" && name == "aes" { print priority, driver, module }' \
		/proc/crypto | sort -rn | cut -d' ' -f2-
}
# set_driver FILE [DRIVER]: without one, the kernel's choice
set_driver() {
	sed -i '/^Driver/d' "$1"
	[ -z "${2:-}" ] || sed -i "/^Cipher/a Driver = $2" "$1"
}

without_module
make_sites
write_configs
read -r best _ < <(drivers)
[ -n "$best" ] || skip_all "/proc/crypto has no driver of aes"
ok "up" up || bail "not up"
bound=$(bound_of a)
is "the kernel's choice at A" "$bound" "ecb($best)"
is "the kernel's choice at B" "$(bound_of b)" "ecb($best)"
like "status names it" "$(xdpsec_a status "$NAME_A")" "cipher: aes-128-ocb by ecb\\($best\\)"
is "selftest names it" "$("$XDPSEC" selftest -j | jq -r '.ciphers[0] | "\(.driver) \(.bound)"')" "aes ecb($best)"
is "no warning" "$(status_a '.warnings | join("")')" ""

# ---- another driver has come: so says /proc/crypto, of which one is shown that has more in it ---------------

# status_with TYPE PRIORITY: status of A where the kernel lists such a driver as well
status_with() {
	{
		cat /proc/crypto
		printf '%s\n' "name         : aes" "driver       : aes-fast" "module       : kernel" \
			"priority     : $2" "type         : $1" ""
	} >"$WORK/crypto"
	# shellcheck disable=SC2016 # for the other shell
	in_a unshare -m sh -c 'mount --bind "$1" /proc/crypto && exec "$2" status "$3"' sh "$WORK/crypto" "$XDPSEC" "$NAME_A"
}
refuses "a better driver: status ends with 1" status_with cipher 5000
like "a better driver: a warning, and what to do" "$TAP_OUTPUT" \
	"warning: site-b: it uses ecb\\($best\\), since ecb\\(aes-fast\\) was loaded later: xdpsec reload $NAME_A "
ok "a driver that is no better: status" status_with cipher 1
unlike "a driver that is no better: no warning" "$(without_advice <<<"$TAP_OUTPUT")" "warning"
ok "a driver of something else: status" status_with shash 5000
unlike "a driver of something else: no warning" "$(without_advice <<<"$TAP_OUTPUT")" "warning"
set_driver "$WORK/$NAME_A.conf" "$best"
ok "the driver by name: reload" xdpsec_a reload "$NAME_A"
ok "the driver by name: status" status_with cipher 5000
unlike "the driver by name: no warning, as it was asked for" "$TAP_OUTPUT" "warning"
ok "down" down

# ---- from one driver to another ------------------------------------------------------------------------

other=$(drivers | cut -d' ' -f1 | sed -n '2p')
if [ -n "$other" ]; then
	set_driver "$WORK/$NAME_A.conf" "$other"
	set_driver "$WORK/$NAME_B.conf" "$other"
	rm -rf "$WORK"/state-*/*
	make_keys
	ok "by name: up" up || bail "not up"
	is "by name: bound" "$(bound_of a) $(bound_of b)" "ecb($other) ecb($other)"
	set_driver "$WORK/$NAME_A.conf"
	set_driver "$WORK/$NAME_B.conf"
	reloads_under_traffic "from $other to $best"
	is "from $other to $best: bound" "$(bound_of a) $(bound_of b)" "ecb($best) ecb($best)"
	before=$(status_a '.peers[0].tx.sequence')
	ok "once more: reload" xdpsec_a reload "$NAME_A"
	like "once more: nothing changes" "$TAP_OUTPUT" "changed: 0,"
	is "once more: the sequence stays" "$(status_a '.peers[0].tx.sequence')" "$before"
	ok "by name: down" down
else
	skip "from one driver to another" "this kernel has only $best"
fi

# ---- a module that comes later -------------------------------------------------------------------------

# The module of this machine that has a driver of the bare cipher, and those that use it.
module=aesni_intel users=()
[ "$(uname -m)" != aarch64 ] || module=aes_ce_cipher users=(aes_ce_blk aes_ce_ccm)
unload() {
	local user

	for user in "${users[@]}"; do
		[ ! -e "/sys/module/$user" ] || modprobe -r "$user" || return
	done
	[ ! -e "/sys/module/$module" ] || modprobe -r "$module"
}

late_module() {
	local slow

	slow=$(drivers | awk -v module=$module '$2 != module { print $1; exit }')
	rm -rf "$WORK"/state-*/*
	make_keys
	ok "$module: unload" unload || bail "cannot unload $module"
	ok "$module: up without" up || bail "not up"
	is "$module: bound without" "$(bound_of a) $(bound_of b)" "ecb($slow) ecb($slow)"
	is "$module: no warning yet" "$(status_a '.warnings | join("")')" ""
	ok "$module: load" modprobe $module
	for site in a b; do
		like "$module: ${site^^} warns" "$("status_$site" '.warnings | join("")')" \
			"it uses ecb\\($slow\\), since ecb\\($best\\) was loaded later: xdpsec reload $ID-$site "
	done
	reloads_under_traffic "$module"
	is "$module: bound" "$(bound_of a) $(bound_of b)" "ecb($best) ecb($best)"
	is "$module: no warning any more" "$(status_a '.warnings | join("")')$(status_b '.warnings | join("")')" ""
	refuses "$module: it is in use" modprobe -r $module
	ok "$module: down" down

	# An instance of ecb with the slow driver, made before there is one with the fast one: the kernel would take it.
	ok "ecb($slow) first: unload" unload
	ok "ecb($slow) first: load" modprobe $module
	set_driver "$WORK/$NAME_A.conf" "$slow"
	ok "ecb($slow) first: A asks for it" up_a || bail "not up"
	is "ecb($slow) first: the kernel has no other" \
		"$(awk '$1 == "driver" && $3 ~ /^ecb\(aes/ { print $3 }' /proc/crypto)" "ecb($slow)"
	ok "ecb($slow) first: B takes the kernel's choice" up_b
	is "ecb($slow) first: bound" "$(bound_of a) $(bound_of b)" "ecb($slow) ecb($best)"
	ok "ecb($slow) first: down" down
}
# Other programs of a machine would notice.
if ! grep -q XDPSEC_VM_TREE= /proc/cmdline; then
	skip "a module that comes later" "only the laboratory's modules are unloaded"
elif ! drivers | grep -q " $module\$"; then
	skip "a module that comes later" "$module brings no driver of the bare cipher: this kernel has $best"
else
	set_driver "$WORK/$NAME_A.conf"
	set_driver "$WORK/$NAME_B.conf"
	late_module
fi
ok "nothing is left" no_trace
done_testing
