#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Include: peers in files of their own, whose mistakes are reported with file and line.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

PEERS=$WORK/peers.d
"$XDPSEC" genkey >"$WORK/site-a.key"

# write_interface LINE...: the configuration without peers
write_interface() {
	printf '%s\n' '[Interface]' 'Device = xdpsec-none' 'Mode = tunnel' 'Name = xs0' 'PrivateKeyFile = site-a.key' \
		"$@" >"$CONFIG"
	rm -rf "$PEERS"
	mkdir "$PEERS"
}
# write_peer FILE NAME PREFIX [LINE...]
write_peer() {
	printf '%s\n' '[Peer]' "Name = $2" "PublicKey = $("$XDPSEC" genkey | "$XDPSEC" pubkey)" "AllowedIPs = $3" "${@:4}" \
		>"$PEERS/$1"
}
# says NAME WANT: all that `check` says but of the device; DIR stands for the directory
says() { prints "$1" 1 "${2//DIR/$WORK}" check_file; }
# right NAME: nothing is wrong but the device
right() { prints "$1" 1 "$NO_DEVICE" check; }

write_interface 'Include = peers.d/*.conf'
right "no file yet"
rmdir "$PEERS"
right "no directory yet"
write_interface 'Include = peers.d/*.conf'
write_peer b.conf site-b 203.0.113.64/26
write_peer c.conf site-c 203.0.113.128/26
printf '# later\n' >"$PEERS/d.conf"
touch "$PEERS/e.conf" "$PEERS/.hidden.conf" "$PEERS/f.conf~"
right "two peers, and files without any"
printf '\n[Peer]\nName = site-d\nPublicKey = %s\nAllowedIPs = 203.0.113.0/26\n' \
	"$("$XDPSEC" genkey | "$XDPSEC" pubkey)" >>"$CONFIG"
right "and one in the configuration itself"
write_interface "Include = $WORK/peers.d/b.conf" "Include = peers.d/c*"
write_peer b.conf site-b 203.0.113.64/26
write_peer c.conf site-c 203.0.113.128/26
right "an absolute name, and a second line"
write_interface "Include = peers.d/b*, peers.d/c*.conf"
write_peer b.conf site-b 203.0.113.64/26
says "a list, which other keys take" "xdpsec: DIR/site-a.conf:6: Include: DIR/peers.d/b*, peers.d/c*.conf: no file matches it, and it is no list
hint: a line with Include = for each pattern"
write_interface "Include = peers.d/b,c*.conf"
write_peer "b,c.conf" site-b 203.0.113.64/26
right "a comma in a name"

# The configuration's own directory is no pattern.
write_interface 'Include = peers.d/*.conf'
odd="$WORK [1]*\\x?"
mkdir "$odd" || bail "no directory"
defer rm -rf "$odd"
cp -R "$WORK/." "$odd/"
prints "a directory whose name looks like a pattern" 1 "${NO_DEVICE/"$CONFIG"/"$odd/site-a.conf"}" "$XDPSEC" check "$odd/site-a.conf"
rm -r "$odd/peers.d"
cat >>"$odd/site-a.conf" <<<'Include = peers.d/b.conf'
tap_run "$XDPSEC" check "$odd/site-a.conf"
like "a directory whose name looks like a pattern: a name without one must exist" "$TAP_OUTPUT" ": Include: .*/peers.d/b.conf: No such file or directory"

# ---- keys beside the file, and their permissions --------------------------------------------------------

