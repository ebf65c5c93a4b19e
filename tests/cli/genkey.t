#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xdpsec genkey
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- manual keys --------------------------------------------------------------------------------------

tap_run "$XDPSEC" genkey --manual
first=$TAP_OUTPUT
like "128 bits by default" "$first" '^[0-9a-f]{32}$'
tap_run "$XDPSEC" genkey --manual
like "a second key" "$TAP_OUTPUT" '^[0-9a-f]{32}$'
unlike "is another one" "$TAP_OUTPUT" "^$first\$"
tap_run "$XDPSEC" genkey --manual --bits 128
like "--bits 128" "$TAP_OUTPUT" '^[0-9a-f]{32}$'
tap_run "$XDPSEC" genkey --bits=256 --manual
like "--bits 256" "$TAP_OUTPUT" '^[0-9a-f]{64}$'
prints "--bits 192" 2 "xdpsec: --bits 192: keys have 128 or 256 bits
hint: xdpsec genkey --help" "$XDPSEC" genkey --manual --bits 192
prints "--bits without --manual" 2 "xdpsec: genkey: --bits: only manual keys have 128 or 256 bits
hint: xdpsec genkey --manual --bits 256" "$XDPSEC" genkey --bits 256
"$XDPSEC" genkey --manual >"$WORK/key"
is "32 digits and the end of the line" "$(wc -c <"$WORK/key")" 33

# 64 keys have 2048 digits: each of the 16 should come 128 times, and 60 times is six standard deviations less.
for ((i = 0; i < 64; i++)); do "$XDPSEC" genkey --manual; done | fold -w1 | sort | uniq -c >"$WORK/digits"
is "every digit occurs" "$(awk '$1 > 60 { n++ } END { print n }' "$WORK/digits")" 16

# ---- private, public and preshared keys ---------------------------------------------------------------

BASE64='^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'
for command in genkey genpsk; do
	tap_run "$XDPSEC" "$command"
	first=$TAP_OUTPUT
	like "$command: 32 bytes in base64" "$first" "$BASE64"
	tap_run "$XDPSEC" "$command"
	like "$command: a second one" "$TAP_OUTPUT" "$BASE64"
	is "$command: is another one" "$([ "$TAP_OUTPUT" != "$first" ] && echo other)" other
	prints "$command: full disk" 1 "xdpsec: standard output: No space left on device" \
		to_full_disk "$XDPSEC" "$command"
	umask 022
	tap_run to_file "$WORK/$command.open" "$XDPSEC" "$command"
	is "$command: warns when the file is open to others" "$TAP_OUTPUT" \
		"xdpsec: warning: standard output: permissions 0644 are too open: others can read the key
hint: run \`umask 077\` before, or \`chmod 600\` on the file now; \`xdpsec up\` refuses it otherwise"
	is "$command: which is no failure" "$TAP_STATUS" 0
	like "$command: the key is written nevertheless" "$(<"$WORK/$command.open")" "$BASE64"
	umask 077
	tap_run to_file "$WORK/$command.private" "$XDPSEC" "$command"
	is "$command: no warning when it is not" "$TAP_STATUS $TAP_OUTPUT" "0 "
done
# RFC 7748 section 5: the low three bits and the highest are clear, the one below is set.
for ((i = 0; i < 32; i++)); do "$XDPSEC" genkey | base64 -d | od -An -v -tu1 -w32; done |
	awk '$1 % 8 || $32 < 64 || $32 > 127 { bad++ } END { print NR, bad + 0 }' >"$WORK/clamped"
is "genkey: private keys are clamped" "$(<"$WORK/clamped")" "32 0"

# ---- public keys --------------------------------------------------------------------------------------

NO_PRIVATE="xdpsec: standard input: expected one private key of 32 bytes in base64, 44 characters
hint: xdpsec pubkey <site-a.key; \`xdpsec genkey\` makes the private key"

# base64_of HEX
base64_of() {
	xxd -r -p <<<"$1" | base64
}

# pubkey TEXT: printf's format is the content.
pubkey() {
	# shellcheck disable=SC2059
	printf "$1" | "$XDPSEC" pubkey
}

# RFC 7748 section 6.1.
ALICE=$(base64_of 77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a)
ALICE_PUBLIC=$(base64_of 8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a)
BOB=$(base64_of 5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb)
BOB_PUBLIC=$(base64_of de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f)
prints "pubkey: Alice's" 0 "$ALICE_PUBLIC" pubkey "$ALICE\n"
prints "pubkey: Bob's" 0 "$BOB_PUBLIC" pubkey "$BOB\n"
prints "pubkey: white space around it is fine" 0 "$BOB_PUBLIC" pubkey " $BOB \r\n\n"
prints "pubkey: nothing" 1 "$NO_PRIVATE" pubkey ''
prints "pubkey: a manual key" 1 "$NO_PRIVATE" pubkey "$("$XDPSEC" genkey --manual --bits 256)\n"
prints "pubkey: two keys" 1 "$NO_PRIVATE" pubkey "$BOB\n$BOB\n"
prints "pubkey: 43 characters" 1 "$NO_PRIVATE" pubkey "${BOB%=}\n"
prints "pubkey: bits beyond the last byte" 1 "$NO_PRIVATE" pubkey "${BOB:0:42}t=\n"
prints "pubkey: another alphabet" 1 "$NO_PRIVATE" pubkey "${BOB:0:20}-_${BOB:22}\n"
prints "pubkey: a whole file" 1 "xdpsec: standard input: too long for a key" pubkey '%0200d'
prints "pubkey: no argument is taken, where others could see the key" 2 \
	"xdpsec: pubkey: site-a.key: takes no argument
hint: xdpsec pubkey --help" "$XDPSEC" pubkey site-a.key
prints "pubkey: full disk" 1 "xdpsec: standard output: No space left on device" \
	eval 'echo "$BOB" | to_full_disk "$XDPSEC" pubkey'
if command -v wg >/dev/null; then
	"$XDPSEC" genkey >"$WORK/ours"
	prints "pubkey: as wg has it" 0 "$(wg pubkey <"$WORK/ours")" "$XDPSEC" pubkey <"$WORK/ours"
else
	skip "pubkey: as wg has it" "no wg"
fi
done_testing
