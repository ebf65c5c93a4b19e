#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `xdpsec metrics`: mistakes on its command line; its units, alerts and dashboard. These name metrics that there are.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

RULES=$TOP/dist/prometheus/xdpsec.rules.yml
RULES_TEST=$TOP/dist/prometheus/xdpsec.rules.test.yml
DASHBOARD=$TOP/dist/grafana/xdpsec.json
UNITS="xdpsec-metrics.service xdpsec-metrics-http.service xdpsec-metrics.timer"

# ---- the command line --------------------------------------------------------------------------------

prints "two outputs" 2 "xdpsec: metrics: --listen and --output: one of the two
hint: xdpsec metrics --help" "$XDPSEC" metrics --listen 127.0.0.1:7253 -o "$WORK/x.prom"
prints "a file to serve, and no address" 2 "xdpsec: metrics: --from without --listen: where is the file to be served?
hint: xdpsec metrics --listen 127.0.0.1:7253 --from FILE" "$XDPSEC" metrics --from "$WORK/x.prom"
prints "an instance of a file" 2 "xdpsec: metrics: --from FILE has what is in it: NAME cannot choose
hint: xdpsec metrics -o FILE NAME writes a file with that instance only" \
	"$XDPSEC" metrics site-a --listen 127.0.0.1:7253 --from "$WORK/x.prom"
for address in 127.0.0.1 7253 :7253 127.0.0.1: 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:http 127.0.0.1:-1 ::1:7253 '[::1]' \
	'[127.0.0.1]:7253' localhost:7253 127.0.0.256:7253 '[::1:7253' "$(printf 'x%.0s' {1..200}):1" ''; do
	prints "no address: $address" 2 "xdpsec: --listen $address: not ADDRESS:PORT
hint: for example 127.0.0.1:7253, [::1]:7253 or 0.0.0.0:7253" \
		"$XDPSEC" metrics --listen "$address" --from "$WORK/x.prom"
