#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Frames that somebody sends out of the far end of a tunnel device, past TC (PACKET_QDISC_BYPASS), with the mark of a
# folded frame: the near end must not take kernel memory in front of them for their head. CAP_NET_RAW is enough to send.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# forge NONCE [ETHERTYPE]: how many of the frames with such a mark arrive at the near end, and how many of them longer than
# they were sent; with another Ethertype they have no mark
forge() {
	ip netns exec "$SITE_B" setpriv --bounding-set=-all,+net_raw --inh-caps=-all,+net_raw \
		/usr/bin/python3 - "$far" xs0 "$1" "${2:-0x88b5}" <<'PYTHON'
import socket, struct, sys

far, near, nonce = sys.argv[1], sys.argv[2], int(sys.argv[3], 0)
ethertype = struct.pack(">H", int(sys.argv[4], 0))
BYPASS, TEXT = 20, b"FORGED:)" * 8
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
out.bind((far, 0))
out.setsockopt(263, BYPASS, 1)

def send(frame):
    try:
        out.send(frame)
    except OSError:
        pass

arrived = longer = 0
for _ in range(15):
    # The nonce is in memory that is used again.
    for _ in range(300):
        send(b"\2" * 12 + b"\x08\x00" + struct.pack("<Q", nonce) * 150)
    into = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    into.bind((near, 0))
    into.setblocking(False)
    for by in range(1, 193):
        send(struct.pack("<QI", nonce, by) + ethertype + TEXT)
    while True:
        try:
            frame = into.recv(4096)
        except BlockingIOError:
            break
        arrived += frame.endswith(TEXT)
        longer += frame.endswith(TEXT) and len(frame) > len(TEXT) + 14
    into.close()
print(arrived, longer)
PYTHON
}

make_sites
UNDERLAY=4
write_tunnel_configs
ok "up" up || bail "not up"
far=$(ip -n "$SITE_B" -j link | jq -r '.[] | select(.link == "xs0") | .ifname')
like "frames without a mark arrive as they are" "$(forge 0 0x88b6)" '^[1-9][0-9]* 0$'
is "a nonce of zero: none arrives" "$(forge 0)" "0 0"
is "another nonce: none arrives" "$(forge 0x4142434445464748)" "0 0"
ok "down" down
ok "nothing is left" no_trace
done_testing
