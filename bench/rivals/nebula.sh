# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # set by bench/compare
#
# Nebula, a process; AES-256-GCM.

rival_available() {
	command -v nebula >/dev/null && command -v nebula-cert >/dev/null || { echo "no nebula"; return 1; }
}

address_of() { if [ "$1" = "$SITE" ]; then echo "$INNER"; else echo "$INNER_OTHER"; fi; }

rival_keys() {
	local site

	nebula-cert ca -name compare -duration 48h -out-crt "$DIR/nebula-ca.crt" -out-key "$DIR/nebula-ca.key" || return 1
	for site in a b; do
		nebula-cert sign -name $site -ip "$(address_of $site)/24" -duration 24h -ca-crt "$DIR/nebula-ca.crt" \
			-ca-key "$DIR/nebula-ca.key" -out-crt "$DIR/nebula-$site.crt" -out-key "$DIR/nebula-$site.key" || return 1
	done
}

rival_up() {
	cat >"$DIR/nebula-$SITE.yml" <<-END
		pki: { ca: $DIR/nebula-ca.crt, cert: $DIR/nebula-$SITE.crt, key: $DIR/nebula-$SITE.key }
		static_host_map: { "$INNER_OTHER": ["$OTHER:4242"] }
		lighthouse: { am_lighthouse: false }
		listen: { host: $OWN, port: 4242 }
		cipher: aes
		tun: { dev: $LINK, mtu: $MTU }
		logging: { level: error }
		firewall: { outbound: [{ port: any, proto: any, host: any }], inbound: [{ port: any, proto: any, host: any }] }
	END
	start_process nebula -config "$DIR/nebula-$SITE.yml"
}

rival_down() { stop_process; }
rival_settings() { echo "AES-256-GCM, $(nebula -version 2>&1 | head -n 1)"; }
