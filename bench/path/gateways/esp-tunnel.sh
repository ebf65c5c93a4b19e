# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/gateway
#
# XFRM, ESP in tunnel mode with AES-128-GCM.
# shellcheck source=bench/path/esp.sh
. "$path/esp.sh"

esp_mode=tunnel esp_forwards=1

peer_up() {
	plain_routes && esp_up "$WIRE_A" "$WIRE_B" "$NET_A" "$NET_B"
}

peer_frame() {
	echo $((wire_header + IP_HEADER + $(esp_message $((IP_HEADER + $(transport_header "$1") + $2)))))
}
