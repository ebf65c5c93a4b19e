#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every mistake that a key file can have, by `xdpsec check`; and that no key shows up anywhere.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

KEY=$WORK/a-to-b.key
KEY_256=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f

# key_mistake NAME WANT CMD...: the configuration refers to a key file that CMD has changed; FILE in WANT stands
# for the message's beginning, KEY for its path.
key_mistake() {
	local name=$1 want=${2//FILE/$CONFIG:12: TxKeyFile: $KEY}

	shift 2
	make_keys
	"$@"
	prints "$name" 1 "xdpsec: ${want//KEY/$KEY}" first_of check_file
	rm -rf "$KEY"
}

put() {
	# shellcheck disable=SC2059 # the format is the content
	printf "$@" >"$KEY"
}

be_fifo() {
	rm "$KEY"
	mkfifo "$KEY"
}

be_directory() {
	rm "$KEY"
	mkdir "$KEY"
}

be_loop() {
	rm "$KEY"
	ln -s "$KEY" "$KEY"
}

write_config

key_mistake "missing" \
	"FILE: No such file or directory
hint: copy it from the other site, or make it and copy it there: (umask 077; xdpsec genkey --manual --bits 128 >KEY)" rm "$KEY"
for mode in 0640 0604 0610 0601 0620 0644 4644; do
	key_mistake "mode $mode" \
		"FILE: permissions $mode are too open
hint: chmod 600 KEY, and make a new key if somebody may have read it" chmod "$mode" "$KEY"
done
key_mistake "empty" \
	"FILE: the file is empty
hint: copy it from the other site, or make it and copy it there: xdpsec genkey --manual --bits 128" put ''
key_mistake "nothing but white space" \
	"FILE: the file is empty
hint: copy it from the other site, or make it and copy it there: xdpsec genkey --manual --bits 128" put '\n \n'
key_mistake "not hexadecimal" \
	"FILE: expected one line of hexadecimal digits
hint: copy it from the other site, or make it and copy it there: xdpsec genkey --manual --bits 128" put '%s' 'AAECAwQFBgcICQoLDA0ODw=='
key_mistake "two lines" \
	"FILE: expected one line of hexadecimal digits
hint: copy it from the other site, or make it and copy it there: xdpsec genkey --manual --bits 128" put '%s\n%s\n' "${KEY_256:0:16}" "${KEY_256:16:16}"
key_mistake "too short" \
	"FILE: the key has 124 bits, the cipher needs 128
hint: \`xdpsec genkey --manual --bits 128\` makes a key of this length, for both sites; or change Cipher at both" put '%s\n' "${KEY_256:0:31}"
key_mistake "256 bits for aes-128-ocb" \
	"FILE: the key has 256 bits, the cipher needs 128
hint: \`xdpsec genkey --manual --bits 128\` makes a key of this length, for both sites; or change Cipher at both" put '%s\n' "$KEY_256"
key_mistake "too long" "FILE: too long for a key" put '%0200d\n' 0
key_mistake "FIFO (it is not waited for)" "FILE: not a regular file" be_fifo
key_mistake "directory" "FILE: not a regular file" be_directory
key_mistake "link to itself" "FILE: Too many levels of symbolic links" be_loop
if [ "$(id -u)" -eq 0 ]; then
	key_mistake "owner" \
		"FILE: owned by user 12345, who could read or replace the key
hint: chown root KEY, and make a new key if somebody may have read it" chown 12345 "$KEY"
else
	skip "owner" "needs root to give a file away"
fi

# Whoever may write to the directory can change the keys' names.
for mode in 0720 0702 0777; do
	key_mistake "directory of mode $mode" \
		"FILE: directory $WORK, owner $(id -u), permissions $mode: others could replace the key
hint: chmod go-w $WORK, and make new keys if somebody may have replaced them" chmod "$mode" "$WORK"
	chmod 700 "$WORK"
done
make_keys
chmod 1777 "$WORK"
prints "directory that is sticky is fine, as /tmp" 1 "$NO_DEVICE" check
chmod 700 "$WORK"
mkdir "$WORK/keys"
for key in a-to-b b-to-a a-to-c c-to-a; do
	mv "$WORK/$key.key" "$WORK/keys"
	ln -s "keys/$key.key" "$WORK/$key.key"
done
prints "links to keys are fine" 1 "$NO_DEVICE" check
chmod 770 "$WORK/keys"
prints "links into a directory that others may write to" 1 \
	"xdpsec: $CONFIG:12: TxKeyFile: $KEY: directory $WORK/keys, owner $(id -u), permissions 0770: others could replace the key
hint: chmod go-w $WORK/keys, and make new keys if somebody may have replaced them" first_of check_file
chmod 700 "$WORK/keys"
if [ "$(id -u)" -eq 0 ]; then
	chown 12345 "$WORK/keys"
	prints "links into somebody else's directory" 1 \
		"xdpsec: $CONFIG:12: TxKeyFile: $KEY: directory $WORK/keys, owner 12345, permissions 0700: others could replace the key
hint: keep keys in /etc/xdpsec, owner root, permissions 0700" first_of check_file
else
	skip "links into somebody else's directory" "needs root to give a directory away"
fi
rm -rf "$WORK"/keys "$WORK"/*.key
chmod 660 "$CONFIG"
make_keys
prints "a configuration that others may write to is a warning" 1 \
	"xdpsec: warning: $CONFIG: permissions 0660 are too open: others can change what is protected
hint: chmod go-w $CONFIG
$NO_DEVICE" check
chmod 600 "$CONFIG"
if [ "$(id -u)" -eq 0 ]; then
	chown 12345 "$CONFIG"
	prints "a configuration of somebody else is a warning" 1 \
		"xdpsec: warning: $CONFIG: owner 12345: others can change what is protected
hint: chown root $CONFIG
$NO_DEVICE" check
	chown 0 "$CONFIG"
else
	skip "a configuration of somebody else is a warning" "needs root to give a file away"
fi

make_keys
mv "$KEY" "$WORK/elsewhere"
ln -s elsewhere "$KEY"
prints "link to a good key" 1 "$NO_DEVICE" check
chmod 644 "$WORK/elsewhere"
prints "link to a key with an open mode" 1 "xdpsec: $CONFIG:12: TxKeyFile: $KEY: permissions 0644 are too open
hint: chmod 600 $KEY, and make a new key if somebody may have read it" check_file
rm "$KEY"

make_keys
chmod 400 "$KEY"
prints "mode 0400 is fine" 1 "$NO_DEVICE" check
rm -f "$KEY"
put '%s \r\n\n' "$(tr a-f A-F <<<"${KEY_256:0:32}")"
prints "upper case and white space at the end are fine" 1 "$NO_DEVICE" check

mistake "128 bits for aes-256-ocb" '10s/128/256/' \
	"FILE:12: TxKeyFile: $KEY: the key has 128 bits, the cipher needs 256
hint: \`xdpsec genkey --manual --bits 256\` makes a key of this length, for both sites; or change Cipher at both
xdpsec: FILE:14: RxKeyFile: $WORK/b-to-a.key: the key has 128 bits, the cipher needs 256
hint: \`xdpsec genkey --manual --bits 256\` makes a key of this length, for both sites; or change Cipher at both"
"$XDPSEC" genkey --manual --bits 256 >"$WORK/a-to-b.key"
"$XDPSEC" genkey --manual --bits 256 >"$WORK/b-to-a.key"
fine "256 bits for aes-256-ocb" '10s/128/256/'

# ---- one key, two SAs ---------------------------------------------------------------------------------

make_keys
cp "$WORK/a-to-b.key" "$WORK/b-to-a.key"
mistake "one key for both directions" '' \
	'FILE:14: RxKeyFile: the same key as TxKeyFile of peer site-b in line 12: each direction of each peer needs its own key
hint: make another key: xdpsec genkey --manual'
make_keys
tr a-f A-F <"$WORK/b-to-a.key" >"$WORK/c-to-a.key"
mistake "one key for two peers, in upper and lower case" '' \
	'FILE:23: RxKeyFile: the same key as RxKeyFile of peer site-b in line 14: each direction of each peer needs its own key
hint: make another key: xdpsec genkey --manual'
make_keys
cp "$WORK/b-to-a.key" "$WORK/second.key"
mistake "one key for both RxSpi" '14s/$/\nRxSpi = 0x1102\nRxKeyFile = second.key/' \
	'FILE:16: RxKeyFile: the same key as RxKeyFile of peer site-b in line 14: each direction of each peer needs its own key
hint: make another key: xdpsec genkey --manual'
cp "$WORK/a-to-b.key" "$WORK/second.key"
mistake "the key that seals as the second that opens" '14s/$/\nRxSpi = 0x1102\nRxKeyFile = second.key/' \
	'FILE:16: RxKeyFile: the same key as TxKeyFile of peer site-b in line 12: each direction of each peer needs its own key
hint: make another key: xdpsec genkey --manual'
rm "$WORK/second.key"
mistake "the second RxKeyFile is missing" '14s/$/\nRxSpi = 0x1102\nRxKeyFile = second.key/' \
	"FILE:16: RxKeyFile: $WORK/second.key: No such file or directory
hint: copy it from the other site, or make it and copy it there: (umask 077; xdpsec genkey --manual --bits 128 >$WORK/second.key)"
make_keys
mistake "one file twice" '21s/=.*/= a-to-b.key/' \
	'FILE:21: TxKeyFile: the same key as TxKeyFile of peer site-b in line 12: each direction of each peer needs its own key
hint: make another key: xdpsec genkey --manual'

# ---- secrecy ------------------------------------------------------------------------------------------

printf '%sx\n' "${KEY_256:0:31}" >"$KEY"
tap_run check_file
like "a bad key is refused" "$TAP_OUTPUT" 'expected one line of hexadecimal digits'
unlike "and not shown" "$TAP_OUTPUT" "${KEY_256:0:6}"

done_testing
