#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bringing an instance up and down, and everything that can be in the way: what is said, and that nothing is left.

# shellcheck source=tests/netns/lib/lifecycle.sh
. "$(dirname "$0")/lib/lifecycle.sh"
# shellcheck source=tests/netns/lib/inject.sh
. "$here/inject.sh"

make_sites
write_configs
keep
defer down_anyhow
index() { ip -n "$1" -j link show dev "$2" | jq '.[0].ifindex'; }

# ---- up, down ----------------------------------------------------------------------------------------

fails "up: a key without state" "TxKeyFile.*the sequence numbers that this key has used are unknown.*hint: .*--new-key" up_plain
ok "up: a key without state: no trace" no_trace_a
ok "up" up_a || bail "not up"
ok "its hop device" ip -n "$SITE_A" link show dev "xsh$(index "$SITE_A" eth0)a"
like "its hop device is known by its alias" "$(ip -n "$SITE_A" link show dev "xsh$(index "$SITE_A" eth0)a")" \
	"alias xdpsec $NAME_A"
is "its hop device has no addresses" "$(ip -n "$SITE_A" -j address show dev "xsh$(index "$SITE_A" eth0)a" |
	jq '.[0].addr_info | length')" 0
for feature in tx-checksumming scatter-gather tcp-segmentation-offload generic-segmentation-offload; do
	like "its hop device: $feature" "$(in_a ethtool -k "xsh$(index "$SITE_A" eth0)a")" "$feature: off"
done
fails "up twice" "$NAME_A: is up already.*hint: xdpsec .*reload $NAME_A" up_plain
cp "$CONF" "$WORK/$ID-other.conf"
fails "another instance for the same flows" "overlaps with $B4/32 of $NAME_A, on the same device eth0.*hint: " \
	xdpsec_a up "$WORK/$ID-other.conf" --new-key
is "another instance for the same flows: the first is not touched" "$(status_a .attached)" true
fails "down from another namespace" "another network namespace.*hint: xdpsec -n $SITE_A down $NAME_A" \
	xdpsec_b down "$NAME_A"
is "down from another namespace: not touched" "$(status_a .attached)" true
ok "status from another namespace" xdpsec_b status "$NAME_A"
like "status from another namespace: knows the devices" "$TAP_OUTPUT" "XDP native"
ok "down" down_plain
ok "down: no trace" no_trace_a
fails "down twice" "$NAME_A: is not up.*hint: .*; .xdpsec -n $SITE_A up $NAME_A. starts this one\$" down_plain
ok "up again: the key has state now" up_plain
ok "down again" down_plain
refuses "down of what is no name" xdpsec_a down ../xdpsec

# ---- status ------------------------------------------------------------------------------------------

ok "up for status" up_plain || bail "not up"
is "status: the names that other programs rely on" "$(status_a '
	[.name, .device, .mode, .xdp, (.peers | length), .peers[0].name,
	 (.peers[0].tx | has("spi", "packets", "bytes", "sequence", "limit")),
	 (.peers[0].rx | has("spi", "packets", "bytes", "highest_sequence", "last_seen")),
	 (.peers[0].drops | has("auth_failed")),
	 (.drops | has("plaintext", "unknown_spi", "malformed", "auth_failed", "replayed", "fragment", "too_big",
		"no_key", "sequence_exhausted", "wrong_next_header"))] | map(tostring) | join(" ")')" \
	"$NAME_A eth0 inline native 1 site-b true true true true true true true true true true true true true true true true true true true true true"
is "status: the values of an SA that was not used" "$(status_a '
	[.peers[0] | .tx.spi, .tx.packets, .tx.bytes, .rx.spi, .rx.packets, .rx.last_seen] | map(tostring) | join(" ")')" \
	"4097 0 0 4098 0 null"
