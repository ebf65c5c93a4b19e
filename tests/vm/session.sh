# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The start of the shell of `make vmsh`: the sites of tests/netns/lib/lib.sh, whose functions are commands here.

# shellcheck source=tests/netns/lib/lib.sh
. tests/netns/lib/lib.sh
SITE_A=site-a SITE_B=site-b MIDDLE=middle HOST=host
NAME_A=site-a NAME_B=site-b
make_sites
write_configs

# From here on the shell is a person's, who may press Ctrl-C, and whose last command is not to be judged.
trap - INT TERM HUP
trap 'exit 0' EXIT
PATH=$OUTPUT:$PATH
PS1='vm:\w\$ '

cat <<END

Linux $(uname -r) in a virtual machine. It sees the host's files; what is written here is gone afterwards.

    site-a    eth0: $A4, $A6
    middle    a, b: routes between the two; captures are made here
    site-b    eth0: $B4, $B6

    up, down                 xdpsec up, or down, at both sites, with $WORK/site-a.conf and site-b.conf
    xdpsec_a status site-a   xdpsec at one site; it stands for: xdpsec -n site-a --state-dir $WORK/state-a
    in_a ping $B4   a command at one site; in_b, in_middle

All functions of tests/netns/lib/lib.sh are commands. exit, or Ctrl-D, leaves; Ctrl-] x ends the machine at once.

END