write_interface 'Include = peers.d/*.conf'
write_peer b.conf site-b 203.0.113.64/26 'PresharedKeyFile = b.psk'
"$XDPSEC" genpsk >"$PEERS/b.psk"
right "a key file beside the file that names it"
chmod 644 "$PEERS/b.psk"
says "which others can read" "xdpsec: DIR/peers.d/b.conf:5: PresharedKeyFile: DIR/peers.d/b.psk: permissions 0644 are too open
hint: chmod 600 DIR/peers.d/b.psk, and make a new key if somebody may have read it"
rm "$PEERS/b.psk"
write_peer b.conf site-b 203.0.113.64/26 "PresharedKey = $("$XDPSEC" genpsk)"
right "a key in the file"
chmod 640 "$PEERS/b.conf"
says "a key in a file that others can read" "xdpsec: DIR/peers.d/b.conf:5: PresharedKey: DIR/peers.d/b.conf: permissions 0640 are too open
hint: chmod 600 DIR/peers.d/b.conf, and make a new key if somebody may have read it"
write_peer b.conf site-b 203.0.113.64/26
chmod 644 "$PEERS/b.conf"
right "without a key others may read it"
chmod 666 "$PEERS/b.conf"
says "but not change it" "xdpsec: warning: DIR/peers.d/b.conf: permissions 0666 are too open: others can change what is protected
hint: chmod go-w DIR/peers.d/b.conf"
chmod 600 "$PEERS/b.conf"
chmod 777 "$PEERS"
says "nor add one" "xdpsec: warning: DIR/peers.d: owner $(id -u), permissions 0777: others can change what is protected
hint: chown root DIR/peers.d; chmod go-w DIR/peers.d"
chmod 700 "$PEERS"

# ---- mistakes -------------------------------------------------------------------------------------------

