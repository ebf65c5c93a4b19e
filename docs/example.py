#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The worked example of docs/protocol.md: one datagram, sealed without any code of XDPsec.

The result comes from the AES-OCB3 of python3-cryptography (OpenSSL's). The values on the way to it are computed
here, step by step as RFC 7253 has them, and must come to the same.
"""

import socket
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3

KEY = bytes(range(16))
SPI = 0x00001001
NEXT_HEADER, VERSION, RESERVED = 17, 1, 0
SEQUENCE = (1 << 32) + 71
SOURCE, DESTINATION = "192.0.2.1", "198.51.100.1"
SOURCE6, DESTINATION6 = "2001:db8:1::1", "2001:db8:2::2"
PORTS = 49152, 5201
PLAINTEXT = b"The payload of a datagram, 41 bytes long."


def xor(*blocks):
    return bytes(a ^ b for a, b in zip(blocks[0], xor(*blocks[1:]))) if len(blocks) > 1 else blocks[0]


def encipher(block):
    return Cipher(algorithms.AES(KEY), modes.ECB()).encryptor().update(block)


def double(block):
    number = int.from_bytes(block, "big") << 1
    return (number & ((1 << 128) - 1) ^ (number >> 128) * 0x87).to_bytes(16, "big")


def show(name, value):
    if isinstance(value, bytes):
        value = " ".join(value[i : i + 4].hex() for i in range(0, len(value), 4))
    print(f"{name:<12} {value}")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def frame(payload):
    """Ethernet, IPv4 with "don't fragment", UDP."""
    source, destination = (socket.inet_aton(a) for a in (SOURCE, DESTINATION))
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", *PORTS, length, 0) + payload
    total = checksum(source + destination + struct.pack("!HH", 17, length) + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", total) + udp[8:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, 64, 17, 0) + source + destination
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return bytes.fromhex("00005e005302 00005e005301 0800") + ip + udp


def dump(name, data):
    print(f"\n{name}, {len(data)} bytes")
    for offset in range(0, len(data), 16):
        print(f"  {offset:04x}  {data[offset:offset + 16].hex(' ')}")


def seal(nonce, bound):
    sealed = AESOCB3(KEY).encrypt(nonce, PLAINTEXT, bound)
    return sealed[:-16], sealed[-16:]


def hash_of(bound, l_star, l):
    """HASH(K, A) of RFC 7253 section 4.1, for one or three blocks, of which the last is not full."""
    offset = total = bytes(16)
    for i, start in enumerate(range(0, len(bound) - 15, 16)):
        offset = xor(offset, l[i])  # i = 1: ntz 0; i = 2: ntz 1
        total = xor(total, encipher(xor(bound[start : start + 16], offset)))
    rest = bound[len(bound) // 16 * 16 :]
    return xor(total, encipher(xor(rest + b"\x80" + bytes(15 - len(rest)), offset, l_star)))


def main():
    header = struct.pack("!IBBHQ", SPI, NEXT_HEADER, VERSION, RESERVED, SEQUENCE)
    nonce = header[4:]
    ports = struct.pack("!HH", *PORTS)
    bound = socket.inet_aton(SOURCE) + socket.inet_aton(DESTINATION) + ports
    bound6 = b"".join(socket.inet_pton(socket.AF_INET6, a) for a in (SOURCE6, DESTINATION6)) + ports
    ciphertext, tag = seal(nonce, bound)

    show("key", KEY)
    show("plaintext", f'"{PLAINTEXT.decode()}"')
    show("header", header)
    show("N", nonce)

    print("\nsection 4.1, from the key alone")
    l_star = encipher(bytes(16))
    l_dollar = double(l_star)
    l = [double(l_dollar)]
    l.append(double(l[0]))
    show("L_*", l_star)
    show("L_$", l_dollar)
    show("L_0", l[0])
    show("L_1", l[1])

    print("\nsection 4.2, from the nonce")
    block = bytes.fromhex("00000001") + nonce
    bottom = block[15] & 63
    block = block[:15] + bytes([block[15] & 0xC0])
    ktop = encipher(block)
    stretch = ktop + xor(ktop[:8], ktop[1:9])
    offset = (int.from_bytes(stretch, "big") >> 64 - bottom & (1 << 128) - 1).to_bytes(16, "big")
    show("bottom", str(bottom))
    show("Ktop input", block)
    show("Ktop", ktop)
    show("Stretch", stretch)
    show("Offset_0", offset)

    print("\nthe blocks")
    total, result = bytes(16), b""
    for i, start in enumerate((0, 16)):
        offset = xor(offset, l[i])  # i = 1: ntz 0; i = 2: ntz 1
        plain = PLAINTEXT[start : start + 16]
        total = xor(total, plain)
        result += xor(offset, encipher(xor(offset, plain)))
        show(f"Offset_{i + 1}", offset)
        show(f"C_{i + 1}", result[-16:])
    offset = xor(offset, l_star)
    pad = encipher(offset)
    rest = PLAINTEXT[32:]
    result += xor(rest, pad[: len(rest)])
    total = xor(total, rest + b"\x80" + bytes(15 - len(rest)))
    show("Offset_*", offset)
    show("Pad", pad)
    show("C_*", result[32:])
    unbound = encipher(xor(total, offset, l_dollar))
    show("Checksum", total)
    show("ENCIPHER", unbound)
    assert result == ciphertext

    print("\naddresses (IPv4, IPv6) or ports")
    for associated in bound, bound6, ports:
        digest = hash_of(associated, l_star, l)
        show("A", associated)
        show("HASH", digest)
        show("Tag", xor(unbound, digest))
        assert xor(unbound, digest) == seal(nonce, associated)[1]

    dump("clear frame", frame(PLAINTEXT))
    dump("sealed frame", frame(header + tag + ciphertext))


main()
