#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion by bash, zsh and fish: commands, options and files. (Instances and peers are in tests/netns/status_table.t.)
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/complete.sh
. "$TOP/tests/complete.sh"

# same NAME GOT WANT: as sets of lines; a directory with a slash or without
same() { is "$1" "$(sed 's|/$||' <<<"$2" | sort -u)" "$(sort -u <<<"$3")"; }

commands=$("$XDPSEC" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]\+\) .*/\1/p')
# options_of COMMAND: as its page has them, but for those that need no command
options_of() {
	"$XDPSEC" help "$1" | sed -n '/^Options:/,/^$/s/^  \(-[a-zA-Z]\|  \),\? *\(--[a-z-]*\).*/\1\n\2/p' | grep -vxE ' *|-V|--version'
}
like "there are commands and options" "$commands $(options_of up)" 'status.*--new-key'

mkdir "$WORK/files"
cd "$WORK/files" || bail "no $WORK/files"
touch site-a.conf site-b.conf notes.txt
mkdir sub
for shell in bash zsh fish; do
	if ! command -v "$shell" >/dev/null; then
		skip "$shell completes" "no $shell"
		continue
	fi
	same "$shell: commands" "$(offers "$shell" "xdpsec " | grep -v '^-')" "$commands"
	is "$shell: the beginning of a command" "$(offers "$shell" "xdpsec sta")" "status"
	# The rest needs a shell each time, which takes long where it is not bash.
	for command in $([ "$shell" = bash ] && echo "$commands" || echo up status check import metrics version); do
		same "$shell: options of $command" "$(offers "$shell" "xdpsec $command -" | grep '^-')" "$(options_of "$command")"
	done
	is "$shell: behind options and their arguments is the command" "$(offers "$shell" "xdpsec -n x --state-dir y che")" "check"
	same "$shell: FILE" "$(offers "$shell" "xdpsec check ./" | sed 's|^[.]/||')" $'site-a.conf\nsite-b.conf\nsub'
	is "$shell: only one FILE" "$(offers "$shell" "xdpsec check ./site-a.conf ./")" ""
	same "$shell: any file for -o" "$(offers "$shell" "xdpsec import x -o ./n" | sed 's|^[.]/||')" notes.txt
	like "$shell: a device" "$(offers "$shell" "xdpsec import --device l")" '(^|\n)lo(\n|$)'
	same "$shell: a length" "$(offers "$shell" "xdpsec genkey --bits ")" $'128\n256'
	same "$shell: =LENGTH" "$(offers "$shell" "xdpsec genkey --bits=" | sed 's/^--bits=//')" $'128\n256'
	like "$shell: =DEVICE" "$(offers "$shell" "xdpsec import --device=l" | sed 's/^--device=//')" '(^|\n)lo(\n|$)'
	is "$shell: behind an option with \"=\" is the command" "$(offers "$shell" "xdpsec --netns=x --state-dir=y che")" "check"
	is "$shell: and options of the command" "$(offers "$shell" "xdpsec --netns=x metrics --listen=127.0.0.1:7253 --fr")" "--from"
	is "$shell: behind an option of the command is FILE" "$(offers "$shell" "xdpsec check -n x ./site-a" | sed 's|^[.]/||')" site-a.conf
	is "$shell: behind an address" "$(offers "$shell" "xdpsec metrics --listen 127.0.0.1:7253 --fr")" "--from"
	same "$shell: help" "$(offers "$shell" "xdpsec help ")" "$commands"
	is "$shell: no instance" "$(offers "$shell" "xdpsec down no-such-ins")" ""
done

# ---- where each shell looks for it ----------------------------------------------------------------------

# installed PREFIX: what `make install` would write, as far as it is completion. The build has its own output.
installed() {
	make -C "$TOP" -n install PREFIX="$1" DESTDIR= 2>/dev/null | grep -oE ' /[^ ]*(completions/xdpsec|/_xdpsec|xdpsec[.]fish)( |$)' | tr -d ' ' | sort -u
}
if command -v make >/dev/null && make -C "$TOP" -n install >/dev/null 2>&1; then
	same "PREFIX=/usr: the directories of packages" "$(installed /usr)" "/usr/share/bash-completion/completions/xdpsec
/usr/share/fish/vendor_completions.d/xdpsec.fish
/usr/share/zsh/vendor-completions/_xdpsec"
	same "PREFIX=/usr/local: those of the machine" "$(installed /usr/local)" "/etc/fish/completions/xdpsec.fish
/usr/local/share/bash-completion/completions/xdpsec
/usr/local/share/zsh/site-functions/_xdpsec"
else
	skip "make install" "what building needs is not here"
fi
done_testing
