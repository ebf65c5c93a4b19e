// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of the pages that `xdpsec help COMMAND` prints: a few lines, and an example. xdpsec(8) has all of it. */
#include <string.h>

#include "command/usage_pages.h"

static const struct {
	const char *command, *text;
} pages[] = {
	{ "up", "Check the configuration, load the programs, install the keys, and attach. If a step fails, "
		"everything\n"
		"is undone. Peers with PublicKey get an agent, which agrees on keys.\n"
		"\n"
		"    xdpsec check site-a && xdpsec up site-a\n"
		"\n"
		"A manual key is refused if it has no recorded state, unless --new-key says that it was "
		"never used." },
	{ "down", "Detach and remove everything that `up` has made. From then on, what was protected is sent "
		  "in clear,\n"
		  "and a tunnel's routes are gone.\n"
		  "\n"
		  "    xdpsec down site-a" },
	{ "reload", "Read the configuration again, and apply the changes. Peers that did not change lose no "
		    "packet. What\n"
		    "something else has changed since `up` is restored.\n"
		    "\n"
		    "    xdpsec check site-a && xdpsec reload site-a" },
	{ "status",
	  "How the instance is attached, its peers and keys, and the packets that were sealed, opened and\n"
	  "dropped, by reason. Without NAME: all instances. More than four peers are a table, those that are "
	  "not\n"
	  "alive first. The exit status is 0 if there is no problem.\n"
	  "\n"
	  "    xdpsec status site-a\n"
	  "    xdpsec status site-a site-b\n"
	  "    xdpsec status -w\n"
	  "    xdpsec status -j | jq '.[].peers[].name'" },
	{ "metrics", "The values of `status` for a monitoring system, as OpenMetrics. With -o FILE: a file "
		     "for the textfile\n"
		     "collector of node_exporter. With --listen: over HTTP, by a process without rights.\n"
		     "\n"
		     "    xdpsec metrics -o /var/lib/prometheus/node-exporter/xdpsec.prom\n"
		     "    xdpsec metrics --listen 127.0.0.1:7253" },
	{ "agree", "Agree on keys with the peers that have a PublicKey, until it is ended: the agent of an "
		   "instance that\n"
		   "is up. `up` starts it, unless a supervisor does (--no-agent).\n"
		   "\n"
		   "    xdpsec up --no-agent site-a && xdpsec agree site-a" },
	{ "rekey", "Give up all agreed keys at once, and agree on new ones: in a machine that was cloned, or "
		   "restored from\n"
		   "a snapshot with its memory, before its network is up again.\n"
		   "\n"
		   "    xdpsec rekey site-a" },
	{ "probe", "Find the largest packet that gets through the tunnel to PEER and back, even if routers "
		   "send no ICMP\n"
		   "errors. ADDRESS is one behind the peer that answers to ping; it may be omitted if "
		   "AllowedIPs have a\n"
		   "single address.\n"
		   "\n"
		   "    xdpsec probe site-a site-b 203.0.113.65" },
	{ "diagnose", "Walk the way of a packet to PEER, or to each peer, and say the first thing that is "
		      "wrong, and the\n"
		      "command that mends it. A few packets of its own ask the peer, its port and the path. "
		      "The exit status is 0\n"
		      "if nothing wrong was found, 1 otherwise.\n"
		      "\n"
		      "    xdpsec diagnose site-a\n"
		      "    xdpsec diagnose site-a site-b -j | jq -r '.findings[-1].text'" },
	{ "check", "Report everything that `up` would refuse, or `reload` if the instance is up: all "
		   "mistakes, not only\n"
		   "the first. Nothing is changed.\n"
		   "\n"
		   "    xdpsec check ./site-a.conf" },
	{ "genkey", "Print a new private key, in base64. PrivateKeyFile names the file with it, which only "
		    "root may read;\n"
		    "the peers get its public key.\n"
		    "\n"
		    "    (umask 077; xdpsec genkey >/etc/xdpsec/site-a.key)\n"
		    "    xdpsec pubkey </etc/xdpsec/site-a.key\n"
		    "\n"
		    "With --manual: a key for TxKeyFile and RxKeyFile, as hexadecimal digits." },
	{ "pubkey", "Read a private key from standard input, and print its public key, for PublicKey at the "
		    "other sites.\n"
		    "\n"
		    "    xdpsec pubkey </etc/xdpsec/site-a.key" },
	{ "genpsk",
	  "Print a new preshared key, in base64. Both sites need it: PresharedKeyFile in their [Peer].\n"
	  "\n"
	  "    (umask 077; xdpsec genpsk >/etc/xdpsec/site-b.psk)" },
	{ "import", "Read a file of wg-quick(8), and print the configuration of a tunnel with its addresses, "
		    "peers and keys.\n"
		    "Messages say what was not taken over, and what takes its place. If the file has "
		    "mistakes, nothing is\n"
		    "written. NAME in the place of FILE is /etc/wireguard/NAME.conf.\n"
		    "\n"
		    "    xdpsec import wg0 -o site-a\n"
		    "    xdpsec check site-a" },
	{ "selftest", "Run the test vectors of RFC 7253 with each cipher and driver that this kernel offers, "
		      "and load the\n"
		      "programs of both modes.\n"
		      "\n"
		      "    xdpsec selftest" },
	{ "version", "Print the versions of xdpsec, the wire format, the maps, and libbpf." },
	{ "help", "Print all commands and options, or what is to be said of one command.\n"
		  "\n"
		  "    xdpsec help up" },
};

const char *usage_page(const char *command)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (!strcmp(pages[i].command, command))
			return pages[i].text;
	return "";
}
