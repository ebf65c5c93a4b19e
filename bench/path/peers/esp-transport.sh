# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XFRM, ESP in transport mode with AES-128-GCM: nothing is tunnelled.
# shellcheck source=bench/path/esp.sh
. "$path/esp.sh"
esp_mode=transport