is "status: the range" "$(status_a '.peers[0].tx | .limit - .sequence')" $((1 << 48))
is "status: of all, an array" "$(xdpsec_a status -j | jq --arg n "$NAME_A" -r 'map(select(.name == $n)) | length')" 1
ok "status for people" xdpsec_a status "$NAME_A"
like "status for people: the peer" "$TAP_OUTPUT" "peer: site-b"
like "status for people: what is protected" "$TAP_OUTPUT" "$B4/32, UDP ports 4789,5201-5210"
like "status for people: the cipher's driver" "$TAP_OUTPUT" "aes-128-ocb by (ecb|bulk)\\((__ecb-)?aes"
key=$(cat "$WORK/a-to-b.key")
unlike "status shows no key" "$(xdpsec_a status "$NAME_A"; xdpsec_a status "$NAME_A" -j)" "$key"
ip -n "$SITE_A" link set dev eth0 xdp off
is "XDP detached by somebody: attached" "$(status_a .attached)" false
like "XDP detached by somebody: a warning" "$(status_a '.warnings[]')" "not attached to XDP of eth0"
ip -n "$SITE_A" link del dev "xsh$(index "$SITE_A" eth0)a"
like "hop device deleted by somebody: a warning" "$(status_a '.warnings[]')" "the hop device .* is gone"
ok "down with half of it gone" down_plain
ok "down with half of it gone: no trace" no_trace_a

mkdir -p "$LEFTOVER/maps"
fails "status with a leftover" "warning: $NAME_A: left incomplete by a command that was killed.*hint: xdpsec .*down $NAME_A" xdpsec_a status
ok "down of a leftover" down_plain
ok "down of a leftover: no trace" no_trace_a

# ---- devices that are gone ---------------------------------------------------------------------------

make_namespace "$ID-gone"
# A device of its own, so that removing it does not disturb the sites.
gone() {
	ip -n "$ID-gone" link add eth0 type veth peer name far || return 1
	"$XDPSEC" -n "$ID-gone" --state-dir "$WORK/state-a" up "$CONF"
}
ok "up on a device that will go" gone
ok "the device is deleted" ip -n "$ID-gone" link del dev eth0
ok "down without the device" "$XDPSEC" -n "$ID-gone" down "$NAME_A"
ok "down without the device: no trace" no_trace_a
is "down without the device: the hop device is gone" "$(ip -n "$ID-gone" -o link show | grep -c xsh)" 0
ok "up in a namespace that will go" gone
ip netns del "$ID-gone"
ok "status without the namespace" wait_for 5 sh -c "'$XDPSEC' status $NAME_A | grep 'namespace of eth0 is gone'"
ok "down without the namespace" "$XDPSEC" down "$NAME_A"
ok "down without the namespace: no trace" no_trace_a
ip netns add "$ID-gone" # the next one of that name, and for the cleanup

# Another namespace of the same name, and a device of the same name and index: not where the instance was.
again() { "$XDPSEC" -n "$ID-gone" --state-dir "$WORK/state-a" "$@"; }
is_gone='the network namespace of its device eth0 is gone, or cannot be found.*hint: xdpsec .*down'
ok "up in the next namespace" gone
index=$(ip -n "$ID-gone" -j link show dev eth0 | jq '.[0].ifindex')
ip netns del "$ID-gone"
ip netns add "$ID-gone"
ok "status, when that is gone" wait_for 5 sh -c "'$XDPSEC' status $NAME_A | grep 'namespace of eth0 is gone'"
ok "another device of its index" ip -n "$ID-gone" link add eth0 index "$index" type veth peer name far
fails "reload in another namespace of that name" "$is_gone" again reload "$NAME_A"
fails "up in another namespace of that name" "$is_gone" again up "$CONF"
is "nothing is attached to a device of the same index" "$(ip -n "$ID-gone" link show dev eth0 | grep -c prog/xdp)" 0
ok "down in another namespace of that name" again down "$NAME_A"
ok "down in another namespace of that name: no trace" no_trace_a
ip -n "$ID-gone" link del dev eth0

