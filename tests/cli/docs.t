#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages and the completion know everything that the program knows, and nothing else.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

PAGE=$TOP/man/xdpsec.8
CONFIGURATION_PAGE=$TOP/man/xdpsec.conf.5
COMPLETION=$TOP/dist/xdpsec.bash-completion
for page in "$PAGE" "$CONFIGURATION_PAGE"; do
	[ -f "$page" ] || bail "no $page"
done

# section TITLE [PAGE]: its source.
section() {
	sed -n "/^\.Sh $1\$/,/^\.Sh /p" "${2:-$PAGE}"
}

# same NAME GOT WANT: equal as sets of lines.
same() {
	is "$1" "$(sort -u <<<"$2")" "$(sort -u <<<"$3")"
}

help=$("$XDPSEC" --help)
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]\+\) .*/\1/p' <<<"$help")
options=$(sed -n '/^Options:/,/^$/s/^  .*--\([a-z-]\+\).*/\1/p' <<<"$help")
letters=$(sed -n '/^Options:/,/^$/s/^  -\([a-zA-Z]\),.*/\1/p' <<<"$help")
like "there are commands" "$commands" 'selftest'
like "there are options" "$options" 'no-attach'
like "there are short options" "$letters" 'n'

# ---- manual page --------------------------------------------------------------------------------------

same "commands in COMMANDS" "$(section COMMANDS | sed -n 's/^\.It Cm \([a-z]*\).*/\1/p')" "$commands"
same "commands in SYNOPSIS" "$(section SYNOPSIS | sed -n 's/^\.Cm \([a-z]*\)$/\1/p')" "$commands"
# synopsis_options COMMAND: as "--name" or "-x", without those that every command accepts
synopsis_options() {
	section SYNOPSIS | awk -v command="$1" 'function show() { if (found) printf "%s", flags; flags = ""; found = 0 }
		/^\.Nm/ { show() }
		$1 == ".Cm" { found = found || $2 == command }
		{ for (i = 1; i < NF; i++) if ($i ~ /^[.]?Fl$/) {
			n = split($(i + 1), letters, "")
			if (letters[1] == "-") flags = flags "-" $(i + 1) "\n"
			else for (k = 1; k <= n; k++) flags = flags "-" letters[k] "\n" } }
		END { show() }' | grep -vxE -e '-n|--state-dir'
}
# A letter stands for the option in the page as well.
for command in $commands; do
	same "SYNOPSIS of $command" "$(synopsis_options "$command")" \
		"$("$XDPSEC" help "$command" | sed -n '/^Options:/,/^$/{s/^  \(-[a-zA-Z]\),.*/\1/p;s/^      \(--[a-z-]*\).*/\1/p}' |
			grep -vxE -e '-[nhV]|--state-dir')"
done
same "options in OPTIONS" "$(section OPTIONS | sed -n 's/^\.It .*Fl -\([a-z-]*\).*/\1/p')" "$options"
same "short options in OPTIONS" "$(section OPTIONS | sed -n 's/^\.It Fl \([a-zA-Z]\) .*/\1/p')" "$letters"

# The table of keys, as the parser has it, and the lists of the page.
keys() {
	sed -n "s/^\t{ SECTION_$1, \"\([A-Za-z]*\)\".*/\1/p" "$TOP/loader/config/config_settings.c"
}

documented_keys() {
	section DESCRIPTION "$CONFIGURATION_PAGE" | sed -n "/^\.Ss The \[$1\]/,/^\.El/s/^\.It Cm //p" | sed 's/ , /\n/g'
}

like "there are keys" "$(keys INTERFACE) $(keys PEER)" 'Device.*TxSpi'
same "keys of [Interface]" "$(documented_keys Interface)" "$(keys INTERFACE)"
same "keys of [Peer]" "$(documented_keys Peer)" "$(keys PEER)"

reasons=$(sed -n 's/^\tX([A-Z_]*, "\([a-z_]*\)".*/\1/p' "$TOP/include/xdpsec/abi.h")
like "there are drop reasons" "$reasons" 'plaintext.*crypto'
same "drop reasons" "$(section DIAGNOSTICS | sed -n '/^\.Ss Drops/,/^\.El/s/^\.It Sy //p')" "$reasons"

# The files of EXAMPLES are such that `check` has nothing against them.
make_keys
"$XDPSEC" genkey >"$WORK/site-a.key"
for mode in inline tunnel; do
	section EXAMPLES | awk -v mode=$mode '
		/^\[Interface\]/ { file = ""; within = 1 }
		/^\.Ed/ { if (within && file ~ "Mode = " mode) printf "%s", file; within = 0 }
		within { sub(/= eth0/, "= xdpsec-none"); file = file $0 "\n" }' >"$CONFIG"
	prints "the configuration for mode $mode in EXAMPLES is valid" 1 "$NO_DEVICE" check
done

