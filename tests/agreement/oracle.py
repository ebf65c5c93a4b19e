#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The key agreement of docs/agreement.md, written from that page alone: both ends, without any code of XDPsec.

    oracle.py example       the worked example of the page
    oracle.py vectors FILE  Noise itself, against published vectors
    oracle.py serve         the other end for tests: one command a line, NAME KEY=VALUE..., bytes in hex; an answer a line

BLAKE2s and HMAC are those of hashlib, X25519 and ChaCha20-Poly1305 those of python3-cryptography.
"""

import hashlib
import hmac
import json
import socket
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

INITIATION, RESPONSE, COOKIE, CONFIRM, ACK = range(1, 6)
VERSION = 1
PROLOGUE = b"XDPsec key agreement 1"
KEY_BYTES = {1: 16, 2: 32, 4: 16, 8: 32}

# ---- primitives ----------------------------------------------------------------------------------------------


def H(data):
    return hashlib.blake2s(data).digest()


def MAC(key, data, size=16):
    return hashlib.blake2s(data, digest_size=size, key=key).digest()


def HMAC(key, data):
    return hmac.new(key, data, hashlib.blake2s).digest()


def HKDF(ck, ikm, outputs):
    """Noise, section 4.3"""
    temporary, result, last = HMAC(ck, ikm), [], b""
    for number in range(1, outputs + 1):
        last = HMAC(temporary, last + bytes([number]))
        result.append(last)
    return result


def expand(key, label, suite, h, size):
    return HMAC(key, label + bytes([suite]) + h + b"\x01")[:size]


def seal(key, ad, plain, counter=0):
    return ChaCha20Poly1305(key).encrypt(struct.pack("<IQ", 0, counter), plain, ad)


def unseal(key, ad, sealed, counter=0):
    return ChaCha20Poly1305(key).decrypt(struct.pack("<IQ", 0, counter), sealed, ad)


def public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def DH(private, other):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(other))


# ---- Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s ---------------------------------------------------------------------


class Noise:
    def __init__(self, prologue, responder):
        self.h = self.ck = H(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
        self.k = None
        self.mix_hash(prologue)
        self.mix_hash(responder)

    def mix_hash(self, data):
        self.h = H(self.h + data)

    def mix_key(self, ikm):
        self.ck, self.k = HKDF(self.ck, ikm, 2)

    def mix_psk(self, psk):
        self.ck, temporary, self.k = HKDF(self.ck, psk, 3)
        self.mix_hash(temporary)

    def mix_ephemeral(self, e):
        self.mix_hash(e)
        self.mix_key(e)

    def encrypt(self, plain):
        sealed = seal(self.k, self.h, plain)
        self.mix_hash(sealed)
        return sealed

    def decrypt(self, sealed):
        plain = unseal(self.k, self.h, sealed)
        self.mix_hash(sealed)
        return plain

    def split(self):
        return HKDF(self.ck, b"", 2)


class Initiator:
    """first() gives e, the encrypted s, the encrypted payload; second() takes e and the encrypted payload."""

    def __init__(self, prologue, s, e, responder):
        self.noise, self.s, self.e, self.responder = Noise(prologue, responder), s, e, responder

    def first(self, payload):
        n = self.noise
        n.mix_ephemeral(public(self.e))
        n.mix_key(DH(self.e, self.responder))
        static = n.encrypt(public(self.s))
        n.mix_key(DH(self.s, self.responder))
        return public(self.e), static, n.encrypt(payload)

    def second(self, psk, e, sealed):
        n = self.noise
        n.mix_ephemeral(e)
        n.mix_key(DH(self.e, e))
        n.mix_key(DH(self.s, e))
        n.mix_psk(psk)
        return n.decrypt(sealed)


class Responder:
    def __init__(self, prologue, s):
        self.noise, self.s = Noise(prologue, public(s)), s

    def first(self, e, static, sealed):
        n = self.noise
        n.mix_ephemeral(e)
        n.mix_key(DH(self.s, e))
        self.other_e, self.other_s = e, n.decrypt(static)
        n.mix_key(DH(self.s, self.other_s))
        return n.decrypt(sealed)

    def second(self, psk, e, payload):
        n = self.noise
        n.mix_ephemeral(public(e))
        n.mix_key(DH(e, self.other_e))
        n.mix_key(DH(e, self.other_s))
        n.mix_psk(psk)
        return public(e), n.encrypt(payload)


# ---- messages --------------------------------------------------------------------------------------------------


def header(kind, session):
    return struct.pack("!IBBHII", 0, kind, VERSION, 0, session, 0)


def mac1(receiver, message):
    return MAC(H(b"xdpsec1 mac1" + receiver), message)


def mac2(cookie, message):
    return MAC(cookie, message)


INITIATION_PAYLOAD = struct.Struct("!12sIQBBBxHxx")
INITIATION_FIELDS = "timestamp generation life carries binding suites reject_after".split()
RESPONSE_PAYLOAD = struct.Struct("!IIQBBBBH10x")
RESPONSE_FIELDS = "spi generation life carries binding suite reason reject_after".split()


def make_initiation(s, e, responder, session, fields, cookie=None):
    head = header(INITIATION, session)
    end = Initiator(PROLOGUE + head, s, e, responder)
    message = head + b"".join(end.first(INITIATION_PAYLOAD.pack(*(fields[name] for name in INITIATION_FIELDS))))
    message += mac1(responder, message)
    return end, message + (mac2(cookie, message) if cookie else bytes(16))


def open_initiation(s, message):
    assert len(message) == 176 and message[:8] == header(INITIATION, 0)[:8] and message[12:16] == bytes(4)
    assert message[144:160] == mac1(public(s), message[:144])
    end = Responder(PROLOGUE + message[:16], s)
    payload = end.first(message[16:48], message[48:96], message[96:144])
    return end, dict(zip(INITIATION_FIELDS, INITIATION_PAYLOAD.unpack(payload)))


def make_response(end, e, psk, session, fields):
    payload = RESPONSE_PAYLOAD.pack(*(fields[name] for name in RESPONSE_FIELDS))
    message = header(RESPONSE, session) + b"".join(end.second(psk, e, payload))
    return message + mac1(end.other_s, message)


def open_response(end, psk, message):
    assert len(message) == 112 and message[96:112] == mac1(public(end.s), message[:96])
    payload = end.second(psk, message[16:48], message[48:96])
    return dict(zip(RESPONSE_FIELDS, RESPONSE_PAYLOAD.unpack(payload)))


def results(noise, session, fields):
    """The keys of both directions, and the whole Confirm and Ack."""
    (k_i, k_r), h, suite = noise.split(), noise.h, fields["suite"]
    if not suite:
        return {"h": h}
    confirm, ack = header(CONFIRM, fields["spi"]), header(ACK, session)
    return {
        "h": h,
        "i_r": expand(k_i, b"xdpsec1 data", suite, h, KEY_BYTES[suite]),
        "r_i": expand(k_r, b"xdpsec1 data", suite, h, KEY_BYTES[suite]),
        "confirm": confirm + MAC(expand(k_i, b"xdpsec1 confirm", suite, h, 32), confirm),
        "ack": ack + MAC(expand(k_r, b"xdpsec1 ack", suite, h, 32), ack),
    }


def make_cookie(secret, address, port):
    return MAC(secret, address + struct.pack("!H", port))


def cookie_key(responder, nonce):
    return MAC(H(b"xdpsec1 cookie" + responder), nonce, 32)


def make_cookie_message(responder, cookie, nonce, initiation):
    session = struct.unpack("!I", initiation[8:12])[0]
    return header(COOKIE, session) + nonce + seal(cookie_key(responder, nonce), initiation[144:160], cookie)


def open_cookie_message(responder, message, initiation):
    return unseal(cookie_key(responder, message[16:48]), initiation[144:160], message[48:80])


# ---- the example -----------------------------------------------------------------------------------------------


def show(name, value):
    groups = [value[i : i + 4].hex() for i in range(0, len(value), 4)]
    for i in range(0, len(groups), 8):
        print(f"{name if i == 0 else '':<14} {' '.join(groups[i:i + 8])}")


def dump(name, data):
    print(f"\n{name}, {len(data)} bytes")
    for offset in range(0, len(data), 16):
        print(f"  {offset:04x}  {data[offset:offset + 16].hex(' ')}")


def example():
    s_i, e_i, s_r, e_r, psk, nonce, secret = (bytes([i]) * 32 for i in range(1, 8))
    session, spi = 0x11111111, 0x22222222
    offered = {
        "timestamp": bytes.fromhex("400000006f00000a00000000"),
        "generation": 1,
        "life": 0xA1A2A3A4A5A6A7A8,
        "carries": 4,
        "binding": 0,
        "suites": 3,
        "reject_after": 540,
    }
    chosen = {
        "spi": spi,
        "generation": 1,
        "life": 0xB1B2B3B4B5B6B7B8,
        "carries": 4,
        "binding": 0,
        "suite": 1,
        "reason": 0,
        "reject_after": 540,
    }

    for name, private in (("S_i", s_i), ("E_i", e_i), ("S_r", s_r), ("E_r", e_r)):
        show(name, public(private))

    _, first = make_initiation(s_i, e_i, public(s_r), session, offered)
    cookie = make_cookie(secret, socket.inet_aton("192.0.2.1"), 4500)
    cookie_message = make_cookie_message(public(s_r), cookie, nonce, first)
    assert open_cookie_message(public(s_r), cookie_message, first) == cookie
    initiator, initiation = make_initiation(s_i, e_i, public(s_r), session, offered, cookie)
    after_first = initiator.noise.h

    responder, taken = open_initiation(s_r, initiation)
    assert taken == offered and responder.other_s == public(s_i)
    response = make_response(responder, e_r, psk, session, chosen)
    assert open_response(initiator, psk, response) == chosen
    made, same = results(responder.noise, session, chosen), results(initiator.noise, session, chosen)
    assert made == same

    show("h, Initiation", after_first)
    show("h", made["h"])
    k_i, k_r = responder.noise.split()
    show("k_i", k_i)
    show("k_r", k_r)
    show("K_data i to r", made["i_r"])
    show("K_data r to i", made["r_i"])
    show("K_confirm", expand(k_i, b"xdpsec1 confirm", 1, made["h"], 32))
    show("K_ack", expand(k_r, b"xdpsec1 ack", 1, made["h"], 32))
    show("cookie", cookie)

    dump("Initiation", initiation)
    dump("Response", response)
    dump("Cookie", cookie_message)
    dump("Confirm", made["confirm"])
    dump("Ack", made["ack"])


# ---- vectors ---------------------------------------------------------------------------------------------------


def check_vector(vector):
    def get(name):
        return bytes.fromhex(vector[name])

    messages = [(bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"])) for m in vector["messages"]]
    psk = bytes.fromhex(vector["init_psks"][0])
    one = Initiator(get("init_prologue"), get("init_static"), get("init_ephemeral"), get("init_remote_static"))
    two = Responder(get("resp_prologue"), get("resp_static"))
    first = one.first(messages[0][0])
    assert b"".join(first) == messages[0][1] and two.first(*first) == messages[0][0]
    second = two.second(psk, get("resp_ephemeral"), messages[1][0])
    assert b"".join(second) == messages[1][1] and one.second(psk, *second) == messages[1][0]
    assert one.noise.h == two.noise.h == get("handshake_hash")
    for number, (plain, sealed) in enumerate(messages[2:]):
        assert seal(one.noise.split()[number % 2], b"", plain, number // 2) == sealed


# ---- the other end ---------------------------------------------------------------------------------------------


class Server:
    end = session = None

    def primitives(self, a):
        ck, ikm, data, key = a["ck"], a["ikm"], a["data"], a["key"]
        two, three = HKDF(ck, ikm, 2), HKDF(ck, ikm, 3)
        return {
            "hash": H(ck + data),
            "mac": MAC(key, data),
            "mac32": MAC(key, data, 32),
            "mac_short": MAC(key[:16], data),
            "hkdf2": b"".join(two),
            "hkdf3": b"".join(three),
            "expand": HMAC(key, data + b"\x01"),
            "sealed": seal(key, ck, data, a["counter"]),
            "public": public(key),
            "dh": DH(key, public(ck)),
        }

    def initiation(self, a):
        self.session = a["session"]
        self.end, message = make_initiation(a["s"], a["e"], a["peer"], a["session"], a, a.get("cookie"))
        return {"message": message}

    def consume(self, a):
        fields = open_response(self.end, a["psk"], a["message"])
        return fields | results(self.end.noise, self.session, fields)

    def open(self, a):
        self.end, fields = open_initiation(a["s"], a["message"])
        self.session = struct.unpack("!I", a["message"][8:12])[0]
        return fields | {"initiator": self.end.other_s, "session": self.session}

    def respond(self, a):
        message = make_response(self.end, a["e"], a["psk"], self.session, a)
        return {"message": message} | results(self.end.noise, self.session, a)

    def cookie(self, a):
        cookie = make_cookie(a["secret"], a["address"], a["port"])
        return {"cookie": cookie, "message": make_cookie_message(a["peer"], cookie, a["nonce"], a["message"])}

    def serve(self):
        for line in sys.stdin:
            name, *pairs = line.split()
            arguments = dict(pair.split("=", 1) for pair in pairs)
            arguments = {k: int(v[1:]) if v[:1] == "#" else bytes.fromhex(v) for k, v in arguments.items()}
            try:
                answer = getattr(self, name)(arguments)
                words = (f"{k}={v.hex() if isinstance(v, bytes) else f'#{v}'}" for k, v in answer.items())
                print(*words, flush=True)
            except (AssertionError, InvalidTag, ValueError) as error:
                print(f"refused={type(error).__name__.encode().hex()}", flush=True)


def main():
    if sys.argv[1:] == ["example"]:
        example()
    elif sys.argv[1:2] == ["vectors"]:
        with open(sys.argv[2], encoding="ascii") as file:
            for vector in json.load(file)["vectors"]:
                check_vector(vector)
                print("ok", vector["protocol_name"])
    elif sys.argv[1:] == ["serve"]:
        Server().serve()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