# A network card goes back to the first namespace when its own ends, with its programs. A veth has to be moved.
make_namespace "$ID-back"
back() { "$XDPSEC" -n "$ID-back" --state-dir "$WORK/state-a" "$@"; }
# ends_without_device: up, the device goes to another namespace, and the instance's ends
ends_without_device() {
	gone || return 1
	ip -n "$ID-gone" link set dev far netns "$ID-back" # or the device would be deleted with it
	ip -n "$ID-gone" link set dev eth0 netns "$ID-back" name card
	ip netns del "$ID-gone"
	ip netns add "$ID-gone"
	wait_for 5 sh -c "'$XDPSEC' status $NAME_A | grep 'namespace of eth0 is gone'"
}
for mode in inline tunnel; do
	[ $mode = inline ] || write_tunnel_configs
	ok "$mode, device back: up, and its namespace ends" ends_without_device
	is "$mode, device back: the program is there" "$(ip -n "$ID-back" link show dev card | grep -c prog/xdp)" 1
	fails "$mode, device back: reload" "$is_gone" back reload "$NAME_A"
	ok "$mode, device back: down" back down "$NAME_A"
	is "$mode, device back: the program is not" "$(ip -n "$ID-back" link show dev card | grep -c prog/xdp)" 0
	ok "$mode, device back: no trace" no_trace_a
	ip -n "$ID-back" link del dev card
done
write_configs

# ---- what the device must be -------------------------------------------------------------------------

set_line Device nosuch0
fails "no such device" "$NAME_A.conf:[0-9]+: Device: nosuch0: no such device.*hint: .*-n NETNS" up_plain
fails "check: no such device" "nosuch0: no such device" xdpsec_a check "$CONF"
set_line Device lo
fails "not Ethernet" "Device: lo: not an Ethernet device.*hint: " up_plain
restore
ip -n "$SITE_A" link set dev eth0 mtu 1300
fails "MTU too small for IPv6" "Device: eth0: MTU 1300 is too small: it must hold 1280 bytes of IPv6 and 32 bytes.*hint: ip .*link set dev eth0 mtu 1312" \
	up_plain
sed -i '/^Address = .*:/d' "$CONF"
ok "MTU enough for IPv4" xdpsec_a check "$CONF"
ip -n "$SITE_A" link set dev eth0 mtu 600
fails "MTU too small for IPv4" "MTU 600 is too small: it must hold 576 bytes of IPv4 and 32 bytes" xdpsec_a check "$CONF"
restore
ip -n "$SITE_A" link set dev eth0 mtu 1500
ip -n "$SITE_A" address replace $A6/64 dev eth0 nodad
ip -n "$SITE_A" route replace default via 2001:db8:a::fe
ok "nothing of these is left" no_trace_a

# ---- what the process may, and what the kernel has ---------------------------------------------------

fails "no root" "not permitted: CAP_BPF is missing.*hint: .*root" \
	in_a "${AS_NOBODY[@]}" "$XDPSEC" up "$CONF"
fails "without CAP_NET_ADMIN" "not permitted: CAP_NET_ADMIN is missing" \
	in_a setpriv --bounding-set -net_admin --inh-caps -net_admin "$XDPSEC" up "$CONF"
no_btf() {
	# shellcheck disable=SC2016
	in_a unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && "$1" --state-dir "$2" up "$3"' sh \
		"$XDPSEC" "$WORK/state-a" "$CONF"
}
realtime() {
	# shellcheck disable=SC2016
	in_a unshare -m sh -c 'mount -t tmpfs none /sys/kernel && echo 1 >/sys/kernel/realtime &&
		"$1" --state-dir "$2" up "$3"' sh "$XDPSEC" "$WORK/state-a" "$CONF"
}
fails "with PREEMPT_RT" "PREEMPT_RT kernels are not supported.*hint: " realtime
fails "without BTF" "this kernel has no BTF.*hint: " no_btf
# The BTF of a kernel that lacks the kfuncs: that of a program, which names none but those that it calls.
read -r offset size < <(readelf -WS "$OUTPUT/open.bpf.o" | sed 's/^ *\[ *[0-9]*\]//' |
	awk '$1 == ".BTF" { print $4, $5 }')
