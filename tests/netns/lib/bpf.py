# SPDX-License-Identifier: GPL-2.0-or-later
"""bpf(2), as far as tests read maps and try what a descriptor allows. No library: the one of the loader is tested."""

import ctypes
import os
import platform
import struct

NUMBER = {"x86_64": 321, "aarch64": 280, "riscv64": 280}[platform.machine()]
(MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, MAP_NEXT_KEY, OBJ_PIN, OBJ_GET, TEST_RUN, MAP_NEXT_ID, MAP_BY_ID, INFO,
 LOOKUP_AND_DELETE, MAP_FREEZE, UPDATE_BATCH, DELETE_BATCH, LINK_CREATE, BIND_MAP) = (
     1, 2, 3, 4, 6, 7, 10, 12, 14, 15, 21, 22, 26, 27, 28, 35)
PROG_BY_ID, LOOKUP_BATCH = 13, 24
ARRAY = 2
PER_CPU = (5, 6, 10)  # hash, array, LRU hash
RINGBUF = 27
ATTRIBUTES = 160

libc = ctypes.CDLL(None, use_errno=True)


def call(command, attributes):
    """attributes: bytes, or a ctypes buffer that the kernel writes to. The result, or OSError."""
    buffer = attributes
    if isinstance(attributes, bytes):
        buffer = ctypes.create_string_buffer(attributes.ljust(ATTRIBUTES, b"\0"), ATTRIBUTES)
    result = libc.syscall(NUMBER, command, buffer, ATTRIBUTES)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf {command}: {os.strerror(ctypes.get_errno())}")
    return result


def address(buffer):
    return ctypes.addressof(buffer)


def open_pin(path):
    name = ctypes.create_string_buffer(path.encode())
    return call(OBJ_GET, struct.pack("=QII", address(name), 0, 0))


def info(fd, size=256, room=b""):
    buffer = ctypes.create_string_buffer(room.ljust(size, b"\0"), size)
    call(INFO, struct.pack("=IIQ", fd, size, address(buffer)))
    return buffer.raw


def possible_cpus():
    with open("/sys/devices/system/cpu/possible", encoding="ascii") as file:
        last = file.read().strip().split(",")[-1]
    return int(last.split("-")[-1]) + 1


class Map:
    def __init__(self, fd):
        self.fd = fd
        self.kind, self.id, self.key_size, self.value_size, self.entries = struct.unpack_from("=5I", info(fd))
        self.name = info(fd)[24:40].split(b"\0")[0].decode()
        self.room = self.value_size
        if self.kind in PER_CPU:
            self.room = (self.value_size + 7) // 8 * 8 * possible_cpus()
        self.key, self.value = (ctypes.create_string_buffer(n or 1) for n in (self.key_size, self.room))

    def keys(self):
        following = ctypes.create_string_buffer(self.key_size)
        at = 0
        while True:
            try:
                call(MAP_NEXT_KEY, struct.pack("=IIQQ", self.fd, 0, at, address(following)))
            except OSError:
                return
            yield following.raw
            self.key.raw = following.raw
            at = address(self.key)

    def lookup(self, key):
        name = ctypes.create_string_buffer(key, len(key))
        call(MAP_LOOKUP, struct.pack("=IIQQQ", self.fd, 0, address(name), address(self.value), 0))
        return self.value.raw

    def items(self):
        for key in self.keys():
            try:
                yield key, self.lookup(key)
            except OSError:
                continue  # an empty element of a map of devices or programs

    def batch(self):
        """All values of an array, by one call."""
        values = ctypes.create_string_buffer(self.entries * self.room)
        numbers = ctypes.create_string_buffer(self.entries * self.key_size)
        at = ctypes.create_string_buffer(8)
        call(LOOKUP_BATCH, struct.pack("=QQQQIIQQ", 0, address(at), address(numbers), address(values), self.entries,
                                       self.fd, 0, 0))
        return values.raw

    def bytes(self):
        """All keys and values; of an array only the values. A ring buffer has neither: its pages are mapped."""
        if self.kind == RINGBUF:
            return b""
        try:
            if self.kind == ARRAY:
                return self.batch()
        except OSError:
            pass  # one with fields that only the kernel may see
        return b"".join(key + value for key, value in self.items())


def map_by_id(number):
    return Map(call(MAP_BY_ID, struct.pack("=III", number, 0, 0)))


def maps_of_program(number):
    """Ids of the maps that a program uses, pinned or not."""
    fd = call(PROG_BY_ID, struct.pack("=III", number, 0, 0))
    ids = (ctypes.c_uint32 * 64)()
    # struct bpf_prog_info: nr_map_ids is at 52, map_ids at 56.
    room = struct.pack("=52xIQ", len(ids), ctypes.addressof(ids))
    n = struct.unpack_from("=52xI", info(fd, room=room))[0]
    os.close(fd)
    return ids[:n]


def numbers_in(pid, name):
    """What /proc/PID/fdinfo says by that name: map_id, prog_id."""
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as file:
            found |= {int(line.split()[1]) for line in file if line.startswith(name + ":")}
    return found


def maps_of(instance, *agents):
    """All maps of an instance: those that are pinned, those of its programs, those that its agents have."""
    pins = f"/sys/fs/bpf/xdpsec/{instance}"
    ids, programs = set(), set()
    for kind, numbers in (("maps", ids), ("programs", programs)):
        for name in os.listdir(f"{pins}/{kind}"):
            fd = open_pin(f"{pins}/{kind}/{name}")
            numbers.add(struct.unpack_from("=4xI", info(fd))[0])
            os.close(fd)
    for pid in agents:
        ids |= numbers_in(pid, "map_id")
        programs |= numbers_in(pid, "prog_id")
    for number in programs:
        ids.update(maps_of_program(number))
    return [map_by_id(number) for number in sorted(ids)]
