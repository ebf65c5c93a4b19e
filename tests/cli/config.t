#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every mistake that a configuration file can have, by `xdpsec check`.
# shellcheck disable=SC2016 # "$" is sed's last line, backquotes are part of a message
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

make_keys
(umask 077 && for n in 2 3; do "$XDPSEC" genkey --manual >"$WORK/b-to-a.$n.key"; done)

# ---- what is fine -------------------------------------------------------------------------------------

fine "the configuration that the others are made from" ''
fine "comments, white space, CRLF and indentation" \
	'2s/.*/\tDevice=xdpsec-none ; the underlay/; 3s/.*/  # indented comment/; 4s/$/   # auto | native/; 9s/$/\r/'
fine "a comment of any length" '3s/$/ # '"$(printf '%0300d' 0)"'/'
fine "byte order mark" $'1s/^/\xef\xbb\xbf/'
fine "optional keys left out" '3,4d; 10d; 2s/$/\n\n/; $s/$/\n/'
fine "Address repeated, in lists, and without a length" \
	'8s/.*/Address = 198.51.100.7, 2001:db8:1::\/48,192.0.2.0\/25\nAddress = 2001:db8::1/'
fine "everything: 0.0.0.0/0 and ::/0" '18s/.*/Address = 0.0.0.0\/0, ::\/0/; 9s/.*/Ports = all/'
fine "ports overlap, touch, and stand in any order" '9s/.*/Ports = 5205 - 5220,4789,5201-5210,5221/'
fine "seventeen ports that are sixteen ranges" \
	'9s/.*/Ports = 1,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32/'
fine "decimal SPI, and the same number in both directions" '11s/.*/TxSpi = 4098/; 13s/.*/RxSpi = 0x1002/'
fine "largest and smallest SPI" '11s/.*/TxSpi = 4294967295/; 13s/.*/RxSpi = 256/'
fine "nested prefix that protects the ports of the outer one" \
	'18s/.*/Address = 198.51.100.128\/25/; 19s/.*/Ports = 4789,5201-5300/'
fine "nested prefix of the same peer" '8s/.*/Address = 198.51.100.0\/24, 198.51.100.1/'
fine "prefix that is only next to another" '18s/.*/Address = 198.51.101.0\/24/'
for bind in addresses ports none; do
	fine "Bind = $bind" "10s/.*/Bind = $bind/"
done
fine "driver" '10s/.*/Driver = aes-generic/'
fine "absolute key file" "12s|= |= $WORK/|"

# ---- sections and lines -------------------------------------------------------------------------------

mistake "unknown section" '6s/.*/[Pear]/' \
	'FILE:6: [Pear]: unknown section
hint: did you mean [Peer]?'
mistake "section that resembles nothing" '6s/.*/[Gateway]/' \
	'FILE:6: [Gateway]: unknown section
hint: the sections are [Interface] and [Peer]'
mistake "section in the wrong case" '1s/.*/[interface]/' \
	'FILE:1: [interface]: unknown section
hint: did you mean [Interface]?'
mistake "section without its end" '6s/.*/[Peer/' \
	'FILE:6: [Peer: unknown section
hint: did you mean [Peer]?'
mistake "[Interface] twice" '16s/.*/[Interface]/' \
	'FILE:16: [Interface]: given twice, first in line 1'
mistake "no [Interface]" '1,5d' \
	'FILE: no [Interface] section
hint: xdpsec(8), EXAMPLES, has a complete file'
mistake "no [Peer]" '5,$d' \
	'FILE: no [Peer] section
hint: xdpsec(8), EXAMPLES, has a complete file'
mistake "empty file" 'd' \
	'FILE: no [Interface] section
hint: xdpsec(8), EXAMPLES, has a complete file'
mistake "key before [Interface]" '1d' \
	'FILE:1: expected [Interface]
hint: [Interface] must come before the first key'
mistake "line that is no key" '4s/.*/Xdp/' 'FILE:4: expected [Section] or Key = Value'
mistake "last line that is no key" '$s/.*/RxKeyFile/' 'FILE:23: expected [Section] or Key = Value'
mistake "a value with =, but no = in front of it" '4s|.*|Xdp abc=|' 'FILE:4: expected [Section] or Key = Value'
mistake "a value with :, but no = in front of it" '4s|.*|Xdp 2001:db8::1|' 'FILE:4: expected [Section] or Key = Value'
mistake "value without a key" '4s/.*/= auto/' 'FILE:4: expected [Section] or Key = Value'
mistake "line too long" "8s/.*/Address = $(printf '192.0.2.%d, ' {1..20})/" \
	'FILE:8: line longer than 197 characters
hint: Address and AllowedIPs may be given several times'
mistake "a line without end" '4s/auto/&&&&&&&&&&&&&&&&/g; 4s/auto/&&&&&&&&&&&&&&&&/g; 4s/auto/&&&&&&&&&&&&&&&&/g; 4s/auto/&&&&&&&&&&&&&&&&&/g; 4s/auto/&&&&&/g' \
	'FILE:4: longer than 1048576 bytes: not a text file'
mistake "NUL byte" '4s/auto/\x00/' 'FILE:4: NUL byte: not a text file'

# ---- keys ---------------------------------------------------------------------------------------------

