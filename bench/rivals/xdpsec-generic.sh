# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # set by bench/compare
#
# XDPsec with `Driver = aes-generic`: tables, for machines whose ecb(aes) has no AES instructions.
# shellcheck source=bench/rivals/xdpsec.sh
. "$RIVALS/xdpsec.sh"
DRIVER=aes-generic
