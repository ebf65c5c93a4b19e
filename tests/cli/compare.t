#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/compare refuses what it cannot compare before it makes anything.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

compare=$(dirname "$0")/../../bench/compare

# wrong NAME REGEX ARGUMENT...
wrong() {
	refuses "$1" "$compare" "${@:3}"
	is "$1: exit code" "$TAP_STATUS" 2
	like "$1: the reason" "$TAP_OUTPUT" "$2"
}

wrong "an unknown rival" 'carrier-pigeon: no such rival.*hint: there are clear xdpsec' -p xdpsec,carrier-pigeon namespaces
wrong "no sites" 'sites'
wrong "half of the sites" "either 'namespaces', or five words" eth0 192.0.2.1
wrong "no round" 'out of range' -r 0 namespaces
wrong "no time" 'out of range' -t 0 namespaces
wrong "an MTU that IPv4 does not have" 'out of range' -m 60 namespaces
wrong "packets that would be fragments" 'sizes are from 16 to 1352' -s 64,1400 namespaces
wrong "a size that is not a number" 'invalid' -s large namespaces
ok "help" "$compare" -h
like "help: what is compared" "$TAP_OUTPUT" 'at most 1 % loss'
done_testing