write_interface 'Include = peers.d/*.conf'
write_peer b.conf site-b 203.0.113.64/26
write_peer c.conf site-b 203.0.113.64/26
sed -i "3s|.*|$(sed -n 3p "$PEERS/b.conf")|" "$PEERS/c.conf"
says "the same peer in two files" "xdpsec: DIR/peers.d/c.conf:2: Name: site-b: already the name of the [Peer] in line 1 of DIR/peers.d/b.conf
xdpsec: DIR/peers.d/c.conf:3: PublicKey: already that of peer site-b in line 3 of DIR/peers.d/b.conf
hint: each site has its own private key: xdpsec genkey
xdpsec: DIR/peers.d/c.conf:4: AllowedIPs: 203.0.113.64/26: given for peer site-b, and in line 4 of DIR/peers.d/b.conf for peer site-b"
sed -i '/^Name/d' "$PEERS"/?.conf
says "two peers without names" "xdpsec: DIR/peers.d/b.conf:1: [Peer]: Name is missing
xdpsec: DIR/peers.d/c.conf:1: [Peer]: Name is missing
xdpsec: DIR/peers.d/c.conf:2: PublicKey: already that of peer (without a name) in line 2 of DIR/peers.d/b.conf
hint: each site has its own private key: xdpsec genkey
xdpsec: DIR/peers.d/c.conf:3: AllowedIPs: 203.0.113.64/26: given for peer (without a name), and in line 3 of DIR/peers.d/b.conf for peer (without a name)"
write_peer b.conf site-b 203.0.113.64/26
write_peer c.conf site-c 203.0.113.128/26 'Endpoint = nowhere' 'Keepalive = 5'
says "mistakes within a file" "xdpsec: DIR/peers.d/c.conf:5: Endpoint: nowhere: no port given
hint: for example nowhere:7253
xdpsec: DIR/peers.d/c.conf:6: Keepalive: unknown key in [Peer]
hint: xdpsec.conf(5) lists the keys"
sed -i 5,6d "$PEERS/c.conf"
printf '[Peer]\nName = site-e\n' >"$PEERS/a.conf"
says "a section that lacks keys" "xdpsec: DIR/peers.d/a.conf:1: [Peer]: AllowedIPs is missing
xdpsec: DIR/peers.d/a.conf:1: [Peer]: it has no keys: PublicKey is missing
hint: PublicKey = what \`xdpsec pubkey\` prints at the other site; or manual keys: TxSpi, TxKeyFile, RxSpi and RxKeyFile"
printf 'Name = site-e\n' >"$PEERS/a.conf"
says "a key in front of the section" "xdpsec: DIR/peers.d/a.conf:1: expected [Peer]
hint: [Peer] must come before the first key"
printf '[Interface]\nDevice = eth0\n' >"$PEERS/a.conf"
says "[Interface] in such a file" "xdpsec: DIR/peers.d/a.conf:1: [Interface]: not in a file of Include
hint: such a file has [Peer] sections only; [Interface] is in DIR/site-a.conf"
write_peer a.conf site-e 203.0.113.0/26 'Include = ../more/*.conf'
says "a file that includes others" "xdpsec: DIR/peers.d/a.conf:5: Include: not in a file that is itself included
hint: all Include lines are in [Interface] of DIR/site-a.conf"
write_peer a.conf site-e 203.0.113.0/26 'Ports = all'
says "a key of the other mode" "xdpsec: DIR/peers.d/a.conf:5: Ports: only for Mode = inline; this is Mode = tunnel
hint: a tunnel carries every packet that is routed into it"
rm "$PEERS/a.conf"
ln -s a.conf "$PEERS/a.conf"
says "a link to itself" "xdpsec: DIR/peers.d/a.conf: Too many levels of symbolic links"
ln -sf b.conf "$PEERS/a.conf"
says "a link to a file that is included as well" "xdpsec: DIR/peers.d/b.conf: Include: the same file as DIR/peers.d/a.conf, which is included already
hint: remove one of the two, or narrow the pattern"
rm "$PEERS/a.conf"
mkdir "$PEERS/a.conf"
says "a directory" "xdpsec: DIR/peers.d/a.conf: not a regular file"
rmdir "$PEERS/a.conf"
mkfifo "$PEERS/a.conf"
says "a pipe, which is not waited for" "xdpsec: DIR/peers.d/a.conf: not a regular file"
rm "$PEERS/a.conf"
ln -s gone.conf "$PEERS/a.conf"
says "a link to nothing" "xdpsec: DIR/peers.d/a.conf: No such file or directory"
rm "$PEERS/a.conf"
write_interface 'Include = peers.d/b.conf'
says "a name that is no pattern, and no file" "xdpsec: DIR/site-a.conf:6: Include: DIR/peers.d/b.conf: No such file or directory"
write_interface 'Include = *.conf'
says "the configuration itself" "xdpsec: DIR/site-a.conf: Include: is the configuration itself
hint: keep the files of peers in a directory of their own: Include = peers.d/*.conf"
write_interface 'Include = peers.d/'
says "a directory in the place of a pattern" "xdpsec: DIR/site-a.conf:6: Include: DIR/peers.d/: is a directory
hint: Include = peers.d/*.conf"
write_interface 'Include ='
says "no value" "xdpsec: DIR/site-a.conf:6: Include: has no value
xdpsec: DIR/site-a.conf: no [Peer] section
hint: xdpsec(8), EXAMPLES, has a complete file"
write_interface '[Peer]' 'Include = peers.d/*.conf'
like "in [Peer]" "$(check 2>&1)" "$CONFIG:7: Include: belongs in \\[Interface\\], not in \\[Peer\\]"
write_interface 'Include = peers.d/*.conf'
for i in $(seq 60); do printf '[Peer]\nName = a b\n' >"$PEERS/$(printf %03d "$i").conf"; done
like "as many mistakes as one file may have, in all of them" "$(check 2>&1 | grep -c 'not a valid peer name')" '^50$'
if [ "$(id -u)" -eq 0 ]; then
	write_interface 'Include = peers.d/*.conf'
	chmod 711 "$WORK"
	chown nobody "$CONFIG" "$WORK/site-a.key"
	as_nobody() { check_as setpriv --reuid 65534 --regid 65534 --clear-groups; }
	check_as() { "$@" "$XDPSEC" check "$CONFIG"; }
	# The loader may be where another user cannot go.
	if setpriv --reuid 65534 --regid 65534 --clear-groups "$XDPSEC" version >/dev/null 2>&1; then
		tap_run as_nobody
		like "a directory that cannot be read" "$TAP_OUTPUT" "$CONFIG:6: Include: $PEERS/[*].conf: cannot read the directory: Permission denied"
	else
		skip "a directory that cannot be read" "another user cannot run $XDPSEC"
	fi
else
	skip "a directory that cannot be read" "needs root, to be another user"
fi
done_testing
