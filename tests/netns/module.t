#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The optional module bpf_crypto_bulk in the laboratory (MODULE=1): it is taken where it is loaded, refused to be unloaded
# while in use, missed where it is absent, and changed over to without loss when it is loaded later.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"
# shellcheck source=tests/netns/lib/driver.sh
. "$here/driver.sh"
REKEYS=1 RATE=200
# shellcheck source=tests/netns/lib/agree_load.sh
. "$here/agree_load.sh"

grep -q XDPSEC_VM_TREE= /proc/cmdline || skip_all "only the laboratory's modules are loaded and unloaded"
modprobe -n -q bpf_crypto_bulk || skip_all "the module is not built here: make vmtest MODULE=1"
defer modprobe bpf_crypto_bulk

users() { awk '$1 == "bpf_crypto_bulk" { print $3 }' /proc/modules; }
unused() { [ "$(users)" = 0 ]; }

make_sites
write_configs

# ---- in use ----------------------------------------------------------------------------------------------

ok "load" modprobe bpf_crypto_bulk || bail "cannot load it"
is "selftest: it is used" "$("$XDPSEC" selftest -j | jq -r '"\(.module) \(.passed)"')" "in use true"
ok "no context is left of it" wait_for 5 unused
ok "up" up || bail "not up"
like "up says that it is used" "$TAP_OUTPUT" "^$NAME_A: cipher: bulk\\([^)]*\\), by the module bpf_crypto_bulk"
bulk=$(bound_of a)
like "A is bound to it" "$bulk" "^bulk\\((__)?ecb-aes-[a-z0-9-]+\\)\$"
is "B as well" "$(bound_of b)" "$bulk"
like "status names it" "$(xdpsec_a status "$NAME_A")" "cipher: aes-128-ocb by bulk\\("
is "there is nothing to say" "$(status_a '[.warnings, .advice] | tostring')" "[[],[]]"
refuses "it cannot be unloaded" modprobe -r bpf_crypto_bulk
like "which says why" "$TAP_OUTPUT" "in use"
is "and works on" "$(bound_of a)" "$bulk"
ok "a large packet, and a small one" eval 'in_a "$PACKETS" send $B4 5201 --count 5 --size 1300 && in_a "$PACKETS" send $B4 5201 --count 5 --size 20'
ok "were opened" wait_for 5 opened_b 10
is "nothing was dropped" "$(all_drops_a)$(all_drops_b)" ""
ok "down" down
ok "no context is left" wait_for 5 unused
ok "unload" modprobe -r bpf_crypto_bulk

# ---- absent ----------------------------------------------------------------------------------------------

ok "absent: up" up || bail "not up"
unlike "absent: up does not say that it is used" "$TAP_OUTPUT" "by the module"
like "absent: up says what to do" "$TAP_OUTPUT" "the module bpf_crypto_bulk is installed, but not loaded: .*hint: modprobe bpf_crypto_bulk, then "
like "absent: the kernel's own" "$(bound_of a) $(bound_of b)" "^ecb\\(([a-z0-9-]+)\\) ecb\\(\\1\\)\$"
like "absent: status says so" "$(status_a '.advice[]')" "installed, but not loaded"
is "absent: it is no fault" "$(status_a '.warnings | length')" 0

# ---- of another kernel -----------------------------------------------------------------------------------

# In its text: with versions of symbols the kernel compares what it was configured with, not the release.
other() {
	sed 's/\(vermagic=[^ ]* \)SMP/\1UMP/' "/lib/modules/$(uname -r)/updates/dkms/bpf_crypto_bulk.ko" >"$WORK/other.ko"
	insmod "$WORK/other.ko"
}
refuses "of another kernel: it is not loaded" other
like "of another kernel: why" "$TAP_OUTPUT" "[Ii]nvalid module format|Exec format error"
ok "of another kernel: reload changes nothing" xdpsec_a reload "$NAME_A"
like "of another kernel: says so" "$TAP_OUTPUT" "changed: 0,"

# ---- loaded later ----------------------------------------------------------------------------------------

ok "later: load" modprobe bpf_crypto_bulk
for site in a b; do
	like "later: ${site^^} warns" "$("status_$site" '.warnings | join("")')" \
		"it uses ecb\\([a-z0-9-]+\\), since bulk\\(.*\\) was loaded later: xdpsec reload $ID-$site "
done
reloads_under_traffic later
is "later: bound" "$(bound_of a) $(bound_of b)" "$bulk $bulk"
is "later: nothing to say any more" "$(status_a '[.warnings, .advice] | tostring')" "[[],[]]"
ok "later: once more" xdpsec_a reload "$NAME_A"
like "later: nothing changes" "$TAP_OUTPUT" "changed: 0,"
ok "later: down" down
ok "later: unload" wait_for 5 modprobe -r bpf_crypto_bulk

# ---- agreed keys -----------------------------------------------------------------------------------------

module_is() { [ "$(status_a .peers[0].agreement.module)$(status_b .peers[0].agreement.module)" = "$1$1" ]; }
reaches_b() { in_a ping -c1 -W1 $TUNNEL_B4; }
write_agreed_configs
ok "agreed: up" up || bail "not up"
ok "agreed: keys without it" wait_for 20 module_is false
ok "agreed: load" modprobe bpf_crypto_bulk
for site in a b; do
	like "agreed: ${site^^} warns" "$("status_$site" '.warnings | join("")')" \
		"its key is from before the module bpf_crypto_bulk was loaded: .* xdpsec reload $ID-$site "
done
# Nothing but the reload of one site: the other has the new key by the same handshake.
LOAD_A=$TUNNEL_A4 LOAD_B=$TUNNEL_B4
good_network() { :; }
is_drained() { :; }
load_start
ok "agreed: reload at A" xdpsec_a reload "$NAME_A"
ok "agreed: keys of it" wait_for 20 module_is true
load_stop "agreed"
is "agreed: nothing to say any more" "$(status_a '[.warnings, .advice] | tostring')$(status_b '[.warnings, .advice] | tostring')" \
	"[[],[]][[],[]]"
ok "agreed: packets pass" wait_for 10 reaches_b
like "agreed: status says so" "$(xdpsec_a status "$NAME_A")" "suite: AES-[0-9]+-OCB, by the module bpf_crypto_bulk|suite: aes-[0-9]+-ocb, by the module bpf_crypto_bulk"
refuses "agreed: it cannot be unloaded" modprobe -r bpf_crypto_bulk
ok "agreed: down" down
ok "agreed: no context is left" wait_for 5 unused
ok "agreed: unload" modprobe -r bpf_crypto_bulk

# Without handshakes of its own accord: the new agent has one, as the key before was used.
INTERFACE_LINES='Idle = silent' write_agreed_configs
ok "silent: up" up || bail "not up"
ok "silent: a packet, and a key" wait_for 10 reaches_b
ok "silent: load" modprobe bpf_crypto_bulk
ok "silent: reload at A" xdpsec_a reload "$NAME_A"
later_by_module() { reaches_b && module_is true; }
ok "silent: packets go on, and the key is by it" wait_for 20 later_by_module
ok "silent: down" down
ok "silent: no context is left" wait_for 5 unused
ok "nothing is left" no_trace
done_testing
