# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# xdpsec at both sites: configurations, up and down, counters, and what it may not leave behind. Part of lib.sh.

xdpsec_a() { "$XDPSEC" -n "$SITE_A" --state-dir "$WORK/state-a" "$@"; }
xdpsec_b() { "$XDPSEC" -n "$SITE_B" --state-dir "$WORK/state-b" "$@"; }

# make_key NAME [BITS]: in $WORK/NAME.key
make_key() {
	(umask 077 && "$XDPSEC" genkey --manual --bits "${2:-128}" >"$WORK/$1.key") || bail "genkey failed"
}

# make_keys [BITS]: one for each direction.
make_keys() {
	make_key a-to-b "$@" && make_key b-to-a "$@"
}

# write_config NAME DEVICE PEER ADDRESSES TX-SPI TX-KEY RX-SPI RX-KEY
write_config() {
	local address

	cat <<-END
		[Interface]
		Device = $2
		Mode = inline
		Xdp = ${XDP:-auto}

		[Peer]
		Name = $3
		Ports = ${PORTS:-4789, 5201-5210}
		Cipher = ${CIPHER:-aes-128-ocb}
		TxSpi = $5
		TxKeyFile = $6
		RxSpi = $7
		RxKeyFile = $8
		${BIND:+Bind = $BIND}
	END
	for address in $4; do
		echo "Address = $address"
	done
}

# Both sites' configurations, from XDP, PORTS, CIPHER and BIND where these are set. The SPIs are documented here
# because tests forge them: A seals with 0x1001, B with 0x1002.
write_configs() {
	[ -e "$WORK/a-to-b.key" ] || make_keys "$([[ ${CIPHER:-} == aes-256* ]] && echo 256 || echo 128)"
	mkdir -p "$WORK/state-a" "$WORK/state-b"
	write_config "$NAME_A" eth0 site-b "$B4/32 $B6/128" \
		0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key" >"$WORK/$NAME_A.conf"
	write_config "$NAME_B" eth0 site-a "$A4/32 203.0.113.0/25 $A6/128 2001:db8:c::/64" \
		0x1002 "$WORK/b-to-a.key" 0x1001 "$WORK/a-to-b.key" >"$WORK/$NAME_B.conf"
}

# write_tunnel_peer NAME ENDPOINT ALLOWED-IPS TX-SPI TX-KEY RX-SPI RX-KEY: a peer of a tunnel, with manual keys. More lines
# come from PEER_LINES; an empty ENDPOINT is a peer that is learned.
write_tunnel_peer() {
	cat <<-END

		[Peer]
		Name = $1
		${2:+Endpoint = $2}
		AllowedIPs = $3
		Cipher = ${CIPHER:-aes-128-ocb}
		TxSpi = $4
		TxKeyFile = $5
		RxSpi = $6
		RxKeyFile = $7
		${PEER_LINES:-}
	END
}

# write_tunnel_config DEVICE ADDRESSES PEER ENDPOINT ALLOWED-IPS TX-SPI TX-KEY RX-SPI RX-KEY: tunnel mode, with one peer.
# More lines of [Interface] come from INTERFACE_LINES.
write_tunnel_config() {
	cat <<-END
		[Interface]
		Device = eth0
		Mode = tunnel
		Xdp = ${XDP:-auto}
		Name = $1
		Address = $2
		ListenPort = 7253
		${INTERFACE_LINES:-}
	END
	write_tunnel_peer "${@:3}"
}

# Both sites' configurations of a tunnel xs0, over IPv4 or, with UNDERLAY=6, IPv6. TUNNEL_ADDRESSES_A and _B are the
# ends' own, ALLOWED_A and ALLOWED_B what A and B allow their peer: both tunnel addresses, unless they are set. Keys,
# SPIs, XDP and CIPHER are as in write_configs.
write_tunnel_configs() {
	local a=$A4:7253 b=$B4:7253

	[ "${UNDERLAY:-4}" = 4 ] || a=[$A6]:7253 b=[$B6]:7253
	[ -e "$WORK/a-to-b.key" ] || make_keys "$([[ ${CIPHER:-} == aes-256* ]] && echo 256 || echo 128)"
	mkdir -p "$WORK/state-a" "$WORK/state-b"
	write_tunnel_config xs0 "${TUNNEL_ADDRESSES_A:-$TUNNEL_A4/25, $TUNNEL_A6/64}" site-b "${ENDPOINT_B-$b}" \
		"${ALLOWED_A:-$TUNNEL_B4/32, $TUNNEL_B6/128}" \
		0x1001 "$WORK/a-to-b.key" 0x1002 "$WORK/b-to-a.key" >"$WORK/$NAME_A.conf"
	write_tunnel_config xs0 "${TUNNEL_ADDRESSES_B:-$TUNNEL_B4/25, $TUNNEL_B6/64}" site-a "${ENDPOINT_A-$a}" \
		"${ALLOWED_B:-$TUNNEL_A4/32, $TUNNEL_A6/128}" \
		0x1002 "$WORK/b-to-a.key" 0x1001 "$WORK/a-to-b.key" >"$WORK/$NAME_B.conf"
}

