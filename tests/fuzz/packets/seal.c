// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec_seal and xdpsec_hop: nothing of a protected flow leaves but sealed, and no number is used twice. */
#include "unit/unit.h"
#include "fuzz/chance.h"
#include "flow.h"
#include "make.h"
#include "numbers.h"
#include "same.h"
#include "unit/site.h"
#include "targets.h"

/* Bytes of headers that the programs read. Longer headers are not judged. */
enum { HEADERS_READ = 500, QUOTE_READ = 512 };

static uint16_t some_port(void)
{
	if (!one_in(6))
		return PORT;
	return one_in(2) ? PORT_CLEAR : PORT_RANGE_FIRST + below(PORT_RANGE_LAST - PORT_RANGE_FIRST + 3);
}

/* The mark of packets from behind the hop, with one bit changed: only the right mark may be accepted. */
static void make_mark(struct frame *frame)
{
	memcpy(frame->cb, rig_hop_secret, sizeof(frame->cb));
	frame->cb[below(4)] ^= 1U << below(32);
}

void make_outgoing(struct frame *frame)
{
	const uint32_t from[] = { 0, 0, 0, 0, rig.device, rig.device, rig.near, rig.far };

	if (one_in(12)) {
		make_icmp(frame, one_of(remotes), one_in(3) ? PORT_CLEAR : PORT, make_payload(), true);
	} else {
		struct packet packet = packet_udp(remotes[below(one_in(3) ? REMOTES : REMOTES_PROTECTED)],
						  some_port(), make_payload(), make_length());

		if (one_in(5)) {
			uint16_t port = packet.source_port;

			packet.source_port = packet.destination_port;
			packet.destination_port = port;
		}
		make_odd(&packet);
		packet_build(frame, &packet);
	}
	frame->gso_size = one_in(20) ? 1 + below(1500) : 0;
	frame->ingress = one_of(from);
	if (one_in(10))
		make_mark(frame);
	make_damage(frame);
}

/* A tag that was in the frame is beside it when it has been sealed, or is part of an answer; a test run shows
 * only the frame. */
static struct view untagged(struct frame *frame)
{
	struct view view = view_of(run.in.bytes, run.in.length);

	*frame = run.in;
	if (!view.vlans)
		return view;
	frame_untag(frame);
	return view_of(frame->bytes, frame->length);
}

static bool is_sealed(const struct frame *plain, const struct view *view, int slot)
{
	static uint8_t opened[FRAME_MAX];
	size_t at = view_payload(view), length = view_payload_length(view);
	const uint8_t *header = run.out.bytes + at;
	struct bound bound = flow_bound(view, slot);

	return same_around(&run.out, plain, view, length + XDPSEC_OVERHEAD) &&
	       read32(header) == site_sas[slot].spi &&
	       read32(header + 4) == (XDPSEC_NEXT_UDP << 24 | 1 << 16) &&
	       oracle_open(site_sas[slot].oracle, &bound, header, length + XDPSEC_OVERHEAD, opened) &&
	       memcmp(opened, plain->bytes + at, length) == 0;
}

/* It is of a protected flow, and goes on. */
static enum outcome judge_sealed(int peer)
{
	static struct frame plain;
	struct view view = untagged(&plain);
	int slot = peer == PEER_B ? SLOT_B_TX : SLOT_C_TX;
	const uint8_t *header = run.out.bytes + view_payload(&view);

	if (!view.consistent || run.in.gso_size || !is_sealed(&plain, &view, slot))
		return fault("of a protected flow, and goes on without being sealed");
	if (!numbers_rise(slot, (uint64_t)read32(header + 8) << 32 | read32(header + 12)))
		return fault("a number is used again");
	return OUTCOME_SEALED;
}

/* Does a message of this type quote a packet behind its first 8 bytes? */
static bool is_error(int family, uint8_t type)
{
	/* RFC 792; RFC 1475 section 8; RFC 2521 */
	static const uint8_t types[] = { ICMP_UNREACHABLE,	 4,  5, ICMP_TIME_EXCEEDED,
					 ICMP_PARAMETER_PROBLEM, 31, 40 };

	/* RFC 4443 section 2.1 */
	return family == 6 ? type < 128 : memchr(types, type, sizeof(types)) != NULL;
}

/* Is the frame an ICMP error that quotes payload of a protected flow? */
static bool quotes_protected(const struct frame *frame, const struct view *view)
{
	size_t icmp = view_icmp(view, frame->bytes, frame->length);
	const uint8_t *payload;
	struct view about;

	if (!icmp || !is_error(view->family, frame->bytes[icmp]))
		return false;
	return view_quoted(view, frame->bytes, frame->length, &about, &payload) && !about.detour &&
	       flow_protects(&about);
}

static enum outcome judge_passed(const struct view *view)
{
	bool quotes = quotes_protected(&run.in, view);

	if (same_frames(&run.in, &run.out)) {
		if (quotes && run.in.length - view->network <= QUOTE_READ)
			return fault("an ICMP error quotes a protected payload");
		return OUTCOME_PASSED;
	}
	if (quotes && same_but_cut(&run.out, &run.in, view))
		return OUTCOME_CUT;
	return fault("not protected, and changed");
}

/* An answer, or nothing. */
static enum outcome judge_answer(void)
{
	static struct frame plain;
	struct view view = untagged(&plain);

	if (!is_answer(&run.out, &plain, &view, &run.judged))
		return OUTCOME_FAULT;
	/* The traffic class of an answer is its own affair. */
	run.first = view.network + 4;
	return OUTCOME_ANSWERED;
}

enum outcome judge_seal(void)
{
	struct view view = view_of(run.in.bytes, run.in.length);
	int peer;
	enum flow_verdict flow = flow_judge(&view, view.destination, &peer);

	switch (run.verdict) {
	case TC_DROP:
		if (flow == FLOW_CLEAR && view.kind == VIEW_UDP && view.transport < HEADERS_READ)
			return fault("not protected, and dropped");
		return OUTCOME_DROPPED;
	case SEAL_PASS:
		if (flow == FLOW_PROTECTED)
			return judge_sealed(peer);
		return flow == FLOW_CLEAR ? judge_passed(&view) : fault("protected, and passes");
	case TC_REDIRECT:
		if (flow != FLOW_PROTECTED)
			return fault("not to be sealed, and goes elsewhere");
		if (same_frames(&run.in, &run.out))
			return run.in.gso_size ? OUTCOME_HOPPED : fault("to the hop, and nothing is pending");
		return judge_answer() ?: fault("neither to the hop nor an answer");
	}
	return fault("no verdict of this program");
}

enum outcome judge_hop(void)
{
	struct view view = view_of(run.in.bytes, run.in.length);
	int peer;

	if (run.verdict == TC_DROP) {
		flow_judge(&view, view.destination, &peer);
		return OUTCOME_DROPPED;
	}
	if (run.verdict != TC_REDIRECT)
		return fault("no verdict of this program");
	if (flow_judge(&view, view.destination, &peer) != FLOW_PROTECTED)
		return fault("not to be sealed, and goes on");
	return judge_answer() ?: judge_sealed(peer);
}
