# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # set by bench/compare
#
# XDPsec, tunnel mode with agreed keys, AES-128.

xdpsec() { command "${XDPSEC:-xdpsec}" --state-dir "$DIR/state-$SITE" "$@"; }

rival_available() {
	[ -x "$(command -v "${XDPSEC:-xdpsec}")" ] || { echo "no xdpsec"; return 1; }
}

rival_keys() {
	local site

	for site in a b; do
		command "${XDPSEC:-xdpsec}" genkey >"$DIR/xdpsec-$site" &&
			command "${XDPSEC:-xdpsec}" pubkey <"$DIR/xdpsec-$site" >"$DIR/xdpsec-$site.pub" || return 1
	done
}

rival_up() {
	mkdir -p "$DIR/state-$SITE"
	cat >"$DIR/$LINK.conf" <<-END
		[Interface]
		Device = $DEVICE
		Mode = tunnel
		Name = $LINK
		Address = $INNER/32
		MTU = $MTU
		PrivateKeyFile = $DIR/xdpsec-$SITE

		[Peer]
		Name = other
		PublicKey = $(<"$DIR/xdpsec-$OTHER_SITE.pub")
		Endpoint = $OTHER:7253
		AllowedIPs = $INNER_OTHER/32
		Cipher = aes-128-ocb
		${DRIVER:+Driver = $DRIVER}
	END
	xdpsec up "$DIR/$LINK.conf"
}

rival_down() { xdpsec down "$LINK"; }

# By what the cipher is bound to: the self-test names it as `status` does.
rival_settings() {
	local driver xdp

	driver=$(command "${XDPSEC:-xdpsec}" selftest | sed -n "s/^Driver = ${DRIVER:-aes}: \\([^,]*\\),.*/\\1/p")
	# Its exit status is 1 for a warning as well.
	xdp=$(xdpsec status "$LINK" -j | jq -r .xdp)
	[ -n "$xdp" ] && echo "aes-128-ocb by $driver, agreed keys, XDP $xdp"
}
