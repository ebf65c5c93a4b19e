#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Secrets of key agreement: what of them is where, and what somebody can open who has found all of it.

    witness CAPTURE ASKING ANSWERING OUT BEFORE
                                            the agent ASKING (a process) makes new keys; its memory while it waits for
                                            the Response is OUT.asking, that of ANSWERING while it waits for the Confirm
                                            OUT.answering. Both are stopped and continued for that
    hold PREFIX BEFORE|- INSTANCE PID...    the memory of each agent and all maps of its instance, to PREFIX-PID.memory
                                            and .maps
    derive CAPTURE KNOWN MATERIAL           everything that the handshake of the capture has made, by name, in hex
    read CAPTURE KNOWN MARKER MATERIAL...   open the capture with whatever is in these files: how many packets could be
                                            opened, and in how many of them is the marker
    find SECRETS FILE...                    which of the values, and in which form, are in these files
    gone INSTANCE HANDSHAKE                 fails while an SA of this handshake is in the maps
    places PID FILE...                      where in the memory of a process the keys in these key files are

BEFORE is a PREFIX of an earlier time: pages that have not changed since are left out. No secret is in them that is
younger. KNOWN and SECRETS are files of lines NAME=HEX. KNOWN has s_a, s_b and psk; and the SPIs, spi_i and spi_r, to open
only these. The cryptography is that of tests/agreement/oracle.py, without any code of XDPsec.
"""

import base64
import hashlib
import json
import os
import re
import signal
import struct
import sys
import time

import bpf
import packets

sys.path += [os.path.join(os.path.dirname(__file__), "../../agreement")]

PORT = 7253
INITIATION, RESPONSE, ACK = 1, 2, 5
CHUNK = 1 << 20
PAGE = 4096

# ---- memory ----------------------------------------------------------------------------------------------------


class Mapping:
    def __init__(self, lines):
        words = lines[0].split(None, 5)
        self.start, self.end = (int(x, 16) for x in words[0].split("-"))
        self.mode = words[1]
        self.name = words[5].strip() if len(words) > 5 else ""
        self.facts = dict(line.split(":", 1) for line in lines[1:])

    def flags(self):
        return self.facts["VmFlags"].split()

    def changed(self):
        """Not the same as in a file: a secret of the process can be only there."""
        return self.mode[1] == "w" or self.mode[3] == "s" or self.facts["Anonymous"].split()[0] != "0"


def mappings(pid):
    lines = []
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        for line in file:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line) and lines:
                yield Mapping(lines)
                lines = []
            lines.append(line)
    yield Mapping(lines)


def read_all(file, at, size):
    """Pages that cannot be read are zeros."""
    content = b""
    while len(content) < size:
        try:
            file.seek(at + len(content))
            piece = file.read(size - len(content))
        except OSError:
            piece = b""
        content += piece or bytes(PAGE - len(content) % PAGE)
    return content


def memory(pid, known=None):
    """Each mapping with its bytes, but for the kernel's own pages."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for mapping in known or mappings(pid):
            if "r" in mapping.mode and mapping.name not in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                pieces = (read_all(file, at, min(CHUNK, mapping.end - at))
                          for at in range(mapping.start, mapping.end, CHUNK))
                yield mapping, b"".join(pieces)


def hash_of(page):
    return hashlib.blake2s(page, digest_size=16).hexdigest()


def write_pages(path, regions, before=None):
    """Pages that are not zero, and are not as they were: regions are names, or addresses, and their bytes."""
    index, old = {}, {}
    if before:
        with open(before + ".index", encoding="ascii") as file:
            old = json.load(file)
    with open(path, "wb") as file:
        for name, content in regions:
            for at in range(0, len(content), PAGE):
                page = content[at : at + PAGE]
                if not page.strip(b"\0"):
                    continue
                label = f"{name}+{at:x}"
                index[label] = hash_of(page)
                if old.get(label) != index[label]:
                    file.write(page)
            # No value goes over from one region to the next.
            file.write(bytes(64))
    with open(path + ".index", "w", encoding="ascii") as file:
        json.dump(index, file)


def regions(content):
    return ((f"{mapping.start:x}", data) for mapping, data in content if mapping.changed())


def dump(pid, path, before=None):
    write_pages(path, regions(memory(pid)), before)


# ---- captures --------------------------------------------------------------------------------------------------


class Capture:
    """The messages of the key agreement, and sealed packets by their SPI."""

    def __init__(self, path):
        self.messages, self.sealed = [], {}
        for frame in packets.udp_frames(path, PORT):
            payload = frame.payload()
            (spi,) = struct.unpack_from("!I", payload)
            if spi:
                self.sealed.setdefault(spi, []).append(payload)
            else:
                self.messages.append(payload)

    def of(self, kind, session=None):
        return [m for m in self.messages if m[4] == kind and session in (None, struct.unpack_from("!I", m, 8)[0])]

    def handshakes(self):
        """Pairs of an Initiation and its Response, the newest first."""
        for response in reversed(self.of(RESPONSE)):
            session = struct.unpack_from("!I", response, 8)[0]
            yield from ((initiation, response) for initiation in self.of(INITIATION, session))


