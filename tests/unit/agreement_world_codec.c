// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages without cryptography: an Initiation is a number, and a key is the number of its pair. */
#include "agreement_world_inside.h"

#include <stdlib.h>
#include <string.h>

static void make_key(struct data_key *key, uint32_t fact, unsigned int side)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->bytes, &fact, sizeof(fact));
	key->bytes[4] = (uint8_t)side; /* that seals with it */
	key->length = 16;
}

static int codec_initiation(void *data, uint32_t peer, uint32_t session,
			    const struct initiation_payload *payload, const struct agreement_path *path,
			    uint8_t message[INITIATION_LEN])
{
	struct agent *agent = data;

	(void)path;
	world_check_current(agent);
	memset(message, 0, INITIATION_LEN);
	message_write_header(message, MESSAGE_INITIATION, session);
	memcpy(message + INITIATION_EPHEMERAL, payload, sizeof(*payload));
	agent->asked[peer] = ++world.initiations;
	memcpy(message + INITIATION_MAC1, &agent->asked[peer], sizeof(uint32_t));
	memcpy(message + INITIATION_MAC2, &world.epochs[world_link(agent, peer)][world_side(agent)],
	       sizeof(uint32_t));
	return 0;
}

static void codec_forget(void *data, uint32_t peer)
{
	struct agent *agent = data;

	agent->asked[peer] = 0;
}

static uint32_t add_fact(uint32_t link, unsigned int initiator, uint32_t initiator_epoch)
{
	struct fact *fact;

	if (world.n_facts == world.max_facts) {
		world.max_facts = 2 * world.max_facts + 64;
		world.facts = realloc(world.facts, world.max_facts * sizeof(*world.facts));
	}
	fact = &world.facts[world.n_facts];
	*fact = (struct fact){ .link = link, .initiator = (uint8_t)initiator };
	fact->epochs[initiator] = initiator_epoch;
	fact->epochs[!initiator] = world.epochs[link][!initiator];
	return world.n_facts++;
}

static void make_result(struct handshake_result *result, uint32_t fact, unsigned int side,
			uint32_t initiator_spi, uint32_t responder_spi)
{
	memset(result, 0, sizeof(*result));
	make_key(&result->send, fact, side);
	make_key(&result->receive, fact, !side);
	message_write_header(result->proofs.confirm, MESSAGE_CONFIRM, responder_spi);
	message_write_header(result->proofs.ack, MESSAGE_ACK, initiator_spi);
	memcpy(result->proofs.confirm + CONFIRM_MAC, &fact, sizeof(fact));
	memcpy(result->proofs.ack + CONFIRM_MAC, &fact, sizeof(fact));
}

/* Epoch and Session of the Initiation that is being delivered. */
static uint32_t arriving_epoch, arriving_session;

static enum message_refusal codec_ready(void *data, uint32_t peer)
{
	(void)data;
	(void)peer;
	return ACCEPTED;
}

static enum message_refusal codec_response(void *data, uint32_t peer, const struct response_payload *payload,
					   struct handshake_result *result, uint8_t message[RESPONSE_LEN])
{
	struct agent *agent = data;
	unsigned int side = world_side(agent);
	uint32_t fact = 0;

	world_check_current(agent);
	memset(message, 0, RESPONSE_LEN);
	message_write_header(message, MESSAGE_RESPONSE, arriving_session);
	memcpy(message + RESPONSE_EPHEMERAL, payload, sizeof(*payload));
	if (payload->suite) {
		fact = add_fact(world_link(agent, peer), !side, arriving_epoch);
		make_result(result, fact, side, arriving_session, payload->spi);
		world.figures->pairs++;
	}
	memcpy(message + RESPONSE_MAC1, &fact, sizeof(fact));
	memcpy(message + RESPONSE_MAC1 + sizeof(fact), &world.arriving, sizeof(world.arriving));
	return ACCEPTED;
}

const struct machine_codec world_codec = {
	.initiation = codec_initiation,
	.forget = codec_forget,
	.ready = codec_ready,
	.response = codec_response,
};

static void take_response_message(struct agent *agent, const struct event *event,
				  const struct message_header *header)
{
	struct agreement_path path = { 0 };
	struct response_payload answer;
	struct handshake_result result = { 0 };
	uint32_t peer, fact, initiation;

	memcpy(&answer, event->bytes + RESPONSE_EPHEMERAL, sizeof(answer));
	memcpy(&fact, event->bytes + RESPONSE_MAC1, sizeof(fact));
	memcpy(&initiation, event->bytes + RESPONSE_MAC1 + sizeof(fact), sizeof(initiation));
	if (!machine_asked(&agent->machine, header->session, &peer) || agent->asked[peer] != initiation)
		return;
	if (answer.suite)
		make_result(&result, fact, world_side(agent), header->session, answer.spi);
	machine_response(&agent->machine, peer, &answer, &result, &path, world.now);
}

void world_take_message(struct agent *agent, const struct event *event)
{
	struct agreement_path path = { 0 };
	struct initiation_payload offer;
	struct message_header header;
	uint32_t fact;

	message_read_header(&header, event->bytes, event->n);
	memcpy(&fact, event->bytes + CONFIRM_MAC, sizeof(fact));
	switch (header.type) {
	case MESSAGE_INITIATION:
		memcpy(&offer, event->bytes + INITIATION_EPHEMERAL, sizeof(offer));
		memcpy(&world.arriving, event->bytes + INITIATION_MAC1, sizeof(world.arriving));
		memcpy(&arriving_epoch, event->bytes + INITIATION_MAC2, sizeof(arriving_epoch));
		arriving_session = header.session;
		machine_initiation(&agent->machine, world_peer(event->link, event->to), header.session,
				   &offer, &path, world.now);
		break;
	case MESSAGE_RESPONSE:
		take_response_message(agent, event, &header);
		break;
	case MESSAGE_CONFIRM:
		machine_confirm(&agent->machine, header.session, event->bytes, &path, world.now);
		break;
	case MESSAGE_ACK:
		if (!machine_ack(&agent->machine, header.session, event->bytes, world.now))
			world_check_complete(event->link, &world.facts[fact]);
		break;
	default:
		break;
	}
}
