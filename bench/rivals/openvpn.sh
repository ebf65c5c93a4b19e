# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # set by bench/compare
#
# OpenVPN with AES-128-GCM; with its data channel in the kernel (DCO) where the kernel has it.

rival_available() {
	command -v openvpn >/dev/null || { echo "no openvpn"; return 1; }
	command -v openssl >/dev/null || { echo "no openssl, which makes its certificates"; return 1; }
}

rival_keys() {
	local site

	for site in a b; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$site" \
			-keyout "$DIR/openvpn-$site.key" -out "$DIR/openvpn-$site.crt" 2>/dev/null || return 1
	done
}

fingerprint_of() { openssl x509 -in "$DIR/openvpn-$1.crt" -noout -fingerprint -sha256 | cut -d= -f2; }

rival_up() {
	local role=(--tls-client)

	[ "$SITE" = a ] || role=(--tls-server --dh none)
	start_process openvpn --dev-type tun --dev "$LINK" --proto udp --local "$OWN" --remote "$OTHER" --port 1195 \
		"${role[@]}" --cert "$DIR/openvpn-$SITE.crt" --key "$DIR/openvpn-$SITE.key" \
		--peer-fingerprint "$(fingerprint_of "$OTHER_SITE")" --data-ciphers AES-128-GCM \
		--ifconfig "$INNER" "$INNER_OTHER" --tun-mtu "$MTU" --verb 3
}

rival_down() { stop_process; }

rival_settings() {
	local where="the process"

	! grep -q 'DCO device' "$DIR/process-$SITE.log" 2>/dev/null || where="the kernel (DCO)"
	echo "AES-128-GCM in $where, $(openvpn --version | head -n 1 | cut -d' ' -f1-2)"
}
