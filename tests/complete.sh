# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the shells offer for a command line, one candidate a line. To be sourced after tap.sh, with XDPSEC and WORK set.

COMPLETIONS=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../dist")
# The program that they ask for peers.
mkdir -p "$WORK/path"
ln -sf "$XDPSEC" "$WORK/path/xdpsec"

# shells: those that are installed
shells() {
	local shell

	for shell in bash zsh fish; do
		! command -v "$shell" >/dev/null || echo "$shell"
	done
}

# offers SHELL LINE: with the cursor at its end
offers() {
	PATH=$WORK/path:$PATH "offers_$1" "$2" | sort -u
}

offers_bash() {
	# shellcheck disable=SC2016 # for the other shell
	bash --norc -c '
		compopt() { :; }
		. "$1/xdpsec.bash-completion"
		# COMP_WORDBREAKS has these two as well.
		read -ra COMP_WORDS <<<"$(sed -E "s/([=:]+)/ \\1 /g" <<<"$2")"
		[[ $2 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
		_xdpsec
		[ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' bash "$COMPLETIONS" "$1"
}

offers_fish() {
	# shellcheck disable=SC2016
	HOME=$WORK fish --no-config -c 'source "$argv[1]/xdpsec.fish"; complete -C "$argv[2]"' "$COMPLETIONS" "$1" | cut -f1
}

offers_zsh() {
	HOME=$WORK timeout $((20 * TAP_PATIENCE)) "${COMPLETIONS%/dist}/tests/zsh_complete" "$COMPLETIONS" "$1"
}
