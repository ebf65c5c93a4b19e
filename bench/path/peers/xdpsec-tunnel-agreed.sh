# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XDPsec, tunnel mode, with keys that both ends have agreed on: such an SA has a deadline, and the agent learns of its use.
# shellcheck source=bench/path/peers/xdpsec-tunnel.sh
. "$path/peers/xdpsec-tunnel.sh"

AGREED=1
