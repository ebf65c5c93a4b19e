#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Wireshark's dissector, byte by byte on the examples of docs/protocol.md and docs/agreement.md, and on what is broken.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

TOP=$(realpath "$(dirname "$0")/../..")
for command in tshark text2pcap; do
	command -v $command >/dev/null || skip_all "no $command: apt-get install tshark"
done
WORK=$(mktemp -d "${TMPDIR:-/tmp}/xdpsec-dissector-XXXXXX") || exit 255
defer rm -rf "$WORK"
# No settings of the user.
export HOME=$WORK LC_ALL=C
# Wireshark runs no script for root.
chmod 755 "$WORK"
cp "$TOP/dist/xdpsec.lua" "$WORK/"
chmod 644 "$WORK/xdpsec.lua"
AS_USER=()
[ "$(id -u)" != 0 ] || AS_USER=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# The key of the example, and the frame's fields, as the page prints them.
KEY=000102030405060708090a0b0c0d0e0f

# example PAGE TITLE: the dump below a line that begins with the title, as text2pcap reads it
example() {
	awk -v title="$2" '
		index($0, title) == 1 { found = 1; next }
		found && !/^ +[0-9a-f][0-9a-f][0-9a-f][0-9a-f]  / { exit }
		found { sub(/^ +/, ""); print }' "$TOP/docs/$1"
}

# changed DUMP OFFSET HEX: with one byte changed
changed() {
	{
		xxd -r "$1" | head -c "$2"
		xxd -r -p <<<"$3"
		xxd -r "$1" | tail -c +$(($2 + 2))
	} | xxd -g1
}

# dissect FILE ARGUMENT...: what tshark prints of a capture, without the backslashes that some versions put before spaces
dissect() {
	"${AS_USER[@]}" tshark -n -X "lua_script:$WORK/xdpsec.lua" -o udp.try_heuristic_first:TRUE -r "$@" 2>"$WORK/err" | tr -d '\\'
}

# fields FILE FIELD...: a line for each packet
fields() {
	local field arguments=()

	for field in "${@:2}"; do
		arguments+=(-e "$field")
	done
	dissect "$1" -T fields -E separator=' ' "${arguments[@]}"
}

# ---- a sealed packet ---------------------------------------------------------------------------------------

example protocol.md "sealed frame, 115 bytes" >"$WORK/sealed"
text2pcap -q "$WORK/sealed" "$WORK/sealed.pcap" 2>/dev/null
is "sealed: found on a port that no preference has" "$(fields "$WORK/sealed.pcap" _ws.col.Protocol xdpsec.spi \
	xdpsec.next_header xdpsec.version xdpsec.sequence xdpsec.tag xdpsec.ciphertext)" \
	"XDPsec 0x00001001 17 1 4294967367 19a04ee3a00bc6c755b96af5087b8708 \
1f245164cc173fcbc8b55088298dafb85e3619cb7d4b35db69f00608ebcc52e9233817aaf1f294e810"
is "sealed: the line, and without keys nothing of the tag" "$(fields "$WORK/sealed.pcap" _ws.col.Info xdpsec.tag.status)" \
	"Sealed, SPI 0x00001001, sequence number 4294967367, 41 bytes "
is "sealed: not by its form, if that is not wanted" \
	"$(dissect "$WORK/sealed.pcap" -o xdpsec.heuristic:FALSE -T fields -e xdpsec.spi)" ""
is "sealed: by its port then" \
	"$(dissect "$WORK/sealed.pcap" -o xdpsec.heuristic:FALSE -o xdpsec.ports:5201 -T fields -e xdpsec.spi)" 0x00001001

# ---- what is not one -----------------------------------------------------------------------------------------

# A dump that begins at 0 again is the next packet: the last is the example itself.
while read -r offset hex; do
	changed "$WORK/sealed" $((0x2a + offset)) "$hex"
done >"$WORK/others" <<-'END'
	5 02 another version
	7 01 reserved bytes that are used
	4 06 a Next Header that no mode has
	2 00 an SPI that is reserved
