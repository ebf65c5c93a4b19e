#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/compare refuses what it cannot compare before it makes anything.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

compare=$(dirname "$0")/../../bench/compare

# wrong NAME REGEX ARGUMENT...
wrong() {
	refuses "$1" "$compare" "${@:3}"
	is "$1: exit code" "$TAP_STATUS" 2
	like "$1: the reason" "$TAP_OUTPUT" "$2"
}

wrong "an unknown rival" 'carrier-pigeon: no such rival.*hint: there are clear xdpsec' -p xdpsec,carrier-pigeon namespaces
wrong "no sites" 'sites'
wrong "half of the sites" "either 'namespaces', or five words" eth0 192.0.2.1
wrong "no round" 'out of range' -r 0 namespaces
wrong "no time" 'out of range' -t 0 namespaces
wrong "an MTU that IPv4 does not have" 'out of range' -m 60 namespaces
wrong "packets that would be fragments" 'sizes are from 16 to 1352' -s 64,1400 namespaces
wrong "a size that is not a number" 'argument -s: large: invalid: numbers of bytes, as in 64,512,1350' -s large namespaces
ok "help" "$compare" -h
like "help: what is compared" "$TAP_OUTPUT" 'at most 1 % loss'

# in_compare: the Python of standard input, with bench/compare as a module
in_compare() {
	cat <(
		cat <<-'END'
			import importlib.machinery, importlib.util, sys
			loader = importlib.machinery.SourceFileLoader("compare", sys.argv[1])
			compare = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", loader))
			sys.dont_write_bytecode = True
			loader.exec_module(compare)
		END
	) - | python3 - "$compare"
}

table=$(in_compare <<-'END'
	class Sites:
	    a, b = "a", "b"
	    def rival(self, site, rival, command):
	        if rival == "nebula" and site == self.b:
	            raise compare.Failed("b: nebula is not installed")
	rivals, left_out = compare.find_rivals(Sites(), ["xdpsec", "nebula"])
	compare.print_table({rival: {"rounds": [], "settings": "", "failures": []} for rival in rivals}, [], left_out)
END
)
like "the table names who is left out, and why" "$table" "xdpsec: -.*nebula: left out, b: nebula is not installed"

soft=$(in_compare <<-'END'
	settings = {"xdpsec": "cipher: aes-128-ocb by ecb(aes-lib)", "generic": "by bulk(ecb-aes-generic)",
	            "aesni": "by ecb(aes-aesni)", "esp": "rfc4106(gcm(aes)), 128 bits, by rfc4106(gcm_base(ctr(aes-lib),ghash-generic))",
	            "esp-aesni": "rfc4106(gcm(aes)), 128 bits, by generic-gcm-aesni", "wireguard": "chacha20poly1305"}
	results = {rival: {"settings": text} for rival, text in settings.items()}
	for has in (True, False):
	    print(*compare.soft_ciphers(results, {"a": {"aes_instructions": True}, "b": {"aes_instructions": has}}))
END
)
is "whose AES is written in C, with AES instructions and without" "$(paste -sd'|' <<<"$soft")" "generic esp|xdpsec generic esp"

# One round has no spread; two have.
cells=$(in_compare <<-'END'
	print(*(compare.cell([{"tcp1": n} for n in rounds], "tcp1", 0) for rounds in ([], [100], [100, 110])), sep="|")
END
)
is "figures of no round, of one and of two" "$cells" "-|100|105 ~10%"
done_testing
