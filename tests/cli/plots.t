#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The pictures of docs/pictures: they are well formed, shown by a document in both colours, and have the figures of
# bench/results and the words of their text sources.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

PICTURES=$TOP/docs/pictures
RESULTS=$TOP/bench/results

# words FILE: the texts of an SVG, one a line
words() {
	/usr/bin/python3 -c '
import sys, xml.etree.ElementTree as tree
for text in tree.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}text"):
    print("".join(text.itertext()).strip())' "$1"
}

# figures FILE FILTER: those of the results, as the pictures have them
figures() { jq -r ".paths[] | select($2) | .instructions" "$RESULTS/$1" | awk '{ printf "%.1f\n", $1 / 1000 }'; }

# lacks PICTURE: the lines of the standard input that are no text of it
lacks() { sort -u | comm -23 - "$WORK/$1"; }

drawn='.peer | test("^(wireguard|esp-transport|esp-tunnel|xdpsec-inline|xdpsec-tunnel)$")'
shopt -s nullglob
for picture in "$PICTURES"/*.svg; do
	name=$(basename "$picture")
	words "$picture" >"$WORK/words"
	sort -u "$WORK/words" >"$WORK/$name"
	ok "$name is well formed, and has text" [ -s "$WORK/words" ]
	ok "$name: a document shows it" grep -qs "pictures/$name" "$TOP/README.md" "$TOP"/docs/*.md
done
for name in udp tcp ping packet; do
	is "$name: the same words in light and dark" "$(<"$WORK/$name-light.svg")" "$(<"$WORK/$name-dark.svg")"
done

if command -v jq >/dev/null; then
	for protocol in udp tcp; do
		is "$protocol: the figures of vmbench" "$(figures vmbench-6.12.json "($drawn) and .protocol == \"$protocol\"" | lacks $protocol-light.svg)" ""
		is "$protocol: those with the module" "$(figures vmbench-6.12-module.json "($drawn) and .protocol == \"$protocol\"" | lacks $protocol-light.svg)" ""
	done
	is "ping: those of gateways" "$(figures vmbench-6.12-gateway.json '(.peer | test("^(forward|wireguard|esp-tunnel|xdpsec)@")) and .protocol == "ping"' | lacks ping-light.svg)" ""
	is "one that is not there would be noticed" "$(echo 12345.6 | lacks udp-light.svg)" 12345.6
	for result in "$RESULTS"/*.json; do
		ok "$(basename "$result") says by which commands" jq -e '.kernel and (.commands | length > 0) and (.paths | length > 0)' "$result"
	done
else
	skip "the figures" "no jq"
fi
# Labels of nodes, edges and frames, line by line.
is "packet: the words of its source" "$(grep -o 'label="[^"]*"' "$PICTURES/packet.dot" | sed 's/label="//; s/"$//; s/\\n/\n/g; s/^ *//' | sed 's/^ *//' | lacks packet-light.svg)" ""
is "packet: its programs are those that there are" "$(grep -o 'xdpsec_[a-z]*' "$PICTURES/packet.dot" | sort -u | while read -r program; do
	grep -qs "\`$program\`" "$TOP/docs/architecture.md" || echo "$program"
done)" ""

if command -v gnuplot >/dev/null && command -v jq >/dev/null; then
	ok "bench/plot draws" "$TOP/bench/plot" -o "$WORK/drawn" "$RESULTS"/*.json
	for name in udp tcp ping; do
		is "$name: with the words of the one that is committed" "$(words "$WORK/drawn/$name-dark.svg" | sort -u)" "$(<"$WORK/$name-dark.svg")"
	done
	refuses "without results it says so" "$TOP/bench/plot"
	like "with what makes them" "$TAP_OUTPUT" "^plot: no results: make vmbench$"
else
	skip "bench/plot draws" "no gnuplot: make plots"
fi
done_testing
