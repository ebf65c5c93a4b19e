# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/gateway
#
# XDPsec, tunnel mode, its fast path on gateways without a firewall: all flows.
# shellcheck source=bench/path/gateways/xdpsec-fast.sh
. "$path/gateways/xdpsec-fast.sh"

interface_lines=$'FastPath = lan0\nFastPathFirewall = none'
modules=''

fast_ready() { :; }
