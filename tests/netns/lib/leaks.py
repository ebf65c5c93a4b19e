#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What leaks.t does beyond packets.py: provoke ICMP errors and look at what they quote, change where a packet
goes, use a fragment id twice, and put another program at TC egress.
"""

import argparse
import ctypes
import errno
import ipaddress
import os
import platform
import select
import signal
import socket
import struct
import sys

import packets

IP_RECVERR, IPV6_RECVERR = 11, 25
BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_EGRESS, BPF_F_BEFORE = 3, 47, 8
BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}


# ---- ICMP errors -------------------------------------------------------------------------------------


def provoke(a):
    """Send one datagram from a connected socket, and say which ICMP error comes back to that socket."""
    v6 = ":" in a.address
    level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if v6 else (socket.IPPROTO_IP, IP_RECVERR)
    s = socket.socket(packets.family(a.address), socket.SOCK_DGRAM)
    s.setsockopt(level, option, 1)
    if a.ttl:
        s.setsockopt(level, socket.IPV6_UNICAST_HOPS if v6 else socket.IP_TTL, a.ttl)
    s.connect((a.address, a.port))
    s.send(packets.payload(0, a.marker, a.size))
    poll = select.poll()
    poll.register(s, 0)  # POLLERR is always asked for
    if not poll.poll(a.timeout * 1000):
        print("no error")
        return 1
    code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    quoted, ancillary, _, _ = s.recvmsg(65536, 512, socket.MSG_ERRQUEUE)
    data = next(data for at, kind, data in ancillary if (at, kind) == (level, option))
    # struct sock_extended_err, and the address of who sent the message behind it.
    _, _, icmp_type, icmp_code = struct.unpack_from("IBBB", data)
    offender = ipaddress.ip_address(data[24:40] if v6 else data[20:24])
    print(f"{errno.errorcode[code]} {icmp_type}/{icmp_code} {offender} {len(quoted)}")
    return 0


def errors(a):
    """Type, code and bytes of UDP payload that are quoted, of each ICMP error about UDP in the capture."""
    for data in packets.read_capture(a.capture):
        frame = packets.Frame(data)
        if not frame.is_ip or frame.protocol != (58 if frame.v6 else 1):
            continue
        icmp_type, icmp_code = data[frame.l4], data[frame.l4 + 1]
        if icmp_type >= 128 if frame.v6 else icmp_type not in (3, 4, 5, 11, 12):
            continue
        quote = data[frame.l4 + 8 : frame.end]
        protocol, headers = (quote[6], 40) if frame.v6 else (quote[9], (quote[0] & 15) * 4)
        if protocol == 17:
            print(f"{icmp_type}/{icmp_code} {len(quote) - headers - 8}")


# ---- packets -----------------------------------------------------------------------------------------


def reroute(a):
    """Send the first UDP packet of a capture with other addresses or ports, and checksums that are right for them."""
    frame = next(packets.udp_frames(a.capture, a.port))
    source, destination, length = (8, 24, 16) if frame.v6 else (12, 16, 4)
    for address, at in ((a.source, source), (a.destination, destination)):
        if address:
            at += frame.l3
            frame.data[at : at + length] = ipaddress.ip_address(address).packed
    for port, at in ((a.from_port, 0), (a.to_port, 2)):
        if port:
            at += frame.l4
            frame.data[at : at + 2] = struct.pack("!H", port)
    frame.finish()
    packets.packet_socket(a.device).send(bytes.fromhex(a.mac.replace(":", "")) + bytes(frame.data[6:]))


def fragments(a):
    """Fragments with one id, one after the other: the first or last of two of a datagram, or both."""
    v6 = ":" in a.source
    source, destination = (ipaddress.ip_address(x).packed for x in (a.source, a.destination))
    s = socket.socket(packets.family(a.source), socket.SOCK_RAW, socket.IPPROTO_RAW)
    for piece in a.pieces:
        port, marker, which = piece.split(":")
        body = packets.payload(0, marker, 2000)
        udp = struct.pack("!HHHH", 40000, int(port), 8 + len(body), 0) + body
        for name, offset, more, part in (("first", 0, 1, udp[:1400]), ("last", 1400, 0, udp[1400:])):
            if which not in (name, "both"):
                continue
            if v6:
                head = struct.pack("!IHBB", 6 << 28, 8 + len(part), 44, 64) + source + destination
                head += struct.pack("!BBHI", 17, 0, offset | more, a.id)
            else:
                fields = (0x45, 0, 20 + len(part), a.id, more << 13 | offset // 8, 64, 17, 0)
                head = struct.pack("!BBHHHBBH", *fields) + source + destination
            s.sendto(head + part, (a.destination, 0))


# ---- another program ---------------------------------------------------------------------------------


def bpf(command, attributes):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result = libc.syscall(BPF_SYSCALL[platform.machine()], command, buffer, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}: {os.strerror(ctypes.get_errno())}")
    return result


def tcx(a):
    """A program that returns TC_ACT_OK, at TCX egress of a device until SIGTERM. It has no object and no pin:
    link and program end with this process."""
    # r0 = TC_ACT_OK; exit
    instructions = ctypes.create_string_buffer(bytes([0xB7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]), 16)
    licence = ctypes.create_string_buffer(b"GPL")
    program = bpf(
        BPF_PROG_LOAD,
        struct.pack("=IIQQ", BPF_PROG_TYPE_SCHED_CLS, 2, ctypes.addressof(instructions), ctypes.addressof(licence))
        + bytes(48),
    )
    flags = BPF_F_BEFORE if a.before else 0
    attributes = struct.pack("=IIII", program, socket.if_nametoindex(a.device), BPF_TCX_EGRESS, flags)
    bpf(BPF_LINK_CREATE, attributes + bytes(16))
    print("attached", flush=True)
    signal.pause()


# ---- command line ------------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(function, *positional):
        p = commands.add_parser(function.__name__, description=function.__doc__)
        p.set_defaults(function=function)
        for name in positional:
            p.add_argument(name, type=int if name in ("port", "id") else str)
        return p

    p = command(provoke, "address", "port")
    p.add_argument("--marker", default="")
    p.add_argument("--size", type=int, default=400)
    p.add_argument("--ttl", type=int)
    p.add_argument("--timeout", type=float, default=5)

    command(errors, "capture")

    p = command(reroute, "device", "capture", "port")
    p.add_argument("--source", help="another one than it has; the others likewise")
    p.add_argument("--destination")
    p.add_argument("--from-port", type=int)
    p.add_argument("--to-port", type=int)
    p.add_argument("--mac", required=True, help="destination MAC address")

    p = command(fragments, "source", "destination", "id")
    p.add_argument("pieces", nargs="+", metavar="PORT:MARKER:first|last|both")

    p = command(tcx, "device")
    p.add_argument("--before", action="store_true", help="in front of all that are there")
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    sys.exit(chosen.function(chosen))
