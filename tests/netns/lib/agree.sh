# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sites that agree on their keys: configurations, the agents, and what their keys are at a time. To be sourced after
# lib.sh.

# In tests a system call that is not in the list ends the agent.
export XDPSEC_SECCOMP=kill

# agreed_keys: a private and a public key for each site.
agreed_keys() {
	local site

	for site in a b; do
		(umask 077 && "$XDPSEC" genkey >"$WORK/$site.private") || bail "genkey failed"
		"$XDPSEC" pubkey <"$WORK/$site.private" >"$WORK/$site.public" || bail "pubkey failed"
	done
}

# write_agreed_config SITE PEER-SITE ADDRESSES PEER ENDPOINT ALLOWED-IPS: tunnel mode. More lines of [Interface] and
# [Peer] come from INTERFACE_LINES and PEER_LINES; an empty ENDPOINT is a peer that is learned.
write_agreed_config() {
	cat <<-END
		[Interface]
		Device = eth0
		Mode = tunnel
		Xdp = ${XDP:-auto}
		Name = xs0
		Address = $3
		ListenPort = 7253
		PrivateKeyFile = $WORK/$1.private
		${INTERFACE_LINES:-}

		[Peer]
		Name = $4
		PublicKey = $(<"$WORK/$2.public")
		${5:+Endpoint = $5}
		AllowedIPs = $6
		${PEER_LINES:-}
	END
}

# Both sites' configurations, over IPv4 or, with UNDERLAY=6, IPv6. ENDPOINT_A and ENDPOINT_B are where A and B are to be
# found; PEER_LINES_A and _B are for the peer in the configuration of A and B. TUNNEL_ADDRESSES_A and _B, ALLOWED_A and _B
# are as in write_tunnel_configs.
write_agreed_configs() {
	local a=$A4:7253 b=$B4:7253

	[ "${UNDERLAY:-4}" = 4 ] || a=[$A6]:7253 b=[$B6]:7253
	[ -e "$WORK/a.private" ] || agreed_keys
	mkdir -p "$WORK/state-a" "$WORK/state-b"
	PEER_LINES=${PEER_LINES_A:-} write_agreed_config a b "${TUNNEL_ADDRESSES_A:-$TUNNEL_A4/25, $TUNNEL_A6/64}" site-b \
		"${ENDPOINT_B-$b}" "${ALLOWED_A:-$TUNNEL_B4/32, $TUNNEL_B6/128}" >"$WORK/$NAME_A.conf"
	PEER_LINES=${PEER_LINES_B:-} write_agreed_config b a "${TUNNEL_ADDRESSES_B:-$TUNNEL_B4/25, $TUNNEL_B6/64}" site-a \
		"${ENDPOINT_A-$a}" "${ALLOWED_B:-$TUNNEL_A4/32, $TUNNEL_A6/128}" >"$WORK/$NAME_B.conf"
}

# write_agreed_inline_config SITE PEER-SITE PEER ADDRESS: inline mode, for PORTS, or all. More lines of [Interface] come from
# INTERFACE_LINES.
write_agreed_inline_config() {
	cat <<-END
		[Interface]
		Device = eth0
		Xdp = ${XDP:-auto}
		ListenPort = 7253
		PrivateKeyFile = $WORK/$1.private
		${INTERFACE_LINES:-}

		[Peer]
		Name = $3
		PublicKey = $(<"$WORK/$2.public")
		Address = $4
		Ports = ${PORTS:-all}
	END
}

# Both sites' configurations, which agree over IPv4 or, with UNDERLAY=6, IPv6.
write_agreed_inline_configs() {
	local a=$A4 b=$B4 length=32

	[ "${UNDERLAY:-4}" = 4 ] || a=$A6 b=$B6 length=128
	[ -e "$WORK/a.private" ] || agreed_keys
	mkdir -p "$WORK/state-a" "$WORK/state-b"
	write_agreed_inline_config a b site-b "$b/$length" >"$WORK/$NAME_A.conf"
	write_agreed_inline_config b a site-a "$a/$length" >"$WORK/$NAME_B.conf"
}

# agent_of NAME: the process that holds the lock of the instance
agent_of() {
	local inode

	inode=$(stat -c %i "/sys/fs/bpf/xdpsec/$1") || return 1
	awk -v inode="$inode" '$2 == "FLOCK" && $6 ~ (":" inode "$") { print $5; found = 1 } END { exit !found }' /proc/locks
}
agent_a() { agent_of "$NAME_A"; }
agent_b() { agent_of "$NAME_B"; }
has_agent() { agent_of "$1" >/dev/null; }
no_agent() { ! has_agent "$1"; }
agreed_a() { [ "$(status_a '.peers[0].agreement.state')" = agreed ]; }

# is_gone PID: it has ended, whoever is to wait for it
is_gone() { ! grep -qE '^State:[[:space:]]+[^Z[:space:]]' "/proc/$1/status" 2>/dev/null; }

# socket_kind PID INODE: of a socket in the network namespace of that process
socket_kind() {
	local port

	port=$(awk -v inode="$2" '$10 == inode { split($2, local, ":"); print local[2] }' "/proc/$1/net/udp" "/proc/$1/net/udp6")
	if [ "$port" ]; then
		echo "socket udp $((16#$port))"
	else
		echo "socket $(awk -v inode="$2" '$7 == inode { print $5 == "0005" ? "unix seqpacket" : "unix" }' "/proc/$1/net/unix")"
	fi
}

# The maps and programs that an agent has, as descriptor_names prints them: all of them, and no other.
agent_objects() {
	cat <<-'END'
		1 map activity read
		1 map agreements read
		1 map endpoints read
		1 map events write
		1 map instance read
		1 map peers read
		1 map sequences read
		1 map spis read
		1 map xs_inner write
		1 map xs_outer write
		1 program agree_asking
		1 program agree_derive
		1 program agree_endpoint
		1 program agree_erase
		1 program agree_install
		1 program agree_keepalive
		1 program agree_link
		1 program agree_note
		1 program agree_unlink
	END
}

# descriptor_names PID: of its BPF maps and programs, with how they may be used, and of everything else its kind
descriptor_names() {
	local fd info id flags

	for fd in "/proc/$1/fd/"*; do
		info=$(<"/proc/$1/fdinfo/${fd##*/}")
		case $(readlink "$fd") in
		anon_inode:bpf-map)
			id=$(sed -n 's/^map_id:\s*//p' <<<"$info")
			flags=$(sed -n 's/^flags:\s*//p' <<<"$info")
			echo "map $(bpftool -j map show id "$id" | jq -r .name) $([ $((flags & 3)) = 0 ] && echo read || echo write)"
			;;
		anon_inode:bpf-prog)
			id=$(sed -n 's/^prog_id:\s*//p' <<<"$info")
			echo "program $(bpftool -j prog show id "$id" | jq -r .name)"
			;;
		socket:*) socket_kind "$1" "$(readlink "$fd" | tr -cd 0-9)" ;;
		*) readlink "$fd" | sed "s|$WORK|WORK|; s|$ID|ID|" ;;
		esac
	done | LC_ALL=C sort | uniq -c | sed 's/^ *//'
}