END
text2pcap -q - "$WORK/others.pcap" < <(cat "$WORK/others" "$WORK/sealed") 2>/dev/null
is "another version, reserved bytes, a Next Header of no mode, a reserved SPI: not taken for XDPsec's" \
	"$(fields "$WORK/others.pcap" xdpsec.spi)" $'\n\n\n\n0x00001001'
is "on our port they are, and what is wrong is said" \
	"$(dissect "$WORK/others.pcap" -o xdpsec.ports:5201 -T fields -e _ws.expert.message)" \
	$'Unknown version\nReserved bytes are not zero\n\nSPIs 1 to 255 are reserved'
head -c 80 <(xxd -r "$WORK/sealed") | xxd -g1 >"$WORK/other"
text2pcap -q "$WORK/other" "$WORK/other.pcap" 2>/dev/null
is "cut in the middle: no error of the script" "$(dissect "$WORK/other.pcap" -V | grep -ci 'lua error')" 0

# ---- the key agreement ---------------------------------------------------------------------------------------

: >"$WORK/messages"
: >"$WORK/short"
for title in "Initiation, 176" "Response, 112" "Cookie, 80" "Confirm, 32" "Ack, 32"; do
	example agreement.md "$title bytes" >"$WORK/message"
	cat "$WORK/message" >>"$WORK/messages"
	xxd -r "$WORK/message" | head -c -1 | xxd -g1 >>"$WORK/short"
done
is "all five messages are there" "$(grep -c '^0000  *00 00 00 00 0[1-5] 01' "$WORK/messages")" 5
for ports in 7253,7253 40000,40001; do
	text2pcap -q -u $ports "$WORK/messages" "$WORK/messages.pcap" 2>/dev/null
	is "$ports: messages" "$(fields "$WORK/messages.pcap" xdpsec.message _ws.col.Info _ws.expert.message xdpsec.mac1 \
		xdpsec.mac2 xdpsec.cookie xdpsec.mac)" \
		"1 Initiation, session 0x11111111  36945e8825e63e776e17d32f5c0daed5 ba98ba83e4f3804b71793ed65eb67f5b  
2 Response, session 0x11111111  ed8c1bb8fc887d00335b22e61baea435   
3 Cookie, session 0x11111111    710bf9483e61ee164898c374a854d9807f68aca37da2ec3b3cb11ba55248fee9 
4 Confirm, session 0x22222222     1122e59b27ec8539d82c814ae2e51d7a
5 Ack, session 0x11111111     9dd6a13554ecd67a906d6c5bb7c0332c"
done
text2pcap -q -u 7253,7253 "$WORK/short" "$WORK/short.pcap" 2>/dev/null
is "a byte too short: said, or shorter than any packet" "$(fields "$WORK/short.pcap" xdpsec.message _ws.expert.message)" \
	$'1 Not the length that this message has\n2 Not the length that this message has\n3 Not the length that this message has\n \n '

# cut FILE BYTES: the first frame of a dump, with the end missing, as a capture with a snapshot length has it
cut() {
	/usr/bin/python3 - "$1" "$2" <<-'END'
		import struct, subprocess, sys
		frame, kept = subprocess.run(["xxd", "-r", sys.argv[1]], capture_output=True).stdout, int(sys.argv[2])
		sys.stdout.buffer.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) +
			struct.pack("<IIII", 0, 0, kept, len(frame)) + frame[:kept])
	END
}

cut "$WORK/sealed" 96 >"$WORK/cut.pcap"
is "sealed, cut by the capture: its length on the wire, and said" "$(fields "$WORK/cut.pcap" _ws.col.Info _ws.expert.message)" \
	"Sealed, SPI 0x00001001, sequence number 4294967367, 41 bytes The end is missing in the capture"
