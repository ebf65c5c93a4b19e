#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `xdpsec metrics` of two sites that agree on keys: judged by the parsers of Prometheus' Python client and, where it is
# installed, by promtool; compared with `status -j`. Then its file, and its listener with clients of all kinds.
# METRICS_SLOW=1: also a client that sends one byte a second, half a minute long. MONITORING=1: also by Prometheus itself.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/agree.sh
. "$here/agree.sh"

/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null || skip_all "no python3-prometheus-client"

METRICS=$here/metrics.py
PORT=7253
OPENMETRICS="Accept: application/openmetrics-text; version=1.0.0"
PROM=$WORK/xdpsec.prom

metrics_a() { xdpsec_a metrics "$NAME_A"; }
# samples [FORM] [FILE]: of A
samples() { "$METRICS" "${1:-openmetrics}"; }
# value NAME LABELS: of A's sample with these labels, which are sorted; "" if there is none
value() { awk -v name="$1" -v labels="$2" '$1 == name && $2 == labels { print $NF }' "$WORK/samples"; }
read_a() { metrics_a >"$WORK/text" && samples <"$WORK/text" >"$WORK/samples"; }
# in_empty CMD...: where no instance is visible
in_empty() { in_a unshare --mount sh -c 'mount -t bpf bpf /sys/fs/bpf && exec "$@"' sh "$@"; }
scrape() { in_a curl -sS -i --max-time 20 "$@"; }
body() { in_a curl -sS --max-time 20 "$@"; }

make_sites
write_agreed_configs

# ---- nothing is up -----------------------------------------------------------------------------------

ok "nothing is up: an answer" in_empty "$XDPSEC" metrics
is "nothing is up: which says so" "$(in_empty "$XDPSEC" metrics | samples | grep '^xdpsec_\(up\|instance\)')" "xdpsec_up - 0"
is "nothing is up: by its name" "$(metrics_a | samples | grep '^xdpsec_\(up\|instance\)')" \
	"xdpsec_instance_up name=$NAME_A 0"$'\n'"xdpsec_up - 0"

ruins() { in_empty sh -c 'mkdir -p /sys/fs/bpf/xdpsec/ruin /sys/fs/bpf/xdpsec/_ruin && "$1" metrics' sh "$XDPSEC"; }
is "ruins, and beside them what a killed command left: once" "$(ruins 2>/dev/null | grep '^xdpsec_instance_up')" \
	'xdpsec_instance_up{name="ruin"} 0'

# ---- up ----------------------------------------------------------------------------------------------

ok "up" up
has_key() { [ "$(status_a .peers[0].agreement.state)" = agreed ] && [ "$(status_a .agent.counters.handshakes)" = 1 ]; }
ok "keys are agreed on" wait_for 10 has_key
ok "traffic" in_a ping -c2 -i0.1 -W2 "$TUNNEL_B4"
was_dropped() {
	in_a ping -c1 -W0.1 203.0.113.140
	[ "$(status_a .drops.no_peer)" -ge 1 ]
}
ok "packets are dropped" wait_for 5 was_dropped

ok "OpenMetrics: valid" read_a
xdpsec_a status "$NAME_A" -j >"$WORK/status.json"
of_status() { jq -r "$1" "$WORK/status.json"; }
is "it is up" "$(value xdpsec_up -) $(value xdpsec_instance_up "name=$NAME_A")" "1 1"
is "every drop reason, with the number of status" "$(sed -n "s/^xdpsec_dropped_packets_total name=$NAME_A,reason=//p" "$WORK/samples")" \
	"$(of_status '.drops | to_entries | sort_by(.key)[] | "\(.key) \(.value)"')"
for direction in tx rx; do
	peer=direction=$direction,name=$NAME_A,peer=site-b
	is "$direction: packets and bytes of status" \
		"$(value xdpsec_peer_packets_total "$peer") $(value xdpsec_peer_bytes_total "$peer")" \
		"$(of_status ".peers[0].$direction | \"\(.packets) \(.bytes)\"")"
	like "$direction: when the last one was" "$(value xdpsec_peer_last_packet_timestamp_seconds "$peer")" '^[0-9]{10}$'
done
peer=name=$NAME_A,peer=site-b
for state in alive never silent; do
	is "state $state" "$(value xdpsec_peer_state "$peer,state=$state")" "$([ $state = alive ] && echo 1 || echo 0)"
done
is "agreement" "$(value xdpsec_peer_agreement_state "$peer,state=agreed") $(value xdpsec_peer_agreement_state "$peer,state=asking")" "1 0"
is "the path MTU of status" "$(value xdpsec_peer_path_mtu_bytes "$peer") $(value xdpsec_peer_inner_mtu_bytes "$peer")" \
	"$(of_status '.peers[0] | "\(.outer_path_mtu) \(.path_mtu)"')"