mistake "unknown key" '2s/Device/Devise/' \
	'FILE:2: Devise: unknown key in [Interface]
hint: did you mean Device?'
mistake "key in the wrong case" '11s/TxSpi/txspi/' \
	'FILE:11: txspi: unknown key in [Peer]
hint: did you mean TxSpi?'
mistake "key in the wrong case that both sections have" '8s/Address/address/' \
	'FILE:8: address: unknown key in [Peer]
hint: did you mean Address?'
mistake "unknown key that resembles nothing" '4s/Xdp/FooBarBaz/' \
	'FILE:4: FooBarBaz: unknown key in [Interface]
hint: xdpsec.conf(5) lists the keys'
mistake "key of the other section" '9s/$/\nDevice = eth0/' \
	'FILE:10: Device: belongs in [Interface], not in [Peer]'
mistake "key given twice" '9s/$/\nPorts = 53/' \
	'FILE:10: Ports: given twice in this [Peer], first in line 9'
mistake "key without a value" '7s/=.*/=/' 'FILE:7: Name: has no value'
mistake "key with nothing but a comment" '7s/=.*/= # site-b/' 'FILE:7: Name: has no value'
mistake "Device is missing" 2d 'FILE:1: [Interface]: Device is missing
hint: the device of the sealed packets, for example Device = eth0; `ip -br link` lists devices'
for line in 17:Name 18:Address 19:Ports 20:TxSpi 21:TxKeyFile 22:RxSpi 23:RxKeyFile; do
	mistake "${line#*:} is missing" "${line%:*}d" "FILE:16: [Peer]: ${line#*:} is missing"
done
mistake "a key is missing in a peer that is not the last" 9d 'FILE:6: [Peer]: Ports is missing'

# ---- groups -------------------------------------------------------------------------------------------

fine "ClearGroups" '2s/$/\nClearGroups = 224.0.0.0\/24, ff02::fb, 255.255.255.255\nClearGroups = 192.0.2.255, 224.0.0.0\/4, ff00::\/8/'
for prefix in 198.51.100.0/24 192.0.0.0/2 0.0.0.0/0 ::/0 2001:db8::1 fe00::/7; do
	mistake "ClearGroups = $prefix" "4s#.*#ClearGroups = $prefix#" \
		"FILE:4: ClearGroups: $prefix: neither multicast groups nor a broadcast address
hint: for example 224.0.0.251 and ff02::fb, the groups of mDNS"
done
mistake "ClearGroups, a word" '4s/.*/ClearGroups = all/' "FILE:4: ClearGroups: all: not an IPv4 or IPv6 prefix
hint: for example 198.51.100.0/24 or 2001:db8::/32; names are not resolved"
mistake "ClearGroups, too many" "4s/.*/ClearGroups = $(printf 'ff02::%s, ' {0..9} {10..16})ff02::17/" \
	"FILE:4: ClearGroups: more than 16 groups"
WRITE=write_tunnel mistake "ClearGroups in tunnel mode" '6s/.*/ClearGroups = 239.1.1.1/' \
	"FILE:6: ClearGroups: only for Mode = inline; this is Mode = tunnel
hint: a tunnel carries every packet that is routed into it"

# ---- tunnel mode --------------------------------------------------------------------

device="Mode = tunnel in [Interface] creates a device to route into"
prefixes="in inline mode, Address lists the prefixes of a peer"
for key in Name=xs0 Address=203.0.113.1/30 MTU=1400 SourcePort=flow Source=192.0.2.10 \
	FwMark=1 Dscp=0 Table=off FastPath=lan0 FastPathFirewall=none; do
	mistake "[Interface] ${key%=*} in inline mode" "4s|.*|$key|" \
		"FILE:4: ${key%=*}: only for Mode = tunnel; this is Mode = inline
hint: $device"
done
mistake "a key of tunnel mode, and no Mode" '3s/.*/Name = xs0/' \
	"FILE:3: Name: only for Mode = tunnel; this is Mode = inline
hint: $device"
for key in "AllowedIPs=203.0.113.0/24|$prefixes" "Roaming=yes|$device" \
	"PersistentKeepalive=25|$device" "Source=192.0.2.10|$device"; do
	name=${key%%=*}
	mistake "[Peer] $name in inline mode" "9s#.*#${key%|*}#" \
		"FILE:9: $name: only for Mode = tunnel; this is Mode = inline
