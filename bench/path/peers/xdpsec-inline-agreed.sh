# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XDPsec, inline, with keys that both ends have agreed on: such an SA has a deadline, and the agent learns of its use.
# shellcheck source=bench/path/peers/xdpsec-inline.sh
. "$path/peers/xdpsec-inline.sh"

AGREED=1
