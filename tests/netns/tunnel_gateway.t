#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Gateways: hosts behind both sites talk through the tunnel, which is one hop for them.
#
#	HOST --- SITE_A === xs0, over MIDDLE === SITE_B --- HOST_B
#	203.0.113.1                                        198.18.0.1 (RFC 2544)
#	2001:db8:c::1                                      2001:db8:d::1
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# shellcheck source=tests/netns/lib/lans.sh
. "$here/lans.sh"

hops() { in_ns "$1" traceroute -n -q1 -w2 -m6 "${@:3}" "$2" | awk 'NR > 1 { print $2 }' | paste -sd' '; }

make_sites
make_lans
write_tunnel_configs
refuses "not up: nothing goes through" in_ns "$HOST" ping -c1 -W1 $HOST_B4
ok "up" up || bail "not up"

ok "host to host" in_ns "$HOST" ping -c1 -W10 $HOST_B4
ok "host to host, IPv6" in_ns "$HOST" ping -c1 -W10 $HOST_B6

# The tunnel is one hop, between the gateways.
is "traceroute" "$(hops "$HOST" $HOST_B4)" "203.0.113.126 $TUNNEL_B4 $HOST_B4"
is "traceroute back" "$(hops "$HOST_B" $HOST4)" "198.18.0.126 $TUNNEL_A4 $HOST4"
is "traceroute, ICMP" "$(hops "$HOST" $HOST_B4 -I)" "203.0.113.126 $TUNNEL_B4 $HOST_B4"
is "traceroute, IPv6" "$(hops "$HOST" $HOST_B6)" "2001:db8:c::fe $TUNNEL_B6 $HOST_B6"
refuses "a TTL of 1 ends at the gateway" in_ns "$HOST" ping -c1 -W1 -t 1 $HOST_B4
like "which answers" "$TAP_OUTPUT" "203.0.113.126.*Time to live exceeded"

# Every gateway takes one off the TTL, the tunnel none; DSCP and ECN go through.
start_sink "$HOST_B" $HOST_B4 5202 "$WORK/sink" --expect 1 --marker "$MARKER"
rm -f "$WORK/inside.pcap"
start "$HOST_B" "$WORK/inside" tcpdump -i eth0 -U --immediate-mode -n -c 1 -w "$WORK/inside.pcap" udp port 5202
inside=$STARTED
wait_for 10 grep -q 'listening on' "$WORK/inside.err"
packets "$HOST" send $HOST_B4 5202 --ttl 77 --tos 0xb9 --size 200 --marker "$MARKER" >/dev/null
ok "a datagram arrives" wait_for 5 ended "$SINK"
wait_for 5 ended "$inside"
is "two less of TTL; DSCP and ECN as sent; checksums right" \
	"$(udp_of inside '.[0] | [.ttl, .tos, .checksum, .header_ok]')" "[75,$((0xb9)),\"ok\",true]"

# GRO at the LAN side makes large packets out of many, which go into the tunnel in pieces again.
in_a ethtool -K inside gro on >/dev/null
in_b ethtool -K inside gro on >/dev/null
capture_start wire b "udp port 7253"
transfer "host to host" "$HOST" "$HOST_B" $HOST_B4 8000000
capture_stop wire
is "no packet on the wire is larger than the MTU" "$(udp_of wire 'map(.udp_length + 20 <= 1500) | all')" true
transfer "host to host, back" "$HOST_B" "$HOST" $HOST4 8000000
transfer "host to host, IPv6" "$HOST" "$HOST_B" $HOST_B6 8000000

# One stream comes out of GRO in packets larger than any on the wire, and what tcpdump sees on xs0 is in clear.
rm -f "$WORK/xs0.pcap"
start "$SITE_B" "$WORK/xs0" tcpdump -i xs0 -s 128 -U --immediate-mode -B 65536 -n -w "$WORK/xs0.pcap" "tcp port 8000"
capture=$STARTED
wait_for 10 grep -q 'listening on' "$WORK/xs0.err"
transfer "through xs0's GRO" "$HOST" "$HOST_B" $HOST_B4 8000000
stop "$capture"
largest=$(tcpdump -n -r "$WORK/xs0.pcap" 2>/dev/null | sed -n 's/.*length \([0-9]*\).*/\1/p' | sort -n | tail -n 1)
ok "GRO makes packets of more than one segment ($largest bytes)" [ "${largest:-0}" -gt 2800 ]

# A full packet with DF through the whole way, and one byte more is answered by the gateway in front of the tunnel.
inner=$((1500 - IP4_HEADER - UDP_HEADER - OVERHEAD))
ok "the largest packet" in_ns "$HOST" ping -c1 -W10 -M "do" -s $((inner - 28)) $HOST_B4
refuses "one byte more" in_ns "$HOST" ping -c1 -W1 -M "do" -s $((inner - 27)) $HOST_B4
like "is answered by the gateway" "$TAP_OUTPUT" "203.0.113.126.*(mtu = $inner)"

# Conntrack and nftables see the device as any other.
if in_b nft "add table inet gate; add chain inet gate forward { type filter hook forward priority 0; }
	add rule inet gate forward iifname xs0 ct state established,related accept
	add rule inet gate forward iifname xs0 ip protocol icmp drop"; then
	refuses "what nftables drops on xs0 does not arrive" in_ns "$HOST" ping -c1 -W1 $HOST_B4
	ok "what conntrack knows passes" in_ns "$HOST_B" ping -c1 -W10 $HOST4
	in_b nft delete table inet gate
	ok "without the rules it arrives" in_ns "$HOST" ping -c1 -W10 $HOST_B4
else
	skip "nftables on xs0" "this kernel has no conntrack for nftables"
fi

# SCTP, where the kernel has it: a checksum that only software makes.
if in_ns "$HOST" python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)' 2>/dev/null; then
	cat >"$WORK/sctp.py" <<-END
		import socket, sys
		role, address = sys.argv[1:]
		s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
		if role == "server":
		    s.bind((address, 9000)); s.listen(); print("listening", flush=True)
		    c, _ = s.accept()
		    print(len(b"".join(iter(lambda: c.recv(65536), b""))))
		else:
		    s.connect((address, 9000)); s.sendall(bytes(100000)); s.close()
	END
	start "$HOST_B" "$WORK/sctp" python3 -u "$WORK/sctp.py" server $HOST_B4
	sctp=$STARTED
	wait_for 10 grep -q listening "$WORK/sctp"
	ok "SCTP" in_ns "$HOST" python3 "$WORK/sctp.py" client $HOST_B4
	ok "SCTP: the server ends" wait_for 10 ended "$sctp"
	is "SCTP: all bytes" "$(tail -n 1 "$WORK/sctp")" 100000
else
	skip "SCTP" "this kernel has no SCTP"
fi

# The kernel's reports about multicast are for nobody.
is "no drops at A" "$(all_drops_a | sed -E 's/ ?stray=[0-9]+//')" ""
is "no drops at B" "$(all_drops_b | sed -E 's/ ?stray=[0-9]+//')" ""
ok "down" down
ok "nothing is left" no_trace
done_testing
