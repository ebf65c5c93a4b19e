# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # shared with bench/path/peer and bench/path/gateway
#
# XFRM ESP with rfc4106(gcm(aes)) between the two sites, in $esp_mode: what its rows share.

modules="esp4 esp6 xfrm_user seqiv gcm"
ESP_HEADER=8 ESP_IV=8 ESP_TRAILER=2 ESP_TAG=16

# esp_up ADDRESS-A ADDRESS-B NET-A NET-B: between the nets. The keys go through a file: arguments can be read by
# everyone.
esp_up() {
	local a_to_b b_to_a

	ESP_A=$1 ESP_B=$2
	a_to_b=$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n')
	b_to_a=$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n')
	esp_site "$1" "$2" "$3" "$4" "0x1001" "$a_to_b" "0x1002" "$b_to_a" >"$WORK/esp-a"
	esp_site "$2" "$1" "$4" "$3" "0x1002" "$b_to_a" "0x1001" "$a_to_b" >"$WORK/esp-b"
	ip -n "$SITE_A" -batch "$WORK/esp-a" && ip -n "$SITE_B" -batch "$WORK/esp-b"
}

# esp_site OWN-ADDRESS OTHER-ADDRESS OWN-NET OTHER-NET TX-SPI TX-KEY RX-SPI RX-KEY
esp_site() {
	cat <<-END
		xfrm state add src $1 dst $2 proto esp spi $5 mode $esp_mode aead rfc4106(gcm(aes)) 0x$6 128
		xfrm state add src $2 dst $1 proto esp spi $7 mode $esp_mode aead rfc4106(gcm(aes)) 0x$8 128
		xfrm policy add src $3 dst $4 dir out tmpl src $1 dst $2 proto esp mode $esp_mode
		xfrm policy add src $4 dst $3 dir in tmpl src $2 dst $1 proto esp mode $esp_mode
	END
	# Forwarded packets only: a policy more would be one more to look at for the others.
	[ -z "${esp_forwards:-}" ] ||
		echo "xfrm policy add src $4 dst $3 dir fwd tmpl src $2 dst $1 proto esp mode $esp_mode"
}

# esp_message LENGTH: of what a payload of ESP becomes. Trailer included, the plaintext is a multiple of four bytes.
esp_message() {
	echo $((ESP_HEADER + ESP_IV + ($1 + ESP_TRAILER + 3) / 4 * 4 + ESP_TAG))
}

# esp_packets NAMESPACE SOURCE DESTINATION
esp_packets() {
	ip -n "$1" -s xfrm state list src "$2" dst "$3" |
		awk '/lifetime current:/ { getline; match($0, /[0-9]+\(packets\)/); print substr($0, RSTART) + 0 }'
}

peer_counts() {
	sealed_a=$(esp_packets "$SITE_A" "$ESP_A" "$ESP_B") opened_b=$(esp_packets "$SITE_B" "$ESP_A" "$ESP_B")
	sealed_b=$(esp_packets "$SITE_B" "$ESP_B" "$ESP_A") opened_a=$(esp_packets "$SITE_A" "$ESP_B" "$ESP_A")
}