def open_sealed(key, payload):
    """docs/protocol.md: the tag is in front of the ciphertext. None: that is not the key."""
    try:
        return AESOCB3(key).decrypt(payload[4:16], payload[32:] + payload[16:32], None)
    except InvalidTag:
        return None


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds * packets.WAIT_FACTOR
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.002)
    return None


def messages_now(path, kind, session=None):
    return Capture(path).of(kind, session) if os.path.getsize(path) > 24 else []


def witness_once(capture, asking, answering):
    """
    Their memory, or None: a retry came in between, and this handshake was given up for another one. So nothing is done
    here that can be done before or after.
    """
    n = len(messages_now(capture, INITIATION))
    parts = {pid: [m for m in mappings(pid) if m.changed()] for pid in (asking, answering)}
    os.kill(answering, signal.SIGSTOP)
    os.kill(asking, signal.SIGUSR1)
    asked = wait_for(lambda: messages_now(capture, INITIATION)[n:], 3)
    if not asked:
        return None
    first = list(memory(asking, parts[asking]))
    os.kill(asking, signal.SIGSTOP)
    os.kill(answering, signal.SIGCONT)
    session = struct.unpack_from("!I", asked[0], 8)[0]
    answered = wait_for(lambda: messages_now(capture, RESPONSE, session), 3)
    second = list(memory(answering, parts[answering]))
    os.kill(asking, signal.SIGCONT)
    done = answered and wait_for(lambda: messages_now(capture, ACK, session), 1)
    return (first, second) if done else None


def witness(capture, asking, answering, out, before):
    asking, answering = int(asking), int(answering)
    for _ in range(10):
        try:
            seen = witness_once(capture, asking, answering)
        finally:
            for pid in (asking, answering):
                os.kill(pid, signal.SIGCONT)
        if seen:
            write_pages(out + ".asking", regions(seen[0]), f"{before}-{asking}.memory")
            write_pages(out + ".answering", regions(seen[1]), f"{before}-{answering}.memory")
            return 0
        time.sleep(1)
    return 1


# ---- the attack ------------------------------------------------------------------------------------------------


def windows(content, size, different):
    """
    Each stretch of so many bytes that can be a random key. Left out is what a key has hardly ever, one in 100 000: three
    zeros in a row, or fewer different bytes.
    """
    found = set()
    for piece in re.split(rb"\0{3,}", content):
        if len(piece) < size - 4:
            continue
        # The zeros that were split off may be a key's own first or last ones.
        piece = bytes(2) + piece + bytes(2)
        for i in range(len(piece) - size + 1):
            window = piece[i : i + size]
            if len(set(window)) >= different:
                found.add(window)
    return found


class Reader:
    """Who has recorded a capture, and knows both static keys and the preshared one."""

    def __init__(self, capture, known):
        self.capture, self.known = capture, known
        self.handshakes = list(capture.handshakes())
        self.s = {oracle.public(known[name]): known[name] for name in ("s_a", "s_b")}
        spis = {int.from_bytes(known[name], "big") for name in ("spi_i", "spi_r") if name in known}
        self.sealed = [sealed for spi, sealed in capture.sealed.items() if not spis or spi in spis]

    def recover(self, initiation, response, ee):
        """All that a handshake has made, if this is its ee."""
        head = initiation[:16]
        for responder, s_r in self.s.items():
            if initiation[144:160] != oracle.mac1(responder, initiation[:144]):
                continue
            e_i, e_r = initiation[16:48], response[16:48]
            n = oracle.Noise(oracle.PROLOGUE + head, responder)
            values = {}

            def mix(name, value):
                values[name] = value
                n.mix_key(value)
                values["ck after " + name], values["k after " + name] = n.ck, n.k

            n.mix_ephemeral(e_i)
            mix("es", oracle.DH(s_r, e_i))
            s_i = n.decrypt(initiation[48:96])
            mix("ss", oracle.DH(s_r, s_i))
            n.decrypt(initiation[96:144])
            n.mix_ephemeral(e_r)
            mix("ee", ee)
            mix("se", oracle.DH(self.s[s_i], e_r))
            n.mix_psk(self.known["psk"])
            values["ck"], values["k"] = n.ck, n.k
            fields = dict(zip(oracle.RESPONSE_FIELDS, oracle.RESPONSE_PAYLOAD.unpack(n.decrypt(response[48:96]))))
            session = struct.unpack_from("!I", initiation, 8)[0]
            made = oracle.results(n, session, fields)
            (values["k_i"], values["k_r"]), suite = n.split(), fields["suite"]
            values |= {"h": n.h, "K_data i to r": made["i_r"], "K_data r to i": made["r_i"]}
            values["K_confirm"] = oracle.expand(values["k_i"], b"xdpsec1 confirm", suite, n.h, 32)
            values["K_ack"] = oracle.expand(values["k_r"], b"xdpsec1 ack", suite, n.h, 32)
            return values | {"spi_i": initiation[8:12], "spi_r": struct.pack("!I", fields["spi"])}
        return None

    def try_ephemerals(self, secrets):
        """Is one of them the private key of an ephemeral that is in the capture?"""
        ends = {}
        for initiation, response in self.handshakes:
            ends[initiation[16:48]] = initiation, response, response[16:48]
            ends[response[16:48]] = initiation, response, initiation[16:48]
        found = {}
        for secret in secrets:
            end = ends.get(oracle.public(secret))
            if end:
                found |= {"e": secret} | self.recover(end[0], end[1], oracle.DH(secret, end[2]))
        return found

    def open_with(self, keys, marker):
        """How many packets one of the keys opens, and how many of these have the marker in them."""
        opened = marked = 0
        for sealed in self.sealed:
            for key in keys:
                if open_sealed(key, sealed[0]) is not None:
                    plain = [open_sealed(key, payload) for payload in sealed]
                    opened += sum(text is not None for text in plain)
                    marked += sum(marker in text for text in plain if text is not None)
        return {"opened": opened, "marked": marked}


