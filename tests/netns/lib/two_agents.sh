# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Two agents of one instance at once, under load: no sequence number is used twice. To be sourced after agree.sh.

other_spi() { [ "$(status_a .peers[0].tx.spi)" != "$1" ]; }
second_is_ready() { grep -q "agrees on keys" "$WORK/second.err"; }
# strace heeds no signal, but ends with the agent.
end_second() { pkill -P "$second" -x xdpsec-agent; wait_for 2 ended "$second"; stop "$second"; }

# two_agents ADDRESS: A's agent is stopped, its successor is started, and the first one goes on, while packets are sent to
# the address, from TWO_SOURCE to TWO_PORT as the wire has them. The second one has ended afterwards.
two_agents() {
	local first flood spi

	first=$(agent_a)
	capture_start two a "udp port ${TWO_PORT:-7253} and src host ${TWO_SOURCE:-$A4}"
	start "$SITE_A" "$WORK/flood" "$PACKETS" send "$1" 5201 --count 1000000 --size 64 --rate 500
	flood=$STARTED
	kill -STOP "$first"
	# The lock is passed over, and so is the port, which the first one has.
	start "$SITE_A" "$WORK/second" strace -f -o /dev/null -e trace=flock,bind -e inject=flock,bind:retval=0 "$XDPSEC" agree \
		"$NAME_A"
	second=$STARTED
	defer end_second
	ok "two: a second agent, while the first is stopped" wait_for 20 second_is_ready
	spi=$(status_a .peers[0].tx.spi)
	kill -CONT "$first"
	ok "two: the first goes on, finds that it is not the owner, and ends" wait_for 10 is_gone "$first"
	ok "two: keys change by the second" wait_for 15 other_spi "$spi"
	stop "$flood"
	capture_stop two
	# Every sealed packet's SPI and number: the same pair is in the capture once, but for control packets, whose SPI is 0.
	"$PACKETS" inspect "$WORK/two.pcap" --port "${TWO_PORT:-7253}" |
		jq -r 'select(.spi != null and .spi != 0) | "\(.spi) \(.sequence)"' >"$WORK/numbers"
	ok "two: packets were captured" [ "$(wc -l <"$WORK/numbers")" -gt 200 ]
	is "two: no SPI and number twice" "$(sort "$WORK/numbers" | uniq -d)" ""
	ok "two: under several SPIs" [ "$(cut -d' ' -f1 "$WORK/numbers" | sort -u | wc -l)" -ge 2 ]
	end_second
}
