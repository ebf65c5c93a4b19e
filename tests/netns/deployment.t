#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# docs/deployment.md, as written, on machines with the addresses that it names:
#
#	host --- site-a eth0 --- internet --- eth0 site-b --- host
#	                            |
#	                           eth0 site-c --- host
#
# bgp.t has the section on dynamic routing, with its own machines.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/machine.sh
. "$here/machine.sh"
# shellcheck source=tests/netns/lib/document.sh
. "$here/document.sh"

# shellcheck disable=SC2034 # used by document.sh
WITHOUT_SYSTEMD='s/^systemctl disable --now xdpsec@/xdpsec down /
	s/^systemctl restart xdpsec@\(.*\)/xdpsec down \1; xdpsec up \/etc\/xdpsec\/\1.conf/'
INTERNET=$ID-i
declare -A UNDERLAY=([site-a]=192.0.2.1/25 [site-b]=198.51.100.1/24 [site-c]=192.0.2.129/25)
declare -A ROUTER=([site-a]=192.0.2.126/25 [site-b]=198.51.100.254/24 [site-c]=192.0.2.254/25)
declare -A LAN=([site-a]=203.0.113.1/26 [site-b]=203.0.113.65/26 [site-c]=203.0.113.129/26)
# The first host of each network.
declare -A HOST_OF=([site-a]=203.0.113.2 [site-b]=203.0.113.66 [site-c]=203.0.113.130)

# make_gateway SITE: a machine, its host, and the routers' end of its line, named a, b or c
make_gateway() {
	local namespace=$ID-$1

	MACHINE[$1]=$namespace
	connect_gateway "$1"
	add_address "$namespace" eth0 "${UNDERLAY[$1]}"
	add_address "$namespace" lan "${LAN[$1]}"
	ip -n "$namespace" route add default via "${ROUTER[$1]%/*}"
	ok "machine $1" make_machine "$namespace" || bail "no machine"
	boot_machine "$namespace" || run_machine "$namespace" tail -f /dev/null || bail "no machine"
}

at() { in_machine "${MACHINE[$1]}" "${@:2}"; }

# reaches SITE SITE: from the network of the one to that of the other
reaches() { in_ns "${MACHINE[$1]}-host" ping -c1 -W2 "${HOST_OF[$2]}"; }

# reaches_again SITE SITE: after a start, when keys were agreed on
reaches_again() { wait_for 10 reaches "$@"; }

# copy FROM TO FILE...: what the document leaves to scp
copy() {
	local file

	at "$2" mkdir -p -m 0700 /etc/xdpsec
	for file in "${@:3}"; do
		at "$1" cat "/etc/xdpsec/$file" | at "$2" sh -c "umask 077; cat >/etc/xdpsec/$file"
	done
}

