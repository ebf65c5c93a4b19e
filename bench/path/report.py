#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py RAW JSON: judge what bench/path/guest counted, print it as a table and write it to JSON.

A run whose path is not what its row says (packets of another length, packets that were lost, traffic that was
not sealed, a machine that had nothing to do) has no figure, but the reason for that.
"""

import json
import statistics
import sys

# TCP has no smaller segments.
COLUMNS = (("udp", 64), ("udp", 512), ("udp", 1380), ("tcp", 76), ("tcp", 512), ("tcp", 1380), ("ping", 56))
SIZES = {size for _, size in COLUMNS}
# Two sizes of whole blocks, and of whole turns of sixteen: bench/path/guest measures the data plane with both.
BLOCKS = (512, 1408)
# Those of the neighbours and of the peers themselves (handshakes, keepalives), in packets of one run.
OTHER_PACKETS = 24
LARGEST_SPREAD = 0.02
LARGEST_IDLE = 0.01
CALIBRATION = 0.005

EXPLANATION = """\
What is counted: all instructions that the machine's one processor executed, divided by the data packets on the
wire: the stacks and programs of both sites, the system calls and copies of sender and receiver (UDP: one send and
one receive for each packet; TCP: iperf3), what comes back for it (TCP's acknowledgements), interrupts of the clock.
PING: from one echo request to the next, which is sent when the last was answered: both ways of one packet, alone.
Segments of TCP for the rows that hand larger packets over.

What an instruction count is not: time. An AES round, and a vector instruction of 16 or 32 bytes, count one each,
like an addition; a cache miss, a wrong branch and a locked instruction cost nothing; and with one processor
nothing is done in parallel, which WireGuard and XFRM can, and nothing waits for another."""


class Refused(Exception):
    pass


# ---- one run -----------------------------------------------------------------------------------------


def check_wire(run, sent, arrived):
    """What left one end has come to the other: [tx packets, tx bytes, rx packets, rx bytes, rx and tx drops]."""
    for name, tx, rx in (("A to B", sent, arrived), ("B to A", arrived, sent)):
        # The ends are read one after the other, and a peer may say something in between.
        if abs(tx[0] - rx[2]) > OTHER_PACKETS / 3:
            raise Refused(f"{name}: {tx[0]} packets were sent on the wire and {rx[2]} came")
    if sum(sent[4:] + arrived[4:]):
        raise Refused(f"{sum(sent[4:] + arrived[4:])} packets were dropped on the wire")


def check_sealed(run, sent, arrived, counts):
    """The peer has sealed what was on the wire, and opened what it sealed."""
    header = run["counts_bytes"]
    unit = "packets" if header is None else "bytes"
    slack = OTHER_PACKETS if header is None else OTHER_PACKETS * run["frame"]
    for name, wire, sealed, opened in (("A to B", sent, counts[0], counts[1]), ("B to A", arrived, counts[2], counts[3])):
        on_wire = wire[0] if header is None else wire[1] - header * wire[0]
        if abs(on_wire - sealed) > slack:
            raise Refused(f"{name}: {on_wire} {unit} on the wire, of which {sealed} were sealed")
        # A keepalive may be on its way.
        if abs(sealed - opened) > (1 if header is None else run["frame"]):
            raise Refused(f"{name}: {sealed} {unit} were sealed, {opened} opened ({run['after']['drops'] or 'no drops'})")


def check_endpoints(run):
    if run["protocol"] != "tcp":
        if run["sent"] != run["received"] or run["damaged"]:
            raise Refused(f"{run['sent']} sent, {run['received']} received, {run['damaged']} of them damaged")
    elif run["retransmits"]:
        raise Refused(f"TCP sent {run['retransmits']} segments again")


def data_packets(run):
    """In the part that was counted; their length on the wire must be that of the row."""
    if run["aggregates"]:
        headers = run["frame"] - run["payload"]
        return (run["tx_bytes"] - headers * run["tx_packets"]) / run["payload"]
    length = run["tx_bytes"] / run["tx_packets"]
    if abs(length - run["frame"]) > 0.005 * run["frame"]:
        raise Refused(f"packets on the wire have {length:.1f} bytes, not {run['frame']}")
    return run["tx_packets"]


def instructions_per_packet(run):
    if "error" in run:
        raise Refused(run["error"])
    before, after = run["before"], run["after"]
    sent = [b - a for a, b in zip(before["wire_a"], after["wire_a"])]
    arrived = [b - a for a, b in zip(before["wire_b"], after["wire_b"])]
    check_wire(run, sent, arrived)
    check_endpoints(run)
    if after["peer"]:
        check_sealed(run, sent, arrived, [b - a for a, b in zip(before["peer"], after["peer"])])
    if run["idle"] > LARGEST_IDLE * run["instructions"]:
        raise Refused(f"the machine was idle for {run['idle'] / run['instructions']:.0%} of the time")
    return run["instructions"] / data_packets(run)


# ---- rows --------------------------------------------------------------------------------------------


def make_row(runs):
    """All runs of one peer, protocol and payload: the median, or why there is none."""
    row = {key: runs[0][key] for key in ("peer", "protocol", "payload")}
    figures, refusals = [], []
    for run in runs:
        try:
            figures.append(instructions_per_packet(run))
        except Refused as refusal:
            refusals.append(str(refusal))
    if refusals:
        row["refused"] = refusals[0]
        return row
    row["instructions"] = statistics.median(figures)
    row["runs"] = figures
    row["spread"] = (max(figures) - min(figures)) / row["instructions"]
    row["frame"] = runs[0]["frame"]
    row["returned_packets"] = statistics.median(run["rx_packets"] / data_packets(run) for run in runs)
    return row


def make_rows(lines):
    groups, rows = {}, []
    for line in lines:
        if "protocol" in line:
            groups.setdefault((line["peer"], line["protocol"], line["payload"]), []).append(line)
        elif "error" in line:
            rows.append({"peer": line["peer"], "refused": line["error"]})
    return rows + [make_row(runs) for runs in groups.values()]


def core_rows(lines):
    """The data plane alone, by bench/core, whose nanoseconds are instructions here."""
    rows = []
    for line in lines:
        for result in line.get("core", []):
            # The bare cipher is the same in both modes, and a tunnel over IPv4 has no UDP checksum.
            tunnel = result.get("mode") == "tunnel"
            figures = ("seal", "open") if tunnel else (
                "bare_encrypt", "bare_decrypt", "seal", "seal_checksummed", "open", "open_checksummed")
            for figure in figures:
                rows.append({"program": f"tunnel_{figure}" if tunnel else figure, "driver": result["cipher"],
                             "payload": result["payload"], "instructions": result[figure]["nanoseconds"]})
    return rows


def check_calibration(lines):
    """The clock must be an instruction counter, and idleness must not count."""
    head = next((line for line in lines if "calibration" in line), None)
    if not head:
        sys.exit("vmbench: the virtual machine measured nothing")
    for loop in head["calibration"]:
        if abs(loop["instructions"] / loop["expected"] - 1) > CALIBRATION + 0.01e9 / loop["expected"] * bool(loop["idle"]):
            sys.exit(f"vmbench: a loop of {loop['expected']} instructions was measured as {loop['instructions']}: "
                     "the machine's clock does not count instructions")
    return head


# ---- output ------------------------------------------------------------------------------------------


def cell(row):
    if row is None:
        return "-"
    if "refused" in row:
        return "refused"
    return f"{row['instructions']:.0f}{'!' if row['spread'] > LARGEST_SPREAD else ''}"


def print_paths(rows):
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    by_key = {(r["peer"], r.get("protocol"), r.get("payload")): r for r in rows}
    # Gateways have no short segments.
    columns = [c for c in COLUMNS if any(c == key[1:] for key in by_key)] or COLUMNS
    print(f"{'instructions a packet':32}" + "".join(f"{f'{p.upper()} {s}':>12}" for p, s in columns))
    for peer in peers:
        cells = [cell(by_key.get((peer, p, s))) for p, s in columns]
        print(f"{peer:32}" + "".join(f"{c:>12}" for c in cells))


def block_costs(figures):
    """What a block costs a program, beyond the bare cipher: figures are the instructions by (program, payload)."""
    few, many = BLOCKS
    grows = {program: figures[program, many] - figures[program, few]
             for program, payload in figures if payload == few and (program, many) in figures}
    return {program: (grows[program] - grows["bare_encrypt" if "seal" in program else "bare_decrypt"]) / ((many - few) / 16)
            for program in grows if "bare" not in program}


def print_core(rows):
    if not rows:
        return
    print(f"\nThe data plane alone, with and without a UDP checksum")
    for program, driver in dict.fromkeys((row["program"], row["driver"]) for row in rows):
        figures = [row["instructions"] for row in rows
                   if (row["program"], row["driver"]) == (program, driver) and row["payload"] in SIZES]
        print(f"{program}, {driver}".ljust(32) + "".join(f"{f:>12.0f}" for f in figures))
    for driver in dict.fromkeys(row["driver"] for row in rows):
        costs = block_costs({(row["program"], row["payload"]): row["instructions"] for row in rows if row["driver"] == driver})
        if costs:
            print(f"A block beyond the bare cipher, {driver}: " + ", ".join(f"{program} {cost:.1f}" for program, cost in costs.items()))


def profiles(lines, rows):
    """The shares of functions, in instructions a packet."""
    figures = {(r["peer"], r["payload"]): r["instructions"] for r in rows if r.get("protocol") == "udp" and "runs" in r}
    return [{"peer": line["peer"], "payload": line["payload"],
             "functions": [{"function": f["function"], "instructions": f["share"] * figures[line["peer"], line["payload"]]}
                           for f in line["profile"]]}
            for line in lines if "profile" in line and (line["peer"], line["payload"]) in figures]


def print_profiles(all_profiles):
    for profile in all_profiles:
        print(f"\n{profile['peer']}, UDP, {profile['payload']} bytes: instructions a packet by function (sampled)")
        for function in profile["functions"][:20]:
            print(f"{function['instructions']:>12.0f}  {function['function']}")


def print_remarks(rows):
    spreads = [row["spread"] for row in rows if "spread" in row]
    if spreads:
        print(f"\nMedians; from run to run they differ by {max(spreads):.1%} at most.")
    for row in rows:
        name = f"{row['peer']}, {row['protocol'].upper()}, {row['payload']} bytes" if "protocol" in row else row["peer"]
        if "refused" in row:
            print(f"refused: {name}: {row['refused']}")
        elif row["spread"] > LARGEST_SPREAD:
            print(f"! {name}: from {min(row['runs']):.0f} to {max(row['runs']):.0f}")


def main():
    raw, output = sys.argv[1:]
    with open(raw, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.startswith("{")]
    head = check_calibration(lines)
    rows, core = make_rows(lines), core_rows(lines)
    with open(output, "w", encoding="utf-8") as file:
        json.dump({"kernel": head["kernel"], "calibration": head["calibration"], "paths": rows, "core": core,
                   "profiles": profiles(lines, rows)}, file, indent=1)
        file.write("\n")
    loop, pause = head["calibration"]
    print(f"\nLinux {head['kernel']}, one emulated processor whose clock counts instructions\n"
          f"Calibration: a loop of {loop['expected']} was measured as {loop['instructions']}, and as "
          f"{pause['instructions']} with a second of idleness in it.\n")
    print_paths(rows)
    print_core(core)
    print_profiles(profiles(lines, rows))
    print_remarks(rows)
    print("\n" + EXPLANATION)
    if any("refused" in row for row in rows):
        sys.exit(1)


main()
