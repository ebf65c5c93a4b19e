#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""taken_over.py INSTANCE AGENT MANUAL-PEER SPI AGREED-PEER: what somebody can do who has the descriptors of an agent.

The descriptors of the running agent, which is stopped, are taken from it (pidfd_getfd(2)). A process without any right
tries everything with them on a peer that has manual keys: without the agent's list of system calls, so that only the
descriptors and the programs themselves refuse. Prints what was not refused, the maps that have changed, and last how
many attempts there were. Then it does the same to an agreed peer, which has to be possible.
"""

import ctypes
import errno
import mmap
import os
import signal
import struct
import sys

import bpf

PIDFD_GETFD, PR_SET_NO_NEW_PRIVS = 438, 38
SLOTS = 8
# The agent's own: two that make grace periods, and the ring of events, in which its position is.
OWN = ("xs_outer", "xs_inner", "events")
# The kernel's own packets, as of multicast groups, change these at any time.
COUNTED = ("activity", "answer_tokens", "destinations", "drops", "ktops", "sa_counters", "scratch")


def take_descriptors(pid):
    """Maps and programs of the process, by name."""
    process = os.pidfd_open(pid)
    maps, programs = {}, {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        kind = os.readlink(f"/proc/{pid}/fd/{name}")
        if kind not in ("anon_inode:bpf-map", "anon_inode:bpf-prog"):
            continue
        fd = bpf.libc.syscall(PIDFD_GETFD, process, int(name), 0)
        assert fd >= 0, os.strerror(ctypes.get_errno())
        if kind.endswith("map"):
            maps[bpf.Map(fd).name] = fd
        else:
            # struct bpf_prog_info: the name is at 64.
            programs[bpf.info(fd)[64:80].split(b"\0")[0].decode()] = fd
    return maps, programs


def snapshot(instance, pid):
    tables = (table for table in bpf.maps_of(instance, pid) if table.name not in COUNTED)
    return {f"{table.name} {table.id}": table.bytes() for table in tables}


def run(program, context, data=b""):
    """BPF_PROG_TEST_RUN: what the program returns."""
    arguments = ctypes.create_string_buffer(context, len(context)) if context else None
    frame = ctypes.create_string_buffer(data, len(data)) if data else None
    attributes = ctypes.create_string_buffer(
        struct.pack("=IIIIQQIIIIQQ", program, 0, len(data), 0, bpf.address(frame) if frame else 0, 0, 1 if data else 0,
                    0, len(context), 0, bpf.address(arguments) if arguments else 0, 0).ljust(bpf.ATTRIBUTES, b"\0"),
        bpf.ATTRIBUTES)
    bpf.call(bpf.TEST_RUN, attributes)
    return ctypes.c_int32.from_buffer(attributes, 4).value


class Thief:
    def __init__(self, maps, programs, ids, owner):
        self.maps, self.programs, self.ids, self.owner = maps, programs, ids, owner
        self.attempts, self.successes = 0, []

    def attempt(self, name, function):
        self.attempts += 1
        try:
            function()
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in (errno.EFAULT, errno.EBADF):
                self.successes.append(f"{name}: was not tried: {error}")
            return
        self.successes.append(name)

    def try_map(self, name, fd, keys):
        table = bpf.Map(fd)
        value = ctypes.create_string_buffer(b"\xff" * table.room)
        for number in keys:
            key = ctypes.create_string_buffer(struct.pack("=I", number).ljust(table.key_size, b"\0"))
            element = struct.pack("=IIQQ", fd, 0, bpf.address(key), bpf.address(value))
            for flags in range(3):
                self.attempt(f"{name}: update {number}",
                             lambda e=element, f=flags: bpf.call(bpf.MAP_UPDATE, e + struct.pack("=Q", f)))
            self.attempt(f"{name}: delete {number}", lambda e=element: bpf.call(bpf.MAP_DELETE, e))
            self.attempt(f"{name}: take {number}", lambda e=element: bpf.call(bpf.LOOKUP_AND_DELETE, e))
            batch = struct.pack("=QQQQIIQQ", 0, 0, bpf.address(key), bpf.address(value), 1, fd, 0, 0)
            self.attempt(f"{name}: update a batch", lambda b=batch: bpf.call(bpf.UPDATE_BATCH, b))
            self.attempt(f"{name}: delete a batch", lambda b=batch: bpf.call(bpf.DELETE_BATCH, b))
        self.attempt(f"{name}: freeze", lambda: bpf.call(bpf.MAP_FREEZE, struct.pack("=I", fd)))
        self.attempt(f"{name}: map to write", lambda: mmap.mmap(fd, mmap.PAGESIZE))

    def try_every(self):
        """Other maps, by their numbers. Pins only the list of system calls refuses, where a bpffs is for everybody."""
        for number in self.ids:
            self.attempt(f"open map {number}", lambda n=number: bpf.map_by_id(n))
        self.attempt("look for maps", lambda: bpf.call(bpf.MAP_NEXT_ID, struct.pack("=II", 0, 0)))

    def run_program(self, name, context, data=b""):
        def function():
            result = run(self.programs[name], context, data)
            if result:
                raise OSError(abs(result), name)

        self.attempt(name, function)

    def try_programs(self, peer):
        for slot in range(SLOTS * peer, SLOTS * (peer + 1)):
            arguments = struct.pack("=QII", self.owner, slot, 0)
            for name in ("agree_link", "agree_unlink", "agree_erase"):
                self.run_program(name, arguments)
            self.run_program("agree_note", struct.pack("=QQIIII", self.owner, 1, slot, 1, 1, 0))
            self.run_program("agree_derive", b"", (bytes(16) + arguments).ljust(64, b"\0"))
        arguments = struct.pack("=QII", self.owner, peer, 0) + b"\xff" * 48
        for name in ("agree_endpoint", "agree_keepalive"):
            self.run_program(name, arguments)

    def work(self, peer, spi):
        keys = [peer, spi, *range(SLOTS * peer, SLOTS * (peer + 1))]
        for name, fd in self.maps.items():
            if name not in OWN:
                self.try_map(name, fd, keys)
        self.try_programs(peer)
        self.try_every()


def without_rights(user, function):
    """Run it in a process of that user. Its exit code."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            assert bpf.libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            function()
            sys.stdout.flush()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def differences(before, after):
    return [name.split()[0] for name in before if before[name] != after[name]]