hint: ${key#*|}"
done
mistake "a key of tunnel mode in a [Peer] in front of [Interface]" '1,5d; $s/$/\n[Interface]\nDevice=xdpsec-none/; 9s|.*|&\nAllowedIPs = 192.0.2.0/24|' \
	"FILE:5: AllowedIPs: only for Mode = tunnel; this is Mode = inline
hint: $prefixes"
WRITE=write_tunnel mistake "[Peer] Address in tunnel mode" '11s/.*/Address = 203.0.113.64\/26/' \
	"FILE:11: Address: only for Mode = inline; this is Mode = tunnel
hint: in tunnel mode, Endpoint is the peer's address, and AllowedIPs lists the prefixes behind it"
WRITE=write_tunnel mistake "[Peer] Ports in tunnel mode" '11s/.*/Ports = all/' \
	"FILE:11: Ports: only for Mode = inline; this is Mode = tunnel
hint: a tunnel carries every packet that is routed into it"

# ---- values -------------------------------------------------------------------------------------------

for device in too-long-for-a-dev eth0/1 . 'eth 0' eth0:1 eth%d $'eth\v0'; do
	mistake "Device = $device" "2s|=.*|= $device|" \
		"FILE:2: Device: $device: not a valid device name
hint: \`ip link\` lists the devices; 15 characters at most"
done
mistake "Mode" '3s/inline/transport/' \
	'FILE:3: Mode: transport: not a mode
hint: inline: seal the UDP payloads between the peers in place; tunnel: create a device to route into'
mistake "Xdp" '4s/auto/offload/' \
	'FILE:4: Xdp: offload: not an XDP mode
hint: auto, native or generic'
mistake "Cipher" '10s/=.*/= aes-128-gcm/' \
	'FILE:10: Cipher: aes-128-gcm: not a cipher
hint: aes-128-ocb or aes-256-ocb'
mistake "Driver" '10s/.*/Driver = ecb(aes-generic)/' \
	'FILE:10: Driver: ecb(aes-generic): not the name of a cipher driver
hint: `xdpsec selftest` lists them, for example aes-generic'
for bind in all port Addresses 'addresses, ports'; do
	mistake "Bind = $bind" "10s/.*/Bind = $bind/" \
		"FILE:10: Bind: $bind: neither addresses, ports nor none
hint: addresses: and ports too, for a path without NAT; ports: for NAT of addresses alone; none: for NAT of ports too"
done
mistake "Bind twice" '10s/.*/Bind = ports\nBind = ports/' \
	'FILE:11: Bind: given twice in this [Peer], first in line 10'
mistake "Bind in [Interface]" '2s/$/\nBind = none/' 'FILE:3: Bind: belongs in [Peer], not in [Interface]'
mistake "Name of a peer" '7s/=.*/= site b/' \
	'FILE:7: Name: site b: not a valid peer name
hint: letters, digits, ".", "_" and "-"; 63 characters at most'
mistake "Name of a peer, too long" "7s/=.*/= $(printf '%064d' 0)/" \
	"FILE:7: Name: $(printf '%064d' 0): not a valid peer name
hint: letters, digits, \".\", \"_\" and \"-\"; 63 characters at most"
mistake "Name of a peer twice" '17s/=.*/= site-b/' \
	'FILE:17: Name: site-b: already the name of the [Peer] in line 6'

for spi in 0x 12a -1 +300 0x100000000 4294967296 '1 2'; do
	mistake "TxSpi = $spi" "11s/=.*/= $spi/" \
		"FILE:11: TxSpi: $spi: not an SPI
hint: a 32-bit number, decimal or hexadecimal, for example 0x00001001"
done
mistake "TxSpi that is reserved" '11s/=.*/= 255/' \
	"FILE:11: TxSpi: 255: SPIs below 256 are reserved
hint: for example 0x000010ff; the other site's RxSpi must be the same number"
mistake "RxSpi that is reserved" '13s/=.*/= 0/' \
	"FILE:13: RxSpi: 0: SPIs below 256 are reserved
hint: for example 0x00001000; the other site's TxSpi must be the same number"
mistake "TxSpi twice" '20s/=.*/= 4097/' \
	'FILE:20: TxSpi: 0x00001001: already the TxSpi of peer site-b in line 11
hint: each SA of a direction needs its own SPI'
mistake "RxSpi twice" '22s/=.*/= 4098/' \
	'FILE:22: RxSpi: 0x00001002: already the RxSpi of peer site-b in line 13
hint: each SA of a direction needs its own SPI'

fine "a second RxSpi and RxKeyFile" '14s/$/\nRxSpi = 0x1102\nRxKeyFile = b-to-a.2.key/'
fine "in whatever order" '13s/$/\nRxSpi = 0x1102/; 14s/$/\nRxKeyFile = b-to-a.2.key/'
mistake "a second RxSpi without a key" '14s/$/\nRxSpi = 0x1102/' \
	'FILE:15: RxSpi: the second of peer site-b, which has one RxKeyFile only
hint: the first RxSpi and the first RxKeyFile belong together, and so do the second ones'
mistake "a second RxKeyFile without an SPI" '14s/$/\nRxKeyFile = b-to-a.2.key/' \
	'FILE:15: RxKeyFile: the second of peer site-b, which has one RxSpi only
hint: the first RxSpi and the first RxKeyFile belong together, and so do the second ones'
mistake "three RxSpi" '14s/$/\nRxSpi = 0x1102\nRxKeyFile = b-to-a.2.key\nRxSpi = 0x1202/' \
	'FILE:17: RxSpi: given three times in this [Peer], first in line 13'
mistake "three RxKeyFile" '14s/$/\nRxSpi = 0x1102\nRxKeyFile = b-to-a.2.key\nRxKeyFile = b-to-a.3.key/' \
	'FILE:17: RxKeyFile: given three times in this [Peer], first in line 14'
mistake "a second RxSpi that is the first" '14s/$/\nRxSpi = 4098\nRxKeyFile = b-to-a.2.key/' \
	'FILE:15: RxSpi: 0x00001002: already the RxSpi of peer site-b in line 13
hint: each SA of a direction needs its own SPI'
mistake "a second RxSpi of another peer" '23s/$/\nRxSpi = 4098\nRxKeyFile = b-to-a.2.key/' \
	'FILE:24: RxSpi: 0x00001002: already the RxSpi of peer site-b in line 13
hint: each SA of a direction needs its own SPI'
mistake "TxSpi twice" '11s/$/\nTxSpi = 0x1101/' 'FILE:12: TxSpi: given twice in this [Peer], first in line 11'
mistake "TxKeyFile twice" '12s/$/\nTxKeyFile = a-to-b.2.key/' \
	'FILE:13: TxKeyFile: given twice in this [Peer], first in line 12'

EMPTY_ITEM='an item of the list is empty
hint: remove the comma in front of it or behind it'
for port in 0 65536 http 53-0 -53 53- 1-2-3 ' '; do
	bad=$(sed 's/^53-0$/0/; s/^-53$//; s/^53-$//; s/^1-2-3$/2-3/' <<<"$port")
	[ "$port" != ' ' ] || continue
	mistake "Ports = $port" "9s/=.*/= $port/" \
		"FILE:9: Ports: $bad: not a port
hint: 1 to 65535, a range such as 5201-5210, or \"all\""
done
for list in "53," ",53" "53,,54"; do
	mistake "Ports = $list" "9s/=.*/= $list/" "FILE:9: Ports: $EMPTY_ITEM"
done
mistake "Address, a comma too many" "8s|=.*|= 198.51.100.0,|" "FILE:8: Address: $EMPTY_ITEM"
mistake "range of ports that is reversed" '9s/=.*/= 5210-5201/' \
	'FILE:9: Ports: 5210-5201: a range that ends before it starts
hint: 5201-5210'
mistake "seventeen ranges of ports" '9s/=.*/= 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33/' \
	'FILE:9: Ports: 17 port ranges, at most 16 are possible
hint: adjacent ports count as one range; "all" protects every port'

for address in 198.51.100 host.example.com 198.51.100.256/24 2001:db8:::/32 /24; do
	mistake "Address = $address" "8s|=.*|= $address|" \
		"FILE:8: Address: $address: not an IPv4 or IPv6 prefix
hint: for example 198.51.100.0/24 or 2001:db8::/32; names are not resolved"
done
for prefix in 198.51.100.0/33 198.51.100.0/ 198.51.100.0/-1 198.51.100.0/x; do
	mistake "Address = $prefix" "8s|=.*|= $prefix|" \
		"FILE:8: Address: $prefix: prefix length must be 0 to 32"
done
mistake "IPv6 prefix too long" '8s|=.*|= 2001:db8::/129|' \
	'FILE:8: Address: 2001:db8::/129: prefix length must be 0 to 128'
mistake "host bits behind an IPv4 prefix" '8s|=.*|= 198.51.100.130/25|' \
	'FILE:8: Address: 198.51.100.130/25: host bits set
hint: 198.51.100.128/25 for the network, 198.51.100.130/32 for the one address'
mistake "host bits behind an IPv6 prefix" '8s|=.*|= 2001:db8:0:3::1/63|' \
	'FILE:8: Address: 2001:db8:0:3::1/63: host bits set
hint: 2001:db8:0:2::/63 for the network, 2001:db8:0:3::1/128 for the one address'
mistake "host bits behind 0.0.0.0/0" '8s|=.*|= 198.51.100.130/0|' \
	'FILE:8: Address: 198.51.100.130/0: host bits set
hint: 0.0.0.0/0 for the network, 198.51.100.130/32 for the one address'

# ---- prefixes against each other ----------------------------------------------------------------------

mistake "prefix of two peers" '18s|=.*|= 198.51.100.0/24|' \
	'FILE:18: Address: 198.51.100.0/24: given for peer site-c, and in line 8 for peer site-b'
mistake "prefix of two peers, written as IPv6" '18s|=.*|= ::ffff:198.51.100.0/120|' \
	'FILE:18: Address: 198.51.100.0/24: given for peer site-c, and in line 8 for peer site-b'
mistake "prefix twice in one peer" '8s|$|\nAddress = 2001:db8::1, 198.51.100.0/24|' \
	'FILE:9: Address: 198.51.100.0/24: already given for peer site-b in line 8'
mistake "nested prefix that protects less" '18s|=.*|= 198.51.100.128/25|; 19s/=.*/= 4789,5201-5209/' \
	'FILE:18: Address: 198.51.100.128/25 of peer site-c lies in 198.51.100.0/24 of peer site-b (line 8), which also protects ports 5201-5210: such packets would leave in clear, because the longest prefix wins
hint: add it to Ports of peer site-c, or exclude the address from 198.51.100.0/24'
mistake "prefix of a peer that stands first, nested in a later one" '18s|=.*|= 0.0.0.0/0|' \
	'FILE:8: Address: 198.51.100.0/24 of peer site-b lies in 0.0.0.0/0 of peer site-c (line 18), which also protects every port: such packets would leave in clear, because the longest prefix wins
hint: add it to Ports of peer site-b, or exclude the address from 0.0.0.0/0'
mistake "prefix nested not in its neighbour, but in the one around" \
	'8s|=.*|= 2001:db8::/32, 2001:db8:1::/48|; 18s|=.*|= 2001:db8:2::/48|; 19s/=.*/= 4789/' \
	'FILE:18: Address: 2001:db8:2::/48 of peer site-c lies in 2001:db8::/32 of peer site-b (line 8), which also protects ports 5201-5210: such packets would leave in clear, because the longest prefix wins
hint: add it to Ports of peer site-c, or exclude the address from 2001:db8::/32'

# ---- tunnel mode --------------------------------------------------------------------------------------

WRITE=write_tunnel
fine "a tunnel" ''
fine "a tunnel: what is optional left out" '5,6d; 10d'
fine "a tunnel: Mode at the end of the section" '3d; 6s/$/\nMode = tunnel/'
write_tunnel
sed -i '1,7{H;d}; ${G;s/\n\n/\n/}' "$CONFIG"
prints "a tunnel: [Interface] at the end" 1 "${NO_DEVICE/conf:2/conf:18}" check
fine "a tunnel: every key" '6s/$/\nMTU = 1400\nSourcePort = listen\nSource = 192.0.2.10, 2001:db8::10\nFwMark = 0xca6c\nDscp = 46\nTable = off/; 10s/$/\nRoaming = no\nSource = 192.0.2.11\nPersistentKeepalive = 25/'
fine "a tunnel: the other values" '6s/$/\nSourcePort = flow\nFwMark = off\nDscp = uniform\nTable = auto/; 10s/$/\nRoaming = yes\nPersistentKeepalive = off/'
fine "a tunnel: Endpoint of IPv6" '10s/=.*/= [2001:db8:b::1]:65535/'
fine "a tunnel: everything by one peer, and a part by another" '11s/=.*/= 0.0.0.0\/0, ::\/0/'
fine "a tunnel: Address and AllowedIPs repeated" '5s/$/\nAddress = 203.0.113.5/; 11s/$/\nAllowedIPs = 203.0.113.192\/26/'
fine "a tunnel: an address alone" '5s/=.*/= 203.0.113.1/'

fine "a tunnel: Bind = none" '10s/$/\nBind = none/'
for bind in addresses ports; do
	mistake "a tunnel: Bind = $bind" "10s/\$/\nBind = $bind/" \
		"FILE:11: Bind: $bind: a tunnel binds nothing of its outer packets
hint: remove the line: the addresses and ports of a tunnel's packets are inside, sealed"
done
mistake "a tunnel: Name is missing" 4d 'FILE:1: [Interface]: Name is missing'
mistake "a tunnel: AllowedIPs is missing" 11d 'FILE:8: [Peer]: AllowedIPs is missing'
for name in too-long-for-a-dev xs/0 . 'xs 0' xs:0 xs%d xs% $'xs\v0'; do
	mistake "Name = $name" "4s|=.*|= $name|" \
		"FILE:4: Name: $name: not a valid device name
hint: for example xs0; 15 characters at most, without \"/\", \":\" and \"%\""
done
mistake "[Interface] Address, a comma too many" "5s|=.*|= 203.0.113.1/30,|" "FILE:5: Address: $EMPTY_ITEM"
for address in 203.0.113 host.example.com 0.0.0.0/8 127.0.0.1/8 224.0.0.1/24 ff02::1/64 ::/64 ::1/128; do
	mistake "[Interface] Address = $address" "5s|=.*|= $address|" \
		"FILE:5: Address: $address: not a valid address for a device
hint: for example 10.77.0.1/30 or fd00:77::1/64"
done
mistake "[Interface] Address with a wrong length" '5s|=.*|= 203.0.113.1/33|' \
	'FILE:5: Address: 203.0.113.1/33: prefix length must be 0 to 32'
mistake "[Interface] Address twice" '5s|=.*|= 203.0.113.1/30, 203.0.113.1/30|' \
	'FILE: Address: 203.0.113.1/30: given twice'
mistake "seventeen addresses" "5s|=.*|= $(printf '203.0.113.%d, ' {1..9})203.0.113.10\nAddress = $(printf '203.0.113.%d, ' {11..16})203.0.113.17|" \
	'FILE:6: Address: more than 16 addresses'
EMPTY_ITEM='an item of the list is empty
hint: remove the comma in front of it or behind it'
for port in 0 65536 ipsec -1; do
	mistake "ListenPort = $port" "6s/=.*/= $port/" \
		"FILE:6: ListenPort: $port: not a port
hint: 1 to 65535, for example 7253"
done
for mtu in 575 16385 auto; do
	mistake "MTU = $mtu" "6s/.*/MTU = $mtu/" \
		"FILE:6: MTU: $mtu: not an MTU
hint: 576 to 16384 bytes; the default is the MTU of Device less the overhead"
done
mistake "SourcePort" '6s/.*/SourcePort = 7253/' \
	'FILE:6: SourcePort: 7253: neither flow nor listen
hint: flow: one port for each inner flow; listen: always ListenPort, which NAT needs'
for dscp in 64 ef -1; do
	mistake "Dscp = $dscp" "6s/.*/Dscp = $dscp/" \
		"FILE:6: Dscp: $dscp: not a DSCP
hint: uniform: the DSCP of the inner packet; a number, 0 to 63: the same for all packets"
done
fine "FastPath" '6s/$/\nFastPath = lan0, lan1.5, lan2, lan3\nFastPathFirewall = none/'
fine "FastPathFirewall = flowtable" '6s/$/\nFastPathFirewall = flowtable\nFastPath = lan0/'
for name in too-long-for-a-dev lan/0 'lan 0' 'lan0,'; do
	mistake "FastPath = $name" "6s|.*|FastPath = $name|" \
		"FILE:6: FastPath: ${name##*,}: not a valid device name
hint: \`ip link\` lists the devices"
done
mistake "FastPath, a device twice" '6s/.*/FastPath = lan0, lan1, lan0/' 'FILE:6: FastPath: lan0: named twice'
mistake "FastPath, too many" '6s/.*/FastPath = lan0, lan1, lan2, lan3, lan4/' 'FILE:6: FastPath: more than 4 devices'
mistake "FastPath twice" '6s/$/\nFastPath = lan0\nFastPath = lan1/' \
	'FILE:8: FastPath: given twice in this [Interface], first in line 7'
mistake "FastPathFirewall" '6s/$/\nFastPath = lan0\nFastPathFirewall = nftables/' \
	'FILE:8: FastPathFirewall: nftables: neither flowtable nor none
hint: flowtable: only flows that nftables has put into a flowtable take the fast path; none: all do, past every rule'
for firewall in none flowtable; do
	mistake "FastPathFirewall = $firewall without FastPath" "6s/.*/FastPathFirewall = $firewall/" \
		'FILE:6: FastPathFirewall: there is no FastPath
hint: FastPath = lan0 names the devices towards the hosts of this site'
done
for address in 192.0.2 hub.example.com 192.0.2.10/24 192.0.2.10:7253 0.0.0.0 127.0.0.1 224.0.0.5 ::1 ff02::1 fe80::1; do
	for line in 6 10; do
		mistake "Source = $address in line $line" "${line}s|.*|Source = $address|" \
			"FILE:$line: Source: $address: not a valid source address
hint: an address of this host without prefix length, for example 192.0.2.10 or 2001:db8::10"
	done
done
mistake "Source with two addresses of IPv4" '6s/.*/Source = 192.0.2.10, 2001:db8::10, 192.0.2.11/' \
	'FILE:6: Source: 192.0.2.11: second IPv4 address, only one is possible'
mistake "Source with two addresses of IPv6" '6s/.*/Source = 2001:db8::10, 2001:db8::11/' \
	'FILE:6: Source: 2001:db8::11: second IPv6 address, only one is possible'
for mark in -1 4294967296 0x100000000 on 1/1; do
	mistake "FwMark = $mark" "6s|.*|FwMark = $mark|" \
		"FILE:6: FwMark: $mark: not a firewall mark
hint: a 32-bit number, decimal or hexadecimal, as in \`ip rule\`; 0 or off: none"
done
mistake "FwMark = off and a default route" '6s/.*/FwMark = off/; 11s/=.*/= 203.0.113.64\/26, ::\/0/' \
	'FILE:11: AllowedIPs: a default route needs FwMark, which is off
hint: remove FwMark (the default is 51820), or set Table = off and add the routes yourself'
fine "a tunnel: FwMark = off, a default route, and Table = off" '6s/.*/FwMark = off\nTable = off/; 11s/=.*/= 0.0.0.0\/0/'
mistake "Table" '6s/.*/Table = main/' \
	'FILE:6: Table: main: neither auto nor off
hint: auto: add a route for each prefix of AllowedIPs; off: add no routes'
mistake "Endpoint without a port" '10s/=.*/= 198.51.100.2/' \
	'FILE:10: Endpoint: 198.51.100.2: no port given
hint: for example 198.51.100.2:7253'
mistake "Endpoint of IPv6 without a port" '10s/=.*/= 2001:db8:b::1/' \
	'FILE:10: Endpoint: 2001:db8:b::1: no port given
hint: for example [2001:db8:b::1]:7253'
mistake "Endpoint of IPv6 without brackets" '10s/=.*/= 2001:db8:b::1:7253/' \
	'FILE:10: Endpoint: 2001:db8:b::1:7253: no port given
hint: [2001:db8:b::1]:7253 if 7253 is the port; else for example [2001:db8:b::1:7253]:7253'
for name in vpn.example.com localhost; do
	mistake "Endpoint = $name:1234" "10s/=.*/= $name:1234/" \
		"FILE:10: Endpoint: $name: names are not resolved for manual keys: DNS could redirect packets
hint: for example 198.51.100.2:1234 or [2001:db8::1]:1234; or PublicKey, whose owner proves who he is"
	mistake "Endpoint = $name" "10s/=.*/= $name/" \
		"FILE:10: Endpoint: $name: no port given
hint: for example $name:7253"
done
for endpoint in 198.51.100:7253 [198.51.100.2]:7253 [2001:db8:b::1] 2001:db8:b::1::7253 :7253 [2001:db8:b::1]7253; do
	mistake "Endpoint = $endpoint" "10s/=.*/= $endpoint/" \
		"FILE:10: Endpoint: $endpoint: not ADDRESS:PORT, nor NAME:PORT
hint: for example 198.51.100.2:7253, [2001:db8::1]:7253 or vpn.example.net:7253"
done
EMPTY_ITEM='an item of the list is empty
hint: remove the comma in front of it or behind it'
for port in 0 65536 http; do
	mistake "Endpoint with the port $port" "10s/=.*/= 198.51.100.2:$port/" \
		"FILE:10: Endpoint: $port: not a port
hint: the ListenPort of the other site, 1 to 65535"
done
for address in 0.0.0.0 127.0.0.1 224.0.0.5 255.255.255.255; do
	mistake "Endpoint = $address:7253" "10s/=.*/= $address:7253/" \
		"FILE:10: Endpoint: $address: not a routable unicast address
hint: multicast, loopback and link-local addresses cannot be an Endpoint"
done
for address in ::1 ff02::1 fe80::1; do
	mistake "Endpoint = [$address]:7253" "10s/=.*/= [$address]:7253/" \
		"FILE:10: Endpoint: $address: not a routable unicast address
hint: multicast, loopback and link-local addresses cannot be an Endpoint"
done
mistake "Roaming" '10s/.*/Roaming = maybe/' 'FILE:10: Roaming: maybe: neither yes nor no'
mistake "Roaming = no, and no Endpoint" '18s/$/\nRoaming = no/' \
	'FILE:19: Roaming: peer site-c has no Endpoint, and its address could never be learned
hint: Endpoint = ADDRESS:PORT, or Roaming = yes'
for time in 65536 -1 25s; do
	mistake "PersistentKeepalive = $time" "10s/.*/PersistentKeepalive = $time/" \
		"FILE:10: PersistentKeepalive: $time: not a number of seconds
hint: for example 25; 0 or off: no keepalives"
done
mistake "AllowedIPs that is no prefix" '11s/=.*/= any/' \
	'FILE:11: AllowedIPs: any: not an IPv4 or IPv6 prefix
hint: for example 198.51.100.0/24 or 2001:db8::/32; names are not resolved'
mistake "AllowedIPs of two peers" '19s|=.*|= 203.0.113.64/26|' \
	'FILE:19: AllowedIPs: 203.0.113.64/26: given for peer site-c, and in line 11 for peer site-b'
mistake "AllowedIPs twice in one peer" '11s|$|, 203.0.113.64/26|' \
	'FILE:11: AllowedIPs: 203.0.113.64/26: already given for peer site-b in line 11'
WRITE=write_config

# ---- the file itself ----------------------------------------------------------------------------------

write_config
prints "no such file" 1 "xdpsec: $WORK/none.conf: No such file or directory" "$XDPSEC" check "$WORK/none.conf"
prints "no such directory" 1 "xdpsec: $WORK/none/none.conf: No such file or directory" \
	"$XDPSEC" check "$WORK/none/none.conf"
mkdir "$WORK/dir.conf"
prints "directory" 1 "xdpsec: $WORK/dir.conf: not a regular file" "$XDPSEC" check "$WORK/dir.conf"
mkfifo "$WORK/fifo.conf"
prints "FIFO (it is not waited for)" 1 "xdpsec: $WORK/fifo.conf: not a regular file" \
	timeout 10 "$XDPSEC" check "$WORK/fifo.conf"
for name in site-a site-a.cfg .conf site-a.conf~; do
	cp "$CONFIG" "$WORK/$name"
	prints "file name $name" 1 "xdpsec: $WORK/$name: the file name does not end in .conf
hint: NAME.conf configures the instance NAME" "$XDPSEC" check "$WORK/$name"
done
for name in -a _a a.b 'a b' "$(printf '%064d' 0)"; do
	cp "$CONFIG" "$WORK/$name.conf"
	prints "instance name $name" 1 "xdpsec: $WORK/$name.conf: $name: not a valid instance name
hint: a letter or digit first, then letters, digits, \"-\" and \"_\"; 63 characters at most" \
		"$XDPSEC" check "$WORK/$name.conf"
done
long=$(printf '%063d' 0)
cp "$CONFIG" "$WORK/$long.conf"
prints "instance name of 63 characters" 1 "${NO_DEVICE//site-a/$long}" check "$WORK/$long.conf"
prints "relative path, and key files beside the file" 1 "$NO_DEVICE" \
	env -C "$WORK" "$XDPSEC" --state-dir "$WORK/state" check --new-key site-a.conf
mkdir "$WORK/links"
ln -s ../site-a.conf "$WORK/links/other.conf"
prints "link: its own name, and key files beside the link" 1 \
	"xdpsec: $WORK/links/other.conf:12: TxKeyFile: $WORK/links/a-to-b.key: No such file or directory
hint: copy it from the other site, or make it and copy it there: (umask 077; xdpsec genkey --manual --bits 128 >$WORK/links/a-to-b.key)" \
	first_of check "$WORK/links/other.conf"

# ---- all of them at once ------------------------------------------------------------------------------

write_config
sed -i -e '4s/auto/offload/; 8s/=.*/= 198.51.100.300, 192.0.2.0\/24, 192.0.2.1\/24/; 9s/Ports/Port/; 11s/=.*/= 12/; 16s/.*/[Pear]/' \
	-e '13s/=.*/= 4098/; $s/$/\n\n[Peer]\nName = site-d\nwhat is this\nAddress = 192.0.2.0\/24\nPorts = all\nTxSpi = 4100\nRxSpi = 4098\nTxKeyFile = none.key\nRxKeyFile = c-to-a.key\nCipher = des/' "$CONFIG"
prints "all mistakes at once" 1 "xdpsec: FILE:4: Xdp: offload: not an XDP mode
hint: auto, native or generic
xdpsec: FILE:8: Address: 198.51.100.300: not an IPv4 or IPv6 prefix
hint: for example 198.51.100.0/24 or 2001:db8::/32; names are not resolved
xdpsec: FILE:8: Address: 192.0.2.1/24: host bits set
hint: 192.0.2.0/24 for the network, 192.0.2.1/32 for the one address
xdpsec: FILE:9: Port: unknown key in [Peer]
hint: did you mean Ports?
xdpsec: FILE:11: TxSpi: 12: SPIs below 256 are reserved
hint: for example 0x0000100c; the other site's RxSpi must be the same number
xdpsec: FILE:16: [Pear]: unknown section
hint: did you mean [Peer]?
xdpsec: FILE:27: expected [Section] or Key = Value
xdpsec: FILE:34: Cipher: des: not a cipher
hint: aes-128-ocb or aes-256-ocb
xdpsec: FILE:31: RxSpi: 0x00001002: already the RxSpi of peer site-b in line 13
hint: each SA of a direction needs its own SPI
xdpsec: FILE:28: Address: 192.0.2.0/24: given for peer site-d, and in line 8 for peer site-b
${NO_DEVICE/$CONFIG/FILE}" with_file check
write_tunnel
sed -i '3s/tunnel/tunel/; 12d; 21s/=.*/= none.key/' "$CONFIG"
prints "a mode that is mistyped is not the mistake of each line" 1 "xdpsec: FILE:3: Mode: tunel: not a mode
hint: inline: seal the UDP payloads between the peers in place; tunnel: create a device to route into
xdpsec: FILE:8: [Peer]: TxSpi is missing
xdpsec: FILE:20: TxKeyFile: $WORK/none.key: No such file or directory
hint: copy it from the other site, or make it and copy it there: (umask 077; xdpsec genkey --manual --bits 128 >$WORK/none.key)
${NO_DEVICE/$CONFIG/FILE}" with_file check
write_config
sed -i '11s/TxSpi/Tx_Spi/' "$CONFIG"
rm "$WORK"/*.key
is "and every key file that is missing" "$(check 2>&1 | grep -c 'KeyFile: .*: No such file or directory')" 4
make_keys
yes 'no line of ours' | head -n 10000 >"$CONFIG"
is "a file that is none of ours has one" "$(check 2>&1 | wc -l)" 2
yes '[Peer' | head -n 10000 >"$CONFIG"
is "there is no end of them" "$(check 2>&1 | wc -l)" 101
like "which is said" "$(check 2>&1 | tail -n 1)" "50 mistakes so far: the rest is not checked"

printf '%s\n' '[Interface]' "PrivateKey = $("$XDPSEC" genkey)" 'Address = 203.0.113.193/26' >"$CONFIG"
like "a file of wg-quick: what makes a configuration of it" "$(check 2>&1)" "\[Interface\]: Device is missing"$'\n'"hint: .*: xdpsec import $CONFIG"

# ---- a name in the place of a file --------------------------------------------------------------------

name=xdpsec-$$-none
prints "a name alone is a file in /etc/xdpsec" 1 "xdpsec: /etc/xdpsec/$name.conf: No such file or directory
hint: $name alone means /etc/xdpsec/$name.conf; give another file with its path or suffix: ./$name.conf" \
	"$XDPSEC" check "$name"

# ---- many ---------------------------------------------------------------------------------------------

# peers N PREFIXES: N peers with that many prefixes each, and all with the same key files.
peers() {
	awk -v n="$1" -v prefixes="$2" 'BEGIN {
		print "[Interface]\nDevice = xdpsec-none"
		for (i = 0; i < n; i++) {
			printf "[Peer]\nName = p%d\nPorts = all\nTxSpi = %d\nRxSpi = %d\n", i, 256 + i, 256 + i
			printf "TxKeyFile = a-to-b.key\nRxKeyFile = b-to-a.key\n"
			for (j = 0; j < prefixes; j++)
				printf "Address = 2001:db8:%x:%x::/64\n", i, j
		}
	}' >"$CONFIG"
}

peers 1024 8
prints "1024 peers and 8192 prefixes are read, up to the shared key" 1 \
	"xdpsec: $CONFIG:23: TxKeyFile: the same key as TxKeyFile of peer p0 in line 8: each direction of each peer needs its own key
hint: make another key: xdpsec genkey --manual" first_of check
like "but not each of 2046 keys is worth a line" "$(check 2>&1 | tail -n3)" \
	"site-a.conf: 50 mistakes so far: the rest is not checked"
peers 1025 1
prints "1025 peers" 1 "xdpsec: $CONFIG:8195: [Peer]: more than 1024 peers
xdpsec: $CONFIG:16: TxKeyFile: the same key as TxKeyFile of peer p0 in line 8: each direction of each peer needs its own key" first_of check
peers 1 8193
prints "8193 prefixes" 1 "xdpsec: $CONFIG: Address: 8193 prefixes, at most 8192 are possible" \
	check_file

done_testing