ok "the key is young, and expires within its 540 seconds" \
	[ "$(value xdpsec_peer_key_age_seconds "$peer")" -lt 60 -a "$(value xdpsec_peer_key_expiry_seconds "$peer")" -le 540 ]
ok "the handshake was just now" [ "$(($(date +%s) - $(value xdpsec_peer_handshake_timestamp_seconds "$peer")))" -lt 60 ]
is "handshakes" "$(value xdpsec_peer_handshakes_total "$peer") $(value xdpsec_agreement_events_total "event=handshakes,name=$NAME_A")" "1 1"
like "refused messages by reason" "$(value xdpsec_agreement_refused_messages_total "name=$NAME_A,reason=bad_mac1")" '^[0-9]+$'
like "cipher and driver" "$(<"$WORK/samples")" "xdpsec_peer_info cipher=aes-[0-9]+-ocb,driver=[a-z]+\([a-z0-9_-]+\),keys=agreed,name=$NAME_A,peer=site-b 1"
like "device, mode, XDP and version" "$(<"$WORK/samples")" "xdpsec_instance_info device=eth0,mode=tunnel,name=$NAME_A,version=[^,]+,xdp=(native|generic) 1"
is "the agent runs" "$(value xdpsec_agent_running "name=$NAME_A")" 1
is "no address and no key is a label" "$(grep -E "$B4|$A4|$(<"$WORK/a.public")|$(<"$WORK/b.public")" "$WORK/text")" ""

"$METRICS" families <"$WORK/text" >"$WORK/families"
is "all names begin alike" "$(grep -v '^xdpsec_' "$WORK/families")" ""
is "a name that ends in a unit has it" "$(awk '$1 ~ /_(seconds|bytes|ratio|packets)$/ && $1 !~ ("_" $3 "$")' "$WORK/families")" ""
# The bound of docs/monitoring.md, where there are 33 reasons.
reasons=$(of_status '.drops | length')
ok "no more series than the documents say" [ "$(wc -l <"$WORK/samples")" -le $((3 + 57 + reasons + 29 + 2 * reasons)) ]
mapfile -t names < <(sed 's/ .*//' "$WORK/families")
documented=0
for name in "${names[@]}"; do
	grep -q "\`$name\(_total\|_info\)\?\`" "$here/../../../docs/monitoring.md" && documented=$((documented + 1)) ||
		diag "not in docs/monitoring.md: $name"
done
is "each metric is in docs/monitoring.md" "$documented" "${#names[@]}"

# ---- a file ------------------------------------------------------------------------------------------

