#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xdpsec import: what becomes of a file of wg-quick, and every mistake that one can have.
# shellcheck disable=SC2016 # "$" is sed's, or stands in a file; backquotes are part of a message
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# base64_of HEX
base64_of() {
	xxd -r -p <<<"$1" | base64
}

# The keys of RFC 7748 section 6.1: Alice is we.
PRIVATE=$(base64_of 77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a)
ALICE=$(base64_of 8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a)
BOB=$(base64_of de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f)
CAROL=$("$XDPSEC" genkey | "$XDPSEC" pubkey)
PSK=$(base64_of "$(printf '%062d42' 0)")
ZERO=$(base64_of "$(printf '%064d' 0)")
WG=$WORK/wg0.conf
OUT=$WORK/site-a.conf

# import [ARGUMENT...]: standard output goes to $WORK/out, standard error is what `prints` compares.
import() {
	"$XDPSEC" import --device xdpsec-none "$WG" "$@" >"$WORK/out"
}

# What is said of the private key, whatever else is wrong.
# shellcheck disable=SC2120 # -o is optional
without_shared_key() {
	local status

	import "$@" 2>"$WORK/err"
	status=$?
	sed '/: PrivateKey: taken over/{N;d}' "$WORK/err"
	return $status
}

WARN="xdpsec: warning: $WG"
SHARED_KEY="taken over, but a key should not serve both protocols
hint: (umask 077; xdpsec genkey >/etc/xdpsec/wg0.key), PrivateKeyFile = wg0.key instead of PrivateKey, and the peers need what \`xdpsec pubkey </etc/xdpsec/wg0.key\` prints"
SHARED_PSK="taken over, as those of all peers, but a key should not serve both protocols
hint: \`xdpsec genpsk\` prints another one, which both sites need"
HEADER='# Made by `xdpsec import`. The other sites need theirs too: WireGuard does not understand XDPsec.'
FROM_ONE_PORT='# As WireGuard does it. Without this line, packets have a source port for each flow inside.
SourcePort = listen'

# What `check` says of this configuration, not of instances that others have up.
check_alone() {
	local status

	check >"$WORK/err" 2>&1
	status=$?
	grep -v ': cannot be read: it may ' "$WORK/err"
	return $status
}

# is_valid NAME: `check` has nothing against what was made but the device, and wg-quick accepts the file as well.
is_valid() {
	cp "$WORK/out" "$CONFIG"
	prints "$1: check accepts it" 1 "${NO_DEVICE/:2:/:3:}" check_alone
	if command -v wg-quick >/dev/null; then
		tap_run wg-quick strip "$WG"
		is "$1: and wg-quick the file" "$TAP_STATUS" 0
	else
		skip "$1: and wg-quick the file" "no wg-quick"
	fi
}

# ---- a gateway with two peers --------------------------------------------------------------------------

cat >"$WG" <<END
[Interface]
Address = 203.0.113.193/26, 2001:db8:f::1/64
ListenPort = 51820
PrivateKey = $PRIVATE
MTU = 1380

# site-b
[Peer]
PublicKey = $BOB
PresharedKey = $PSK
Endpoint = 198.51.100.1:51820
AllowedIPs = 203.0.113.194/32, 203.0.113.64/26
AllowedIPs = 2001:db8:b::/48
PersistentKeepalive = 25

[Peer]
# Name = site-c
PublicKey = $CAROL
AllowedIPs = 203.0.113.195/32, 203.0.113.128/26
END
prints "a gateway" 0 "$WARN:4: PrivateKey: $SHARED_KEY
$WARN:10: PresharedKey: $SHARED_PSK" import
is "a gateway: the configuration" "$(<"$WORK/out")" "$HEADER
[Interface]
Device = xdpsec-none
Mode = tunnel
Name = xs0
Address = 203.0.113.193/26, 2001:db8:f::1/64
ListenPort = 51820
$FROM_ONE_PORT
MTU = 1380
PrivateKey = $PRIVATE

[Peer]
Name = site-b
PublicKey = $BOB
PresharedKey = $PSK
Endpoint = 198.51.100.1:51820
AllowedIPs = 203.0.113.194/32, 203.0.113.64/26, 2001:db8:b::/48
PersistentKeepalive = 25

[Peer]
Name = site-c
PublicKey = $CAROL
AllowedIPs = 203.0.113.195/32, 203.0.113.128/26"
is_valid "a gateway"

# The file that the mistakes are made from.
write_wg() {
	sed -n '2,$p' <<-END >"$WG"

		[Interface]
		PrivateKey = $PRIVATE
		ListenPort = 51820
		Address = 203.0.113.1/30
		MTU = 1420

		[Peer] # site-b
		PublicKey = $BOB
		Endpoint = 198.51.100.2:51820
		AllowedIPs = 203.0.113.64/26

		[Peer] # site-c
		PublicKey = $CAROL
		AllowedIPs = 203.0.113.128/26
	END
}

# ---- a client that sends everything, as wg-quick(8) shows it -------------------------------------------

cat >"$WG" <<END
[Interface]
Address = 203.0.113.8/24
DNS = 203.0.113.1
PrivateKey = $PRIVATE
PostUp = iptables -I OUTPUT ! -o %i -m mark ! --mark \$(wg show %i fwmark) -m addrtype ! --dst-type LOCAL -j REJECT; ip6tables -I OUTPUT ! -o %i -m mark ! --mark \$(wg show %i fwmark) -m addrtype ! --dst-type LOCAL -j REJECT
PreDown = iptables -D OUTPUT ! -o %i -m mark ! --mark \$(wg show %i fwmark) -m addrtype ! --dst-type LOCAL -j REJECT
PreUp = true
PostDown = true
SaveConfig = true

[Peer]
PublicKey = $BOB
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = demo.example.net:51820
END
prints "a client" 0 "$WARN:3: DNS: not taken over
hint: after \`xdpsec up\`: resolvectl dns DEVICE ADDRESS, with Name of [Interface] as DEVICE
$WARN:4: PrivateKey: $SHARED_KEY
$WARN:5: PostUp: not taken over
hint: wg knows nothing of the new tunnel: write the command without it, with the same key
$WARN:6: PreDown: not taken over
hint: PostDown, which is run after; or a unit of your own with After=xdpsec@NAME.service, whose ExecStop= runs before
$WARN:7: PreUp: not taken over
hint: PostUp, which is run after; or systemctl edit xdpsec@NAME, with [Service] and ExecStartPre=
$WARN:9: SaveConfig: not taken over
hint: xdpsec writes no configuration; \`xdpsec reload NAME\` applies what was edited
$WARN: ListenPort is missing: 7253 takes the place of a port by chance
hint: write ListenPort = PORT if other sites have this one as their Endpoint
$WARN:11: [Peer]: no comment says its name: Name = peer-1" import
like "a client: the name of its peer" "$(<"$WORK/out")" $'\nEndpoint = demo.example.net:51820\n'
like "a client: PostDown is taken over" "$(<"$WORK/out")" $'\nPostDown = true\n'
like "a client: everything, with the mark that wg-quick takes as well" "$(<"$WORK/out")" $'\nAllowedIPs = 0.0.0.0/0, ::/0$'
unlike "a client: which is the default" "$(<"$WORK/out")" 'FwMark|Table'
# PostDown is refused in a file that is not root's.
[ "$(id -u)" -ne 0 ] || is_valid "a client"

# ---- values -------------------------------------------------------------------------------------------

# becomes NAME SED LINES: after the change, the configuration has these lines, and is valid.
becomes() {
	write_wg
	sed -i -e "$2" "$WG"
	import 2>/dev/null || true
	like "$1" "$(<"$WORK/out")" "(^|"$'\n'")$3("$'\n'"|\$)"
	is_valid "$1"
}

# lacks NAME SED REGEX
lacks() {
	write_wg
	sed -i -e "$2" "$WG"
	import 2>/dev/null || true
	like "$1: there is a configuration" "$(<"$WORK/out")" 'PublicKey'
	unlike "$1" "$(<"$WORK/out")" "$3"
	is_valid "$1"
}

becomes "the file that mistakes are made from" '' 'Endpoint = 198.51.100.2:51820'
becomes "keys and sections in any case" 's/Interface/interface/; s/PublicKey/publickey/; s/AllowedIPs/ALLOWEDIPS/' 'AllowedIPs = 203.0.113.64/26'
becomes "comments, white space and CRLF" '3s/$/# a port/; 9s/^/\t /; 10s/ = /=/; s/$/\r/; 1s/^/\xef\xbb\xbf/' 'ListenPort = 51820'
becomes "a name as Endpoint" '9s/=.*/= vpn.example.net:51820/' 'Endpoint = vpn.example.net:51820'
becomes "an IPv6 Endpoint" '9s/=.*/= [2001:db8::1]:51820/' 'Endpoint = \[2001:db8::1\]:51820'
becomes "an IPv6 Endpoint without brackets" '9s/=.*/= 2001:db8::1:51820/' 'Endpoint = \[2001:db8::1\]:51820'
becomes "AllowedIPs without lengths" '10s/=.*/= 203.0.113.64, 2001:db8::1/' 'AllowedIPs = 203.0.113.64/32, 2001:db8::1/128'
becomes "AllowedIPs given twice" '10s/$/, 203.0.113.64\/26/' 'AllowedIPs = 203.0.113.64/26'
becomes "AllowedIPs in one long line" "10s/=.*/= $(printf '2001:db8:%x::\\/48,' {1..200})2001:db8:fff::\\/48/" 'AllowedIPs = .*2001:db8:fff::/48'
is "AllowedIPs in one long line: all of them" "$(grep -o '2001:db8:[0-9a-f]*::/48' "$WORK/out" | sort -u | wc -l)" 201
becomes "Address without a length" '4s/=.*/= 203.0.113.1/' 'Address = 203.0.113.1/32'
becomes "Address in one long line" "4s/=.*/= $(printf '2001:db8:ffff:ffff:ffff:ffff:ffff:%x\\/64, ' {1..15})203.0.113.1\\/30/" \
	'Address = .*203.0.113.1/30'
becomes "keepalives" '10s/$/\nPersistentKeepalive = 25/' 'PersistentKeepalive = 25'
lacks "keepalives, off" '10s/$/\nPersistentKeepalive = off/' PersistentKeepalive
becomes "a mark" '5s/.*/FwMark = 0x1234/' 'FwMark = 0x1234'
lacks "a mark, off" '5s/.*/FwMark = off/' FwMark
lacks "a mark, 0, beside a default route" '5s/.*/FwMark = 0/; 10s/=.*/= 0.0.0.0\/0/' FwMark
becomes "Table = off" '5s/.*/Table = off/' 'Table = off'
lacks "Table = off: no mark" '5s/.*/Table = off/' FwMark
becomes "Table = off with a default route: no mark, as in WireGuard" '5s/.*/Table = off/; 10s/=.*/= 0.0.0.0\/0/' $'FwMark = off\nTable = off'
lacks "Table = auto" '5s/.*/Table = auto/' Table
lacks "Table = main, where the routes go anyway" '5s/.*/Table = main/' Table
lacks "Table = 254, which is main" '5s/.*/Table = 254/' Table
lacks "SaveConfig = false" '5s/.*/SaveConfig = false/' SaveConfig
lacks "no MTU" '5d' MTU
becomes "ListenPort = 0, by chance" '3s/=.*/= 0/' 'ListenPort = 7253'
lacks "an all-zero preshared key, which is none" "8s|\$|\nPresharedKey = $ZERO|" Preshared

write_wg
sed -i '10s/=.*/= 203.0.113.65\/26/; 5s/.*/Table = 100/' "$WG"
prints "what is taken over in another way" 0 "$WARN:2: PrivateKey: $SHARED_KEY
$WARN:5: Table: 100: not taken over, Table = off takes its place: xdpsec adds routes to the main table only
hint: after \`xdpsec up\`, for each prefix of AllowedIPs: ip route add PREFIX dev xs0 table 100
$WARN:10: AllowedIPs: 203.0.113.65/26: host bits set: taken as 203.0.113.64/26" import
like "what is taken over in another way: the result" "$(<"$WORK/out")" $'Table = off.*\nAllowedIPs = 203.0.113.64/26\n'

# A key that wg gets in PostUp.
echo "$PRIVATE" >"$WORK/wg0.key"
write_wg
sed -i "2s|.*|PostUp = wg set %i private-key $WORK/%i.key; echo up|" "$WG"
prints "a private key in a file" 0 "$WARN:2: PostUp: not taken over but for its key: PrivateKeyFile = $WORK/wg0.key
hint: a key should not serve both protocols: (umask 077; xdpsec genkey >/etc/xdpsec/wg0.key), PrivateKeyFile = wg0.key" import
like "a private key in a file: the line" "$(<"$WORK/out")" $'\n'"PrivateKeyFile = $WORK/wg0.key"$'\n'
is_valid "a private key in a file"

# %i is the whole name, each time.
for name in wg0 wg.0; do
	mkdir -p "$WORK/$name"
	cp "$WORK/wg0.key" "$WORK/$name/$name.key"
	write_wg
	sed -i "2s|.*|PostUp = wg set %i private-key $WORK/%i/%i.key|" "$WG"
	cp "$WG" "$WORK/$name/$name.conf"
	tap_run "$XDPSEC" import --device eth0 "$WORK/$name/$name.conf"
	like "a private key in a file of the device's name, $name" "$TAP_OUTPUT" $'\n'"PrivateKeyFile = $WORK/$name/$name.key"$'\n'
done

# A command with the old device's name does something to the wrong device, or to none.
# post_up COMMAND: what is said of it
post_up() {
	write_wg
	sed -i "2a PostUp = $1" "$WG"
	without_shared_key
}
for command in 'iptables -A FORWARD -i wg0 -j ACCEPT' 'ip route add 192.0.2.0/24 dev wg0' 'sysctl net.ipv4.conf.wg01.forwarding=1; tc qdisc add dev wg0 root fq'; do
	prints "PostUp with the old name: $command" 0 "$WARN:3: PostUp: taken over with the name wg0, which is WireGuard's device
hint: %i instead of wg0 stands for the new one, xs0" post_up "$command"
	is "PostUp with the old name: it is as it was" "$(grep ^PostUp "$WORK/out")" "PostUp = $command"
done
for command in 'ip link set wg01 up' 'touch -- -wg0' 'echo swg0'; do
	prints "PostUp with another name: $command" 0 "" post_up "$command"
done

# PostUp and PostDown go on.
write_wg
sed -i "2a PostUp = iptables -A FORWARD -i %i -j ACCEPT ; echo wgs # and more\nPostUp = ip rule add fwmark 7\nPostDown = iptables -D FORWARD -i %i -j ACCEPT" "$WG"
import 2>"$WORK/err" || bail "not imported"
is "PostUp and PostDown are taken over" "$(grep ^Post "$WORK/out")" "PostUp = iptables -A FORWARD -i %i -j ACCEPT ; echo wgs
PostUp = ip rule add fwmark 7
PostDown = iptables -D FORWARD -i %i -j ACCEPT"
unlike "PostUp and PostDown are taken over: without a word" "$(<"$WORK/err")" Post
[ "$(id -u)" -ne 0 ] || is_valid "PostUp and PostDown are taken over"

# ---- names of peers -----------------------------------------------------------------------------------

# names COMMENT...: each in front of a peer, with an empty line after it where it ends with one
names() {
	local comment n=0

	{
		printf '[Interface]\nPrivateKey = %s\nListenPort = 1\n\n' "$PRIVATE"
		for comment in "$@"; do
			printf "$comment\nPublicKey = %s\nAllowedIPs = 203.0.113.%d\n\n" "$("$XDPSEC" genkey | "$XDPSEC" pubkey)" $((++n))
		done
	} >"$WG"
	import 2>"$WORK/err"
	sed -n '/^\[Peer\]/{n;s/^Name = //p}' "$WORK/out" | paste -sd ' '
}

# named NAME COMMENT
named() {
	is "named $1: ${2//$'\n'/\\n}" "$(names "$2")" "$1"
}

named site-b '# site-b\n[Peer]'
named site-b '[Peer] # site-b'
named site-b '[Peer]\n# site-b'
named site-b '[Peer]\n#Name=site-b'
named site-b '# Name = site-b\n[Peer]'
named site-b '[Peer]\n# friendly_name = site-b'
named alice '### Client alice\n[Peer]'
named alice '### begin alice ###\n[Peer]'
named alice '# BEGIN_PEER alice\n[Peer]'
named Laptop-of-Bob '# Laptop of Bob\n[Peer]'
named site-b '# site-b\n# in the cellar, beside the old boiler\n[Peer]'
named site-b '# peers\n\n# site-b\n[Peer]'
named b.example.net '[Peer]\n# b.example.net'
named site-b '# laptop\n[Peer]\n# Name = site-b'
named peer-1 '[Peer]'
named peer-1 '# PersistentKeepalive = 25\n[Peer]'
named peer-1 '# this one is behind a NAT, so it needs keepalives\n[Peer]'
named peer-1 '# ----------\n[Peer]'
named peer-1 '# END_PEER alice\n[Peer]'
is "names: those of others are no names" "$(names '# Name = site-b\n[Peer]' '[Peer]' '# site-d\n[Peer]')" "site-b peer-2 site-d"
is "names: a comment before AllowedIPs is none" \
	"$(names '[Peer]\nPersistentKeepalive = 25\n# for NAT' '[Peer]')" "peer-1 peer-2"
is "names: one for two" "$(names '# site-b\n[Peer]' '# site-b\n[Peer]')" "site-b site-b-2"
like "names: one for two is said" "$(<"$WORK/err")" \
	"$WARN:[0-9]*: \[Peer\]: another peer has the same name: Name = site-b-2"

# ---- mistakes -----------------------------------------------------------------------------------------

# wrong NAME SED WANT: the file is refused with WANT, FILE in it stands for its path, and nothing is written.
wrong() {
	write_wg
	sed -i -e "$2" "$WG"
	rm -f "$OUT"
	prints "$1" 1 "xdpsec: ${3//FILE/$WG}" without_shared_key -o "$OUT"
	is "$1: nothing is written" "$(ls "$OUT" 2>&1; cat "$WORK/out")" "ls: cannot access '$OUT': No such file or directory"
}

wrong "unknown section" '7s/.*/[Peers]/' 'FILE:7: [Peers]: unknown section
hint: a file of wg-quick has [Interface] and [Peer]'
wrong "[Interface] twice" '12s/.*/[interface]/' 'FILE:12: [Interface]: given twice, first in line 1'
wrong "no [Interface]" '1,6d' 'FILE: no [Interface] section
hint: wg-quick(8), EXAMPLES, has a complete file'
wrong "no [Peer]" '6,$d' 'FILE: no [Peer] section
hint: wg-quick(8), EXAMPLES, has a complete file'
wrong "an empty file" d 'FILE: no [Interface] section
hint: wg-quick(8), EXAMPLES, has a complete file'
wrong "a key before [Interface]" 1d 'FILE:1: expected [Interface]
hint: is this a file of wg-quick? [Interface] comes before the first key'
for line in ListenPort 'ListenPort: 51820' '= 51820'; do
	wrong "a line that is no key: $line" "3s/.*/$line/" 'FILE:3: expected [Section] or Key = Value'
done
wrong "NUL byte" '3s/5/\x00/' 'FILE:3: NUL byte: not a text file'
wrong "a line too long" "9s/=.*/= $(printf '%0200d' 0):1/" 'FILE:9: Endpoint: line longer than 197 characters'
wrong '";"' '3s/$/ ; the port/' 'FILE:3: ListenPort: ";" starts no comment in files of wg-quick, only "#" does'
wrong "unknown key" '3s/.*/Jc = 4/' 'FILE:3: Jc: unknown key in [Interface]
hint: wg-quick(8) and wg(8) list the keys'
wrong "mistyped key, which is not missing as well" '8s/PublicKey/PubliKey/' 'FILE:8: PubliKey: unknown key in [Peer]
hint: did you mean PublicKey?'
wrong "a key of the other section" '3s/.*/PersistentKeepalive = 25/' 'FILE:3: PersistentKeepalive: unknown key in [Interface]
hint: wg-quick(8) and wg(8) list the keys'
wrong "a key twice" '5s/.*/ListenPort = 2/' 'FILE:5: ListenPort: given twice in this section, first in line 3'
wrong "no value" '3s/=.*/=/' 'FILE:3: ListenPort: has no value'
wrong "no PrivateKey" 2d 'FILE:1: [Interface]: PrivateKey is missing
hint: `wg genkey` and `xdpsec genkey` print one'
for source in '<(pass wg)' '$(pass wg)' key; do
	write_wg
	sed -i "2s|.*|PostUp = wg set %i private-key $source|" "$WG"
	prints "a private key from elsewhere: $source" 1 "$WARN:2: PostUp: not taken over
hint: wg knows nothing of the new tunnel: write the command without it, with the same key
xdpsec: $WG:1: [Interface]: PrivateKey is missing
hint: \`wg genkey\` and \`xdpsec genkey\` print one" import
done
wrong "no PublicKey" 8d 'FILE:7: [Peer]: PublicKey is missing
hint: the peer prints it: wg show DEVICE public-key'
wrong "no AllowedIPs" 10d 'FILE:7: [Peer]: AllowedIPs is missing
hint: the prefixes behind the peer; without one, nothing is sent to it'
for key in "${PRIVATE%=}" "${PRIVATE}=" "$("$XDPSEC" genkey --manual --bits 256)"; do
	wrong "PrivateKey that is none, ${#key} characters" "2s|=.*|= $key|" 'FILE:2: PrivateKey: expected 32 bytes in base64, 44 characters
hint: `wg genkey` and `xdpsec genkey` print such a key'
	unlike "PrivateKey that is none, ${#key} characters: it is not repeated" "${TAP_OUTPUT#*PrivateKey}" "$key"
done
wrong "PrivateKey, all zero" "2s|=.*|= $ZERO|" 'FILE:2: PrivateKey: the key is all zero
hint: xdpsec genkey'
wrong "PresharedKey that is none" '8s|$|\nPresharedKey = x|' 'FILE:9: PresharedKey: expected 32 bytes in base64, 44 characters
hint: `wg genkey` and `xdpsec genkey` print such a key'
wrong "PublicKey that is none" '8s|=.*|= x|' 'FILE:8: PublicKey: x: not a public key: expected 32 bytes in base64, 44 characters
hint: what `xdpsec pubkey` prints for the private key of the other site'
wrong "our own PublicKey" "8s|=.*|= $ALICE|" 'FILE:8: PublicKey: that of this site: it belongs to the private key of line 2
hint: what `xdpsec pubkey` prints at the site site-b'
wrong "one PublicKey for two peers" "13s|=.*|= $BOB|" 'FILE:13: PublicKey: already that of peer site-b in line 8
hint: each site has its own private key: xdpsec genkey'
wrong "one prefix for two peers" '14s/=.*/= 203.0.113.64\/26/' 'FILE:14: AllowedIPs: 203.0.113.64/26: given for peer site-c, and in line 10 for peer site-b'
for prefix in x 203.0.113.256 203.0.113.64/; do
	write_wg
	sed -i "10s|=.*|= $prefix|" "$WG"
	tap_run without_shared_key
	like "AllowedIPs = $prefix" "$TAP_OUTPUT" "^xdpsec: $WG:10: AllowedIPs: $prefix: (not an IPv4 or IPv6 prefix|prefix length must be 0 to 32)"
done
wrong "a prefix length" '10s/26/33/' 'FILE:10: AllowedIPs: 203.0.113.64/33: prefix length must be 0 to 32'
wrong "a comma too many, which is the only mistake" '10s|=.*|= 0.0.0.0/0, ::/0,|' 'FILE:10: AllowedIPs: an item of the list is empty
hint: remove the comma in front of it or behind it'
wrong "Address, a comma too many" '4s|=|= ,|' 'FILE:4: Address: an item of the list is empty
hint: remove the comma in front of it or behind it'
wrong "Address that is none" '4s/=.*/= 203.0.113.300/' 'FILE:4: Address: 203.0.113.300: not a valid address for a device
hint: for example 10.77.0.1/30 or fd00:77::1/64'
wrong "ListenPort that is none" '3s/=.*/= 65536/' 'FILE:3: ListenPort: 65536: not a port
hint: 1 to 65535, for example 7253'
wrong "MTU that is none" '5s/=.*/= big/' 'FILE:5: MTU: big: not an MTU
hint: 576 to 16384 bytes; the default is the MTU of Device less the overhead'
wrong "FwMark that is none" '5s/.*/FwMark = x/' 'FILE:5: FwMark: x: not a firewall mark
hint: a 32-bit number, decimal or hexadecimal, as in `ip rule`; 0 or off: none'
wrong "SaveConfig that is none" '5s/.*/SaveConfig = yes/' 'FILE:5: SaveConfig: yes: neither true nor false'
wrong "PersistentKeepalive that is none" '10s/$/\nPersistentKeepalive = 65536/' 'FILE:11: PersistentKeepalive: 65536: not a number of seconds
hint: for example 25; 0 or off: no keepalives'
wrong "Endpoint without a port" '9s/=.*/= vpn.example.net/' 'FILE:9: Endpoint: vpn.example.net: no port given
hint: for example vpn.example.net:7253'
wrong "Endpoint on this host" '9s/=.*/= 127.0.0.1:51820/' 'FILE:9: Endpoint: 127.0.0.1: not a routable unicast address
hint: multicast, loopback and link-local addresses cannot be an Endpoint'
wrong "several mistakes, all of them" '3s/=.*/= x/; 10d; 13s/=.*/= x/' 'FILE:3: ListenPort: x: not a port
hint: 1 to 65535, for example 7253
xdpsec: FILE:7: [Peer]: AllowedIPs is missing
hint: the prefixes behind the peer; without one, nothing is sent to it
xdpsec: FILE:12: PublicKey: x: not a public key: expected 32 bytes in base64, 44 characters
hint: what `xdpsec pubkey` prints for the private key of the other site'

# ---- files --------------------------------------------------------------------------------------------

write_wg
import 2>/dev/null
cp "$WORK/out" "$WORK/want"
# Files made in one tick of the clock have the same time.
find "$WORK" -type f -exec touch -d "2 seconds ago" {} +
touch -d "1 second ago" "$WORK/want"
prints "-o FILE" 0 "" without_shared_key -o "$OUT"
is "-o FILE: the same, and nothing on standard output" "$(cmp "$WORK/want" "$OUT" 2>&1; cat "$WORK/out")" ""
is "-o FILE: its mode" "$(stat -c %a "$OUT")" 600
is "-o FILE: and nothing else is left there" "$(find "$WORK" -newer "$WORK/want" -type f ! -name out ! -name err)" "$OUT"
echo precious >"$OUT"
prints "-o FILE that is there" 1 "xdpsec: $OUT: File exists
hint: nothing was written; move that file away, or give -o another name" without_shared_key -o "$OUT"
is "-o FILE that is there: it is as it was" "$(<"$OUT")" precious
ln -s "$WORK/nowhere" "$WORK/link.conf"
prints "-o LINK" 1 "xdpsec: $WORK/link.conf: File exists
hint: nothing was written; move that file away, or give -o another name" without_shared_key -o "$WORK/link.conf"
rm "$WORK/link.conf"
prints "-o FILE in no directory" 1 "xdpsec: $WORK/none/x.conf: No such file or directory
hint: mkdir -p -m 0700 $WORK/none" \
	without_shared_key -o "$WORK/none/x.conf"
for name in x.cfg -x.conf '' .conf "$WORK/"; do
	prints "-o '$name'" 1 "xdpsec: $name: not the file name of a configuration
hint: NAME.conf configures the instance NAME: a letter or digit first, then letters, digits, \"-\" and \"_\"" \
		without_shared_key -o "$name"
done
umask 022
rm "$OUT"
import -o "$OUT" 2>/dev/null
is "-o FILE: its mode whatever umask says" "$(stat -c %a "$OUT")" 600
rm -f "$WORK/out"
tap_run import
like "standard output that others can read" "$TAP_OUTPUT" \
	"xdpsec: warning: standard output: permissions 0644 are too open: others can read the key"
umask 077
rm "$WORK/out"
chmod 644 "$WG"
tap_run import
like "a file that others can read" "$TAP_OUTPUT" "^$WARN: permissions 0644 are too open: others can read its keys
hint: chmod 600 $WG, and make new keys if somebody may have read them"
chmod 600 "$WG"
echo "root:x:0:0" >"$WORK/other"
chmod 644 "$WORK/other"
prints "a file of something else, which may be open" 1 "xdpsec: $WORK/other:1: expected [Interface]
hint: is this a file of wg-quick? [Interface] comes before the first key" "$XDPSEC" import "$WORK/other"
to_full() { "$XDPSEC" import --device eth0 "$WG" >/dev/full; }
prints "a full disk" 1 "$WARN:2: PrivateKey: $SHARED_KEY
xdpsec: standard output: No space left on device" to_full
prints "no file" 1 "xdpsec: $WORK/none.conf: No such file or directory" "$XDPSEC" import "$WORK/none.conf"
prints "a directory" 1 "xdpsec: $WORK: Is a directory" "$XDPSEC" import "$WORK"
prints "no end" 1 "xdpsec: /dev/zero:1: longer than 1048576 bytes: not a text file" "$XDPSEC" import /dev/zero
truncate -s 1T "$WORK/holes.conf"
prints "holes" 1 "xdpsec: $WORK/holes.conf:1: longer than 1048576 bytes: not a text file" "$XDPSEC" import "$WORK/holes.conf"
prints "a name alone is a file of WireGuard's" 1 "xdpsec: /etc/wireguard/xdpsec-none.conf: No such file or directory
hint: xdpsec-none alone means /etc/wireguard/xdpsec-none.conf; give another file with its path or suffix: ./xdpsec-none.conf" \
	"$XDPSEC" import xdpsec-none
prints "a device that cannot be" 2 "xdpsec: --device a/b: not a valid device name
hint: \`ip link\` lists the devices" "$XDPSEC" import --device a/b "$WG"
cp "$WG" "$WORK/home.conf"
tap_run "$XDPSEC" import --device eth0 "$WORK/home.conf"
like "the name of the tunnel's device" "$TAP_OUTPUT" $'\nName = xs-home\n'
cp "$WG" "$WORK/wgrather-long-n.conf"
tap_run "$XDPSEC" import --device eth0 "$WORK/wgrather-long-n.conf"
like "the name of the tunnel's device, a long one" "$TAP_OUTPUT" $'\nName = xsrather-long-n\n'
tap_run "$XDPSEC" import --device eth0 /dev/stdin <"$WG"
like "from standard input" "$TAP_OUTPUT" $'\nName = xs0\n'

# ---- directories of the system ------------------------------------------------------------------------

# in_own_etc SCRIPT: with an /etc of its own, in which WireGuard has the file; $1 is the program
in_own_etc() {
	unshare -m sh -c 'mount -t tmpfs none /etc && mkdir -m 700 /etc/wireguard /etc/xdpsec && cp "$2" /etc/wireguard/ || exit 99
		'"$1" sh "$XDPSEC" "$WG" 2>&1
}

write_wg
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	prints "names alone: /etc/wireguard/wg0.conf becomes /etc/xdpsec/site-a.conf" 0 "/etc/xdpsec/site-a.conf
Name = xs0" in_own_etc '"$1" import wg0 -o site-a --device eth0 2>/dev/null; find /etc/xdpsec -type f; grep -h "^Name = xs" /etc/xdpsec/*'
	# Larger than a page, which is all that there is room for.
	sed -i "10s/=.*/= $(printf '2001:db8:%x::\\/48,' {1..400})2001:db8:fff::\\/48/" "$WG"
	prints "-o on a full disk: no file" 0 "xdpsec: /etc/xdpsec/site-a.conf: No space left on device" in_own_etc '
		mount -t tmpfs -o size=4k none /etc/xdpsec && "$1" import wg0 -o site-a --device eth0 2>&1 | grep -v "^hint\|warning"
		find /etc/xdpsec -type f'
	prints "-o on a disk with room: the control" 0 "/etc/xdpsec/site-a.conf" in_own_etc '
		mount -t tmpfs -o size=64k none /etc/xdpsec && "$1" import wg0 -o site-a --device eth0 2>/dev/null
		find /etc/xdpsec -type f'
	write_wg
else
	skip "names alone, and a full disk" "needs root"
fi

# ---- the device ---------------------------------------------------------------------------------------

if [ "$(id -u)" -eq 0 ]; then
	netns=xs$$-import
	ip netns add "$netns" || bail "ip netns add"
	defer ip netns del "$netns"
	ip -n "$netns" link set lo up
	for device in upstream other; do
		ip -n "$netns" link add $device type veth peer name far-$device || bail "ip link add"
		ip -n "$netns" link set $device up
		ip -n "$netns" link set far-$device up
	done
	ip -n "$netns" address add 192.0.2.1/24 dev upstream
	ip -n "$netns" address add 203.0.113.1/24 dev other

	# device NAME [WANT]: of the messages and the configuration
	device() {
		tap_run "$XDPSEC" -n "$netns" import "$WG"
		is "$1" "$(grep 'Device' <<<"$TAP_OUTPUT")" "${2:+$WARN: Device = ${2%% *}, which has the route to ${2#* }
Device = ${2%% *}}"
	}
	# in_netns [OPTION...]
	in_netns() {
		local status

		"$XDPSEC" -n "$netns" import "$@" "$WG" 2>"$WORK/err" >"$WORK/out"
		status=$?
		sed '/: PrivateKey: taken over/{N;d}' "$WORK/err"
		return $status
	}
	prints "no route" 1 "xdpsec: $WG: there is no route to an Endpoint, and no default route, to find Device by
hint: name the device by which sealed packets arrive: xdpsec import --device DEVICE" \
		in_netns
	ip -n "$netns" route add default via 203.0.113.254
	device "the default route's" "other 198.51.100.2"
	ip -n "$netns" route add 198.51.100.0/24 via 192.0.2.254
	device "that of the route to the Endpoint" "upstream 198.51.100.2"
	sed -i '9s/=.*/= vpn.example.net:51820/' "$WG"
	device "an Endpoint that is a name: the default route's" "other everywhere"
	# wg-quick's rules, while WireGuard is up.
	ip -n "$netns" link add wg0 type veth peer name far-wg0 || bail "ip link add"
	ip -n "$netns" link set wg0 up
	ip -n "$netns" link set far-wg0 up
	ip -n "$netns" route add default dev wg0 table 51820
	ip -n "$netns" rule add not fwmark 51820 table 51820
	is "control: packets without the mark leave by WireGuard" \
		"$(ip -n "$netns" route get 198.51.100.2 | grep -o 'dev wg0')" "dev wg0"
	device "while WireGuard has everything" "other everywhere"
	prints "--device" 0 "" in_netns --device upstream
	cp "$WORK/out" "$CONFIG"
	tap_run "$XDPSEC" -n "$netns" --state-dir "$WORK/state" check "$CONFIG"
	like "check, with a device" "$TAP_STATUS $TAP_OUTPUT" "^0 $CONFIG: valid: device upstream, 2 peers, 2 prefixes"
else
	skip "the device of the route" "needs root"
fi

done_testing
