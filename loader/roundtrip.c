// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/random.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "message.h"
#include "namespace.h"
#include "netlink.h"
#include "objects.h"
#include "peer.h"
#include "roundtrip.h"
#include "open.skel.h"
#include "seal.skel.h"

#define SOURCE "198.51.100.1"
#define DESTINATION "198.51.100.2"
#define PORT 4789
#define SPI 0x1000
#define PAYLOAD_MAX 1400
#define HEADERS (sizeof(struct ether_header) + sizeof(struct iphdr) + sizeof(struct udphdr))

/* Two slots with one context: one seals, the other opens. */
enum { SLOT_SEAL, SLOT_OPEN };
/* The peer behind the destination, and the one behind the source. */
enum { PEER_DESTINATION, PEER_SOURCE };

struct packet {
	unsigned char bytes[HEADERS + XDPSEC_OVERHEAD + PAYLOAD_MAX];
	unsigned int length;
};

static unsigned short ip_checksum(const void *header)
{
	const unsigned short *words = header;
	unsigned int sum = 0;

	for (size_t i = 0; i < sizeof(struct iphdr) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned short)~(sum + (sum >> 16));
}

static void make_packet(struct packet *packet, unsigned int payload)
{
	struct ether_header ethernet = { .ether_type = htons(ETHERTYPE_IP) };
	struct udphdr udp = { .source = htons(40000), .dest = htons(PORT) };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };

	ip.tot_len = htons((unsigned short)(sizeof(ip) + sizeof(udp) + payload));
	ip.saddr = inet_addr(SOURCE);
	ip.daddr = inet_addr(DESTINATION);
	ip.check = ip_checksum(&ip);
	udp.len = htons((unsigned short)(sizeof(udp) + payload));
	memset(packet, 0, sizeof(*packet));
	packet->length = HEADERS + payload;
	memcpy(packet->bytes, &ethernet, sizeof(ethernet));
	memcpy(packet->bytes + sizeof(ethernet), &ip, sizeof(ip));
	memcpy(packet->bytes + sizeof(ethernet) + sizeof(ip), &udp, sizeof(udp));
	for (unsigned int i = 0; i < payload; i++)
		packet->bytes[HEADERS + i] = (unsigned char)(i * 7);
}

/* The verdict, or -errno (which no verdict but TC_ACT_UNSPEC is). */
static int run(const struct bpf_program *program, struct packet *packet)
{
	struct packet out = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->bytes, .data_size_in = packet->length,
		    .data_out = out.bytes, .data_size_out = sizeof(out.bytes), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

	if (err)
		return err - 1;
	out.length = options.data_size_out;
	*packet = out;
	return (int)options.retval;
}

static int wrong(unsigned int length, const char *what, int verdict)
{
	return fail(EBADMSG, "self-test: a packet of %u bytes: %s (%d)", length, what, verdict);
}

static bool same(const struct packet *a, const struct packet *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static int check_length(const struct plane *plane, unsigned int length)
{
	const struct bpf_program *seal = plane->seal->progs.xdpsec_seal,
				 *open = plane->open->progs.xdpsec_open;
	struct packet clear, sealed, packet;
	int verdict;

	make_packet(&clear, length);
	sealed = clear;
	verdict = run(seal, &sealed);
	if (verdict != -1 || sealed.length != clear.length + XDPSEC_OVERHEAD)
		return wrong(length, "was not sealed", verdict);
	if (length >= 16 &&
	    memcmp(sealed.bytes + HEADERS + XDPSEC_OVERHEAD, clear.bytes + HEADERS, length) == 0)
		return wrong(length, "was sealed to itself", verdict);
	packet = sealed;
	packet.bytes[packet.length - 1] ^= 1;
	verdict = run(open, &packet);
	if (verdict != XDP_DROP)
		return wrong(length, "was opened with a flipped bit", verdict);
	packet = sealed;
	verdict = run(open, &packet);
	if (verdict != XDP_PASS || !same(&packet, &clear))
		return wrong(length, "was opened to something else", verdict);
	packet = sealed;
	verdict = run(open, &packet);
	if (verdict != XDP_DROP)
		return wrong(length, "was opened twice", verdict);
	return 0;
}

static int add_policy(const struct plane *plane, const char *address, __u32 index)
{
	struct xdpsec_prefix prefix = { .length = 128, .address = { [10] = 0xff, [11] = 0xff } };
	struct peer_config peer = { .prefixes = &prefix, .n_prefixes = 1, .n_ports = 1 };

	inet_pton(AF_INET, address, prefix.address + 12);
	peer.ports[0] = (struct xdpsec_ports){ PORT, PORT };
	return peer_add_policies(plane, &peer, index);
}

static int add_sas(const struct plane *plane, const char *driver)
{
	_cleanup_key_ struct key key = { .length = 16 };
	char bound[DRIVER_LEN];
	int err;

	if (getrandom(key.bytes, key.length, 0) != (ssize_t)key.length)
		return fail(errno, "self-test: no random numbers: %s", strerror(errno));
	err = sa_reset(plane, SLOT_SEAL, SPI, PEER_DESTINATION);
	if (!err)
		err = sa_reset(plane, SLOT_OPEN, SPI, PEER_SOURCE);
	if (!err)
		err = sa_set_range(plane, SLOT_SEAL, 0, 1000);
	if (!err)
		err = sa_install(plane, SLOT_SEAL, &key, driver, "self-test", bound);
	if (!err)
		err = sa_share(plane, SLOT_SEAL, SLOT_OPEN);
	if (!err)
		err = sa_derive(plane, SLOT_SEAL);
	return err ?: sa_derive(plane, SLOT_OPEN);
}

static int fill(const struct plane *plane, const char *driver)
{
	struct xdpsec_config config = { .abi_version = XDPSEC_ABI_VERSION };
	struct namespace here;
	struct netdev loopback;
	__u32 key = 0;
	int err = netdev_find("lo", &loopback);

	if (err)
		return fail(-err, "self-test: lo: %s", strerror(-err));
	err = namespace_here(&here);
	if (err)
		return err;
	config.device = loopback.index;
	config.netns_cookie = here.cookie;
	err = plane_write(plane, MAP_CONFIG, &key, &config);
	if (!err)
		err = add_sas(plane, driver);
	if (!err)
		err = peer_use_tx(plane, PEER_DESTINATION, SLOT_SEAL);
	if (!err)
		err = peer_use_tx(plane, PEER_SOURCE, XDPSEC_NO_SA);
	if (!err)
		err = peer_use_rx(plane, SPI, SLOT_OPEN);
	if (!err)
		err = add_policy(plane, DESTINATION, PEER_DESTINATION);
	return err ?: add_policy(plane, SOURCE, PEER_SOURCE);
}

int roundtrip_check(struct plane *plane, const char *driver)
{
	static const unsigned int lengths[] = { 1, 15, 16, 17, 64, 127, 128, 511, 1399, PAYLOAD_MAX };
	int err = plane->seal ? 0 : objects_load_data(plane);

	if (!err)
		err = fill(plane, driver);
	for (size_t i = 0; !err && i < sizeof(lengths) / sizeof(lengths[0]); i++)
		err = check_length(plane, lengths[i]);
	return err;
}