example agreement.md "Initiation, 176 bytes" >"$WORK/message"
# The addresses and ports of the sealed frame, and its own lengths.
{
	xxd -r "$WORK/sealed" | head -c 42 | xxd -p -c42 | sed 's/^\(.\{32\}\).\{4\}/\100cc/; s/....\(....\)$/00b8\1/'
	xxd -r "$WORK/message" | xxd -p
} | xxd -r -p | xxd -g1 >"$WORK/frame"
cut "$WORK/frame" 150 >"$WORK/cut.pcap"
is "a message, cut by the capture: by its form, with the fields that are there, and not called malformed" \
	"$(fields "$WORK/cut.pcap" xdpsec.message xdpsec.mac1 _ws.expert.message)" "1  The end is missing in the capture"

# ---- keys ----------------------------------------------------------------------------------------------------

# with_keys FILE ARGUMENT...
with_keys() { dissect "$1" -o "xdpsec.keys:$WORK/keys" "${@:2}"; }

echo "0x00001001 $KEY # the example" >"$WORK/keys"
if with_keys "$WORK/sealed.pcap" -V | grep -q 'Lua has no openssl'; then
	skip "decryption" "no lua-luaossl"
	done_testing
	exit
fi
is "the tag holds" "$(with_keys "$WORK/sealed.pcap" -T fields -e xdpsec.tag.status)" Good
like "the plaintext" "$(with_keys "$WORK/sealed.pcap" -x)" "$(xxd -p -l 16 <<<"The payload of a datagram" | sed 's/../& /g; s/ $//')"
# The tags of the other bindings are on the page as well.
{
	xxd -r "$WORK/sealed" | head -c $((0x3a))
	xxd -r -p <<<119447a8365e94b8e6377913e1299763
	xxd -r "$WORK/sealed" | tail -c +$((0x4a + 1))
} | xxd -g1 >"$WORK/other"
text2pcap -q "$WORK/other" "$WORK/other.pcap" 2>/dev/null
is "Bind = ports: the tag holds" "$(with_keys "$WORK/other.pcap" -T fields -e xdpsec.tag.status)" Good
# Over IPv6 what is bound has two whole blocks.
{
	xxd -r "$WORK/sealed" | tail -c +$((0x2a + 1)) | head -c 16
	xxd -r -p <<<0dcdf48b43a75044e362cff8c1df4e2b
	xxd -r "$WORK/sealed" | tail -c +$((0x4a + 1))
} | xxd -g1 >"$WORK/other"
text2pcap -q -6 2001:db8:1::1,2001:db8:2::2 -u 49152,5201 "$WORK/other" "$WORK/other.pcap" 2>/dev/null
is "Bind = addresses over IPv6: the tag holds" "$(with_keys "$WORK/other.pcap" -T fields -e xdpsec.tag.status)" Good
# Tunnel mode with 32 bytes of key, sealed by python3-cryptography: an inner UDP packet from port 1111 to 2222.
/usr/bin/python3 - >"$WORK/other" <<-'END'
	from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
	inner = bytes.fromhex("4500001c000100004011" "0000" "cb007101" "cb007181" "0457" "08ae" "0008" "0000")
	nonce = bytes([4, 1, 0, 0]) + (7).to_bytes(8, "big")
	sealed = AESOCB3(bytes(range(32))).encrypt(nonce, inner, b"")
	print("0000", (bytes.fromhex("00002002") + nonce + sealed[-16:] + sealed[:-16]).hex(" "))
END
text2pcap -q -u 7253,7253 "$WORK/other" "$WORK/other.pcap" 2>/dev/null
echo "0x2002 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" >>"$WORK/keys"
is "tunnel mode: the inner packet" \
	"$(with_keys "$WORK/other.pcap" -T fields -e xdpsec.tag.status -e ip.dst -e udp.dstport | tr '\t' ' ')" \
	"Good 10.2.2.2,203.0.113.129 7253,2222"
