# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The commands and configurations of README.md, which is $README. To be sourced.
# shellcheck disable=SC2154 # README

# block SECTION N: the Nth block of commands of the section ("" is what stands before the first one), without comments
block() {
	awk -v wanted="$1" -v number="$2" '
		/^```/ { fence = !fence; next }
		/^## / { section = substr($0, 4); n = within = 0 }
		fence || section != wanted { next }
		/^    / { n += !within; within = 1; if (n == number) print substr($0, 5); next }
		/./ { within = 0 }' "$README" | sed -E 's/ +# .*//; /^ *#/d'
}

# file SECTION: the configuration in it
file() {
	awk -v wanted="$1" '/^## / { section = substr($0, 4) }
		within && /^```$/ { exit }
		within
		section == wanted && /^```ini/ { within = 1 }' "$README"
}

# swapped TEXT: the other site's configuration, as the README says: addresses, and Tx and Rx swapped
swapped() {
	sed -E 's/^Name = site-b/Name = site-a/; s/^(Tx|Rx)/swap\1/; s/^swapTx/Rx/; s/^swapRx/Tx/' <<<"$1" |
		sed -E 's/198\.51\.100\.1/192.0.2.1/; s/203\.0\.113\.193/SELF/; s/203\.0\.113\.194/203.0.113.193/
			s/SELF/203.0.113.194/; s/203\.0\.113\.64/203.0.113.0/'
}

# at_other_site COMMAND: with that site's own name and the other's address
at_other_site() { sed 's/site-a/site-b/g; s/203\.0\.113\.194/203.0.113.193/' <<<"$1"; }
