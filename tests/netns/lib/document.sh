# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# docs/deployment.md, carried out. A fenced block that names machines behind its language is a script for each of them,
#
#	```sh site-a site-b
#
# or with a path the file of that name there:
#
#	```ini site-a /etc/xdpsec/site-a.conf
#
# To be sourced after machine.sh. `carry_out SECTION` does what a section says, in its order; MACHINE[site-a] is the
# machine that is meant, and keys_made SITE is called when a block has made keys there. Without systemd,
# lines with systemctl become what WITHOUT_SYSTEMD (for sed) makes of them, or are left out.

# shellcheck disable=SC2154 # set by machine.sh
DOCUMENT=$TOP/docs/deployment.md
declare -A MACHINE
WITHOUT_SYSTEMD=

# Each block in a file of its own: NUMBER.where, the words behind the language, and NUMBER.text.
split_section() {
	rm -rf "$WORK/blocks"
	mkdir "$WORK/blocks"
	awk -v section="## $1" -v directory="$WORK/blocks" '
		/^```/ && block { close(block); block = ""; next }
		block { print > block; next }
		/^## / { within = $0 == section; next }
		/^```/ && within && NF > 1 {
			file = sprintf("%s/%02d", directory, ++n)
			$1 = ""
			print substr($0, 2) > (file ".where")
			block = file ".text"
			next
		}
		/^```/ { block = "/dev/null" }' "$DOCUMENT"
}

# carry_out SECTION
carry_out() {
	local file words

	split_section "$1"
	[ -e "$WORK/blocks/01.text" ] || bail "there is nothing in section '$1'"
	for file in "$WORK"/blocks/*.text; do
		read -ra words <"${file%.text}.where"
		case ${words[-1]} in
		/*) write_block "$1" "${words[0]}" "${words[1]}" "$file" ;;
		*) run_block "$1" "$file" "${words[@]}" ;;
		esac
	done
}

# fill_in: standard input, with the public keys that the machines have instead of those in the document. A peer's name
# is that of its machine.
fill_in() {
	local line name='' key

	while IFS= read -r line; do
		case $line in
		'Name = '*) name=${line#Name = } ;;
		'PublicKey = '*)
			key=$(in_machine "${MACHINE[$name]}" sh -c "xdpsec pubkey </etc/xdpsec/$name.key") || return
			line="PublicKey = $key"
			;;
		esac
		printf '%s\n' "$line"
	done
}

# write_block SECTION MACHINE PATH TEXT
write_block() {
	fill_in <"$4" | in_machine "${MACHINE[$2]}" tee "$3" >/dev/null || bail "$1: cannot write $3 at $2"
}

# run_block SECTION TEXT MACHINE...
run_block() {
	local machine name

	for machine in "${@:3}"; do
		name="$1, $machine: $(grep -m1 . "$2")"
		[ -z "$NO_SYSTEMD" ] || sed -i "$WITHOUT_SYSTEMD"'; /^systemctl /d' "$2"
		if [ -s "$2" ]; then
			ok "$name" run_text "$2" "${MACHINE[$machine]}"
		else
			skip "$name" "$NO_SYSTEMD"
		fi
		# Copying them is left to the reader.
		! grep -qE 'xdpsec gen(key|psk)' "$2" || keys_made "$machine"
	done
}

run_text() {
	in_machine "$2" bash -e -o pipefail <"$1"
}

# Every block of the document is in one of these sections.
sections() {
	awk '/^```/ && block { block = 0; next }
		block { next }
		/^## / { section = substr($0, 4) }
		/^```/ { block = 1; if (NF > 1) print section }' "$DOCUMENT" | uniq
}
