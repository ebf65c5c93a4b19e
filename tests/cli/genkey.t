#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xdpsec genkey
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

plan 14

tap_run "$XDPSEC" genkey
first=$TAP_OUTPUT
like "128 bits by default" "$first" '^[0-9a-f]{32}$'
tap_run "$XDPSEC" genkey
like "a second key" "$TAP_OUTPUT" '^[0-9a-f]{32}$'
unlike "is another one" "$TAP_OUTPUT" "^$first\$"
tap_run "$XDPSEC" genkey --bits 128
like "--bits 128" "$TAP_OUTPUT" '^[0-9a-f]{32}$'
tap_run "$XDPSEC" genkey --bits=256
like "--bits 256" "$TAP_OUTPUT" '^[0-9a-f]{64}$'
prints "--bits 192" 2 "xdpsec: --bits 192: keys have 128 or 256 bits
hint: xdpsec --help" "$XDPSEC" genkey --bits 192
prints "full disk" 1 "xdpsec: standard output: No space left on device" \
	to_full_disk "$XDPSEC" genkey

"$XDPSEC" genkey >"$WORK/key"
is "32 digits and the end of the line" "$(wc -c <"$WORK/key")" 33
umask 022
tap_run to_file "$WORK/open.key" "$XDPSEC" genkey
is "warns when the file is open to others" "$TAP_OUTPUT" \
	"xdpsec: warning: standard output: permissions 0644 are too open: others can read the key
hint: run \`umask 077\` before, or \`chmod 600\` on the file now; \`xdpsec up\` refuses it otherwise"
is "which is no failure" "$TAP_STATUS" 0
like "the key is written nevertheless" "$(<"$WORK/open.key")" '^[0-9a-f]{32}$'
umask 077
tap_run to_file "$WORK/private.key" "$XDPSEC" genkey
is "no warning when it is not" "$TAP_STATUS $TAP_OUTPUT" "0 "
like "and the key is there" "$(<"$WORK/private.key")" '^[0-9a-f]{32}$'

# 64 keys have 2048 digits: each of the 16 should come 128 times, and 60 times is six standard deviations less.
for ((i = 0; i < 64; i++)); do "$XDPSEC" genkey; done | fold -w1 | sort | uniq -c >"$WORK/digits"
is "every digit occurs" "$(awk '$1 > 60 { n++ } END { print n }' "$WORK/digits")" 16
