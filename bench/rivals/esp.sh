# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # set by bench/compare
#
# XFRM, ESP in tunnel mode with AES-128-GCM.

rival_available() {
	local at=(src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1ff)

	ip xfrm state add "${at[@]}" mode tunnel aead 'rfc4106(gcm(aes))' "0x$(printf '0%.0s' {1..40})" 128 2>/dev/null ||
		{ echo "the kernel has no ESP with rfc4106(gcm(aes))"; return 1; }
	ip xfrm state delete "${at[@]}"
}

rival_keys() {
	od -An -tx1 -N20 /dev/urandom | tr -d ' \n' >"$DIR/esp-a" && od -An -tx1 -N20 /dev/urandom | tr -d ' \n' >"$DIR/esp-b"
}

# Each site seals with its own key and its own SPI. Through a file: arguments can be read by everyone.
spi_of() { if [ "$1" = a ]; then echo 0x1001; else echo 0x1002; fi; }

rival_up() {
	ip address add "$INNER/32" dev lo &&
		ip route add "$INNER_OTHER/32" via "$(next_hop)" src "$INNER" mtu "$MTU" || return 1
	cat >"$DIR/esp-$SITE.batch" <<-END
		xfrm state add src $OWN dst $OTHER proto esp spi $(spi_of "$SITE") mode tunnel aead rfc4106(gcm(aes)) 0x$(<"$DIR/esp-$SITE") 128
		xfrm state add src $OTHER dst $OWN proto esp spi $(spi_of "$OTHER_SITE") mode tunnel aead rfc4106(gcm(aes)) 0x$(<"$DIR/esp-$OTHER_SITE") 128
		xfrm policy add src $INNER/32 dst $INNER_OTHER/32 dir out tmpl src $OWN dst $OTHER proto esp mode tunnel
		xfrm policy add src $INNER_OTHER/32 dst $INNER/32 dir in tmpl src $OTHER dst $OWN proto esp mode tunnel
	END
	ip -batch "$DIR/esp-$SITE.batch"
}

rival_down() {
	ip xfrm policy delete src "$INNER/32" dst "$INNER_OTHER/32" dir out
	ip xfrm policy delete src "$INNER_OTHER/32" dst "$INNER/32" dir in
	ip xfrm state delete src "$OWN" dst "$OTHER" proto esp spi "$(spi_of "$SITE")"
	ip xfrm state delete src "$OTHER" dst "$OWN" proto esp spi "$(spi_of "$OTHER_SITE")"
	ip route del "$INNER_OTHER/32"
	ip address del "$INNER/32" dev lo
}

rival_settings() {
	echo "rfc4106(gcm(aes)), 128 bits, by $(awk '/^name/ { name = $3 } /^driver/ && name == "rfc4106(gcm(aes))" { print $3; exit }' /proc/crypto)"
}
