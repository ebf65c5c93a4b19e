#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets for the end-to-end tests: send, echo and count UDP, read captures, inject frames.

Each subcommand does one thing, says what it saw as JSON or by its exit code, and ends by itself or on
SIGTERM. Only the standard library, so that the tests need no package for it.
"""

import argparse
import ipaddress
import json
import os
import random
import signal
import socket
import struct
import sys
import time

# As in tests/tap.sh: how much slower than a real machine this one is.
WAIT_FACTOR = float(os.environ.get("WAIT_FACTOR", "1"))

UDP_SEGMENT = 103
IP_OPTIONS, IPV6_DSTOPTS = 4, 59
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU = 10, 2, 14
IPV6_MTU_DISCOVER, IPV6_MTU = 23, 24
SO_RCVBUFFORCE = 33
ETH_P_SENTINEL = 0x88B5  # IEEE 802, local experimental: no stack takes it
VLAN_TYPES = (0x8100, 0x88A8)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def udp_socket(address, port=0):
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    s.bind((address, port))
    return s


def any_address(address):
    return "::" if ":" in address else "0.0.0.0"


def payload(sequence, marker, size):
    """A sequence number, and the marker as often as it fits, so that every stretch of it can be searched."""
    text = (marker.encode() * (size // max(len(marker), 1) + 1)) if marker else bytes(size)
    return (struct.pack("!Q", sequence) + text)[:size]


# ---- sockets -----------------------------------------------------------------------------------------


def echo(a):
    s = udp_socket(a.address, a.port)
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)


def sink(a):
    """Count different sequence numbers until --expect of them came, or, after SIGTERM, no more are waiting."""
    s = udp_socket(a.address, a.port)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    seen, packets, damaged = set(), 0, 0
    signal.signal(signal.SIGTERM, lambda *_: s.setblocking(False))
    while not a.expect or len(seen) < a.expect:
        try:
            data = s.recv(65536)
        except BlockingIOError:
            break
        packets += 1
        (sequence,) = struct.unpack_from("!Q", data)
        seen.add(sequence)
        if data != payload(sequence, a.marker, len(data)):
            damaged += 1
    print(json.dumps({"packets": packets, "different": len(seen), "damaged": damaged}))


def send(a):
    """--count datagrams, or as many as there is time for until SIGTERM."""
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    s = udp_socket(any_address(a.address), a.source_port)
    v6 = family(a.address) == socket.AF_INET6
    if a.ttl:
        s.setsockopt(*((socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS) if v6 else (socket.IPPROTO_IP, socket.IP_TTL)),
                     a.ttl)
    if a.tos:
        s.setsockopt(*((socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if v6 else (socket.IPPROTO_IP, socket.IP_TOS)), a.tos)
    if a.options and v6:
        # A destination options header with nothing but PadN (RFC 8200 section 4.6).
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
    elif a.options:
        s.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, bytes([1, 1, 1, 0]))  # three times "no operation", and the end
    if a.segment:
        s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, a.segment)
    if a.dont_fragment:
        s.setsockopt(*((socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER) if v6 else (socket.IPPROTO_IP, IP_MTU_DISCOVER)),
                     IP_PMTUDISC_DO)
    s.connect((a.address, a.port))
    start = time.monotonic()
    sent = refused = 0
    for i in range(a.count):
        if stopped:
            break
        if a.segment:
            # One call, many datagrams: each has its own sequence number in front.
            pieces = a.size // a.segment
            data = b"".join(payload(a.first + i * pieces + k, a.marker, a.segment) for k in range(pieces))
        else:
            data = payload(a.first + i, a.marker, a.size)
        while True:
            try:
                s.send(data)
                sent += 1
                break
            except ConnectionRefusedError:
                continue  # an ICMP error for an earlier one; this one was not sent
            except OSError as error:
                if error.errno == 90:  # EMSGSIZE
                    refused += 1
                    break
                raise
        if a.rate:
            ahead = start + (i + 1) / a.rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
    mtu = s.getsockopt(*((socket.IPPROTO_IPV6, IPV6_MTU) if v6 else (socket.IPPROTO_IP, IP_MTU)))
    print(json.dumps({"sent": sent, "refused": refused, "mtu": mtu}))


def roundtrip(a):
    """Send until --times equal answers came back, each before the next is sent: 0; not within --timeout: 1."""
    s = udp_socket(any_address(a.address), a.source_port)
    s.connect((a.address, a.port))
    # An answer that always comes later than this would always be compared with the next datagram.
    s.settimeout(0.2 * WAIT_FACTOR)
    deadline = time.monotonic() + a.timeout * WAIT_FACTOR
    sequence = answers = 0
    while time.monotonic() < deadline:
        data = payload(sequence, a.marker, a.size)
        sequence += 1
        try:
            s.send(data)
            answers += s.recv(65536) == data
        except (TimeoutError, socket.timeout, ConnectionRefusedError):
            pass
        if answers == a.times:
            return 0
        if a.once:
            break
    print("no answer", file=sys.stderr)
    return 1


def lengths(a):
    """A datagram of each length up to --most comes back as it was: 0; else the first that does not is printed: 1.
    Beyond 300 bytes only every seventh. Bytes at random, so that no shift goes unnoticed."""
    s = udp_socket(any_address(a.address))
    s.connect((a.address, a.port))
    s.settimeout(0.5 * WAIT_FACTOR)
    for length in [*range(1, min(300, a.most)), *range(300, a.most, 7), a.most]:
        data = random.Random(length).randbytes(length)
        for _ in range(5):
            try:
                s.send(data)
                if s.recv(65536) == data:
                    break
            except (TimeoutError, socket.timeout, ConnectionRefusedError):
                pass
        else:
            print(f"{length} bytes did not come back", file=sys.stderr)
            return 1
    return 0


def tcp_receive(a):
    """One connection's bytes, to standard output."""
    s = socket.create_server((a.address, a.port), family=family(a.address))
    connection, _ = s.accept()
    while data := connection.recv(1 << 20):
        sys.stdout.buffer.write(data)


