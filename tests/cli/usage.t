#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line itself: what is refused before anything is done, and with which exit code.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# usage NAME WANT ARGUMENT...; HINT is that of the command line as a whole, or of a command.
usage() {
	local name=$1 want=$2

	shift 2
	prints "$name" 2 "$want"$'\n'"hint: ${HINT:-xdpsec --help}" "$XDPSEC" "$@"
}

# of_command COMMAND NAME WANT ARGUMENT...: the hint is the command's page.
of_command() {
	HINT="xdpsec $1 --help" usage "${@:2}"
}

# meant COMMAND TEXT
meant() {
	HINT="did you mean $1?" usage "unknown command: $2" "xdpsec: $2: not a command" "$2" site-a
}

usage "no command" "xdpsec: no command"
for command in "" x start- xdpsec ge; do
	usage "unknown command: '$command'" "xdpsec: $command: not a command" "$command"
done
for command in stat sta statsu Status show list; do meant status "$command"; done
for command in chekc chck verify validate; do meant check "$command"; done
meant down dwon
meant reload rel
meant reload syncconf
meant up start
meant down stop
meant genkey keygen
meant import imoprt
meant diagnose diagnos
meant diagnose doctor
meant selftest self-test
meant status ls
meant reload setconf
meant down remove
for command in up check import; do
	of_command "$command" "$command without FILE" "xdpsec: $command: FILE is missing" "$command"
done
for command in down reload diagnose probe; do
	of_command "$command" "$command without NAME" "xdpsec: $command: NAME is missing" "$command"
done
of_command probe "probe without PEER" "xdpsec: probe: PEER is missing" probe site-a
of_command diagnose "diagnose with three arguments" "xdpsec: diagnose: x: one argument too many" diagnose site-a site-b x
of_command probe "probe with four arguments" "xdpsec: probe: x: one argument too many" probe site-a site-b 203.0.113.2 x
for command in genkey pubkey genpsk selftest version; do
	of_command "$command" "$command with an argument" "xdpsec: $command: x: takes no argument" "$command" x
done
for command in up down reload check import; do
	of_command "$command" "$command with two arguments" "xdpsec: $command: y: one argument too many" "$command" x y
done
of_command status "status with three arguments" "xdpsec: status: z: one argument too many" status x y z
for command in down reload status diagnose probe; do
	peer=()
	[ $command != probe ] || peer=(site-b)
	for name in site-a.conf /etc/xdpsec/site-a.conf; do
		prints "$command '$name'" 2 "xdpsec: $command: $name: not the name of an instance
hint: xdpsec $command site-a" "$XDPSEC" "$command" "$name" "${peer[@]}"
	done
	for name in site-a.cfg .conf site-a.b.conf ../site-a . "" -; do
		prints "$command '$name'" 2 "xdpsec: $command: $name: not the name of an instance
hint: give the configuration file's name without directory and \".conf\"" "$XDPSEC" "$command" "$name" "${peer[@]}"
	done
done

of_command up "unknown option" "xdpsec: --force: unknown option" up --force x.conf
of_command up "unknown option with a value" "xdpsec: --force: unknown option" up --force=yes x.conf
usage "unknown short option" "xdpsec: -x: unknown option" -x
of_command status "unknown short option behind another" "xdpsec: -x: unknown option" status -jx
of_command status "option without its argument" "xdpsec: -n: NETNS is missing" status -n
of_command status "long option without its argument" "xdpsec: --netns: NETNS is missing" status --netns
of_command status "option with an argument that it does not take" "xdpsec: --json: takes no argument" status --json=yes
of_command status "unknown option in front of the command" "xdpsec: -x: unknown option" -x status
HINT="did you mean --new-key?" usage "mistyped option" "xdpsec: --new-kye: unknown option" up --new-kye x.conf
HINT="did you mean --json?" usage "mistyped option in capitals" "xdpsec: --JSON: unknown option" status --JSON
HINT="did you mean -V?" usage "a letter of wg" "xdpsec: -v: unknown option" -v
HINT="did you mean -j?" usage "a letter in capitals" "xdpsec: -J: unknown option" status -J
of_command up "like an option of other commands" "xdpsec: --jsno: unknown option" up --jsno x.conf
HINT="did you mean --json?" usage "the same where it is taken" "xdpsec: --jsno: unknown option" check --jsno x.conf
of_command up "a letter in capitals, of other commands" "xdpsec: -W: unknown option" up -W x.conf
HINT="did you mean --watch?" usage "mistyped option, and no command" "xdpsec: --wathc: unknown option" --wathc
HINT="--no-attach, --no-agent" usage "beginning of two options" "xdpsec: --no: several options begin so" up --no x.conf
of_command genkey "--bits that is no key length" "xdpsec: --bits 64: keys have 128 or 256 bits" genkey --bits 64

# Each option with a command that does not take it, behind the command and in front of it.
while read -ra words; do
	option=${words[0]} command=${words[1]}
	of_command "$command" "$command $option" "xdpsec: $command: takes no ${option%%=*}" "$command" "$option" "${words[@]:2}"
	of_command "$command" "$option $command" "xdpsec: $command: takes no ${option%%=*}" "$option" "$command" "${words[@]:2}"
done <<'END'
--json genkey
--watch version
--long check x.conf
--from=x status
--moved-state metrics
--json up x.conf
--json down x
--new-key status x
--new-key down x
--no-attach reload x
--bits=128 up x.conf
--manual genpsk
--json pubkey
--output=x check x.conf
--device=x up x.conf
--json import x.conf
END