def read(path, known, marker, *material):
    """Every stretch of the material as the private key of an ephemeral, and as a key of data."""
    reader = Reader(Capture(path), read_values(known))
    content = bytes(32).join(content_of(name) for name in material)
    long, short = windows(content, 32, 20), windows(content, 16, 11)
    derived = reader.try_ephemerals(long)
    keys = {value for name, value in derived.items() if name.startswith("K_data")}
    print(json.dumps({"handshakes": len(reader.handshakes), "candidates": len(long) + len(short),
                      "sealed": sum(map(len, reader.sealed)), "spis": len(reader.sealed),
                      "ephemeral": reader.open_with(keys, bytes.fromhex(marker)),
                      "data": reader.open_with(long | short, bytes.fromhex(marker))}))


def derive(path, known, material):
    reader = Reader(Capture(path), read_values(known))
    found = reader.try_ephemerals(windows(content_of(material), 32, 20))
    for name, value in found.items():
        print(f"{name}={value.hex()}")
    return 0 if found else 1


# ---- exact values ----------------------------------------------------------------------------------------------


def read_values(path):
    with open(path, encoding="ascii") as file:
        return {name: bytes.fromhex(value) for name, value in (line.strip().split("=") for line in file if "=" in line)}


def forms(value):
    """Half of it is enough: what was overwritten in part is still a leak."""
    half = len(value) // 2
    yield "first half", value[:half]
    yield "second half", value[half:]
    yield "hex", value[:half].hex().encode()
    yield "HEX", value[:half].hex().upper().encode()
    yield "base64", base64.b64encode(value)[: half // 3 * 4]
    yield "backwards", value[::-1][:half]


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def find(secrets, *files):
    for path in files:
        content = content_of(path)
        for secret, value in read_values(secrets).items():
            if secret.startswith("spi"):
                continue
            for form, needle in forms(value):
                n = content.count(needle)
                if n:
                    print(f"{os.path.basename(path)}: {secret}, {form}: {n}")


def places(pid, *files):
    """Of each key: in which form, how often, and by which rules of the kernel the page is kept."""
    needles = {}
    for path in files:
        with open(path, "rb") as file:
            text = file.read().strip()
        label = os.path.basename(path)
        needles |= {f"{label}, {form}": needle for form, needle in forms(base64.b64decode(text))}
    found = {}
    for mapping, content in memory(pid):
        for label, needle in needles.items():
            n = content.count(needle)
            if n:
                rules = "".join(f" {flag}" for flag in ("lo", "dd", "wf") if flag in mapping.flags())
                where = "memory for secrets" if rules == " lo dd wf" and not mapping.name else mapping.name + rules
                found[label, where] = found.get((label, where), 0) + n
    for (label, where), n in sorted(found.items()):
        print(f"{label}: {n} in {where}")


def gone(instance, handshake):
    values = read_values(handshake)
    spis = [struct.pack("=I", int.from_bytes(values[name], "big")) for name in ("spi_i", "spi_r")]
    for name in ("agreements", "spis"):
        table = bpf.Map(bpf.open_pin(f"/sys/fs/bpf/xdpsec/{instance}/maps/{name}"))
        if any(spi in key + value for key, value in table.items() for spi in spis):
            return 1
    return 0


def hold(prefix, before, *agents):
    for instance, pid in zip(agents[::2], agents[1::2]):
        old = None if before == "-" else f"{before}-{pid}"
        dump(pid, f"{prefix}-{pid}.memory", old and old + ".memory")
        tables = ((f"{table.name} {table.id}", table.bytes()) for table in bpf.maps_of(instance, pid))
        write_pages(f"{prefix}-{pid}.maps", tables, old and old + ".maps")


COMMANDS = {"witness": witness, "hold": hold, "derive": derive, "read": read, "find": find, "places": places,
            "gone": gone}

if __name__ == "__main__":
    if sys.argv[1] in ("derive", "read"):
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESOCB3

        import oracle
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
