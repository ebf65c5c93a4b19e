#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Dynamic routing, as docs/deployment.md has it: three sites in a triangle, two tunnels each, BGP over all of them. One
# tunnel is cut, and the traffic goes by the third site.
#
#	        site-a eth0 ----- eth0 site-b
#	         eth1 |                 | eth1		each line through routers (INTERNET)
#	              +-- eth1 site-c eth0 --+
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/machine.sh
. "$here/machine.sh"
# shellcheck source=tests/netns/lib/document.sh
. "$here/document.sh"

command -v bird >/dev/null || skip_all "BIRD is not installed"

# shellcheck disable=SC2034 # used by document.sh
WITHOUT_SYSTEMD='s/^systemctl restart bird/mkdir -p \/run\/bird; bird/'
INTERNET=$ID-i
declare -A LAN=([site-a]=203.0.113.1/26 [site-b]=203.0.113.65/26 [site-c]=203.0.113.129/26)
declare -A HOST_OF=([site-a]=203.0.113.2 [site-b]=203.0.113.66 [site-c]=203.0.113.130)

at() { in_machine "${MACHINE[$1]}" "${@:2}"; }
behind() { in_ns "${MACHINE[$1]}-host" "${@:2}"; }
reaches() { behind "$1" ping -c1 -W1 "${HOST_OF[$2]}"; }
hops() { behind "$1" traceroute -n -q1 -w2 -m6 "${HOST_OF[$2]}" | awk 'NR > 1 { print $2 }' | paste -sd' '; }
# The ways of both directions, since each end decides for itself.
goes_by() { [ "$(hops site-a site-b)" = "$1" ] && [ "$(hops site-b site-a)" = "$2" ]; }
# established SITE: its sessions
established() { [ "$(at "$1" birdc show protocols | grep -c 'BGP.*Established')" = 2 ]; }
sealed() { at site-a xdpsec status "$1" -j | jq '.peers[0].tx.packets'; }

# uplink SITE DEVICE ADDRESS ROUTER LINE
uplink() {
	ip -n "${MACHINE[$1]}" link add "$2" type veth peer name "$5" netns "$INTERNET"
	add_address "$INTERNET" "$5" "$4/30"
	add_address "${MACHINE[$1]}" "$2" "$3/30"
}

make_gateway() {
	local namespace=$ID-$1

	MACHINE[$1]=$namespace
	make_namespace "$namespace"
	make_namespace "$namespace-host"
	ip -n "$namespace" link add lan type veth peer name eth0 netns "$namespace-host"
	add_address "$namespace" lan "${LAN[$1]}"
	add_address "$namespace-host" eth0 "${HOST_OF[$1]}/26"
	ip -n "$namespace-host" route add default via "${LAN[$1]%/*}"
	ok "machine $1" make_machine "$namespace" || bail "no machine"
	cp /lib/systemd/system/bird.service "$WORK/$namespace/units/" 2>/dev/null
	# As "Two sites" in the document makes it.
	at "$1" sh -c "umask 077; mkdir -p -m 0700 /etc/xdpsec; xdpsec genkey >/etc/xdpsec/$1.key" || bail "no key"
	boot_machine "$namespace" || run_machine "$namespace" tail -f /dev/null || bail "no machine"
}

# cut: what is sealed between site-a and site-b is lost on its way; the lines stay up, so that only BGP can tell.
cut() {
	in_ns "$INTERNET" nft 'add table ip cut; add chain ip cut forward { type filter hook forward priority 0; }
		add rule ip cut forward iifname { a0, b0 } oifname { a0, b0 } drop'
}

mend() { in_ns "$INTERNET" nft delete table ip cut; }

make_namespace "$INTERNET"
enable_routing "$INTERNET"
for site in site-a site-b site-c; do
	make_gateway $site
done
uplink site-a eth0 192.0.2.1 192.0.2.2 a0
uplink site-a eth1 192.0.2.5 192.0.2.6 a1
uplink site-b eth0 198.51.100.1 198.51.100.2 b0
uplink site-b eth1 198.51.100.5 198.51.100.6 b1
uplink site-c eth0 192.0.2.129 192.0.2.130 c0
uplink site-c eth1 192.0.2.133 192.0.2.134 c1

carry_out "Dynamic routing"
for site in site-a site-b site-c; do
	ok "both sessions of $site" wait_for 30 established $site || bail "no BGP"
done

short="203.0.113.1 203.0.113.193 ${HOST_OF[site-b]}"
short_back="203.0.113.65 203.0.113.192 ${HOST_OF[site-a]}"
# A hop answers from the address of the tunnel that a packet came out of.
long="203.0.113.1 203.0.113.196 203.0.113.194 ${HOST_OF[site-b]}"
long_back="203.0.113.65 203.0.113.195 203.0.113.197 ${HOST_OF[site-a]}"
ok "site-a and site-b talk by their own tunnel" wait_for 10 goes_by "$short" "$short_back"
ok "all sites reach each other" eval 'reaches site-a site-c && reaches site-c site-b && reaches site-b site-a'

# The control: two tunnels of one host carry what is theirs.
before_b=$(sealed to-b) before_c=$(sealed to-c)
behind site-a ping -c30 -i0.02 -W2 "${HOST_OF[site-b]}" >/dev/null
ok "the tunnel to site-b has it" [ $(($(sealed to-b) - before_b)) -ge 30 ]
ok "the tunnel to site-c has not" [ $(($(sealed to-c) - before_c)) -lt 30 ]

ok "the tunnel is cut" cut
refuses "at first packets are lost" reaches site-a site-b
ok "then site-c is the way" wait_for 30 goes_by "$long" "$long_back"
ok "host to host" reaches site-a site-b
ok "and back" reaches site-b site-a
refuses "the session over the tunnel is gone" established site-a
before_b=$(sealed to-b) before_c=$(sealed to-c)
behind site-a ping -c30 -i0.02 -W2 "${HOST_OF[site-b]}" >/dev/null
ok "the tunnel to site-c has it" [ $(($(sealed to-c) - before_c)) -ge 30 ]
ok "the tunnel to site-b has not" [ $(($(sealed to-b) - before_b)) -lt 30 ]

ok "the tunnel is mended" mend
ok "the short way is back" wait_for 40 goes_by "$short" "$short_back"
for site in site-a site-b site-c; do
	ok "both sessions of $site again" wait_for 30 established $site
done
# A neighbour that is up first may ask for keys before the agent of this site runs; it asks again.
for site in site-a site-b site-c; do
	for instance in $(at $site ls /sys/fs/bpf/xdpsec); do
		is "$site, $instance: no drops" "$(at $site xdpsec status "$instance" -j |
			jq -r '[.drops | del(.stray, .no_agent) | to_entries[] | select(.value > 0) | .key] | join(" ")')" ""
		ok "$site, $instance: down" at $site xdpsec down "$instance"
	done
done
done_testing
