#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bind: NAT between the sites changes addresses, or ports as well. What is bound has to arrive as it was sent.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# How A looks from B, with NAT of addresses. With NAT of ports it has the router's.
OUTSIDE4=203.0.113.77 OUTSIDE6=2001:db8:d::77

counts_at_least() { [ "$("drops_$1" "$2")" -ge "$3" ]; }
reload_both() { xdpsec_a reload "$NAME_A" && xdpsec_b reload "$NAME_B"; }

# nat RULE4 RULE6: for what A sends; answers go back by themselves.
nat() {
	in_middle nft -f - <<-END
		table ip nat
		delete table ip nat
		table ip nat { chain post { type nat hook postrouting priority 100; oifname b udp dport 5201 $1; }; }
		table ip6 nat
		delete table ip6 nat
		table ip6 nat { chain post { type nat hook postrouting priority 100; oifname b udp dport 5201 $2; }; }
	END
}

write_bind_configs() {
	BIND=$1 write_configs
	echo "Address = $OUTSIDE4, $OUTSIDE6, 198.51.100.254, 2001:db8:b::fe" >>"$WORK/$NAME_B.conf"
}

make_sites
nat "snat to $OUTSIDE4" "snat to $OUTSIDE6" >"$WORK/nat" 2>&1 ||
	skip_all "no NAT with nftables: $(tail -n 1 "$WORK/nat")"
ip -n "$MIDDLE" address add $OUTSIDE4/32 dev b
ip -n "$MIDDLE" address add $OUTSIDE6/128 dev b nodad
for address in $B4 $B6; do
	start_echo "$SITE_B" $address 5201
	start_echo "$SITE_B" $address 5202
done

# roundtrip ADDRESS [PORT]: from a socket, whose packets have a pending checksum and go by the hop.
roundtrip() { packets "$SITE_A" roundtrip "$1" "${2:-5201}" --marker "$MARKER" --timeout "${TIMEOUT:-5}"; }

ok "the control: in clear, NAT lets both ways through" roundtrip $B4
ok "and over IPv6" roundtrip $B6

# 1:1 NAT, with what is the default.
write_bind_configs ""
ok "up" up || bail "not up"
is "the default is shown" "$(status_a '.peers[0].bind') $(status_b '.peers[0].bind')" "addresses addresses"
like "and as text" "$(xdpsec_a status "$NAME_A")" "binds: addresses"
capture_start nat b udp
for address in $B4 $B6; do
	TIMEOUT=1 refuses "addresses, NAT, $address: no answer" roundtrip $address
	ok "addresses, $address: a flow without NAT" roundtrip $address 5202
done
capture_stop nat
is "the packets have come with other addresses" \
	"$(udp_of nat 'map(select(.dport == 5201).source) | unique')" "[\"$OUTSIDE6\",\"$OUTSIDE4\"]"
is "addresses, NAT: auth_failed, of the peer" "$(status_b '.peers[0].drops.auth_failed')" "$(drops_b auth_failed)"
ok "and counted for both" counts_at_least b auth_failed 2

# Only one end: nothing goes.
write_bind_configs ports
ok "ports at A alone" xdpsec_a reload "$NAME_A"
TIMEOUT=1 refuses "no answer with NAT" roundtrip $B4
TIMEOUT=1 refuses "nor without" roundtrip $B4 5202
ok "ports at B" xdpsec_b reload "$NAME_B"
like "reload says that the peer is another" "$TAP_OUTPUT" "changed: 1"
is "it is shown" "$(status_a '.peers[0].bind') $(status_b '.peers[0].bind')" "ports ports"
forged=$(drops_b auth_failed)
for address in $B4 $B6; do
	ok "ports, NAT, $address: an answer" roundtrip $address
	ok "ports, $address: a flow without NAT" roundtrip $address 5202
done
is "ports: nothing is dropped" "$(drops_b auth_failed)" "$forged"
is "ports: nor at A" "$(drops_a auth_failed)" 0
refuses "ports: nothing was in clear" leaks nat "$MARKER"

# NAT of ports as well.
ok "NAT of ports" nat "masquerade to :20000-20999" "masquerade to :20000-20999"
for address in $B4 $B6; do
	TIMEOUT=1 refuses "ports, NAT of ports, $address: no answer" roundtrip $address
done
ok "ports: auth_failed" counts_at_least b auth_failed $((forged + 2))
write_bind_configs none
ok "none at both" reload_both
is "it is shown" "$(status_a '.peers[0].bind') $(status_b '.peers[0].bind')" "none none"
forged=$(drops_b auth_failed)
capture_start napt b udp
for address in $B4 $B6; do
	ok "none, NAT of ports, $address: an answer" roundtrip $address
	ok "none, $address: a flow without NAT" roundtrip $address 5202
done
capture_stop napt
is "none: the ports were changed" \
	"$(udp_of napt 'map(select(.dport == 5201 and (.sport < 20000 or .sport > 20999))) | length')" 0
is "none: nothing is dropped" "$(drops_b auth_failed)" "$forged"
refuses "none: nothing was in clear" leaks napt "$MARKER"

# And back, while it is up; a reload that changes nothing says so.
in_middle nft flush ruleset
write_bind_configs addresses
ok "addresses again" reload_both
ok "an answer" roundtrip $B4
ok "and over IPv6" roundtrip $B6
ok "the same again" xdpsec_a reload "$NAME_A"
like "nothing has changed" "$TAP_OUTPUT" "changed: 0"
ok "an answer" roundtrip $B4

ok "down" down
done_testing