done
# Documentation addresses: nobody has them.
prints "an address of another host" 1 "xdpsec: --listen 203.0.113.77:7253: not an address of this host
hint: \`ip address\` lists them; 127.0.0.1:7253 is for this host only" \
	"$XDPSEC" metrics --listen 203.0.113.77:7253 --from "$WORK/x.prom"

# ---- what reads the metrics --------------------------------------------------------------------------

# The names that the sources have, as the samples have them.
mapfile -t families < <(sed -n 's/.*{ *"\(xdpsec_[a-z_]*\)", METRIC_\([A-Z]*\).*/\1 \2/p; s/^\t\t"\(xdpsec_[a-z_]*\)", METRIC_\([A-Z]*\).*/\1 \2/p' \
	"$TOP"/loader/command/metrics_*.c | sed 's/ COUNTER$/_total/; s/ INFO$/_info/; s/ GAUGE$//')
printf '%s\n' "${families[@]}" | sort >"$WORK/metrics"
like "there are metrics" "$(wc -l <"$WORK/metrics")" '^[3-9][0-9]$'
# unknown FILE: what looks like a metric there, and is none
unknown() { grep -o 'xdpsec_[a-z_]*[a-z]' "$1" | sort -u | comm -23 - "$WORK/metrics"; }
is "the alerts name metrics that there are" "$(unknown "$RULES")" ""
is "so do their tests" "$(unknown "$RULES_TEST")" ""
is "so does the dashboard" "$(unknown "$DASHBOARD")" ""
sed 's/xdpsec_up/xdpsec_upp/' "$RULES" >"$WORK/wrong.yml"
is "a wrong name would be noticed" "$(unknown "$WORK/wrong.yml")" xdpsec_upp
# words LABEL FILE: the values that queries there compare it with
words() { grep -o "\b$1[=!~]*\"[^\"$]*\"" "$2" | sed 's/.*[=~]"//; s/"$//' | tr '|' '\n' | sort -u; }
sed -n 's/^\tX([A-Z_]*, "\([a-z_]*\)".*/\1/p' "$TOP/include/xdpsec/abi.h" >"$WORK/reasons"
sed -n '/peer_state_text/,/^}/s/.*\] = "\([a-z]*\)",.*/\1/p' "$TOP/loader/command/report.c" >"$WORK/states"
sed -n '/^const char \*agreed_state_word/,/^}/p' "$TOP/loader/command/report_agreement.c" | grep -o '"[a-z]*"' | tr -d '"' >>"$WORK/states"
like "there are reasons and states" "$(wc -l <"$WORK/reasons") $(wc -l <"$WORK/states")" '^[34][0-9] 8$'
is "the alerts name reasons that there are" "$(words reason "$RULES" | grep -vxFf "$WORK/reasons")" ""
is "and states" "$(words state "$RULES" | grep -vxFf "$WORK/states")" ""
is "a wrong one would be noticed" "$(words reason <(sed 's/|spoofed/|spofed/' "$RULES") | grep -vxFf "$WORK/reasons")" spofed
is "each alert is tested" "$(sed -n 's/^ *- alert: //p' "$RULES" | sort)" \
	"$(grep -A2 'eval_time' "$RULES_TEST" | sed -n 's/^ *alertname: //p' | sort -u)"
is "each alert is in docs/monitoring.md" \
	"$(sed -n 's/^ *- alert: //p' "$RULES" | while read -r alert; do grep -q "\`$alert\`" "$TOP/docs/monitoring.md" || echo "$alert"; done)" ""
is "each metric is in docs/monitoring.md" "$(while read -r name; do grep -q "^| \`$name\` |" "$TOP/docs/monitoring.md" || echo "$name"; done <"$WORK/metrics")" ""
is "and no other" "$(sed -n 's/^| `\(xdpsec_[a-z_]*\)` .*/\1/p' "$TOP/docs/monitoring.md" | sort | comm -23 - "$WORK/metrics")" ""

if command -v jq >/dev/null; then
	ok "the dashboard is JSON" jq -e . "$DASHBOARD"
	# What Grafana's schema of dashboards demands: panels with a type, a place, a source and queries, each id once.
	is "each panel is complete" "$(jq -c '.panels[] | select((.id and .type and .title and .datasource.uid and (.targets | length > 0) and
		([.gridPos.x, .gridPos.y, .gridPos.w, .gridPos.h] | all(type == "number")) and
		([.targets[] | .refId and .expr] | all)) | not) | .title' "$DASHBOARD")" ""
	is "no id twice" "$(jq -c '[.panels[].id] | length - (unique | length)' "$DASHBOARD")" 0
	is "within the grid of 24 columns" "$(jq -c '[.panels[].gridPos | select(.x + .w > 24)]' "$DASHBOARD")" "[]"
	is "no panel over another" "$(jq -c '[.panels[] as $a | .panels[] as $b | select($a.id < $b.id and
		$a.gridPos.x < $b.gridPos.x + $b.gridPos.w and $b.gridPos.x < $a.gridPos.x + $a.gridPos.w and
		$a.gridPos.y < $b.gridPos.y + $b.gridPos.h and $b.gridPos.y < $a.gridPos.y + $a.gridPos.h) | $a.title]' "$DASHBOARD")" "[]"
	is "its variables are defined" "$(jq -r '[.. | strings | scan("\\$\\{?([a-z]+)\\}?")[0]] | unique[]' "$DASHBOARD" | sort)" \
		"$(jq -r '.templating.list[].name' "$DASHBOARD" | sort)"
	# Its queries as rules, so that promtool can judge them.
	jq '{ groups: [{ name: "dashboard", rules: [.panels[].targets[].expr | { record: "q", expr: (gsub("\\$__rate_interval"; "5m") |
		gsub("\\$[a-z]+"; ".*")) }] | to_entries | map(.value + { record: "q\(.key)" }) }] }' "$DASHBOARD" >"$WORK/queries.yml"
	like "it has queries" "$(jq '.groups[0].rules | length' "$WORK/queries.yml")" '^1[0-9]$'
else
	skip "the dashboard" "no jq"
fi
if command -v promtool >/dev/null; then
	ok "promtool: the alerts" promtool check rules "$RULES"
	ok "promtool: their tests" promtool test rules "$RULES_TEST"
	sed 's/{series: .xdpsec_up.,/&/; s/values: .1x4 0x20./values: "1x24"/' "$RULES_TEST" >"$WORK/test.yml"
	cp "$RULES" "$WORK/"
	refuses "promtool: a test whose alert does not come fails" promtool test rules "$WORK/test.yml"
	ok "promtool: the queries of the dashboard" promtool check rules "$WORK/queries.yml"
else
	skip "the alerts by promtool" "no promtool: make monitoring"
fi

# ---- units -------------------------------------------------------------------------------------------

if command -v systemd-analyze >/dev/null; then
	for unit in $UNITS; do
		sed "s|@SBINDIR@|$(dirname "$XDPSEC")|g" "$TOP/dist/$unit"* >"$WORK/$unit"
	done
	for unit in $UNITS; do
		prints "$unit: every line is understood" 0 "" systemd-analyze verify --man=no "$WORK/$unit"
	done
	# A tenth of what systemd says, from 0 (none) to 100.
	exposure() {
		systemd-analyze security --offline=yes --no-pager "$WORK/$1" |
			sed -n 's/.*Overall exposure level for [^:]*: \([0-9]*\)[.]\([0-9]\).*/\1\2/p'
	}
	if [ "$(exposure xdpsec-metrics.service)" ]; then
		ok "what reads is exposed by $(exposure xdpsec-metrics.service)" [ "$(exposure xdpsec-metrics.service)" -le 40 ]
		ok "what listens is exposed by $(exposure xdpsec-metrics-http.service)" [ "$(exposure xdpsec-metrics-http.service)" -le 15 ]
	else
		skip "exposure" "this systemd-analyze does not judge files"
	fi
else
	skip "the units" "there is no systemd-analyze"
fi
done_testing
