#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The indexes of an array map whose elements are not all zero in the given bytes: slots.py PIN OFFSET:LENGTH...

bpftool would take minutes for eight thousand SAs of a kilobyte.
"""

import ctypes
import platform
import struct
import sys

BPF_OBJ_GET, BPF_OBJ_GET_INFO_BY_FD, BPF_MAP_LOOKUP_BATCH = 7, 15, 24
BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}


def bpf(command, attributes):
    attributes = ctypes.create_string_buffer(attributes.ljust(144, b"\0"), 144)
    result = ctypes.CDLL(None, use_errno=True).syscall(BPF_SYSCALL[platform.machine()], command, attributes, 144)
    return result, ctypes.get_errno()


def address(buffer):
    return ctypes.addressof(buffer)


def elements(pin):
    path = ctypes.create_string_buffer(pin.encode())
    fd, error = bpf(BPF_OBJ_GET, struct.pack("Q", address(path)))
    if fd < 0:
        sys.exit(f"{pin}: errno {error}")
    info = ctypes.create_string_buffer(80)
    bpf(BPF_OBJ_GET_INFO_BY_FD, struct.pack("IIQ", fd, 80, address(info)))
    _, _, key_size, value_size, entries = struct.unpack_from("5I", info)
    keys, values = ctypes.create_string_buffer(entries * key_size), ctypes.create_string_buffer(entries * value_size)
    batch = ctypes.create_string_buffer(8)
    bpf(BPF_MAP_LOOKUP_BATCH, struct.pack("QQQQIIQQ", 0, address(batch), address(keys), address(values), entries, fd, 0, 0))
    raw = values.raw
    return (raw[i * value_size : (i + 1) * value_size] for i in range(entries))


def main():
    ranges = [tuple(map(int, text.split(":"))) for text in sys.argv[2:]]
    for index, value in enumerate(elements(sys.argv[1])):
        if any(any(value[offset : offset + length]) for offset, length in ranges):
            print(index)


if __name__ == "__main__":
    main()
