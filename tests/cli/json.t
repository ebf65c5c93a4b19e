#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# JSON of commands that need no instance: version, check, and probe where there is none.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# json FILTER CMD...: of what CMD prints on standard output
json() { "${@:2}" 2>"$WORK/err" | jq -c "$1"; }

version=$("$XDPSEC" version)
for option in "version -j" "--json version" "-Vj"; do
	# shellcheck disable=SC2086 # words
	is "$option: the same versions" "$(json '"xdpsec \(.version), wire format \(.wire_format), map ABI \(.map_abi), libbpf \(.libbpf)"' \
		"$XDPSEC" $option)" "\"$version\""
done

make_keys
check_json() { "$XDPSEC" --state-dir "$WORK/state" check --new-key --json "$CONFIG"; }
write_config
is "check: the file, and what it configures" "$(json '[.valid, .config, .name, .device, .mode]' check_json)" \
	"[false,\"$CONFIG\",\"site-a\",\"xdpsec-none\",\"inline\"]"
is "check: the peers, and where they are" "$(json '.peers' check_json)" \
	"[{\"name\":\"site-b\",\"file\":\"$CONFIG\",\"line\":6},{\"name\":\"site-c\",\"file\":\"$CONFIG\",\"line\":16}]"
is "check: an error, with its place and its hint" "$(json '.errors' check_json)" \
	"[{\"file\":\"$CONFIG\",\"line\":2,\"text\":\"Device: xdpsec-none: no such device in this network namespace\",\"hint\":\"\`ip link\` lists the devices; \`xdpsec -n NETNS\` looks in another namespace\"}]"
is "check: standard error has it as ever" "$(<"$WORK/err")" "$NO_DEVICE"
is "check: no warning" "$(json .warnings check_json)" "[]"
check_json >/dev/null 2>&1
is "check: the exit status as ever" "$?" 1
sed -i 's/^Ports = all/Ports = none/; s/^TxSpi = 0x2001/TxSpy = 1/; s/^Xdp/Ydp/' "$CONFIG"
chmod 666 "$CONFIG"
is "check: all errors" "$(json '[.errors[] | [.line, (.hint != null)]] | sort' check_json)" "[[2,true],[4,true],[19,true],[20,true]]"
is "check: a warning" "$(json '[.warnings[] | [.line, .text, (.hint != null)]]' check_json)" \
	"[[null,\"$CONFIG: permissions 0666 are too open: others can change what is protected\",true]]"
# Bytes that are no UTF-8, as Latin-1 has them, would make all of it invalid.
write_config
printf 'caf\xe9 = 1\nStra\xc3\x9fe = 1\n' >>"$CONFIG"
check_json >"$WORK/latin1" 2>/dev/null
ok "check: JSON is UTF-8, whatever the file is" iconv -f UTF-8 -t UTF-8 "$WORK/latin1"
is "check: and what is not becomes U+FFFD" "$(jq -c '[.errors[].text | select(contains("unknown key"))]' "$WORK/latin1")" \
	$'["caf\xef\xbf\xbd: unknown key in [Peer]","Stra\xc3\x9fe: unknown key in [Peer]"]'
CONFIG=$WORK/gone.conf
is "check: no file" "$(json '[.valid, .config, .mode, .peers, (.errors | length), .errors[0].text]' check_json)" \
	"[false,null,null,[],1,\"$CONFIG: No such file or directory\"]"
tap_run "$XDPSEC" probe -j no-such-instance site-b
is "probe: an error" "$(json '[.name, .peer, .address, (.error | length > 0), has("size")]' "$XDPSEC" probe -j no-such-instance site-b)" \
	'["no-such-instance","site-b",null,true,false]'
is "probe: the exit status as ever" "$TAP_STATUS" 1
prints "a full disk" 1 "xdpsec: standard output: No space left on device" to_full_disk "$XDPSEC" version -j
done_testing
