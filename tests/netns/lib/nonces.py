#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""nonces.py CAPTURE KEY=SPI[,SPI...]...: is a sequence number used twice under a key?
nonces.py --spoil CAPTURE OUT: the capture with a sealed packet in it whose number was used

Prints a line of JSON: of the capture's UDP packets how many are sealed, with each key and in all, how many are none
of these, and which numbers were used again. (Two copies of one packet are one packet: a capture may see it twice.)
"""

import collections
import json
import struct
import sys

import packets

VERSION = 1


def sealed(frame):
    """SPI, sequence number, and the whole payload; None of what is not sealed."""
    payload = frame.payload()
    if len(payload) < 32 or payload[5] != VERSION:
        return None
    spi, sequence = struct.unpack_from("!I4xQ", payload)
    return spi, sequence, bytes(payload)


def spoil(capture, out):
    frame = [frame for frame in packets.udp_frames(capture, None) if sealed(frame)][-1]
    data = bytearray(frame.data)
    data[frame.end - 1] ^= 1
    with open(out, "wb") as file:
        file.write(open(capture, "rb").read() + struct.pack("=IIII", 0, 0, len(data), len(data)) + data)


def judge(capture, arguments):
    keys = {int(spi, 0): key for key, spis in (a.split("=") for a in arguments) for spi in spis.split(",")}
    seen, twice = {}, []
    counts = collections.Counter()
    other = 0
    for frame in packets.udp_frames(capture, None):
        packet = sealed(frame)
        if not packet or packet[0] not in keys:
            other += 1
            continue
        spi, sequence, payload = packet
        nonce = keys[spi], sequence
        if seen.setdefault(nonce, payload) != payload:
            twice.append(f"{keys[spi]} {spi:#x} {sequence}")
            continue
        counts[keys[spi]] += 1
    print(json.dumps({"sealed": sum(counts.values()), "keys": counts, "other": other, "twice": twice,
                      "ranges": len({(key, sequence >> 48) for key, sequence in seen})}))


if sys.argv[1] == "--spoil":
    spoil(*sys.argv[2:])
else:
    judge(sys.argv[1], sys.argv[2:])
