# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/gateway
#
# XDPsec, tunnel mode, its fast path: of both gateways, for flows that nftables has put into a flowtable.
# shellcheck source=bench/path/gateways/xdpsec.sh
. "$path/gateways/xdpsec.sh"

# ICMP takes the ordinary way. XDP does not see that a checksum is pending, and a veth takes a redirected frame only where
# its other end has NAPI.
protocols="udp tcp" offloads=nic
interface_lines="FastPath = lan0"
modules="nf_flow_table nf_flow_table_inet nft_flow_offload nft_ct"
# Packets of all runs that may have gone the ordinary way: the first ones of each flow, and what ends a connection.
ORDINARY=400

fast_ready() { flowtable_up "$SITE_A" && flowtable_up "$SITE_B"; }

# The UDP of these rows goes one way, so that it never is "established".
flowtable_up() {
	in_ns "$1" nft -f - <<-'END'
		table inet gateway {
			flowtable fast {
				hook ingress priority filter
				devices = { lan0, eth0, xs0 }
			}
			chain forward {
				type filter hook forward priority filter; policy accept;
				meta l4proto { tcp, udp } flow add @fast
			}
		}
	END
}

eval "ordinary_$(declare -f peer_up)"
peer_up() {
	ordinary_peer_up && fast_ready || return 1
	# Frames are counted as they are.
	wire_header=$ETHERNET_HEADER
}

# Every packet is counted; and those of the fast path, which is what this row is of.
eval "all_$(declare -f peer_counts)"
peer_counts() {
	local a b

	all_peer_counts || return 1
	a=$(status_a '.fast_path | "\(.packets_out) \(.packets_in)"') || return 1
	b=$(status_b '.fast_path | "\(.packets_out) \(.packets_in)"') || return 1
	[ $((sealed_a + opened_a - ${a/ / - })) -le $ORDINARY ] && [ $((sealed_b + opened_b - ${b/ / - })) -le $ORDINARY ] ||
		{ echo "by the fast path of A: $a of $sealed_a $opened_a packets; of B: $b of $sealed_b $opened_b" >&2; return 1; }
}
