#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blind.py CMD...: run CMD, for which there is no list of the machine's BPF programs and BTF.

strace knows a call by its number, and what goes through these lists makes as many calls as they are long: libbpf
looks for kfuncs and programs to be extended in every BTF, `xdpsec down` for programs that somebody attached by hand.
Tests that run at the same time load and unload programs, so that the numbers would never be the same twice.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_PROG_GET_NEXT_ID, BPF_BTF_GET_NEXT_ID = 11, 23
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # classic BPF
NUMBER, FIRST_ARGUMENT = 0, 16  # struct seccomp_data

# (code, jump if true, jump if false, operand): the end of the list for these two, the rest as it is.
FILTER = [
    (LOAD_WORD, 0, 0, NUMBER),
    (JUMP_IF_EQUAL, 0, 4, BPF_SYSCALL),
    (LOAD_WORD, 0, 0, FIRST_ARGUMENT),
    (JUMP_IF_EQUAL, 1, 0, BPF_PROG_GET_NEXT_ID),
    (JUMP_IF_EQUAL, 0, 1, BPF_BTF_GET_NEXT_ID),
    (RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.ENOENT),
    (RETURN, 0, 0, SECCOMP_RET_ALLOW),
]


def main():
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in FILTER))
    # struct sock_fprog
    program = struct.pack("@HP", len(FILTER), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        sys.exit(f"blind.py: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[1], sys.argv[1:])


main()
