#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# README.md and docs/*.md: what they link to and name is there, and names, numbers and sizes are those of the
# headers.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$TOP" || bail "no $TOP"
PAGES=(README.md docs/*.md)
PROTOCOL=docs/protocol.md ARCHITECTURE=docs/architecture.md AGREEMENT=docs/agreement.md
DIRECTORIES='include|tc|xdp|loader|bench|tests|scripts|man|dist|docs|[.]ci'

# links PAGE: the targets of its links, of both kinds; a reference without a definition as it is
links() {
	perl -0777 -ne '
		s/^```.*?^```//msg;
		s/^(?: {4}|\t).*$//mg;
		my %defined;
		$defined{lc $1} = $2 while s/^\[([^\]]+)\]:\s*(\S+)\s*$//m;
		s/`[^`\n]*`//g;
		print "$2\n" while s/\[([^\]]+)\]\(([^)\s]+)\)//s;
		while (s/\[([^\]\n]+)\](?:\[([^\]\n]*)\])?//) {
			my $name = lc($2 || $1);
			print exists $defined{$name} ? "$defined{$name}\n" : "no definition of [$name]\n";
		}' "$1"
}

# anchors PAGE: of its headings, as they are made of them on the web
anchors() {
	sed -n '/^```/,/^```/d; s/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# broken_links PAGE
broken_links() {
	local target file anchor

	while read -r target; do
		case $target in
		http://* | https://*) continue ;;
		esac
		file=${target%%#*} anchor=
		[[ $target != *'#'* ]] || anchor=${target#*#}
		file=${file:+$(dirname "$1")/$file}
		file=${file:-$1}
		if [ ! -e "$file" ]; then
			echo "$target"
		elif [ -n "$anchor" ] && ! anchors "$file" | grep -qxF -e "$anchor"; then
			echo "$target: no such heading"
		fi
	done < <(links "$1")
}

# missing_files PAGE: paths of the tree, and objects, that it names anywhere and that are not there
missing_files() {
	local name

	grep -oP "(?<![\w/.@-])(?:$DIRECTORIES)/[\w.*/{}@,-]*\w" "$1" | sort -u | while read -r name; do
		[ -e "$name" ] || compgen -G "$name" >/dev/null || echo "$name"
	done
	grep -oP '\b\w+[.]bpf[.]o\b' "$1" | sort -u | while read -r name; do
		compgen -G "*/${name%.o}.c" >/dev/null || compgen -G "*/*/${name%.o}.c" >/dev/null || echo "$name"
	done
}

# in_table COLUMN PAGE: the first code in that column of its tables
in_table() {
	sed -n '/^|/p' "$2" | cut -d'|' -f$(($1 + 1)) | sed -n 's/^ *`\([^`]*\)`.*/\1/p'
}

# values EXPRESSION...: by the compiler, one each line
values() {
	{
		printf '#include <stdio.h>\n#include "xdpsec/wire.h"\n#include "plane/instance.h"\nint main(void)\n{\n'
		printf '\tprintf("%%llu\\n", (unsigned long long)(%s));\n' "$@"
		printf '\treturn 0;\n}\n'
	} >"$WORK/values.c"
	"${CC:-cc}" -Iinclude -Iloader -o "$WORK/values" "$WORK/values.c" && "$WORK/values"
}

# ---- links and names ------------------------------------------------------------------------------------

for page in "${PAGES[@]}"; do
	is "$page: every link leads somewhere" "$(broken_links "$page")" ""
	is "$page: every file that it names is there" "$(missing_files "$page")" ""
done
for page in docs/*.md; do
	is "$page: no line outside of a table has more than 120 columns" "$(grep -nE '^[^|].{120,}$' "$page")" ""
done
like "there are links" "$(links $PROTOCOL | wc -l)" '^[0-9]{2,}$'

cat >"$WORK/page.md" <<'END'
# A page
[a page](page.md#a-page) [nothing](nothing.md) [a heading](page.md#nothing) [a reference] [another]
`loader/nothing.c` and tc/seal.bpf.c and /usr/loader/nothing.c and nothing.bpf.o
```
[in code](code.md)
```
[a reference]: reference.md
END
is "broken links would be noticed" "$(broken_links "$WORK/page.md")" \
	"nothing.md
page.md#nothing: no such heading
reference.md
no definition of [another]"
is "missing files would be noticed" "$(missing_files "$WORK/page.md")" "loader/nothing.c
nothing.bpf.o"

# ---- the tree, and the headers --------------------------------------------------------------------------

is "$ARCHITECTURE has every map" \
	"$(sed -n 's/^} \([a-z_]*\) SEC("\.maps");/\1/p' include/xdpsec/{maps,fast}.bpf.h | sort)" \
	"$(sed -n '/^## Maps/,/^## /p' $ARCHITECTURE | in_table 1 /dev/stdin | grep -vx 'instance\|peer_records\|slots\|device_slots' | sort -u)"

mapfile -t sizes < <(grep -oP '`struct \w+`, \d+' $ARCHITECTURE)
like "there are sizes" "${#sizes[@]}" '^[0-9]{2,}$'
mapfile -t expressions < <(printf '%s\n' "${sizes[@]}" | sed 's/`\(.*\)`.*/sizeof(\1)/')
is "$ARCHITECTURE has the sizes of the structures" "$(printf '%s\n' "${sizes[@]}" | sed 's/.*, //')" \
	"$(values "${expressions[@]}")"

