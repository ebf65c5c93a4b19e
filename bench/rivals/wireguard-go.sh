# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # set by bench/compare
#
# WireGuard as a process.
# shellcheck source=bench/rivals/wireguard.sh
. "$RIVALS/wireguard.sh"

rival_available() {
	command -v wg >/dev/null || { echo "no wg (package wireguard-tools)"; return 1; }
	command -v wireguard-go >/dev/null || { echo "no wireguard-go"; return 1; }
}

# Where the kernel has WireGuard, the process does not start without being told to.
make_link() { WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 wireguard-go "$LINK" >/dev/null 2>&1; }
rival_settings() { echo "ChaCha20-Poly1305, $(wireguard-go --version 2>/dev/null | head -n 1)"; }
