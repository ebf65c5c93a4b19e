// SPDX-License-Identifier: GPL-2.0-or-later
/* MAC1, MAC2 and cookies. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "agreement/cookie.h"
#include "base/prefix.h"

#define MAC1_LABEL "xdpsec1 mac1"
#define COOKIE_LABEL "xdpsec1 cookie"

int mac_keys_make(struct mac_keys *keys, const struct public_key *receiver)
{
	return primitive_hash(keys->mac1, MAC1_LABEL, sizeof(MAC1_LABEL) - 1, receiver->bytes, PUBLIC_LEN)
		       ?: primitive_hash(keys->cookie, COOKIE_LABEL, sizeof(COOKIE_LABEL) - 1,
					 receiver->bytes, PUBLIC_LEN);
}

/* ---- MAC1 -------------------------------------------------------------------------------------------- */

int mac1_write(uint8_t *message, size_t offset, const struct mac_keys *receiver)
{
	return primitive_mac(message + offset, MAC_LEN, receiver->mac1, HASH_LEN, message, offset);
}

bool mac1_right(const uint8_t *message, size_t offset, const struct mac_keys *own)
{
	uint8_t mac[MAC_LEN];

	return !primitive_mac(mac, MAC_LEN, own->mac1, HASH_LEN, message, offset) &&
	       primitive_equal(mac, message + offset, MAC_LEN);
}

/* ---- cookies ----------------------------------------------------------------------------------------- */

void cookie_secrets_wipe(struct cookie_secrets *secrets)
{
	OPENSSL_cleanse(secrets, sizeof(*secrets));
}

bool cookie_secrets_due(const struct cookie_secrets *secrets, uint64_t now)
{
	return !secrets->have_now || now - secrets->made >= COOKIE_SECRET_LIFE;
}

void cookie_secrets_renew(struct cookie_secrets *secrets, struct secret *fresh, uint64_t now)
{
	/* One that was not used for long has died: its end was COOKIE_SECRET_LIFE after it was made. */
	secrets->have_before = secrets->have_now &&
			       now - secrets->made < COOKIE_SECRET_LIFE + COOKIE_SECRET_GRACE;
	secrets->before = secrets->now;
	secrets->now = *fresh;
	secrets->have_now = true;
	secrets->made = now;
	secret_wipe(fresh);
	if (!secrets->have_before)
		secret_wipe(&secrets->before);
}

/* cookie = MAC(R, address || port), an IPv4 address in 4 bytes also where it came in by a v6 socket. */
static int make_cookie(struct cookie *cookie, const struct secret *secret, const struct cookie_source *source)
{
	size_t skipped = address_is_ipv4(source->address) ? IPV4_BITS / 8 : 0;
	size_t n = sizeof(source->address) - skipped;
	uint8_t input[sizeof(source->address) + 2];

	memcpy(input, source->address + skipped, n);
	input[n++] = source->port >> 8;
	input[n++] = source->port & 0xff;
	return primitive_mac(cookie->bytes, MAC_LEN, secret->bytes, SECRET_LEN, input, n);
}

int cookie_mac2_write(uint8_t initiation[INITIATION_LEN], const struct cookie *cookie)
{
	return primitive_mac(initiation + INITIATION_MAC2, MAC_LEN, cookie->bytes, MAC_LEN, initiation,
			     INITIATION_MAC2);
}

static bool mac2_right(const struct secret *secret, const struct cookie_source *source,
		       const uint8_t *initiation)
{
	struct cookie cookie;
	uint8_t mac[MAC_LEN];

	return !make_cookie(&cookie, secret, source) &&
	       !primitive_mac(mac, MAC_LEN, cookie.bytes, MAC_LEN, initiation, INITIATION_MAC2) &&
	       primitive_equal(mac, initiation + INITIATION_MAC2, MAC_LEN);
}

bool cookie_mac2_right(const struct cookie_secrets *secrets, const struct cookie_source *source,
		       const uint8_t initiation[INITIATION_LEN], uint64_t now)
{
	uint64_t age = now - secrets->made;

	/* The one that counts now may be late to be renewed, but not later than it would count as the one before. */
	if (secrets->have_now && age < COOKIE_SECRET_LIFE + COOKIE_SECRET_GRACE &&
	    mac2_right(&secrets->now, source, initiation))
		return true;
	return secrets->have_before && age < COOKIE_SECRET_GRACE &&
	       mac2_right(&secrets->before, source, initiation);
}

int cookie_message_make(uint8_t message[COOKIE_LEN], const struct cookie_secrets *secrets,
			const struct cookie_source *source, const struct mac_keys *own,
			const uint8_t initiation[INITIATION_LEN], const uint8_t nonce[32])
{
	_cleanup_secret_ struct secret key;
	struct cookie cookie;

	if (!secrets->have_now)
		return -EAGAIN;
	memcpy(message, initiation, MESSAGE_HEADER_LEN); /* the Session is the initiator's */
	message[4] = MESSAGE_COOKIE;
	memcpy(message + COOKIE_NONCE, nonce, 32);
	return make_cookie(&cookie, &secrets->now, source)
		?: primitive_mac(key.bytes, SECRET_LEN, own->cookie, HASH_LEN, nonce, 32)
		?: primitive_seal(message + COOKIE_SEALED, key.bytes, 0, initiation + INITIATION_MAC1,
				  MAC_LEN, cookie.bytes, MAC_LEN);
}

int cookie_message_open(struct cookie *cookie, const uint8_t message[COOKIE_LEN], const struct mac_keys *peer,
			const uint8_t mac1[MAC_LEN])
{
	_cleanup_secret_ struct secret key;
	struct cookie opened = {};
	int err = primitive_mac(key.bytes, SECRET_LEN, peer->cookie, HASH_LEN, message + COOKIE_NONCE, 32)
			  ?: primitive_open(opened.bytes, key.bytes, 0, mac1, MAC_LEN,
					    message + COOKIE_SEALED, COOKIE_LEN - COOKIE_SEALED);

	if (!err)
		*cookie = opened;
	return err;
}