def main():
    instance, pid, manual, spi, agreed = sys.argv[1], *(int(x, 0) for x in sys.argv[2:])
    os.kill(pid, signal.SIGSTOP)
    try:
        return work(instance, pid, manual, spi, agreed)
    finally:
        os.kill(pid, signal.SIGCONT)


def work(instance, pid, manual, spi, agreed):
    maps, programs = take_descriptors(pid)
    every = {table.name: table for table in bpf.maps_of(instance, pid)}
    owner = struct.unpack_from("=Q", every["instance_owner"].bytes())[0]
    user = os.stat(f"/proc/{pid}/task").st_uid
    thief = Thief(maps, programs, [table.id for table in every.values()], owner)

    def steal():
        thief.work(manual, spi)
        print(*thief.successes, sep="\n", end="\n" if thief.successes else "")
        print(f"{len(maps)} maps, {len(programs)} programs, attempts: {'many' if thief.attempts > 500 else 'few'}")

    def use():
        thief.try_programs(agreed)
        print("with an agreed peer:", *sorted(set(thief.successes)))

    before = snapshot(instance, pid)
    failed = without_rights(user, steal)
    for name in differences(before, snapshot(instance, pid)):
        print(f"map {name} has changed")
    failed = failed or without_rights(user, use)
    print("then have changed:", *sorted(differences(before, snapshot(instance, pid))))
    return failed


if __name__ == "__main__":
    sys.exit(main())
