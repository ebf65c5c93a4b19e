#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A socket that sends messages in the shape of the key agreement's, with a marker in each, and others beside them."""

import argparse
import socket
import struct
import sys

LENGTHS = {1: 176, 2: 112, 3: 80, 4: 32, 5: 32}
SO_COOKIE = 57


def message(kind, marker, version=1, spi=0, reserved=0, length=None):
    header = struct.pack("!IBBHII", spi, kind, version, reserved, 0x51515151, 0)
    body = (marker * 16)[: (length or LENGTHS.get(kind, 80)) - len(header)]
    return header + body


def others(marker):
    """Almost messages."""
    yield message(0, marker)
    yield message(6, marker)
    for kind, length in LENGTHS.items():
        yield message(kind, marker, length=length + 1)
        yield message(kind, marker, version=2)
        yield message(kind, marker, version=0)
        yield message(kind, marker, spi=1)
        yield message(kind, marker, spi=256)
        yield message(kind, marker, reserved=1)
    yield marker * 4
    yield bytes(16) + marker * 4


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("to")
    parser.add_argument("marker")
    parser.add_argument("--others", action="store_true", help="what is no message")
    parser.add_argument("--to-port", type=int)
    parser.add_argument("--wait", action="store_true", help="print the cookie, and send for each line read")
    a = parser.parse_args()
    family = socket.AF_INET6 if ":" in a.to else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("", a.port))
    marker = a.marker.encode()
    sent = list(others(marker)) if a.others else [message(kind, marker) for kind in LENGTHS]
    if a.wait:
        print(struct.unpack("Q", sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0], flush=True)
    while not a.wait or sys.stdin.readline():
        for payload in sent:
            sock.sendto(payload, (a.to, a.to_port or a.port))
        if not a.wait:
            break
        print("sent", flush=True)


if __name__ == "__main__":
    main()