# What is inside need not be well-formed: a payload of three bytes to the port of DNS, and an IPv4 header of one.
/usr/bin/python3 - >"$WORK/other" <<-'END'
	from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
	nonce = bytes([4, 1, 0, 0]) + (8).to_bytes(8, "big")
	inners = "45", "4500001f000100004011" "0000" "cb007101" "cb007181" "0457" "0035" "000b" "0000" "414243"
	seal = lambda inner: AESOCB3(bytes(range(32))).encrypt(nonce, bytes.fromhex(inner), b"")
	frame = lambda sealed: bytes.fromhex("00002002") + nonce + sealed[-16:] + sealed[:-16]
	print("\n".join("0000 " + frame(seal(inner)).hex(" ") for inner in inners))
END
text2pcap -q -u 7253,7253 "$WORK/other" "$WORK/other.pcap" 2>/dev/null
is "malformed inside: the tag holds" "$(with_keys "$WORK/other.pcap" -T fields -e xdpsec.tag.status)" $'Good\nGood'
is "malformed inside: no error of the script" "$(with_keys "$WORK/other.pcap" -V | grep -ci 'lua error')" 0
cut "$WORK/sealed" 96 >"$WORK/cut.pcap"
is "cut by the capture: the tag is not called wrong" "$(with_keys "$WORK/cut.pcap" -T fields -e xdpsec.tag.status)" ""
# An ICMP error quotes the first 60 bytes of the IP packet.
{
	echo -n "0000 02 00 00 00 00 01 02 00 00 00 00 02 08 00 45 00 00 58 00 00 00 00 40 01 00 00 c0 00 02 fe c0 00 02 01 "
	echo -n "03 04 00 00 00 00 00 00 "
	xxd -r "$WORK/sealed" | tail -c +15 | head -c 60 | xxd -p -c60 | sed 's/../& /g'
} >"$WORK/other"
text2pcap -q "$WORK/other" "$WORK/other.pcap" 2>/dev/null
is "quoted by ICMP: the tag is not called wrong" \
	"$(with_keys "$WORK/other.pcap" -T fields -e xdpsec.spi -e xdpsec.tag.status | tr '\t' ' ')" "0x00001001 "
changed "$WORK/sealed" $((0x4a)) 00 >"$WORK/other"
text2pcap -q "$WORK/other" "$WORK/other.pcap" 2>/dev/null
is "a byte of the ciphertext was changed" "$(with_keys "$WORK/other.pcap" -T fields -e xdpsec.tag.status)" Bad
like "a byte of the ciphertext was changed: said" "$(with_keys "$WORK/other.pcap" -V)" "The tag is wrong under this key"
echo "0x00001001 ${KEY%0f}0e" >"$WORK/keys"
is "another key" "$(with_keys "$WORK/sealed.pcap" -T fields -e xdpsec.tag.status)" Bad
echo "0x00001002 $KEY" >"$WORK/keys"
is "the key of another SPI" "$(with_keys "$WORK/sealed.pcap" -T fields -e xdpsec.tag.status)" ""
echo "0x00001001 00" >"$WORK/keys"
like "a key that is none" "$(with_keys "$WORK/sealed.pcap" -V)" "$WORK/keys:1: not a key of 16 or 32 bytes"
echo "0x00001001 $KEY" | sed 's/$/\r/; 1i # made elsewhere' >"$WORK/keys"
is "a key in the second line, with CRLF" "$(with_keys "$WORK/sealed.pcap" -T fields -e xdpsec.tag.status)" Good
rm "$WORK/keys"
mkdir "$WORK/keys"
like "a directory: said" "$(with_keys "$WORK/sealed.pcap" -V)" "$WORK/keys: Is a directory"
is "a directory: no error of the script" "$(grep -ci 'lua.*error' "$WORK/err")" 0
rmdir "$WORK/keys"
ln -s /dev/zero "$WORK/keys"
like "a file without end: said" "$(with_keys "$WORK/sealed.pcap" -V)" "$WORK/keys:1: not an SPI"
rm "$WORK/keys"
like "no file: said" "$(with_keys "$WORK/sealed.pcap" -V)" "No such file"
done_testing