mapfile -t constants < <(in_table 1 $PROTOCOL | grep '^XDPSEC_')
is "$PROTOCOL has every constant" "$(printf '%s\n' "${constants[@]}" | sort)" \
	"$(grep -oP '^(#define |\t)\KXDPSEC_\w+(?=\s+[^\s])' include/xdpsec/wire.h | grep -v _H$ | sort)"
is "$PROTOCOL has their values" \
	"$(sed -n 's/^| `XDPSEC_[A-Z0-9_]*` | \([0-9]*\) |.*/\1/p' $PROTOCOL)" "$(values "${constants[@]}")"

reasons=$(sed -n 's/^\tX([A-Z_]*, "\([a-z_]*\)".*/\1/p' include/xdpsec/abi.h)
like "there are drop reasons" "$reasons" 'plaintext.*crypto'
is "$PROTOCOL or docs/tunnel.md says when each drop reason is counted" \
	"$(for reason in $reasons; do grep -q "^|.*\`$reason\`" $PROTOCOL docs/tunnel.md || echo "$reason"; done)" ""

# ---- the examples ---------------------------------------------------------------------------------------

PYTHON=/usr/bin/python3
if "$PYTHON" -c 'from cryptography.hazmat.primitives.ciphers.aead import AESOCB3' 2>/dev/null; then
	"$PYTHON" docs/example.py >"$WORK/example" || bail "docs/example.py does not run"
	is "the example is what docs/example.py prints" \
		"$(sed -n '/^key  /,/^```/p' $PROTOCOL | grep -v '^```')" "$(<"$WORK/example")"
	"$PYTHON" tests/agreement/oracle.py example >"$WORK/example" || bail "tests/agreement/oracle.py does not run"
	is "the example of $AGREEMENT is what tests/agreement/oracle.py prints" \
		"$(sed -n '/^S_i  /,/^```/p' $AGREEMENT | grep -v '^```')" "$(<"$WORK/example")"
else
	skip "the example is what docs/example.py prints" "no python3-cryptography with AES-OCB3"
	skip "the example of $AGREEMENT is what tests/agreement/oracle.py prints" "no python3-cryptography"
fi

# ---- the key agreement ----------------------------------------------------------------------------------

# Rows "| name | value | `expression` |": the value in seconds, milliseconds or neither.
{
	printf '#include <stdio.h>\n'
	printf '#include "%s"\n' agreement/agreement_times.h agreement/load.h agreement/timestamp.h config/config.h
	printf 'int main(void)\n{\n'
	sed -n '/^## Constants/,/^## /s/^| \([^|]*\) | \([0-9]*\) *\(m\?s\?\) | `\([^`]*\)` |.*/\1|\2|\3|\4/p' $AGREEMENT |
		while IFS='|' read -r name value unit expression; do
			case $unit:$expression in
			s:REJECT_AFTER) divisor=1 ;;
			s:*) divisor=NS_PER_SECOND ;;
			ms:*) divisor=NS_PER_MS ;;
			*) divisor=1 ;;
			esac
			printf '\tif ((unsigned long long)(%s) != %sULL * %s)\n\t\tputs("%s");\n' \
				"$expression" "$value" $divisor "$name"
		done
	printf '\treturn 0;\n}\n'
} >"$WORK/times.c"
like "there are constants of the agreement" "$(grep -c puts "$WORK/times.c")" '^2[0-9]$'
"${CC:-cc}" -Iinclude -Iloader -o "$WORK/times" "$WORK/times.c" loader/agreement/agreement_times.c ||
	bail "the constants of $AGREEMENT do not compile"
is "$AGREEMENT has the constants of the code" "$("$WORK/times")" ""

refusals=$(sed -n 's/^\tX(REFUSED_[A-Z0-9_]*, "\([a-z0-9_]*\)".*/\1/p' loader/agreement/message.h)
like "there are refusals" "$refusals" 'bad_mac1.*too_soon'
is "$AGREEMENT says when each message is refused" \
	"$(for name in $refusals; do grep -q "^|.*\`$name\`" $AGREEMENT || echo "$name"; done)" failed

done_testing