commands="up down reload status metrics agree rekey diagnose probe check genkey pubkey genpsk import selftest version help"
for option in --help -h help; do
	tap_run "$XDPSEC" "$option"
	is "$option: exit code" "$TAP_STATUS" 0
	for command in $commands; do
		like "$option: $command" "$TAP_OUTPUT" $'\n'"  $command "
	done
done

# Each command has a page, three ways lead to it, and its options are those that it takes.
for command in $commands; do
	tap_run "$XDPSEC" help "$command"
	page=$TAP_OUTPUT
	like "help $command" "$TAP_STATUS $page" "^0 Usage: xdpsec $command \[OPTIONS\][^"$'\n'"]*"$'\n\n'"[A-Z][^"$'\n'"]{20,}"$'\n'
	is "help $command: no line is too long" "$(grep -E '.{108}' <<<"$page")" ""
	prints "$command --help" 0 "$page" "$XDPSEC" "$command" --help
	prints "-h $command" 0 "$page" "$XDPSEC" -h "$command" x y
done
like "help up: an option that it takes" "$("$XDPSEC" help up)" $'\n      --new-key '
unlike "help up: one that it does not" "$("$XDPSEC" help up)" '--json'
unlike "help genkey: there is no NAME" "$("$XDPSEC" help genkey)" 'NAME[.]conf'
usage "help of what is no command" "xdpsec: foo: not a command" help foo
usage "--help of what is no command" "xdpsec: foo: not a command" foo --help
HINT="did you mean status?" usage "help of a mistyped command" "xdpsec: stat: not a command" help stat
of_command help "help with two arguments" "xdpsec: help: down: one argument too many" help up down
prints "help that cannot be written" 1 "xdpsec: standard output: No space left on device" \
	to_full_disk "$XDPSEC" up --help
for option in --version -V version; do
	tap_run "$XDPSEC" "$option"
	is "$option: exit code" "$TAP_STATUS" 0
	like "$option" "$TAP_OUTPUT" '^xdpsec [0-9][^ ]*, wire format 1, map ABI [0-9]+, libbpf v[0-9.]+$'
done
prints "--state-dir is for every command" 0 "$("$XDPSEC" version)" "$XDPSEC" --state-dir "$WORK" version
prints "output that cannot be written" 1 "xdpsec: standard output: No space left on device" \
	to_full_disk "$XDPSEC" version

# ---- -n -----------------------------------------------------------------------------------------------

make_keys
write_config
prints "-n with a name that does not exist" 1 \
	"xdpsec: network namespace xdpsec-none: /run/netns/xdpsec-none: No such file or directory
hint: \`ip netns\` lists the names; /proc/PID/ns/net is a path" "$XDPSEC" -n xdpsec-none check "$CONFIG"
prints "-n with a path that does not exist" 1 \
	"xdpsec: network namespace $WORK/none: $WORK/none: No such file or directory
hint: \`ip netns\` lists the names; /proc/PID/ns/net is a path" "$XDPSEC" check -n "$WORK/none" "$CONFIG"
prints "-n with an empty name" 1 "xdpsec: network namespace : not a valid name" "$XDPSEC" -n "" check "$CONFIG"
prints "-n with a file that is no namespace" 1 \
	"xdpsec: network namespace $CONFIG: $CONFIG: not a network namespace" "$XDPSEC" -n "$CONFIG" check "$CONFIG"

if [ "$(id -u)" -eq 0 ]; then
	netns=xs$$-usage
	ip netns add "$netns" || bail "ip netns add"
	defer ip netns del "$netns"
	# The other end's name, so that looking in the wrong namespace cannot succeed.
	ip -n "$netns" link add xdpsec-none type veth peer name far || bail "ip link add"
	prints "without -n the device is not found" 1 "$NO_DEVICE" check
	valid="$CONFIG: valid: device xdpsec-none, 2 peers, 2 prefixes"
	prints "-n NAME" 0 "$valid" "$XDPSEC" --state-dir "$WORK/state" --new-key -n "$netns" check "$CONFIG"
	prints "--netns PATH" 0 "$valid" "$XDPSEC" --state-dir "$WORK/state" --new-key --netns "/run/netns/$netns" check "$CONFIG"
	prints "option behind the argument" 0 "$valid" "$XDPSEC" --state-dir "$WORK/state" --new-key check "$CONFIG" -n "$netns"
	prints "-n with a namespace of another kind" 1 \
		"xdpsec: network namespace /proc/self/ns/mnt: /proc/self/ns/mnt: not a network namespace" \
		"$XDPSEC" -n /proc/self/ns/mnt check "$CONFIG"

	ip -n "$netns" link set xdpsec-none mtu 607
	prints "MTU too small" 1 \
		"xdpsec: $CONFIG:2: Device: xdpsec-none: MTU 607 is too small: it must hold 576 bytes of IPv4 and 32 bytes of overhead
hint: ip -n $netns link set dev xdpsec-none mtu 608" "$XDPSEC" -n "$netns" --state-dir "$WORK/state" check --new-key "$CONFIG"
	ip -n "$netns" link set xdpsec-none mtu 608
	prints "MTU just large enough" 0 "$valid" "$XDPSEC" --state-dir "$WORK/state" --new-key -n "$netns" check "$CONFIG"
	sed -i 's/xdpsec-none/lo/' "$CONFIG"
	prints "not an Ethernet device" 1 "xdpsec: $CONFIG:2: Device: lo: not an Ethernet device (type 772)
hint: name the Ethernet device by which the flows leave without another encapsulation; \`ip -br link show\` lists devices" "$XDPSEC" -n "$netns" --state-dir "$WORK/state" check --new-key "$CONFIG"
else
	skip "-n NETNS" "needs root"
fi

done_testing
