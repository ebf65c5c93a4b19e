#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every mistake that the lines and files of the key agreement can have, by `xdpsec check`; and that no secret shows up.
# shellcheck disable=SC2016 # "$" is sed's, backquotes are part of a message
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# base64_of HEX
base64_of() {
	xxd -r -p <<<"$1" | base64
}

# The public keys of RFC 7748 section 6.1, and ours.
ALICE=$(base64_of 8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a)
BOB=$(base64_of de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f)
ZERO=$(base64_of "$(printf '%064d' 0)")

KEY=$WORK/site-a.key
PSK=$WORK/site-b.psk
PSK_TEXT=
make_secrets() {
	rm -rf "$KEY" "$PSK"
	"$XDPSEC" genkey >"$KEY"
	"$XDPSEC" genpsk >"$PSK"
	PSK_TEXT=$(<"$PSK")
}

write_agreed() {
	cat >"$CONFIG" <<-END
		[Interface]
		Device = xdpsec-none
		Mode = tunnel
		Name = xs0
		Address = 203.0.113.1/30
		ListenPort = 7253
		PrivateKeyFile = site-a.key

		[Peer]
		Name = site-b
		PublicKey = $ALICE
		Endpoint = 198.51.100.2:7253
		AllowedIPs = 203.0.113.64/26
		PresharedKeyFile = site-b.psk

		[Peer]
		Name = site-c
		PublicKey = $BOB
		AllowedIPs = 203.0.113.128/26
	END
}

write_agreed_inline() {
	cat >"$CONFIG" <<-END
		[Interface]
		Device = xdpsec-none
		ListenPort = 7253
		PrivateKeyFile = site-a.key

		[Peer]
		Name = site-b
		PublicKey = $ALICE
		Address = 198.51.100.1, 203.0.113.0/24
		Ports = 4789
	END
}

make_secrets
WRITE=write_agreed

# ---- what is fine -------------------------------------------------------------------------------------

fine "a tunnel" ''
fine "what is optional left out" '5,6d; 14d'
fine "everything" '7s/$/\nRejectAfter = 180\nIdle = silent/; 14s/$/\nCipher = aes-256-ocb, aes-128-ocb\nDriver = aes-generic\nRoaming = yes\nPersistentKeepalive = 25\nSource = 192.0.2.1/'
fine "the other values" '7s/$/\nRejectAfter = 65535\nIdle = keyed/; 14s/$/\nCipher = aes-128-ocb/'
for name in vpn.example.net:7253 localhost:1 a.b:65535 1a.2b:4500 xn--bcher-kva.example:7253; do
	fine "Endpoint = $name" "12s/=.*/= $name/"
done
make_keys
fine "a peer with manual keys beside it" '18,19d; 17s/$/\nAllowedIPs = 203.0.113.128\/26\nTxSpi = 0x2001\nTxKeyFile = a-to-c.key\nRxSpi = 0x2002\nRxKeyFile = c-to-a.key/'
fine "PublicKey at the end of the section" '11d; 14s|$|\nPublicKey = '"$ALICE"'|'
WRITE=write_agreed_inline fine "inline mode: the only single address is the endpoint" ''
WRITE=write_agreed_inline fine "inline mode: Endpoint" '9s/=.*/= 203.0.113.0\/24/; 10s/$/\nEndpoint = 192.0.2.9:7253/'
WRITE=write_agreed_inline fine "inline mode: Endpoint is a name" '10s/$/\nEndpoint = vpn.example.net:7253/'
WRITE=write_agreed_inline fine "inline mode: Endpoint among several addresses, and another port" \
	'3s/7253/999/; 9s/=.*/= 198.51.100.1, 198.51.100.2/; 10s/$/\nEndpoint = 198.51.100.2:999/'

# ---- lines --------------------------------------------------------------------------------------------

mistake "no PrivateKeyFile" 7d \
	"FILE:1: [Interface]: PrivateKeyFile is missing, and the peer in line 8 has PublicKey
hint: (umask 077; xdpsec genkey >/etc/xdpsec/site-a.key), and PrivateKeyFile = site-a.key"
mistake "no keys at all" 18d \
	"FILE:16: [Peer]: it has no keys: PublicKey is missing