tail -c +$((0x$offset + 1)) "$OUTPUT/open.bpf.o" | head -c $((0x$size)) >"$WORK/btf"
no_kfuncs() {
	# shellcheck disable=SC2016
	in_a unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && cp "$4" /sys/kernel/btf/vmlinux &&
		"$1" --state-dir "$2" up "$3"' sh "$XDPSEC" "$WORK/state-a" "$CONF" "$WORK/btf"
}
fails "without the kfuncs" "this kernel has no kfunc bpf_crypto_ctx_create.*hint: use Linux 6.12" no_kfuncs
ok "nothing of these is left" no_trace_a
sed -i '/^Cipher/a Driver = nosuch' "$CONF"
fails "a cipher that the kernel has not" "this kernel has no cipher ecb\\(nosuch\\).*hint: .*selftest" up_plain
sed -i 's/^Driver = .*/Driver = cipher_null/' "$CONF"
fails "a cipher that is none" "(this kernel has no cipher|the kernel refuses) ecb\\(cipher_null\\)" up_plain
restore
ok "nothing of these is left" no_trace_a
ok "selftest" "$XDPSEC" selftest
like "selftest: the programs load" "$TAP_OUTPUT" "programs: ok"
like "selftest: the ciphers" "$TAP_OUTPUT" "Driver = aes: (ecb|bulk)\\((__ecb-)?aes.*vectors of RFC 7253 ok"
is "selftest -j" "$("$XDPSEC" selftest -j | jq -r '"\(.passed) \(.programs) \(.vectors) \(.ciphers[0].driver)"')" "true true 6 aes"

# ---- what fails half-way -----------------------------------------------------------------------------

hop=xsh$(index "$SITE_A" eth0)
for name in "${hop}a" "${hop}b"; do
	ip -n "$SITE_A" link add "$name" type veth peer name spare
	fails "$name is somebody else's" "cannot create the hop device: a device ${hop}a or ${hop}b exists" up_plain
	ok "$name is somebody else's, and stays" ip -n "$SITE_A" link del dev "$name"
	ok "$name is somebody else's: no other trace" no_trace_a
done

# Somebody else's XDP program: here, that of another instance, attached by hand.
ok "up at B for its program" up_b
in_a ip link set dev eth0 xdp pinned "/sys/fs/bpf/xdpsec/$NAME_B/programs/open"
other=$(ip -n "$SITE_A" -j -d link show dev eth0 | jq '.[0].xdp.prog.id')
fails "another XDP program" "eth0: cannot attach to XDP.*hint: another XDP program is attached" up_plain
is "another XDP program: stays" "$(ip -n "$SITE_A" -j -d link show dev eth0 | jq '.[0].xdp.prog.id')" "$other"
ip -n "$SITE_A" link set dev eth0 xdp off
ok "another XDP program: no other trace" no_trace_a
ok "down at B" down_b

if can_trace; then
	while IFS='|' read -r name error regex <&3; do
		fails "Ctrl-C while $name" "interrupted: undone" injected "$regex" signal=SIGINT
		ok "Ctrl-C while $name: no trace" no_trace_a
		fails "$error while $name" "^xdpsec: .+: " injected "$regex" error="$error"
		ok "$error while $name: no trace" no_trace_a || down_plain
	done 3<<-'END'
		making directories|ENOSPC|mkdir.*/programs
		pinning a map|ENOSPC|OBJ_PIN.*/maps/policies
		loading seal|EPERM|PROG_LOAD.*prog_name="xdpsec_seal"
		filling peers|ENOMEM|MAP_UPDATE_BATCH
		installing a context|EPERM|PROG_(TEST_)?RUN.*data_size_in=0,
		checking the vectors|EIO|PROG_(TEST_)?RUN.*data_size_in=46,
		reserving numbers|EIO|fsync
		naming the state file|EROFS|^renameat\(
		pinning a program|ENOSPC|OBJ_PIN.*/programs/open
		attaching XDP|EBUSY|sendto.*nlmsg_type=(0x13|RTM_SETLINK)
		creating the hop device|ENOBUFS|sendto.*0x600
		attaching the hop|ENOMEM|LINK_CREATE.*(0x2e|TCX_INGRESS|0x36|NETKIT_PRIMARY)
		pinning the hop's link|ENOSPC|OBJ_PIN.*/links/hop
		attaching egress|EINVAL|LINK_CREATE.*(0x2f|TCX_EGRESS)
		pinning the link of egress|ENOSPC|OBJ_PIN.*/links/seal
	END
	fails "EIO while renaming" "cannot rename it" injected '^renameat2' error=EIO
	ok "EIO while renaming: no trace" no_trace_a
else
	skip "Ctrl-C and errors at every kind of step" "needs strace"
fi
first=$(up_plain >/dev/null && status_a '.peers[0].tx.sequence')
is "numbers that failed attempts reserved, and did not use, are given back" "$first" 0
down_plain

# ---- reload ------------------------------------------------------------------------------------------

ok "up at A for reload" up_plain || bail "not up"
ok "up at B for reload" up_b || bail "not up"
start_echo "$SITE_B" $B4 5201
answers() { packets "$SITE_A" roundtrip $B4 5201 --size 300; }
refuses_answers() { packets "$SITE_A" roundtrip $B4 5201 --size 300 --timeout 1; }
reload_b() { xdpsec_b reload "$NAME_B" "$@"; }
# Everything of the data plane that a reload may change, but for the counters.
picture() {
	status_a '[.peers[] | [.name, .cipher, .tx.spi, .tx.key, .tx.driver, .rx.spi, .rx.key,
		([.protects[] | "\(.prefix) \(.ports)"] | sort)]] | tostring'
}

