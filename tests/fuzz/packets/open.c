// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec_open: nothing of a protected flow comes in but what the peer has sealed, once. */
#include "unit/unit.h"
#include "fuzz/chance.h"
#include "flow.h"
#include "make.h"
#include "numbers.h"
#include "same.h"
#include "unit/site.h"
#include "targets.h"

/* The SA that a packet from a remote is sealed with: mostly that of its peer. */
static int some_slot(uint32_t remote)
{
	static const int slots[] = { SLOT_B_RX, SLOT_C_RX, SLOT_NO_CONTEXT_RX, SLOT_B_TX };

	if (remote >= REMOTES_PROTECTED || one_in(30))
		return one_of(slots);
	return remote < 2 ? SLOT_B_RX : SLOT_C_RX;
}

static uint16_t some_port(void)
{
	if (!one_in(8))
		return PORT;
	return one_in(2) ? PORT_CLEAR : PORT_RANGE_FIRST + below(PORT_RANGE_LAST - PORT_RANGE_FIRST + 3);
}

/* An ICMP error about a packet that was sealed here, or looks like one. */
static void make_message(struct frame *frame)
{
	uint32_t remote = below(REMOTES);
	int slot = remote < 2 ? SLOT_B_TX : SLOT_C_TX;
	uint64_t number = numbers_sealed(slot);

	if (one_in(3))
		number += one_in(2) ? 1 + below(3) : -(uint64_t)below(5000);
	make_icmp(frame, remotes[remote], one_in(3) ? PORT_CLEAR : PORT,
		  make_header(one_in(8) ? chance() : site_sas[slot].spi, number), false);
}

void make_incoming(struct frame *frame)
{
	static uint8_t sealed[FRAME_MAX];

	if (one_in(12)) {
		make_message(frame);
	} else {
		uint32_t remote = below(one_in(5) ? REMOTES : REMOTES_PROTECTED);
		int slot = some_slot(remote);
		struct packet packet = packet_udp(remotes[remote], some_port(), make_payload(),
						  make_length());
		uint64_t number = numbers_try(slot);

		packet = packet_reversed(packet);
		if (!one_in(15)) {
			struct bound bound = site_bound(&packet, slot);

			packet.length = oracle_seal(site_sas[slot].oracle, site_sas[slot].spi,
						    one_in(100) ? below(256) : XDPSEC_NEXT_UDP, number,
						    &bound, packet.payload, packet.length, sealed);
			packet.payload = sealed;
		}
		make_odd(&packet);
		packet_build(frame, &packet);
	}
	frame->gso_size = frame->ingress = 0;
	make_damage(frame);
	make_buffers(frame);
}

/* It is of a protected flow, and passes. */
static enum outcome judge_opened(const struct view *view, int peer)
{
	static uint8_t plain[FRAME_MAX];
	int slot = peer == PEER_B ? SLOT_B_RX : SLOT_C_RX;
	const uint8_t *header = run.in.bytes + view_payload(view);
	size_t length = view_payload_length(view);
	struct bound bound = flow_bound(view, slot);

	if (!view->consistent || length < XDPSEC_OVERHEAD || read32(header) != site_sas[slot].spi ||
	    read32(header + 4) != (XDPSEC_NEXT_UDP << 24 | 1 << 16) ||
	    !oracle_open(site_sas[slot].oracle, &bound, header, length, plain))
		return fault("of a protected flow, and passes without a tag that holds");
	if (!numbers_accept(slot, (uint64_t)read32(header + 8) << 32 | read32(header + 12)))
		return fault("accepted a second time");
	length -= XDPSEC_OVERHEAD;
	if (!same_around(&run.out, &run.in, view, length) ||
	    memcmp(run.out.bytes + view_payload(view), plain, length) != 0)
		return fault("opened, and not what was sealed");
	return OUTCOME_OPENED;
}

/* Does the message quote a packet that was sealed here, with a number that was used? Nobody else knows one.
 */
static bool quotes_sealed(const struct view *view)
{
	const uint8_t *quoted;
	struct view about;
	size_t n = view_quoted(view, run.in.bytes, run.in.length, &about, &quoted);
	int peer = flow_peer(about.destination), slot = peer == PEER_B ? SLOT_B_TX : SLOT_C_TX;

	return about.kind == VIEW_UDP && n >= XDPSEC_HEADER_LEN && (peer == PEER_B || peer == PEER_C) &&
	       read32(quoted) == site_sas[slot].spi && !read32(quoted + 8) &&
	       read32(quoted + 12) < rig_sequence_next(slot);
}

enum outcome judge_open(void)
{
	struct view view = view_of(run.in.bytes, run.in.length);
	int peer;
	enum flow_verdict flow = flow_judge(&view, view.source, &peer);

	if (run.verdict == XDP_DROP) {
		/* If the first buffer ends within the headers, a clear flow may not be recognized. */
		if (flow == FLOW_CLEAR && view.kind == VIEW_UDP && !run.in.linear)
			return fault("not protected, and dropped");
		return OUTCOME_DROPPED;
	}
	if (run.verdict != XDP_PASS)
		return fault("no verdict of this program");
	if (flow == FLOW_PROTECTED)
		return judge_opened(&view, peer);
	if (flow != FLOW_CLEAR)
		return fault("protected, and passes");
	if (same_frames(&run.in, &run.out))
		return OUTCOME_PASSED;
	if (!same_but_lowered(&run.out, &run.in, &view))
		return fault("not protected, and changed");
	return quotes_sealed(&view) ? OUTCOME_LOWERED : fault("an MTU is lowered by who cannot know of it");
}
