#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics as the parsers of Prometheus' own Python client see them, one line a sample: what `xdpsec metrics` prints is
judged by who knows nothing of it.

  metrics.py openmetrics|text        standard input: "NAME LABEL=VALUE,... NUMBER", sorted; fails where it is not valid
  metrics.py families                standard input, OpenMetrics: "NAME TYPE UNIT", sorted
  metrics.py clients ADDRESS PORT    slow and broken clients; one line for each thing that they find
  metrics.py drip ADDRESS PORT       a client that sends one byte a second: prints after how many seconds it is cut off
"""
import http.client
import socket
import sys
import threading
import time

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser


def families(form):
    text = sys.stdin.read()
    parse = openmetrics_parser.text_string_to_metric_families if form == "openmetrics" else parser.text_string_to_metric_families
    return list(parse(text))


def samples(form):
    for family in families(form):
        assert family.documentation, f"{family.name} has no HELP"
        assert family.type != "unknown", f"{family.name} has no TYPE"
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            yield f"{sample.name} {labels or '-'} {sample.value:.15g}"


def get(address, port, source="127.0.0.1", path="/metrics"):
    connection = http.client.HTTPConnection(address, port, timeout=10, source_address=(source, 0))
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


def reply(address, port, request):
    """The first line of the answer; empty: the connection was closed without one."""
    with socket.create_connection((address, port), timeout=10) as client:
        try:
            client.sendall(request)
            return client.makefile("rb").readline().decode("latin-1").strip()
        except ConnectionError:
            return ""


def clients(address, port):
    both = []
    threads = [threading.Thread(target=lambda: both.append(get(address, port)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("eight at once:", *sorted(set(both)), len(both))
    print("garbage:", reply(address, port, b"\xff\x80\xfe\r\n\r\n") or "closed")
    print("a version of HTTP that there is not:", *reply(address, port, b"GET /metrics HTTP/9.9\r\n\r\n").split(" ")[1:2])
    print("a request too long:", *reply(address, port, b"GET /metrics?" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n").split(" ")[1:2])
    # Those that go: before they have said anything, after the beginning of TLS, and without reading their answer.
    for request in b"", b"\x16\x03\x01\x00\xa5\x01\x00", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n":
        with socket.create_connection((address, port)) as client:
            client.sendall(request)
    # Those that begin a request and wait: more than one address may have.
    waiting = []
    for _ in range(40):
        client = socket.create_connection((address, port), timeout=10)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost:")
        waiting.append(client)
    began = time.monotonic()
    print("beside many that wait, from another address:", get(address, port, source="127.0.0.2")[0])
    print("at once:", time.monotonic() - began < 5)
    refused = 0
    for client in waiting:
        client.settimeout(0.2 if not refused else 1)
        try:
            refused += client.recv(1) == b""
        except ConnectionError:
            refused += 1
        except socket.timeout:
            pass
    print("of those that wait, some are refused:", 0 < refused < 40)
    for client in waiting:
        client.close()


def drip(address, port):
    began = time.monotonic()
    with socket.create_connection((address, port)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nX:")
        try:
            while time.monotonic() - began < 120:
                client.sendall(b"x")
                time.sleep(1)
        except ConnectionError:
            pass
    print(int(time.monotonic() - began))


def main():
    command = sys.argv[1]
    if command == "families":
        print(*sorted(f"{family.name} {family.type} {family.unit or '-'}" for family in families("openmetrics")), sep="\n")
    elif command == "clients":
        clients(sys.argv[2], int(sys.argv[3]))
    elif command == "drip":
        drip(sys.argv[2], int(sys.argv[3]))
    else:
        print(*sorted(samples(command)), sep="\n")


if __name__ == "__main__":
    main()
