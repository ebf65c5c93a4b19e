# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer
#
# XFRM ESP with rfc4106(gcm(aes)) between the two sites, in $esp_mode: what both of its peers share.

protocols="tcp udp"
modules="esp4 xfrm_user seqiv gcm"
ESP_HEADER=8 ESP_IV=8 ESP_TRAILER=2 ESP_TAG=16

# The keys go through a file: arguments can be read by everyone.
peer_up() {
	local a_to_b b_to_a

	from=$A4 to=$B4
	a_to_b=$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n')
	b_to_a=$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n')
	esp_site "$A4" "$B4" "0x1001" "$a_to_b" "0x1002" "$b_to_a" >"$WORK/esp-a"
	esp_site "$B4" "$A4" "0x1002" "$b_to_a" "0x1001" "$a_to_b" >"$WORK/esp-b"
	ip -n "$SITE_A" -batch "$WORK/esp-a" && ip -n "$SITE_B" -batch "$WORK/esp-b"
}

# esp_site OWN-ADDRESS OTHER-ADDRESS TX-SPI TX-KEY RX-SPI RX-KEY
esp_site() {
	cat <<-END
		xfrm state add src $1 dst $2 proto esp spi $3 mode $esp_mode aead rfc4106(gcm(aes)) 0x$4 128
		xfrm state add src $2 dst $1 proto esp spi $5 mode $esp_mode aead rfc4106(gcm(aes)) 0x$6 128
		xfrm policy add src $1/32 dst $2/32 dir out tmpl src $1 dst $2 proto esp mode $esp_mode
		xfrm policy add src $2/32 dst $1/32 dir in tmpl src $2 dst $1 proto esp mode $esp_mode
	END
}

# Trailer included, the plaintext is a multiple of four bytes.
peer_frame() {
	local inner=$(($(transport_header "$1") + $2 + ESP_TRAILER))

	[ "$esp_mode" != tunnel ] || inner=$((inner + IP4_HEADER))
	echo $((ETHERNET_HEADER + IP4_HEADER + ESP_HEADER + ESP_IV + (inner + 3) / 4 * 4 + ESP_TAG))
}

# esp_packets NAMESPACE SOURCE DESTINATION
esp_packets() {
	ip -n "$1" -s xfrm state list src "$2" dst "$3" |
		awk '/lifetime current:/ { getline; match($0, /[0-9]+\(packets\)/); print substr($0, RSTART) + 0 }'
}

peer_counts() {
	sealed_a=$(esp_packets "$SITE_A" "$A4" "$B4") opened_b=$(esp_packets "$SITE_B" "$A4" "$B4")
	sealed_b=$(esp_packets "$SITE_B" "$B4" "$A4") opened_a=$(esp_packets "$SITE_A" "$B4" "$A4")
}