ok "answers" answers
before=$(status_a '.peers[0].tx.sequence')
ok "reload without a difference" reload_a
like "reload without a difference: says so" "$TAP_OUTPUT" "added: 0, changed: 0, removed: 0"
is "reload without a difference: the sequence goes on" "$(status_a '.peers[0].tx.sequence')" "$before"

make_key c
make_key d
write_config unused unused site-c "203.0.113.200/32 2001:db8:c:1::/64" 0x3001 "$WORK/c.key" 0x3002 "$WORK/d.key" |
	sed -n '/\[Peer\]/,$p' >>"$CONF"
cp "$CONF" "$WORK/two"
before=$(picture)
fails "a new peer whose key has no state" "peer site-c: TxKeyFile.*hint: use --new-key" reload_a
is "a new peer whose key has no state: nothing has changed" "$(picture)" "$before"
ok "a new peer" reload_a --new-key
like "a new peer: says so" "$TAP_OUTPUT" "added: 1, changed: 0, removed: 0"
is "a new peer: its prefixes" "$(status_a '.peers[1] | [.name, (.protects[].prefix)] | sort | join(" ")')" \
	"2001:db8:c:1::/64 203.0.113.200/32 site-c"
ok "a new peer: the first still answers" answers
sed -i 's/^Ports = .*/Ports = 5201, 6000-6001/' "$CONF"
ok "other ports" reload_a
is "other ports: of both" "$(status_a '[.peers[].protects[].ports] | unique | join(" ")')" "5201,6000-6001"
sed -i 's/^Ports = .*/Ports = 5201/' "$CONF"
ok "one port" reload_a
ok "one port: answers" answers
sed -i 's/^Ports = .*/Ports = 6000-6001/' "$CONF"
ok "a port that is not protected any more" reload_a
before=$(status_a '.peers[0].tx.sequence')
refuses "a port that is not protected any more: no answers" refuses_answers
is "a port that is not protected any more: nothing is sealed, at once" "$(status_a '.peers[0].tx.sequence')" "$before"
is "a port that is not protected any more: B gets it in clear" "$(status_b '.drops.plaintext > 0')" true
restore
ok "a peer goes" reload_a
like "a peer goes: says so" "$TAP_OUTPUT" "added: 0, changed: 1, removed: 1"
is "a peer goes: its prefixes too" "$(status_a '[.peers[].protects[].prefix] | sort | join(" ")')" "$B4/32 $B6/128"
ok "a peer goes: the other answers" answers

before=$(picture)
set_line TxSpi 255
fails "a mistake" "TxSpi: 255" reload_a
is "a mistake: nothing has changed" "$(picture)" "$before"
restore
set_line Device lo
fails "another device" "Device cannot be changed by reload.*hint: xdpsec .*down $NAME_A" reload_a
restore
set_line Xdp generic
fails "another XDP mode" "Xdp cannot be changed by reload.*hint: " reload_a
restore
sed -i '/^Cipher/a Driver = nosuch' "$CONF"
fails "a driver that the kernel has not" "no cipher ecb\\(nosuch\\)" reload_a
is "a driver that the kernel has not: nothing has changed" "$(picture)" "$before"
restore
fails "reload from another namespace" "another network namespace.*hint: xdpsec -n $SITE_A reload" xdpsec_b reload "$NAME_A"
ok "after all of this it still answers" answers