# For another section: nothing of the one before is left.
start_over() {
	local site

	for site in "${!MACHINE[@]}"; do
		at "$site" sh -c 'for i in /sys/fs/bpf/xdpsec/*; do [ ! -e "$i" ] || xdpsec down "${i##*/}"; done
			rm -rf /etc/xdpsec/* /var/lib/xdpsec'
	done
}

# make_private_keys SITE...: as the document makes them
make_private_keys() {
	local site

	for site in "$@"; do
		at "$site" sh -c "umask 077; mkdir -p -m 0700 /etc/xdpsec; xdpsec genkey >/etc/xdpsec/$site.key"
	done
}

# Called by carry_out for a block that makes keys: what the document has copied to site-b.
keys_made() {
	local file

	for file in $(at "$1" ls /etc/xdpsec); do
		case $file in
		?-to-?*.key | *.psk) copy site-a site-b "$file" ;;
		esac
	done
}

# icmp_of CAPTURE: packets that somebody could read
icmp_of() { tcpdump -n -r "$WORK/$1.pcap" icmp 2>/dev/null | wc -l; }
status_of() { at "$1" xdpsec status "$1" -j | jq -r "$2"; }

make_namespace "$INTERNET"
enable_routing "$INTERNET"
# For capture_start: what passes the routers in front of site-b.
MIDDLE=$INTERNET
for site in site-a site-b site-c; do
	make_gateway $site
done
is "every block of the document is carried out" "$(sections | sort -u)" "$(sort -u <<-END
	At boot
	Backups
	Behind NAT
	Dynamic routing
	Fail closed
	Firewalls
	Going back
	Hub and spokes
	Keys
	Manual keys
	Monitoring
	Several on one device
	Two sites
	Two sites, VXLAN sealed in place
	Upgrades
	With systemd-networkd
END
)"

# ini FILE: the first configuration in it
ini() { awk 'block && /^```$/ { exit } block; /^```ini/ { block = 1 }' "$1"; }
is "the README has the same configuration" "$(ini "$TOP/README.md")" "$(ini "$DOCUMENT")"

# ---- two sites ---------------------------------------------------------------------------------------

refuses "two sites: nothing goes from network to network" reaches site-a site-b
carry_out "Two sites"
ok "two sites: network to network" reaches site-a site-b
ok "two sites: and back" reaches site-b site-a
is "two sites: the MTU is the one in the text" "$(ip -n "${MACHINE[site-a]}" -j link show dev xs0 | jq '.[0].mtu')" 1440

carry_out "Several on one device"
ok "several: to site-c" reaches site-a site-c
ok "several: and back" reaches site-c site-a
ok "several: to site-b, as before" reaches site-a site-b
is "several: who is beside whom" "$(status_of site-a '.shared_with | join(" ")')" to-c
ok "several: one goes" at site-a xdpsec down to-c
at site-a rm /etc/xdpsec/to-c.conf
at site-c xdpsec down to-a
ok "several: the other stays" reaches site-a site-b

carry_out "At boot"
if [ -z "$NO_SYSTEMD" ]; then
	is "at boot: the service is active" "$(at site-a systemctl is-active xdpsec@site-a)" active
	is "at boot: and enabled" "$(at site-b systemctl is-enabled xdpsec@site-b)" enabled
fi
ok "at boot: it works on" reaches site-a site-b

# Without the route that the section adds, packets would go out in clear.
capture_start open a "src net 203.0.113.0/26"
at site-a xdpsec down site-a
refuses "without Fail closed, and without the tunnel" reaches site-a site-b
capture_stop open
ok "packets leave in clear" [ "$(icmp_of open)" -gt 0 ]
ok "up again" at site-a xdpsec up /etc/xdpsec/site-a.conf
carry_out "Fail closed"
ok "fail closed: it works on" reaches_again site-a site-b
capture_start closed a "src net 203.0.113.0/26"
at site-a xdpsec down site-a
refuses "fail closed: without the tunnel" reaches site-a site-b
like "is answered" "$TAP_OUTPUT" "Unreachable"
capture_stop closed
is "fail closed: nothing leaves in clear" "$(icmp_of closed)" 0
ok "up again" at site-a xdpsec up /etc/xdpsec/site-a.conf
ok "and there are keys" reaches_again site-a site-b

# Packets from behind site-b to behind site-a: those that the rules let in, and those that they do not.
tcp_to_a() {
	start "${MACHINE[site-a]}-host" "$WORK/tcp" "$PACKETS" tcp-receive ${HOST_OF[site-a]} "$1"
	local server=$STARTED
	wait_for 5 listening "${MACHINE[site-a]}-host" "$1" tcp || return 2
	in_ns "${MACHINE[site-b]}-host" "$PACKETS" tcp-send ${HOST_OF[site-a]} "$1" --timeout 2 <<<hello
	local status=$?
	stop "$server"
	return $status
}
ok "firewalls: before, any port is open" tcp_to_a 8080
carry_out "Firewalls"
ok "firewalls: ping passes" reaches site-b site-a
ok "firewalls: what goes out is answered" reaches site-a site-b
ok "firewalls: port 443 passes" tcp_to_a 443
refuses "firewalls: port 8080 does not" tcp_to_a 8080

carry_out "Keys"
ok "keys: network to network" reaches_again site-a site-b
has_long_keys() { [ "$(status_of site-a '.peers[0].agreement.suite')" = aes-256-ocb ]; }
ok "keys: with the suite of those who have a preshared key" wait_for 10 has_long_keys

carry_out "Upgrades"
ok "upgrades: network to network" reaches_again site-a site-b
# As the text has it: after a start, until the other side was heard.
ok "upgrades: and back" reaches site-b site-a
carry_out "Monitoring"
# Each line is a check of its own; the last one lists.
check_lines() { grep -E '^xdpsec status.*(jq -e|null)' "$WORK/blocks/01.text"; }
is "monitoring: there are checks" "$(check_lines | wc -l)" 3
# fails_each NAME: every one of them does
fails_each() {
	local line

	while read -r line <&3; do
		refuses "monitoring: $1: $line" run_text <(echo "$line") "${MACHINE[site-a]}"
	done 3< <(check_lines)
}
ip -n "${MACHINE[site-a]}" link set dev eth0 xdp off
fails_each "a program is gone"
at site-a xdpsec down site-a
fails_each "nothing is up"
ok "monitoring: up again" at site-a xdpsec up /etc/xdpsec/site-a.conf

carry_out "Going back"
ip -n "${MACHINE[site-a]}" -o link show >"$WORK/links"
is "going back: no device is left" "$(grep -cvE '^[0-9]+: (lo|eth0|lan)[:@]' "$WORK/links")" 0
ok "going back: nothing is pinned" at site-a sh -c '! ls /sys/fs/bpf/xdpsec | grep .'
is "going back: no route is left" "$(ip -n "${MACHINE[site-a]}" route show type unreachable)" ""
at site-a nft flush ruleset

# ---- inline ------------------------------------------------------------------------------------------

start_over
if has_link_type vxlan id 1 remote 192.0.2.1 dstport 4789; then
	make_private_keys site-a site-b
	capture_start vxlan b "udp port 4789"
	carry_out "Two sites, VXLAN sealed in place"
	ok "VXLAN: the largest packet" in_ns "${MACHINE[site-a]}" ping -c1 -W10 -M "do" -s $((1418 - 28)) 203.0.113.194
	refuses "VXLAN: one byte more" in_ns "${MACHINE[site-a]}" ping -c1 -W2 -M "do" -s $((1418 - 27)) 203.0.113.194
	capture_stop vxlan
	is "VXLAN: all of it sealed: an SPI for each direction" "$(udp_of vxlan 'map(.spi) | unique | length')" 2
	ip -n "${MACHINE[site-a]}" link del dev vxlan0
	ip -n "${MACHINE[site-b]}" link del dev vxlan0
else
	skip "VXLAN" "the kernel has no VXLAN"
fi

# ---- hub and spokes, and NAT -------------------------------------------------------------------------

start_over
make_private_keys site-a site-b
carry_out "Hub and spokes"
for pair in "site-a site-b" "site-a site-c" "site-b site-c" "site-c site-b"; do
	# shellcheck disable=SC2086 # two words
	ok "hub: ${pair/ / to }" reaches $pair
done
is "hub: spokes meet at the hub" "$(in_ns "${MACHINE[site-b]}-host" traceroute -n -q1 -w2 -m6 ${HOST_OF[site-c]} |
	awk 'NR > 1 { print $2 }' | paste -sd' ')" "203.0.113.65 203.0.113.193 203.0.113.195 203.0.113.130"
unlike "hub: which does not redirect them" "$(in_ns "${MACHINE[site-b]}" ping -c2 -i0.2 -W2 203.0.113.195)" "Redirect"
# A spoke is what it says, and nobody else.
before=$(status_of site-a .drops.spoofed)
in_ns "${MACHINE[site-b]}" ip address add 203.0.113.190/32 dev lan
refuses "hub: with an address of site-c's network" in_ns "${MACHINE[site-b]}" ping -c1 -W1 -I 203.0.113.190 203.0.113.193
is "hub: site-b is not heard" "$(status_of site-a .drops.spoofed)" $((before + 1))
in_ns "${MACHINE[site-b]}" ip address del 203.0.113.190/32 dev lan

if in_ns "$INTERNET" nft 'add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }
	add rule ip nat post ip saddr 192.0.2.129 udp sport 7253 masquerade to :20000-20999
	add chain ip nat private { type filter hook prerouting priority -300; }
	add rule ip nat private ip daddr 192.0.2.129 drop' >"$WORK/nat" 2>&1; then
	in_ns "$INTERNET" conntrack -F >/dev/null 2>&1
	carry_out "Behind NAT"
	ok "NAT: hub to spoke, when there are keys" reaches_again site-a site-c
	like "NAT: the hub has learned where site-c is" "$(status_of site-a '.peers[1].endpoint')" "^192.0.2.126:20[0-9]{3}$"
	ok "NAT: spoke to spoke" reaches site-b site-c
	ok "NAT: hub to the other spoke" reaches site-a site-b
	is "NAT: the MTU in the text" "$(ip -n "${MACHINE[site-a]}" -j link show dev xs0 | jq '.[0].mtu')" 1440
else
	skip "behind NAT" "no masquerading with nftables: $(tail -n 1 "$WORK/nat")"
fi

# ---- manual keys -------------------------------------------------------------------------------------

start_over
carry_out "Manual keys"
ok "manual keys: network to network" reaches site-a site-b
is "manual keys: another key and SPI than before" "$(status_of site-a '.peers[0] | [.tx.spi, .rx.spi] | tostring')" \
	"[$((0x2001)),$((0x2002))]"
is "manual keys: no packet was dropped" \
	"$(status_of site-a '[.drops.unknown_spi, .drops.auth_failed]|tostring') $(status_of site-b '[.drops.unknown_spi, .drops.auth_failed]|tostring')" \
	"[0,0] [0,0]"
is "manual keys: at both" "$(status_of site-b '.peers[0].rx.key')" "$(status_of site-a '.peers[0].tx.key')"
carry_out "Backups"
ok "backups: the state is there" at site-a sh -c 'ls /var/lib/xdpsec/*.tx'
is "backups: but not in the backup, nor are the keys" \
	"$(at site-a tar -tf /etc/xdpsec/backup.tar | sed '/\/$/d' | sort | paste -sd' ')" \
	"etc/xdpsec/site-a.conf var/lib/xdpsec/CACHEDIR.TAG"
at site-a rm /etc/xdpsec/backup.tar
start_over
done_testing