# Messages of the loader that the page has to explain: those without a hint behind them, and without a reason of the
# system's (strerror) in them. One part that has no placeholder must be in DIAGNOSTICS, word for word.
messages() {
	perl -0777 -ne '
		while (/\b(?:fail|fail_at|warning|add_warning)\(((?:[^"();]|\([^()]*\))*?)((?:"(?:[^"\\]|\\.)*"\s*)+)([^;]*;)\s*((?:if\s*\([^;{}]*?\)\s*)?hint)?/g) {
			my ($format, $arguments, $hint) = ($2, $3, $4);
			next if '"$1"' && ($hint || $arguments =~ /strerror/);
			$format =~ s/"\s*"//g;
			$format =~ s/^"|"\s*$//g;
			$format =~ s/\\"/"/g;
			print "$format\n" if $format =~ /[a-z]{4}/;
		}' "$TOP"/loader/*.c "$TOP"/loader/*/*.c | grep -vE '(^|: )(out of memory|%s)$' | sort -u
}

# unknown_messages FILE: those of the standard input that no part of is in FILE.
unknown_messages() {
	perl -e '
		open(my $page, "<", $ARGV[0]) or die;
		my $text = join("", <$page>);
		$text =~ s/^\.It Sy //mg;
		$text =~ s/\\&//g;
		$text =~ s/\s+/ /g;
		while (my $format = <STDIN>) {
			chomp $format;
			my @parts = map { s/^[\s:;,()-]+|[\s:;,()-]+$//gr } split(/%[-.*0-9]*[lz]*[a-zA-Z%]|[:(;]/, $format);
			print "$format\n" unless grep { length >= 5 && index($text, $_) >= 0 } @parts;
		}' "$1"
}

# documented_messages: the parts of messages that are titles in DIAGNOSTICS, one each line
documented_messages() {
	sed -n '/^\.Ss Messages/,$s/^\.It Sy //p' "$WORK/diagnostics" | sed 's/\\&//g; s/ \(,\|\.\.\.\) /\n/g; s/ \.\.\.$//' |
		sed 's/^[:, ]*//; s/[:, ]*$//'
}

# not_said: those of the standard input that no message of the loader has
not_said() {
	perl -0777 -e '
		my $all = "";
		for (@ARGV) { open(my $file, "<", $_) or die; $all .= join("", <$file>); }
		$all =~ s/"\s*"//g;
		$all =~ s/\\"/"/g;
		$all =~ s/%[-.*0-9]*[lz]*[a-zA-Z]/\0/g;
		for (split /\n/, <STDIN>) { print "$_\n" if index($all, $_) < 0; }' "$TOP"/loader/*.c "$TOP"/loader/*/*.c
}

section DIAGNOSTICS >"$WORK/diagnostics"
like "there are messages" "$(messages 0 | wc -l)" '^[0-9]{3,}$'
like "some have neither a hint nor a reason" "$(messages 1 | wc -l)" '^[0-9]{2,}$'
is "each of these is in DIAGNOSTICS" "$(messages 1 | unknown_messages "$WORK/diagnostics")" ""
is "one that is not would be noticed" "$(echo '%s: the sky is blue: %s' | unknown_messages "$WORK/diagnostics")" \
	"%s: the sky is blue: %s"
like "DIAGNOSTICS has messages" "$(documented_messages | wc -l)" '^[0-9]{2,}$'
is "the loader says each of them" "$(documented_messages | not_said)" ""
is "one that it does not say would be noticed" "$(echo "the sky is blue" | not_said)" "the sky is blue"

# ---- form ---------------------------------------------------------------------------------------------

for page in "$PAGE" "$CONFIGURATION_PAGE"; do
	name=${page##*/}
	if command -v mandoc >/dev/null; then
		# The database of the machine's other pages is none of our business.
		is "$name: mandoc has no complaint" "$(mandoc -T lint "$page" 2>&1 | grep -vE 'mandoc\.db|referenced manual not found')" ""
	else
		skip "$name: mandoc has no complaint" "no mandoc"
	fi
	if command -v man >/dev/null; then
		is "$name: man has no complaint" "$(man --warnings -l "$page" 2>&1 >/dev/null)" ""
	else
		skip "$name: man has no complaint" "no man"
	fi
done

# ---- completion ---------------------------------------------------------------------------------------

# complete_words WORD...: what the last one can become.
complete_words() {
	(
		# shellcheck disable=SC2317 # called by the completion
		compopt() { :; }
		# shellcheck source=/dev/null
		. "$COMPLETION"
		# shellcheck disable=SC2034 # read by the completion
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_xdpsec
		printf '%s\n' "${COMPREPLY[@]}"
	)
}

same "completion of commands" "$(complete_words xdpsec "" | grep -v '^-')" "$commands"
offered=$(for command in "" $commands; do complete_words xdpsec ${command:+"$command"} -; done)
same "completion of options" "$(sed -n 's/^--//p' <<<"$offered")" "$options"
same "completion of short options" "$(sed -n 's/^-\([^-]\)$/\1/p' <<<"$offered")" "$letters"

# Every option that completion offers is accepted, and no other.
for command in $commands; do
	for option in $options; do
		case $option in
		version | help) continue ;;
		netns | state-dir) argument="=/nowhere" ;;
		bits) argument="=128" ;;
		output | device | listen | from) argument="=x" ;;
		*) argument= ;;
		esac
		# Four arguments are too many for every command, but options are looked at before.
		tap_run "$XDPSEC" "$command" "--$option$argument" x y z x
		taken=yes
		[[ $TAP_OUTPUT != *": takes no --"* ]] || taken=no
		wanted=no
		! complete_words xdpsec "$command" - | grep -qx -e "--$option" || wanted=yes
		is "$command --$option: taken: $taken" "$wanted" "$taken"
	done
done

touch "$WORK/b.cfg"
mkdir -p "$WORK/sub"
same "completion of FILE" "$(complete_words xdpsec check "$WORK/")" "$WORK/site-a.conf"$'\n'"$WORK/sub"
same "completion of a file of wg-quick" "$(complete_words xdpsec import "$WORK/")" "$WORK/site-a.conf"$'\n'"$WORK/sub"
same "completion of help" "$(complete_words xdpsec help "")" "$commands"
like "completion of --device" "$(complete_words xdpsec import --device l)" '(^|\n)lo(\n|$)'
like "completion of -o" "$(complete_words xdpsec import wg0.conf -o "$WORK/b")" 'b.cfg'
same "completion of --bits" "$(complete_words xdpsec genkey --bits "")" $'128\n256'

done_testing
