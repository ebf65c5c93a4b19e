# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Several instances on one device at both sites: 0 is inline mode, 1 to 3 are tunnels. To be sourced after lifecycle.sh.

INLINE_PORT=5201
mkdir -p "$WORK/state-a" "$WORK/state-b"
for key in ab0 ba0 ab1 ba1 ab2 ba2 ab3 ba3; do
	make_key $key
done

name_a() { echo "$ID-a$1"; }
name_b() { echo "$ID-b$1"; }
conf_a() { echo "$WORK/$(name_a "$1").conf"; }
conf_b() { echo "$WORK/$(name_b "$1").conf"; }

# tunnel_conf N NAME PEER ENDPOINT OWN OTHER TX RX: the Nth tunnel, on port 4500 + N, with the networks 10.N.0.0/24
tunnel_conf() {
	cat <<-END
		[Interface]
		Device = eth0
		Mode = tunnel
		Name = xs$1
		Address = 203.0.113.$((128 + 8 * $1 + $4))/29
		ListenPort = $((4500 + $1))

		[Peer]
		Name = $2
		Endpoint = $3:$((4500 + $1))
		AllowedIPs = 203.0.113.$((128 + 8 * $1 + $5))/32
		TxSpi = 0x${1}00$4
		TxKeyFile = $WORK/$6.key
		RxSpi = 0x${1}00$5
		RxKeyFile = $WORK/$7.key
	END
}

write_several() {
	local n

	PORTS=$INLINE_PORT write_config "$(name_a 0)" eth0 site-b "$B4/32" 0x5001 "$WORK/ab0.key" 0x5002 "$WORK/ba0.key" >"$(conf_a 0)"
	PORTS=$INLINE_PORT write_config "$(name_b 0)" eth0 site-a "$A4/32" 0x5002 "$WORK/ba0.key" 0x5001 "$WORK/ab0.key" >"$(conf_b 0)"
	for n in 1 2 3; do
		tunnel_conf $n site-b $B4 1 2 ab$n ba$n >"$(conf_a $n)"
		tunnel_conf $n site-a $A4 2 1 ba$n ab$n >"$(conf_b $n)"
	done
}

xdpsec_up_a() { xdpsec_a up "$(conf_a "$1")" --new-key "${@:2}"; }
xdpsec_up_b() { xdpsec_b up "$(conf_b "$1")" --new-key "${@:2}"; }
xdpsec_down_a() { xdpsec_a down "$(name_a "$1")"; }
xdpsec_down_b() { xdpsec_b down "$(name_b "$1")"; }
down_all() {
	local n

	for n in 0 1 2 3; do
		[ ! -e "/sys/fs/bpf/xdpsec/$(name_a $n)" ] && [ ! -e "/sys/fs/bpf/xdpsec/_$(name_a $n)" ] || xdpsec_down_a $n
		[ ! -e "/sys/fs/bpf/xdpsec/$(name_b $n)" ] && [ ! -e "/sys/fs/bpf/xdpsec/_$(name_b $n)" ] || xdpsec_down_b $n
	done
}
# status_of N FILTER: of B's
status_of() { xdpsec_b status "$(name_b "$1")" -j | jq -r "$2"; }

inner_b() { echo "203.0.113.$((128 + 8 * $1 + 2))"; }
# carries N: a packet goes there and comes back
carries() {
	if [ "$1" = 0 ]; then
		packets "$SITE_A" roundtrip $B4 $INLINE_PORT --size 300 --marker "$MARKER"
	else
		wait_for 5 in_a ping -c1 -W1 "$(inner_b "$1")"
	fi
}
carry() {
	local n

	for n in "$@"; do
		carries "$n" || { echo "$n does not"; return 1; }
	done
}
# chain_pins: how many maps lead from one program to the next, at both sites
chain_pins() { find /sys/fs/bpf/xdpsec/*/chain -type f 2>/dev/null | wc -l; }
uses_dispatcher() { [ "$(status_of "$1" .xdp_dispatcher)" = true ]; }

up_both() { xdpsec_up_a "$1" && xdpsec_up_b "$1"; }

make_sites
write_several
defer down_all
start_echo "$SITE_B" $B4 $INLINE_PORT
start_echo "$SITE_B" $B4 5299
