# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # set by bench/compare, and read by its rivals
#
# rival.sh COMMAND: what bench/compare runs at a site for one rival, bench/rivals/$RIVAL.sh. It sets
#
#	SITE, OTHER_SITE	a and b, or b and a
#	OWN, OTHER, DEVICE	the addresses of both sites, and the device between them
#	INNER, INNER_OTHER	the addresses of both ends of the tunnel
#	MTU			of packets inside
#	LINK			the name of the tunnel's device
#	DIR			a directory of its own, with the keys, which only root can read
#
# A rival defines
#
#	rival_available		fails and says why, where it cannot run here
#	rival_keys		in DIR; it is run at one site, and DIR is copied to the other
#	rival_up, rival_down	its end of the tunnel
#	rival_settings		one line: what is compared
set -uo pipefail
export PATH=$PATH:/usr/sbin:/sbin
umask 077

next_hop() {
	local hop

	hop=$(ip -o route get "$OTHER" | sed -n 's/.* via \([^ ]*\) .*/\1/p')
	echo "${hop:-$OTHER}"
}

# start_process CMD...: goes on until stop_process
start_process() {
	setsid "$@" >"$DIR/process-$SITE.log" 2>&1 </dev/null &
	echo $! >"$DIR/process-$SITE"
}

stop_process() {
	local process

	process=$(<"$DIR/process-$SITE") || return 1
	kill "$process"
	for _ in {1..50}; do
		kill -0 "$process" 2>/dev/null || return 0
		read -r -t 0.1 <> <(:)
	done
	kill -KILL "$process"
}

# shellcheck source=bench/rivals/wireguard.sh
. "$RIVALS/$RIVAL.sh"
"rival_$1"