ok "a file for node_exporter" xdpsec_a metrics "$NAME_A" -o "$PROM"
is "for other users as well" "$(stat -c %a "$PROM")" 644
ok "valid as Prometheus' text" samples text <"$PROM"
# Values go on meanwhile, and one of a time always.
names_of() { sed 's/ [^ ]*$//' | grep -v ' name=[^,]*,peer=site-b,reason=\|xdpsec_peer_dropped'; }
is "with the same samples" "$(samples text <"$PROM" | names_of)" "$(names_of <"$WORK/samples")"
inode=$(stat -c %i "$PROM")
exec 3<"$PROM"
ok "once more" xdpsec_a metrics "$NAME_A" -o "$PROM"
ok "as another file: who has the old one open reads that to its end" [ "$(stat -c %i "$PROM")" != "$inode" -a "$(tail -c1 <&3 | wc -l)" = 1 ]
exec 3<&-
cp "$PROM" "$WORK/before"
without_room() { (trap '' XFSZ; ulimit -f 1; xdpsec_a metrics "$NAME_A" -o "$PROM"); }
refuses "no room" without_room
like "no room: says so" "$TAP_OUTPUT" "^xdpsec: $PROM: File too large$"
ok "no room: the old file is as it was" cmp "$PROM" "$WORK/before"
refuses "no such directory" xdpsec_a metrics "$NAME_A" -o "$WORK/none/x.prom"
like "no such directory: says so" "$TAP_OUTPUT" "^xdpsec: $WORK/none/x.prom: No such file or directory"$'\n'"hint: make its directory"
refuses "a directory" xdpsec_a metrics "$NAME_A" -o "$WORK"
like "a directory: says so" "$TAP_OUTPUT" "^xdpsec: $WORK: Is a directory"$'\n'"hint: FILE is the path of a file"
mkdir "$WORK/targets"
mknod "$WORK/targets/null" c 1 3 && mkfifo "$WORK/targets/fifo" && ln -s "$PROM" "$WORK/targets/link" || bail "no targets"
before=$(cd "$WORK/targets" && stat -c '%n %F %i' ./*)
for target in null fifo link; do
	refuses "no regular file: $target" xdpsec_a metrics "$NAME_A" -o "$WORK/targets/$target"
	like "no regular file: says so" "$TAP_OUTPUT" "^xdpsec: $WORK/targets/$target: not a regular file.*"$'\n'"hint: without --output, xdpsec metrics prints them"
done
is "no regular file: each is as it was" "$(cd "$WORK/targets" && stat -c '%n %F %i' ./*)" "$before"
is "no other file is left" "$(find "$WORK" -name 'xdpsec.prom?*')" ""
if command -v promtool >/dev/null; then
	ok "promtool has no complaint" promtool check metrics <"$PROM"
	printf '# TYPE wrong counter\nwrong 1\n' >"$WORK/wrong.prom"
	refuses "and would have one" promtool check metrics <"$WORK/wrong.prom"
else
	skip "promtool has no complaint" "no promtool: make monitoring"
fi

# ---- the listener ------------------------------------------------------------------------------------

LOG=$WORK/listener.log
# listen NAME ARGUMENTS...: in the background; its process in $LISTENER
listen() {
	"${AS[@]}" "$XDPSEC" metrics "$@" >/dev/null 2>>"$LOG" &
	LISTENER=$!
	defer stop $LISTENER
}
stop() { ! kill -0 "$1" 2>/dev/null || kill "$1"; }
answers() { body "http://127.0.0.1:$PORT/" >/dev/null; }
ends() {
	local pid=$1

	kill "$pid" && wait "$pid"
}

if ! command -v curl >/dev/null; then
	skip "the listener" "no curl"
elif ! ldconfig -p | grep -q 'libmicrohttpd\.so\.12'; then
	skip "the listener" "no libmicrohttpd"
else
	AS=(nsenter "--net=/run/netns/$SITE_A" --)
	listen "$NAME_A" --listen "127.0.0.1:$PORT"
	ok "it listens" wait_for 5 answers
	is "without root" "$(ps -o user= -p "$LISTENER" | grep -c root)" 0
	is "and without a capability" "$(awk '/^Cap(Eff|Prm|Bnd)/ { print $2 }' "/proc/$LISTENER/status" | sort -u)" 0000000000000000
	collector=$(pgrep -P "$LISTENER")
	is "what reads the instances has no socket of the network" \
		"$(for fd in "/proc/$collector/fd/"*; do readlink "$fd"; done | grep -c socket)" 1
	like "OpenMetrics, if asked for" "$(scrape -H "$OPENMETRICS" "http://127.0.0.1:$PORT/metrics")" \
		$'^HTTP/1.1 200 OK\r\n.*Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n.*# EOF$'
	ok "which is valid" samples < <(body -H "$OPENMETRICS" "http://127.0.0.1:$PORT/metrics")
	like "Prometheus' text otherwise" "$(scrape "http://127.0.0.1:$PORT/metrics")" $'\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n'
	like "and if that is preferred" "$(scrape -H "Accept: text/plain, application/openmetrics-text;q=0" "http://127.0.0.1:$PORT/metrics")" \
		$'\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n'
	ok "which is valid" samples text < <(body "http://127.0.0.1:$PORT/metrics")
	like "another path" "$(scrape "http://127.0.0.1:$PORT/other")" '^HTTP/1.1 404 .*the metrics are at /metrics'
	like "another method" "$(scrape -X POST -d x "http://127.0.0.1:$PORT/metrics")" $'^HTTP/1.1 405 .*\nAllow: GET, HEAD\r'
	if [ "${MONITORING:-}" ] && command -v prometheus prometheus-node-exporter >/dev/null; then
		mkdir "$WORK/textfiles"
		ok "a file for node_exporter" xdpsec_a metrics "$NAME_A" -o "$WORK/textfiles/xdpsec.prom"
		nsenter "--net=/run/netns/$SITE_A" -- prometheus-node-exporter --collector.disable-defaults --collector.textfile \
			--collector.textfile.directory="$WORK/textfiles" --web.listen-address=127.0.0.1:9100 &>"$WORK/exporter.log" &
		exporter=$!
		defer stop $exporter
		printf '%s\n' 'scrape_configs:' "- {job_name: listener, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:$PORT']}]}" \
			"- {job_name: file, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:9100']}]}" >"$WORK/prometheus.yml"
		nsenter "--net=/run/netns/$SITE_A" -- prometheus --config.file="$WORK/prometheus.yml" --storage.tsdb.path="$WORK/tsdb" \
			--web.listen-address=127.0.0.1:9090 &>"$WORK/prometheus.log" &
		prometheus=$!
		defer stop $prometheus
		# query WORDS: the values of the first, by job
		query() { body -G "http://127.0.0.1:9090/api/v1/query" --data-urlencode "query=$1" | jq -r '.data.result[] | "\(.metric.job) \(.value[1])"' | sort; }
		has_both() { [ "$(query 'xdpsec_peer_packets_total{direction="tx"} > 0' | wc -l)" = 2 ]; }
		ok "Prometheus has it from the listener, and from node_exporter" wait_for 30 has_both
		is "with the same value" "$(query 'xdpsec_instance_up' | cut -d' ' -f1,2)" $'file 1\nlistener 1'
		is "and the unit" "$(body 'http://127.0.0.1:9090/api/v1/metadata?metric=xdpsec_peer_bytes' | jq -r '.data.xdpsec_peer_bytes[0] | "\(.type) \(.unit)"')" "counter bytes"
		# It writes its files as it ends.
		kill "$prometheus" "$exporter" && wait "$prometheus" "$exporter"
	else
		skip "Prometheus and node_exporter" "only by make monitoring"
	fi
	is "clients of all kinds" "$(in_a "$METRICS" clients 127.0.0.1 $PORT)" \
		"eight at once: 200 8
garbage: closed
a version of HTTP that there is not: 505
a request too long: 414
beside many that wait, from another address: 200
at once: True
of those that wait, some are refused: True"
	ok "and it goes on" answers
	if [ "${METRICS_SLOW:-}" ]; then
		age=$(in_a "$METRICS" drip 127.0.0.1 $PORT)
		ok "a byte a second is not enough for ever: $age s" [ "$age" -ge 30 -a "$age" -le 40 ]
	fi
	refuses "the port is in use" in_a "$XDPSEC" metrics --listen "127.0.0.1:$PORT"
	like "the port is in use: says so" "$TAP_OUTPUT" "^xdpsec: --listen 127.0.0.1:$PORT: another program listens there"$'\n'"hint: ss -ltnp"
	refuses "not an address of this host" in_a "$XDPSEC" metrics --listen "203.0.113.99:$PORT"
	like "not an address of this host: says so" "$TAP_OUTPUT" '--listen 203.0.113.99:7253: not an address of this host'
	without_library() {
		in_a unshare --mount sh -c 'mount --bind /dev/null "$1" && shift && exec "$@"' sh \
			"$(realpath "$(ldconfig -p | sed -n 's/.*libmicrohttpd\.so\.12 .*=> //p' | head -n 1)")" "$@"
	}
	refuses "no library" without_library "$XDPSEC" metrics --listen "127.0.0.1:$((PORT + 1))"
	like "no library: says so" "$TAP_OUTPUT" '^xdpsec: metrics: no listener: .*libmicrohttpd.*'$'\n''hint: apt install libmicrohttpd12$'
	ok "no library: a file needs none" without_library "$XDPSEC" metrics "$NAME_A" -o "$PROM"
	kill "$collector"
	is_over() { ! kill -0 "$LISTENER"; }
	scrape "http://127.0.0.1:$PORT/metrics" >"$WORK/answer"
	like "nobody reads the instances: says so" "$(<"$WORK/answer")" '^HTTP/1.1 503 '
	ok "and ends, for a supervisor to start it anew" wait_for 5 is_over

	# What the unit does: a user without rights, and a file.
	: >"$LOG"
	AS=(nsenter "--net=/run/netns/$SITE_A" -- setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all
		--no-new-privs)
	chmod 711 "$WORK"
	cp "$XDPSEC" "$WORK/program"
	run=$XDPSEC XDPSEC=$WORK/program
	listen --listen "[::1]:$PORT" --from "$PROM"
	XDPSEC=$run
	served() { body "http://[::1]:$PORT/metrics" >"$WORK/answer" && cmp "$WORK/answer" "$PROM"; }
	ok "from a file: as it is, over IPv6" wait_for 5 served
	ok "a new one" xdpsec_a metrics "$NAME_A" -o "$PROM"
	ok "is served at once" served
	touch -d '-1 hour' "$PROM"
	like "one that nobody writes any more is not served" "$(scrape "http://[::1]:$PORT/metrics")" '^HTTP/1.1 503 .*The log of the listener says why'
	like "and the log says why" "$(<"$LOG")" "xdpsec: $PROM: 36[0-9][0-9] s old, and not served: nobody writes it any more"$'\n'"hint: systemctl status xdpsec-metrics.timer"
	rm "$PROM"
	like "nor one that is not there" "$(scrape "http://[::1]:$PORT/metrics")" '^HTTP/1.1 503 '
	ok "SIGTERM ends it, without an error" ends "$LISTENER"
fi

ok "down" down
done_testing