hint: PublicKey = what \`xdpsec pubkey\` prints at the other site; or manual keys: TxSpi, TxKeyFile, RxSpi and RxKeyFile"
for line in 'TxSpi = 0x1001' 'TxKeyFile = a-to-b.key' 'RxSpi = 0x1002' 'RxKeyFile = b-to-a.key'; do
	mistake "${line% =*} beside PublicKey" "14s/$/\n$line/" \
		"FILE:15: ${line% =*}: peer site-b has PublicKey in line 11: its SPIs and keys are agreed on
hint: remove TxSpi, TxKeyFile, RxSpi and RxKeyFile, or PublicKey"
done
BASE64="not a public key: expected 32 bytes in base64, 44 characters
hint: what \`xdpsec pubkey\` prints for the private key of the other site"
for key in x "${ALICE%=}" "${ALICE}=" "${ALICE:0:42}p=" "-_${ALICE:2}" "$(printf '%064d' 0)"; do
	mistake "PublicKey = $key" "11s|=.*|= $key|" "FILE:11: PublicKey: $key: $BASE64"
done
mistake "PublicKey, all zero" "11s|=.*|= $ZERO|" "FILE:11: PublicKey: $ZERO: the key is all zero
${BASE64#*$'\n'}"
# The point of order 8 that RFC 7748 section 7 speaks of, and 1; also with the bit that X25519 ignores.
for hex in e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800 \
	0100000000000000000000000000000000000000000000000000000000000080; do
	low=$(base64_of $hex)
	mistake "PublicKey of low order, ${hex:0:8}" "11s|=.*|= $low|" \
		"FILE:11: PublicKey: $low: a point of low order: what is agreed with it is no secret
${BASE64#*$'\n'}"
done
high=$(base64_of 8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4eea)
mistake "PublicKey with bit 255" "11s|=.*|= $high|" \
	"FILE:11: PublicKey: $high: bit 255 is set, which X25519 ignores
hint: the same key without it is $ALICE"
mistake "one PublicKey for two peers" "18s|=.*|= $ALICE|" \
	"FILE:18: PublicKey: already that of peer site-b in line 11
hint: each site has its own private key: xdpsec genkey"
own=$("$XDPSEC" pubkey <"$KEY")
mistake "our own PublicKey" "18s|=.*|= $own|" \
	"FILE:18: PublicKey: that of this site: it belongs to the private key of line 7
hint: what \`xdpsec pubkey\` prints at the site site-c"
for seconds in 179 65536 0 -1 9m ''; do
	[ -n "$seconds" ] || continue
	mistake "RejectAfter = $seconds" "6s/.*/RejectAfter = $seconds/" \
		"FILE:6: RejectAfter: $seconds: not a number of seconds from 180 to 65535
hint: 540 is the default; a new key is agreed on every two minutes, whatever this is"
done
mistake "Idle" '6s/.*/Idle = yes/' \
	"FILE:6: Idle: yes: neither keyed nor silent
hint: keyed: there is always a key; silent: no handshake while nothing is sent, and the first packets after that are dropped"
mistake "Cipher, a list with one that is none" '14s/.*/Cipher = aes-256-ocb, aes-128-gcm/' \
	"FILE:14: Cipher: aes-128-gcm: not a cipher
hint: aes-128-ocb or aes-256-ocb"
mistake "Cipher, one twice" '14s/.*/Cipher = aes-256-ocb, aes-256-ocb/' "FILE:14: Cipher: aes-256-ocb: given twice"
WRITE=write_config mistake "Cipher, a list for manual keys" '10s/=.*/= aes-128-ocb, aes-256-ocb/' \
	"FILE:10: Cipher: manual keys have one cipher, not several
hint: Cipher = aes-128-ocb, at both sites"
for line in RejectAfter=540 Idle=keyed; do
	WRITE=write_config mistake "${line%=*}, and no PublicKey" "4s/.*/$line/" \
		"FILE:4: ${line%=*}: only for key agreement, and no peer has PublicKey
hint: remove it, or give a peer PublicKey instead of manual keys"
done
WRITE=write_config mistake "ListenPort in inline mode, and no PublicKey" '4s/.*/ListenPort = 7253/' \
	"FILE:4: ListenPort in inline mode: only for key agreement, and no peer has PublicKey
hint: remove it, or give a peer PublicKey instead of manual keys"
WRITE=write_config mistake "PresharedKeyFile, and no PublicKey" '10s/.*/PresharedKeyFile = x/' \
	"FILE:10: PresharedKeyFile: only for a peer with PublicKey, and peer site-b has manual keys
hint: remove it, or give PublicKey instead of TxSpi, TxKeyFile, RxSpi and RxKeyFile"
WRITE=write_config mistake "Endpoint in inline mode, and no PublicKey" '10s/.*/Endpoint = 198.51.100.1:7253/' \
	"FILE:10: Endpoint in inline mode: only for a peer with PublicKey, and peer site-b has manual keys
hint: remove it, or give PublicKey instead of TxSpi, TxKeyFile, RxSpi and RxKeyFile"
for prefixes in 203.0.113.0/24 '198.51.100.1, 198.51.100.2'; do
	WRITE=write_agreed_inline mistake "inline mode: no endpoint among $prefixes" "9s|=.*|= $prefixes|" \
		"FILE:6: [Peer]: peer site-b: Endpoint is missing, and Address has no single address, or several
hint: Endpoint = ADDRESS:7253, the address of the host there that agrees on keys"
done
WRITE=write_agreed_inline mistake "inline mode: another port" '10s/$/\nEndpoint = 198.51.100.1:999/' \
	"FILE:11: Endpoint: port 999: in inline mode it is the ListenPort of both sites, here 7253
hint: port 7253 in Endpoint, or ListenPort = 999 at both sites"
for name in -a.example:1 a-.example:1 a..b:1 .:1 a_b:1 198.51.100.2.3:1 "$(printf '%064d' 0)a.example:1" '[vpn.example.net]:1'; do
	mistake "Endpoint = $name" "12s/=.*/= $name/" \
		"FILE:12: Endpoint: $name: not ADDRESS:PORT, nor NAME:PORT
hint: for example 198.51.100.2:7253, [2001:db8::1]:7253 or vpn.example.net:7253"
done
mistake "Endpoint, a name without a port" '12s/=.*/= vpn.example.net/' \
	"FILE:12: Endpoint: vpn.example.net: no port given
hint: for example vpn.example.net:7253"
mistake "Endpoint, a name with the port 0" '12s/=.*/= vpn.example.net:0/' \
	"FILE:12: Endpoint: 0: not a port
hint: the ListenPort of the other site, 1 to 65535"
mistake "a name, and Roaming = no" '12s/=.*/= vpn.example.net:7253\nRoaming = no/' \
	"FILE:13: Roaming: the Endpoint of peer site-b is a name, whose address may change
hint: remove Roaming, or give Endpoint an address"
write_agreed
sed -i '6s/7253/4500/' "$CONFIG"
prints "the port of IPsec behind NAT is a warning" 1 \
	"xdpsec: warning: $CONFIG:6: ListenPort: 4500 is the port of IPsec behind NAT (IKE), whose messages would be mistaken for those of the key agreement
hint: another port, for example 7253, unless no IPsec runs here" check_file

# ---- keys of wg-quick ---------------------------------------------------------------------------------

# wg_quick LINE INSTEAD
wg_quick() {
	mistake "${1%% =*} of wg-quick" "6s|.*|$1|" "FILE:6: ${1%% =*}: a key of wg-quick, which xdpsec does not have
hint: $2"
}

wg_quick "DNS = 192.0.2.53" "after \`xdpsec up\`: resolvectl dns DEVICE ADDRESS, with Name of [Interface] as DEVICE"
wg_quick "SaveConfig = true" "xdpsec writes no configuration; \`xdpsec reload NAME\` applies what was edited"
wg_quick "PreUp = true" "PostUp, which is run after; or systemctl edit xdpsec@NAME, with [Service] and ExecStartPre="
mistake "PostUp as wg-quick takes it, too" "6s|.*|postup = true|" "FILE:6: postup: unknown key in [Interface]
hint: did you mean PostUp?"
wg_quick "PreDown = true" "PostDown, which is run after; or a unit of your own with After=xdpsec@NAME.service, whose ExecStop= runs before"
mistake "Table = 100 of wg-quick" '6s/.*/Table = 100/' \
	"FILE:6: Table: 100: routes go to the main table, or to that of the VRF of the device
hint: Table = off, and \`ip route add PREFIX dev DEVICE table 100\` after \`xdpsec up\`"

# ---- files --------------------------------------------------------------------------------------------

put_key() {
	# shellcheck disable=SC2059 # the format is the content
	printf "$@" >"$KEY"
}

put_psk() {
	# shellcheck disable=SC2059 # the format is the content
	printf "$@" >"$PSK"
}

be_fifo() {
	rm "$1"
	mkfifo "$1"
}

# file_mistake NAME WANT CMD...: a file that CMD has changed; KEYFILE and PSKFILE stand for the beginnings.
file_mistake() {
	local name=$1 want=$2

	shift 2
	make_secrets
	write_agreed
	want=${want//KEYFILE/xdpsec: $CONFIG:7: PrivateKeyFile: $KEY}
	"$@"
	prints "$name" 1 "${want//PSKFILE/xdpsec: $CONFIG:14: PresharedKeyFile: $PSK}" check_file
	make_secrets
}

MAKE_KEY="hint: (umask 077; xdpsec genkey >$KEY)"
MAKE_PSK="hint: (umask 077; xdpsec genpsk >$PSK), and copy it to the other site"
file_mistake "private key: missing" "KEYFILE: No such file or directory
$MAKE_KEY" rm "$KEY"
file_mistake "preshared key: missing" "PSKFILE: No such file or directory
$MAKE_PSK" rm "$PSK"
file_mistake "private key: empty" "KEYFILE: the file is empty
$MAKE_KEY" put_key ''
file_mistake "preshared key: empty, which is not zero" "PSKFILE: the file is empty
$MAKE_PSK" put_psk '\n'
for bad in x "$("$XDPSEC" genkey --manual --bits 256)" "$ALICE$ALICE" "$ALICE\n$ALICE"; do
	file_mistake "private key: ${bad:0:8}" "KEYFILE: expected one key of 32 bytes in base64, 44 characters
$MAKE_KEY" put_key "$bad"
	file_mistake "preshared key: ${bad:0:8}" "PSKFILE: expected one key of 32 bytes in base64, 44 characters
$MAKE_PSK" put_psk "$bad"
done
file_mistake "private key: all zero" "KEYFILE: the key is all zero
$MAKE_KEY" put_key "$ZERO"
file_mistake "preshared key: all zero" "PSKFILE: the key is all zero
$MAKE_PSK" put_psk "$ZERO"
file_mistake "private key: too long" "KEYFILE: too long for a key" put_key '%0200d'
file_mistake "preshared key: too long" "PSKFILE: too long for a key" put_psk '%0200d'
file_mistake "private key: FIFO" "KEYFILE: not a regular file" be_fifo "$KEY"
file_mistake "preshared key: FIFO" "PSKFILE: not a regular file" be_fifo "$PSK"
for mode in 0640 0604 0610 0601 0620 0644; do
	file_mistake "private key: mode $mode" "KEYFILE: permissions $mode are too open
hint: chmod 600 $KEY, and make a new key if somebody may have read it" chmod "$mode" "$KEY"
done
for mode in 0660 0604 0610 0601 0644; do
	file_mistake "preshared key: mode $mode" "PSKFILE: permissions $mode are too open
hint: chmod 600 $PSK, and make a new key if somebody may have read it" chmod "$mode" "$PSK"
done
for mode in 0720 0702 0777; do
	make_secrets
	write_agreed
	chmod "$mode" "$WORK"
	prints "private key: directory of mode $mode" 1 \
		"xdpsec: $CONFIG:7: PrivateKeyFile: $KEY: directory $WORK, owner $(id -u), permissions $mode: others could replace the key
hint: chmod go-w $WORK, and make new keys if somebody may have replaced them" first_of check_file
	chmod 700 "$WORK"
done

make_secrets
put_key '\n %s \r\n\n' "$(<"$KEY")"
put_psk '\n %s \r\n\n' "$(<"$PSK")"
fine "white space around is fine" ''
make_secrets
chmod 400 "$KEY" "$PSK"
fine "mode 0400 is fine" ''
if command -v wg >/dev/null; then
	wg genkey >"$WORK/wg.key"
	wg genpsk >"$WORK/wg.psk"
	fine "keys of wg" '7s/=.*/= wg.key/; 14s/=.*/= wg.psk/'
else
	skip "keys of wg" "no wg"
fi

if [ "$(id -u)" -eq 0 ]; then
	file_mistake "private key: owner" "KEYFILE: owned by user 12345, who could read or replace the key
hint: chown root $KEY, and make a new key if somebody may have read it" chown 12345 "$KEY"
	be_of_group() {
		chmod 640 "$PSK"
		chgrp 12345 "$PSK"
	}
	repair=$(getent group xdpsec >/dev/null && echo "chgrp xdpsec" || echo "chmod 600")
	file_mistake "preshared key: read by another group" \
		"PSKFILE: permissions 0640: group 12345 can read it, which is not the group xdpsec
hint: $repair $PSK" be_of_group
	make_secrets
	chown 12345 "$PSK"
	fine "preshared key: another owner is fine, as Rosenpass" ''
	make_secrets
	mkdir "$WORK/rosenpass"
	mv "$PSK" "$WORK/rosenpass"
	chown -R 12345 "$WORK/rosenpass"
	chmod 750 "$WORK/rosenpass"
	fine "preshared key: and its own directory" '14s|=.*|= rosenpass/site-b.psk|'
	chown 12346 "$WORK/rosenpass"
	write_agreed
	sed -i '14s|=.*|= rosenpass/site-b.psk|' "$CONFIG"
	prints "preshared key: not in a directory of a third user" 1 \
		"xdpsec: $CONFIG:14: PresharedKeyFile: $WORK/rosenpass/site-b.psk: directory $WORK/rosenpass, owner 12346, permissions 0750: others could replace the key
hint: keep keys in /etc/xdpsec, owner root, permissions 0700" check_file
	if getent group xdpsec >/dev/null; then
		make_secrets
		chmod 640 "$PSK"
		chgrp xdpsec "$PSK"
		fine "preshared key: the group xdpsec may read it" ''
	else
		skip "preshared key: the group xdpsec may read it" "no such group"
	fi
else
	skip "owners and groups" "needs root to give a file away"
fi

# ---- secrets in the configuration itself --------------------------------------------------------------

make_secrets
SECRET=$(<"$KEY")
inline="7s|.*|PrivateKey = $SECRET|; 14s|.*|PresharedKey = $PSK_TEXT|"
fine "PrivateKey and PresharedKey" "$inline"
for mode in 0644 0640 0604; do
	write_agreed
	sed -i "$inline" "$CONFIG"
	chmod "$mode" "$CONFIG"
	prints "in a file of mode $mode" 1 \
		"xdpsec: $CONFIG:7: PrivateKey: $CONFIG: permissions $mode are too open
hint: chmod 600 $CONFIG, and make a new key if somebody may have read it
xdpsec: $CONFIG:14: PresharedKey: $CONFIG: permissions $mode are too open
hint: chmod 600 $CONFIG, and make a new key if somebody may have read it" check_file
	write_agreed
	prints "mode $mode is fine for the names of files" 1 "$NO_DEVICE" check
	chmod 600 "$CONFIG"
done
mistake "PrivateKey, not in base64" "7s|.*|PrivateKey = ${SECRET%=}|" \
	"FILE:7: PrivateKey: expected 32 bytes in base64, 44 characters
hint: xdpsec genkey makes one; a file with it is named by PrivateKeyFile"
mistake "PresharedKey, not in base64" "14s|.*|PresharedKey = site-b.psk|" \
	"FILE:14: PresharedKey: expected 32 bytes in base64, 44 characters
hint: xdpsec genpsk makes one; a file with it is named by PresharedKeyFile"
mistake "PrivateKey, all zero" "7s|.*|PrivateKey = $ZERO|" "FILE:7: PrivateKey: the key is all zero
hint: xdpsec genkey"
mistake "PresharedKey, all zero" "14s|.*|PresharedKey = $ZERO|" "FILE:14: PresharedKey: the key is all zero
hint: xdpsec genpsk"
mistake "PrivateKey without a value" '7s|.*|PrivateKey =|' "FILE:7: PrivateKey: has no value"
mistake "PrivateKey alone" '7s|.*|PrivateKey|' "FILE:7: expected [Section] or Key = Value"
mistake "PrivateKey beside PrivateKeyFile" "7s|$|\nPrivateKey = $SECRET|" \
	"FILE:8: PrivateKey: given beside PrivateKeyFile in line 7: only one of them is possible"
mistake "PrivateKeyFile beside PrivateKey" "7s|$|\nPrivateKey = $SECRET|; 7{h;s/.*\n//;G;s/\n\(PrivateKeyFile[^\n]*\).*/\n\1/}" \
	"FILE:8: PrivateKeyFile: given beside PrivateKey in line 7: only one of them is possible"
mistake "PresharedKey beside PresharedKeyFile" "14s|$|\nPresharedKey = $PSK_TEXT|" \
	"FILE:15: PresharedKey: given beside PresharedKeyFile in line 14: only one of them is possible"
mistake "PrivateKey twice" "7s|.*|PrivateKey = $SECRET\nPrivateKey = $SECRET|" \
	"FILE:8: PrivateKey: given twice in this [Interface], first in line 7"
own=$("$XDPSEC" pubkey <"$KEY")
mistake "our own PublicKey, by PrivateKey" "$inline; 18s|=.*|= $own|" \
	"FILE:18: PublicKey: that of this site: it belongs to the private key of line 7
hint: what \`xdpsec pubkey\` prints at the site site-c"

# Whatever is wrong: no message of all these has repeated a secret.
write_agreed
sed -i "$inline; 14s|$| x|; 2s|.*|$SECRET|; 4s|.*|PrivateKey $SECRET|; 5s|.*|PrivateKey= $SECRET #|; 6s|.*|[PrivateKey=$SECRET|" "$CONFIG"
check >"$WORK/said" 2>&1
is "control: there are messages" "$(grep -c '^xdpsec: ' "$WORK/said" | sed 's/^[5-9]$/several/')" several
unlike "no value of PresharedKey is repeated" "$(<"$WORK/said")" "$PSK_TEXT"

done_testing