def tcp_send(a):
    """Standard input, over one connection."""
    with socket.create_connection((a.address, a.port), timeout=a.timeout * WAIT_FACTOR) as s:
        while data := sys.stdin.buffer.read(1 << 20):
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)  # until the other end has read all of it and closes


# ---- captures ----------------------------------------------------------------------------------------


def read_capture(path):
    """The frames of a pcap file of Ethernet, complete ones only."""
    data = open(path, "rb").read()
    magic = data[:4]
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\x4d\x3c\xb2\xa1": "<"}[magic]
    offset = 24
    while offset + 16 <= len(data):
        captured, length = struct.unpack_from(order + "II", data, offset + 8)
        offset += 16
        if offset + captured > len(data):
            break
        assert captured == length, "a frame is longer than what was captured of it"
        yield data[offset : offset + captured]
        offset += captured


def ones_complement(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Frame:
    """An Ethernet frame with IP and, where it has it, UDP in it."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.l3 = 14
        (self.ethertype,) = struct.unpack_from("!H", data, 12)
        while self.ethertype in VLAN_TYPES:
            (self.ethertype,) = struct.unpack_from("!H", data, self.l3 + 2)
            self.l3 += 4
        self.v6 = self.ethertype == 0x86DD
        self.is_ip = self.ethertype in (0x0800, 0x86DD)
        self.l4 = None
        if not self.is_ip:
            return
        if self.v6:
            self.protocol = data[self.l3 + 6]
            self.fragment = self.protocol == 44
            self.l4 = self.l3 + 40
            self.end = self.l4 + struct.unpack_from("!H", data, self.l3 + 4)[0]
            if self.protocol == 60:  # destination options
                self.protocol = data[self.l4]
                self.l4 += 8 * (data[self.l4 + 1] + 1)
        else:
            self.protocol = data[self.l3 + 9]
            self.fragment = bool(struct.unpack_from("!H", data, self.l3 + 6)[0] & 0x3FFF)
            self.l4 = self.l3 + (data[self.l3] & 15) * 4
            self.end = self.l3 + struct.unpack_from("!H", data, self.l3 + 2)[0]
        self.is_udp = self.protocol == 17 and not self.fragment

    def addresses(self):
        if self.v6:
            return bytes(self.data[self.l3 + 8 : self.l3 + 24]), bytes(self.data[self.l3 + 24 : self.l3 + 40])
        return bytes(self.data[self.l3 + 12 : self.l3 + 16]), bytes(self.data[self.l3 + 16 : self.l3 + 20])

    def pseudo_header(self):
        length = self.end - self.l4
        return b"".join(self.addresses()) + struct.pack("!II", length, 17)

    def udp_sum(self):
        return ones_complement(self.pseudo_header() + bytes(self.data[self.l4 : self.end]))

    def payload(self):
        return bytes(self.data[self.l4 + 8 : self.end])

    def set_payload(self, payload_bytes):
        """Replace what UDP carries, and make lengths and checksums right, so that only the payload is wrong."""
        del self.data[self.l4 + 8 :]
        self.data += payload_bytes
        self.end = len(self.data)
        self.finish()

    def finish(self):
        length = self.end - self.l4
        struct.pack_into("!H", self.data, self.l4 + 4, length)
        if self.v6:
            struct.pack_into("!H", self.data, self.l3 + 4, length)
        else:
            struct.pack_into("!H", self.data, self.l3 + 2, self.end - self.l3)
            struct.pack_into("!H", self.data, self.l3 + 10, 0)
            header = bytes(self.data[self.l3 : self.l4])
            struct.pack_into("!H", self.data, self.l3 + 10, ones_complement(header) ^ 0xFFFF)
        struct.pack_into("!H", self.data, self.l4 + 6, 0)
        struct.pack_into("!H", self.data, self.l4 + 6, (self.udp_sum() ^ 0xFFFF) or 0xFFFF)

    def describe(self):
        source, destination = (str(ipaddress.ip_address(x)) for x in self.addresses())
        sport, dport, length, checksum = struct.unpack_from("!HHHH", self.data, self.l4)
        data = self.data
        tos = (struct.unpack_from("!H", data, self.l3)[0] >> 4) & 0xFF if self.v6 else data[self.l3 + 1]
        return {
            "source": source,
            "destination": destination,
            "sport": sport,
            "dport": dport,
            "udp_length": length,
            "ttl": data[self.l3 + 7] if self.v6 else data[self.l3 + 8],
            "tos": tos,
            "lengths_ok": self.l4 + length == self.end,
            "header_ok": self.v6 or ones_complement(bytes(data[self.l3 : self.l4])) == 0xFFFF,
            "checksum": "none" if checksum == 0 else "ok" if self.udp_sum() == 0xFFFF else "bad",
            "spi": struct.unpack_from("!I", data, self.l4 + 8)[0] if length >= 12 else None,
            "sequence": struct.unpack_from("!Q", data, self.l4 + 16)[0] if length >= 24 else None,
        }


def udp_frames(path, port):
    for data in read_capture(path):
        frame = Frame(data)
        if not frame.is_ip or not frame.is_udp:
            continue
        ports = struct.unpack_from("!HH", frame.data, frame.l4)
        if not port or port in ports:
            yield frame


def inspect(a):
    """One line of JSON for each UDP packet of the capture."""
    for frame in udp_frames(a.capture, a.port):
        print(json.dumps(frame.describe()))


def search(a):
    """0 when the capture has the marker, or any --window bytes of it, anywhere; else 1."""
    marker = a.marker.encode()
    window = a.window or len(marker)
    # The senders repeat the marker: what wraps around is part of what they send.
    text = marker * 2
    pieces = {text[i : i + window] for i in range(len(marker))}
    for data in read_capture(a.capture):
        if any(piece in data for piece in pieces):
            return 0
    return 1


# ---- injection ---------------------------------------------------------------------------------------


def packet_socket(device):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((device, 0))
    return s


def sentinel(a):
    """A frame that ends a capture: what was sent before it has been seen."""
    s = packet_socket(a.device)
    s.send(b"\xff" * 6 + s.getsockname()[4] + struct.pack("!H", ETH_P_SENTINEL) + a.marker.encode().ljust(50, b"\0"))


def split_fragments(frame, first):
    """An IPv4 packet as two fragments, the first with `first` bytes after the IP header (a multiple of 8)."""
    head, body = bytes(frame.data[: frame.l4]), bytes(frame.data[frame.l4 : frame.end])
    for part, offset, more in ((body[:first], 0, 1), (body[first:], first // 8, 0)):
        piece = bytearray(head + part)
        struct.pack_into("!H", piece, frame.l3 + 2, frame.l4 - frame.l3 + len(part))
        struct.pack_into("!H", piece, frame.l3 + 6, more << 13 | offset)
        struct.pack_into("!H", piece, frame.l3 + 10, 0)
        struct.pack_into("!H", piece, frame.l3 + 10, ones_complement(bytes(piece[frame.l3 : frame.l4])) ^ 0xFFFF)
        yield bytes(piece)


def inject(a):
    """Send frames of a capture again, changed as the options say."""
    s = packet_socket(a.device)
    for index in a.index:
        frames = changed(list(udp_frames(a.capture, a.port))[index], a)
        start = time.monotonic()
        for i in range(a.repeat):
            for data in frames:
                s.send(data)
            if a.rate:
                time.sleep(max(0, start + (i + 1) / a.rate - time.monotonic()))


def changed(frame, a):
    body = bytearray(frame.payload())
    for change in a.xor:
        offset, value = (int(x, 0) for x in change.split(":"))
        body[offset] ^= value
    if a.truncate is not None:
        body = body[: a.truncate]
    if a.payload is not None:
        body = bytearray(a.payload.encode())
    if a.spi is not None:
        struct.pack_into("!I", body, 0, a.spi)
    if a.sequence is not None:
        struct.pack_into("!Q", body, 8, a.sequence)
    if a.source:
        packed = ipaddress.ip_address(a.source).packed
        at = frame.l3 + (8 if frame.v6 else 12)
        frame.data[at : at + len(packed)] = packed
    frame.set_payload(bytes(body))
    frames = [bytes(frame.data)]
    if a.fragment:
        frames = list(split_fragments(frame, a.fragment))
        if a.only_last:
            frames = frames[1:]
    if a.mac:
        frames = [bytes.fromhex(a.mac.replace(":", "")) + f[6:] for f in frames]
    if a.vlan is not None:
        tag = struct.pack("!HH", 0x8100, a.vlan)
        frames = [f[:12] + tag + f[12:] for f in frames]
    return frames


# ---- command line ------------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(function, *positional):
        p = commands.add_parser(function.__name__.replace("_", "-"), description=function.__doc__)
        p.set_defaults(function=function)
        for name in positional:
            p.add_argument(name, type=int if name == "port" else str)
        return p

    def number(text):
        return int(text, 0)

    command(echo, "address", "port")

    p = command(sink, "address", "port")
    p.add_argument("--expect", type=int, default=0)
    p.add_argument("--marker", default="")

    p = command(send, "address", "port")
    p.add_argument("--count", type=int, default=1)
    p.add_argument("--first", type=int, default=0, help="first sequence number")
    p.add_argument("--size", type=int, default=100)
    p.add_argument("--segment", type=int, default=0, help="UDP_SEGMENT: bytes in each datagram")
    p.add_argument("--marker", default="")
    p.add_argument("--rate", type=float, default=0, help="calls in a second")
    p.add_argument("--ttl", type=int, default=0)
    p.add_argument("--tos", type=number, default=0)
    p.add_argument("--source-port", type=int, default=0)
    p.add_argument("--dont-fragment", action="store_true")
    p.add_argument("--options", action="store_true", help="with IPv4 options, or an IPv6 extension header")

    p = command(roundtrip, "address", "port")
    p.add_argument("--size", type=int, default=100)
    p.add_argument("--marker", default="")
    p.add_argument("--timeout", type=float, default=5)
    p.add_argument("--source-port", type=int, default=0)
    p.add_argument("--times", type=int, default=1)
    p.add_argument("--once", action="store_true")

    p = command(lengths, "address", "port")
    p.add_argument("--most", type=int, required=True)

    command(tcp_receive, "address", "port")
    p = command(tcp_send, "address", "port")
    p.add_argument("--timeout", type=float, default=30)

    p = command(inspect, "capture")
    p.add_argument("--port", type=int, default=0)

    p = command(search, "capture", "marker")
    p.add_argument("--window", type=int, default=0)

    command(sentinel, "device", "marker")

    p = command(inject, "device", "capture")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--index", type=int, nargs="+", default=[0], help="which of the capture's UDP packets; -1: the last")
    p.add_argument("--xor", action="append", default=[], metavar="OFFSET:VALUE", help="change a byte of the payload")
    p.add_argument("--truncate", type=int, help="bytes of payload to keep")
    p.add_argument("--payload", help="another payload")
    p.add_argument("--spi", type=number)
    p.add_argument("--sequence", type=number)
    p.add_argument("--source", help="another source address")
    p.add_argument("--fragment", type=int, help="two IPv4 fragments, the first with so many bytes")
    p.add_argument("--only-last", action="store_true", help="the later fragment alone")
    p.add_argument("--mac", help="another destination MAC address")
    p.add_argument("--vlan", type=int, help="an 802.1Q tag in front")
    p.add_argument("--repeat", type=int, default=1)
    p.add_argument("--rate", type=float, default=0, help="repetitions in a second")
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    sys.exit(chosen.function(chosen))