# new_key STATE-DIR: keys are new the first time, and have state after it.
new_key() {
	[ -n "$(ls "$1")" ] || echo --new-key
}

# shellcheck disable=SC2046,SC2120 # none, or one word; options only where a test has some
up_a() { xdpsec_a up "$WORK/$NAME_A.conf" $(new_key "$WORK/state-a") "$@" && defer down_a; }
# shellcheck disable=SC2046,SC2120
up_b() { xdpsec_b up "$WORK/$NAME_B.conf" $(new_key "$WORK/state-b") "$@" && defer down_b; }

# An instance that is already down is no error of the cleanup.
down_a() { [ ! -e "/sys/fs/bpf/xdpsec/$NAME_A" ] || xdpsec_a down "$NAME_A"; }
down_b() { [ ! -e "/sys/fs/bpf/xdpsec/$NAME_B" ] || xdpsec_b down "$NAME_B"; }

up() {
	up_a && up_b
}

down() {
	down_a && down_b
}

# For tests of what is there without the optional module: it is unloaded until the end, in the laboratory.
without_module() {
	grep -qs '^bpf_crypto_bulk ' /proc/modules || return 0
	grep -q XDPSEC_VM_TREE= /proc/cmdline || skip_all "the module bpf_crypto_bulk is loaded"
	modprobe -r bpf_crypto_bulk || bail "cannot unload bpf_crypto_bulk"
	defer modprobe bpf_crypto_bulk
}

# Standard input without the advice of `up` and `status`, which depends on the machine.
without_advice() { awk '/does not use the CPU.s AES instructions|module bpf_crypto_bulk is installed/ { cut = /^xdpsec:/; next } cut { cut = 0; next } 1'; }

# fails NAME REGEX CMD...: xdpsec fails, with an exit code of 1 and that message.
fails() {
	local name=$1 regex=$2

	shift 2
	refuses "$name" "$@"
	is "$name: exit code" "$TAP_STATUS" 1
	like "$name: message" "$TAP_OUTPUT" "$regex"
}

# unexpected_devices NAMESPACE: beside the test's own, and those that the kernel makes in every namespace when somebody
# loads a kind of tunnel.
unexpected_devices() {
	local kernels='tunl0|gre0|gretap0|erspan0|sit0|ip_vti0|ip6_vti0|ip6tnl0|ip6gre0'

	ip -n "$1" -o link show >"$WORK/links"
	grep -vE "^[0-9]+: (lo|eth0|inside|$kernels)[:@]" "$WORK/links"
}

# no_trace_at SITE: nothing of its instance is left: pins, devices, programs on eth0.
no_trace_at() {
	[ ! -e "/sys/fs/bpf/xdpsec/$1" ] || { echo "pins of $1 are left"; return 1; }
	[ ! -e "/sys/fs/bpf/xdpsec/_$1" ] || { echo "temporary pins of $1 are left"; return 1; }
	if ip -n "$1" -d link show eth0 | grep -E 'prog/xdp|xdpgeneric|xdpoffload'; then
		echo "an XDP program is left"
		return 1
	fi
	if in_ns "$1" bpftool net show dev eth0 | grep -E 'tcx|clsact'; then
		echo "a TC program is left"
		return 1
	fi
	if unexpected_devices "$1"; then
		echo "a device is left"
		return 1
	fi
}

no_trace_a() { no_trace_at "$SITE_A"; }
no_trace() { no_trace_a && no_trace_at "$SITE_B"; }

# status_a JQ-FILTER, status_b JQ-FILTER
status_a() { xdpsec_a status "$NAME_A" -j | jq -r "$1"; }
status_b() { xdpsec_b status "$NAME_B" -j | jq -r "$1"; }
drops_a() { status_a ".drops.$1"; }
drops_b() { status_b ".drops.$1"; }
# All counters that are not zero, as "reason=n reason=n", sorted by name.
all_drops_a() { status_a '[.drops | to_entries | sort_by(.key)[] | select(.value > 0) | "\(.key)=\(.value)"] | join(" ")'; }
all_drops_b() { status_b '[.drops | to_entries | sort_by(.key)[] | select(.value > 0) | "\(.key)=\(.value)"] | join(" ")'; }