# A new key for one direction, at both ends.
cp "$WORK/c.key" "$WORK/a-to-b.key"
ok "a new key at A" reload_a
refuses "a new key at A alone: no answers" refuses_answers
is "a new key at A alone: B refuses the tags" "$(status_b '.drops.auth_failed > 0')" true
ok "a new key at B" reload_b
ok "a new key at both: answers" answers

# Changing a name or an SPI must not open the window again for packets received before.
seen=$(status_b '.peers[0].rx.highest_sequence')
sed -i 's/^Name = .*/Name = renamed/' "$WORK/$NAME_B.conf"
ok "B renames its peer" reload_b
is "B renames its peer: what was received stays received" "$(status_b '.peers[0] | "\(.name) \(.rx.highest_sequence >= '"$seen"')"')" \
	"renamed true"
ok "B renames its peer: answers" answers
sed -i 's/^RxSpi = .*/RxSpi = 0x1011/' "$WORK/$NAME_B.conf"
set_line TxSpi 0x1011
seen=$(status_b '.peers[0].rx.highest_sequence')
ok "another SPI at B" reload_b
is "another SPI at B: what was received stays received" "$(status_b '.peers[0].rx.highest_sequence')" "$seen"
before=$(status_a '.peers[0].tx.sequence')
ok "another SPI at A" reload_a
is "another SPI at A: the numbers go on, under the same key" "$(status_a '.peers[0].tx.sequence >= '"$before")" true
ok "another SPI at both: answers" answers
is "no packet was ever replayed" "$(status_a .drops.replayed) $(status_b .drops.replayed)" "0 0"

driver=$(awk '/^name *: aes$/ { aes = 1 } /^driver/ && aes { print $3; aes = 0 }' /proc/crypto | tail -n1)
if [ -n "$driver" ]; then
	sed -i "/^Cipher/a Driver = $driver" "$CONF"
	ok "another driver" reload_a
	is "another driver: bound" "$(status_a '.peers[0] | "\(.tx.driver) \(.rx.driver)"')" "ecb($driver) ecb($driver)"
	ok "another driver: answers" answers
else
	skip "another driver" "/proc/crypto has none"
fi
ok "down" down
ok "nothing is left" no_trace

# ---- the object files by hand, with TC_BPF_MNT -------------------------------------------------------

restore
ok "up --no-attach" up_plain --no-attach || bail "not up"
is "up --no-attach: status" "$(status_a '"\(.xdp) \(.attached) \(.by_hand)"')" "none false true"
with_maps() { in_a env TC_BPF_MNT="$INSTANCE" "$@"; }
map_id() { bpftool -j map show pinned "$INSTANCE/maps/policies" | jq .id; }
# uses_maps PROGRAM-ID
uses_maps() { bpftool -j prog show id "$1" | jq -e --argjson m "$(map_id)" '.map_ids | index($m) != null'; }
ok "ip link ... xdp obj" with_maps ip link set dev eth0 xdp obj "$OUTPUT/open.bpf.o" sec xdp.frags
ok "ip link ... xdp obj: with the instance's maps" uses_maps "$(ip -n "$SITE_A" -j -d link show dev eth0 | jq '.[0].xdp.prog.id')"
is "ip link ... xdp obj: status" "$(status_a .xdp)" native
ok "clsact" in_a tc qdisc add dev eth0 clsact
ok "tc filter ... obj" with_maps tc filter add dev eth0 egress bpf direct-action obj "$OUTPUT/seal.bpf.o" sec tc
ok "tc filter ... obj: with the instance's maps" \
	uses_maps "$(in_a tc -j filter show dev eth0 egress | jq '.[] | .options.prog.id // empty' | head -n1)"
ok "down with programs attached by hand" down_plain
like "down with programs attached by hand: a warning" "$TAP_OUTPUT" "2 programs attached by hand are still on a device.*hint: "
in_a tc qdisc del dev eth0 clsact
ip -n "$SITE_A" link set dev eth0 xdp off
ok "nothing is left" no_trace
done_testing
