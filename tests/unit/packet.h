/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ethernet frames from a description, right or wrong in any field, and an independent look at what came
 * out. Integers are in host byte order.
 */
#ifndef XDPSEC_UNIT_PACKET_H
#define XDPSEC_UNIT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 20480
#define EXTENSIONS_MAX 16

/* The value of a field of struct packet that is right for the rest of the packet. */
#define AUTO (-1)

#define LOCAL4 "192.0.2.1"
#define LOCAL6 "2001:db8:1::1"

enum {
	ETHERNET_LEN = 14,
	VLAN_LEN = 4,
	PPPOE_LEN = 8, /* with the protocol of PPP */
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	UDP_LEN = 8,

	IPV4_DONT_FRAGMENT = 0x4000,
	IPV4_MORE_FRAGMENTS = 0x2000,
	IPV6_MORE_FRAGMENTS = 1, /* in the fragment header, the offset lies above bit 3 */

	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_NONE = 59,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_SCTP = 132,
};

struct frame {
	size_t length;
	uint32_t gso_size; /* not zero: a GSO packet with segments of this size (TC only) */
	uint32_t ingress;  /* ifindex where it came from; 0: sent by this host */
	uint32_t linear;   /* bytes in the first of several buffers (XDP only); 0: as many as fit */
	uint32_t cb[4];	   /* the first words of skb->cb (TC only) */
	uint32_t mark;	   /* skb->mark as the program left it (TC only) */
	uint8_t bytes[FRAME_MAX];
};

struct extension {
	uint8_t type;	  /* PROTOCOL_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION */
	uint16_t length;  /* bytes, a multiple of 8 */
	int length_field; /* AUTO: as length says */
};

/* The MAC address of the device under test, to which frames are sent. */
#define MAC_DEVICE "00:00:5e:00:53:02" /* RFC 7042 section 2.1.2 */

struct packet {
	const uint8_t *mac; /* whom the frame is for; NULL: the device under test */
	unsigned int vlans; /* 0 to 2; the outer of two is an 802.1ad tag */
	bool pppoe;	    /* in a frame of a PPPoE session */
	int ethertype;	    /* AUTO: by family */
	int family;	    /* 4 or 6 */

	int version, ihl; /* AUTO; IPv4's ihl in words */
	uint8_t tos;	  /* IPv4 TOS, IPv6 traffic class */
	uint8_t ttl;
	uint32_t flow_label;  /* of IPv6 */
	int ip_length;	      /* AUTO; IPv4 total length, IPv6 payload length */
	uint32_t id;	      /* IPv4 identification, or the fragment header's */
	uint16_t fragment;    /* IPv4 flags and offset, or the fragment header's field */
	int protocol;	      /* what follows the IP headers */
	int header_checksum;  /* AUTO */
	unsigned int options; /* bytes of IPv4 options, a multiple of 4 */
	struct extension extensions[EXTENSIONS_MAX];
	unsigned int n_extensions;
	const char *source, *destination;

	bool no_udp; /* the payload follows the IP headers: later fragments, other protocols */
	uint16_t source_port, destination_port;
	int udp_length;	  /* AUTO */
	int udp_checksum; /* AUTO: right. 0: none. */

	const void *payload;
	size_t length;

	size_t padding; /* bytes of Ethernet padding behind the packet */

	uint32_t gso_size, ingress, linear, cb[4]; /* as in struct frame */
};

/* UDP from LOCAL4 or LOCAL6 to remote, port to port, everything right. family is taken from remote. */
struct packet packet_udp(const char *remote, uint16_t port, const void *payload, size_t length);

/* The same packet on its way back. */
struct packet packet_reversed(struct packet packet);

void packet_build(struct frame *frame, const struct packet *packet);

/* The checksum of a packet whose payload is ICMP, ICMPv6 or TCP with a checksum of zero. */
uint16_t packet_payload_checksum(const struct packet *packet);

/* Take the outer VLAN tag out of the frame, as where the kernel keeps it beside (skb->vlan_tci). */
void frame_untag(struct frame *frame);

/* One more extension header at the end of the chain. */
void packet_extend(struct packet *packet, uint8_t type, uint16_t length);

/* The offsets of the parts of a frame, found by parsing it. All lengths have been checked. */
struct layout {
	int family;
	int protocol;
	size_t network, transport, payload, end; /* end: of the IP packet, without padding */
};

/* false: not IPv4 or IPv6, or the frame is not consistent. payload is set for UDP only. */
bool frame_layout(const struct frame *frame, struct layout *layout);

/* The IPv4 header's checksum, and that of UDP, ICMP or ICMPv6, are right (or none, for UDP over IPv4). */
bool frame_checksums_hold(const struct frame *frame);

/* The Internet checksum, not yet inverted: 0xffff over what holds its own. Of the pseudo header, network is
 * the IP header and length that of the payload. */
uint32_t checksum_bytes(uint32_t sum, const uint8_t *bytes, size_t n);
uint32_t checksum_pseudo_header(int family, const uint8_t *network, int protocol, size_t length);

uint16_t read16(const uint8_t *bytes);
uint32_t read32(const uint8_t *bytes);
void write16(uint8_t *bytes, uint16_t value);
void write32(uint8_t *bytes, uint32_t value);
void write64(uint8_t *bytes, uint64_t value);

/* n bytes of test data that differ everywhere, by seed. */
void fill_pattern(void *bytes, size_t n, uint32_t seed);

#endif
