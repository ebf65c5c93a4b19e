// SPDX-License-Identifier: GPL-2.0-or-later
/* The key agreement: what follows from several lines of the configuration, and mistakes that involve several. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "config/config_parse.h"

/* The port to which IPsec behind NAT sends its IKE messages, which begin with four bytes of zero as ours do (RFC 3948
 * section 2.2). */
#define IKE_NAT_PORT 4500

/* The default of Cipher. A preshared key is for those who want secrecy for decades. */
static void derive_suites(struct peer_config *peer)
{
	if (peer->n_suites || peer->cipher_line)
		return;
	peer->suites[0] = peer->psk_line ? SUITE_AES_256_OCB : SUITE_AES_128_OCB;
	peer->suites[1] = SUITE_AES_128_OCB | SUITE_AES_256_OCB;
	peer->suites[1] ^= peer->suites[0];
	peer->n_suites = 2;
}

/* In inline mode the only address of a peer is its endpoint. */
static void derive_endpoint(const struct config *config, struct peer_config *peer)
{
	const struct xdpsec_prefix *only = NULL;

	if (config->mode != MODE_INLINE || peer->endpoint_line)
		return;
	for (size_t i = 0; i < peer->n_prefixes; i++) {
		if (peer->prefixes[i].length != 128)
			continue;
		if (only)
			return;
		only = &peer->prefixes[i];
	}
	if (!only)
		return;
	memcpy(peer->endpoint.address, only->address, sizeof(peer->endpoint.address));
	peer->endpoint.port = (__u16)config->listen_port;
	peer->endpoint.known = 1;
}

void config_derive_agreement(struct config *config)
{
	struct peer_config *peer;
	bool manual = false;

	for (peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		manual |= !peer->agreed;
		if (!peer->agreed)
			continue;
		derive_suites(peer);
		derive_endpoint(config, peer);
	}
	if (!manual)
		config->tunnel.former_port = 0;
}

/* The first line of a manual key that the peer has; NULL: none. */
static const char *manual_setting(const struct peer_config *peer, int *line)
{
	const struct {
		const char *name;
		int line;
	} lines[] = {
		{ "TxSpi", peer->tx.spi_line },
		{ "TxKeyFile", peer->tx.key_file_line },
		{ "RxSpi", peer->rx[0].spi_line },
		{ "RxKeyFile", peer->rx[0].key_file_line },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i].line) {
			*line = lines[i].line;
			return lines[i].name;
		}
	return NULL;
}

static int refuse_both(const struct config *config, const struct peer_config *peer, const char *manual,
		       int line)
{
	fail(EINVAL, "%s:%d: %s: peer %s has PublicKey in line %d: its SPIs and keys are agreed on",
	     peer_path(config, peer), line, manual, peer_text(peer), peer->public_key_line);
	hint("remove TxSpi, TxKeyFile, RxSpi and RxKeyFile, or PublicKey");
	return -EINVAL;
}

/* Inline mode: control messages go from ListenPort to ListenPort. */
static int check_inline(const struct config *config, const struct peer_config *peer)
{
	unsigned int port = peer->endpoint.known ? peer->endpoint.port : peer->endpoint_port;

	if (!peer->endpoint_line && !peer->endpoint.known) {
		fail(EINVAL,
		     "%s:%d: [Peer]: peer %s: Endpoint is missing, and Address has no single address, or "
		     "several",
		     peer_path(config, peer), peer->line, peer_text(peer));
		hint("Endpoint = ADDRESS:%u, the address of the host there that agrees on keys",
		     config->listen_port);
		return -EINVAL;
	}
	if (!port || port == config->listen_port)
		return 0;
	fail(EINVAL, "%s:%d: Endpoint: port %u: in inline mode it is the ListenPort of both sites, here %u",
	     peer_path(config, peer), peer->endpoint_line, port, config->listen_port);
	hint("port %u in Endpoint, or ListenPort = %u at both sites", config->listen_port, port);
	return -EINVAL;
}

static int check_agreed(const struct config *config, const struct peer_config *peer)
{
	const char *manual;
	int line = 0;

	manual = manual_setting(peer, &line);
	if (manual)
		return refuse_both(config, peer, manual, line);
	if (peer->endpoint_host[0] && peer->roaming == ROAMING_NO) {
		fail(EINVAL, "%s:%d: Roaming: the Endpoint of peer %s is a name, whose address may change",
		     peer_path(config, peer), peer->roaming_line, peer_text(peer));
		hint("remove Roaming, or give Endpoint an address");
		return -EINVAL;
	}
	return config->mode == MODE_INLINE ? check_inline(config, peer) : 0;
}

/* A key that only peers with PublicKey can have. */
static int refuse_manual(const struct config *config, const struct peer_config *peer, int line,
			 const char *name)
{
	fail(EINVAL, "%s:%d: %s: only for a peer with PublicKey, and peer %s has manual keys",
	     peer_path(config, peer), line, name, peer_text(peer));
	hint("remove it, or give PublicKey instead of TxSpi, TxKeyFile, RxSpi and RxKeyFile");
	return -EINVAL;
}

static int check_manual(const struct config *config, const struct peer_config *peer)
{
	int err = 0;

	if (peer->psk_line)
		err = refuse_manual(config, peer, peer->psk_line,
				    peer->psk_file[0] ? "PresharedKeyFile" : "PresharedKey");
	if (peer->endpoint_line && config->mode == MODE_INLINE)
		err = refuse_manual(config, peer, peer->endpoint_line, "Endpoint in inline mode");
	else if (peer->endpoint_host[0]) {
		err = fail(EINVAL,
			   "%s:%d: Endpoint: %s: names are not resolved for manual keys: DNS could redirect "
			   "packets",
			   peer_path(config, peer), peer->endpoint_line, peer->endpoint_host);
		hint("for example 198.51.100.2:%u or [2001:db8::1]:%u; or PublicKey, whose owner proves who "
		     "he is",
		     peer->endpoint_port, peer->endpoint_port);
	}
	if (peer->n_suites > 1) {
		err = fail(EINVAL, "%s:%d: Cipher: manual keys have one cipher, not several",
			   peer_path(config, peer), peer->cipher_line);
		hint("Cipher = %s, at both sites", peer->cipher);
	}
	return err;
}

static int check_same_key(const struct config *config, const struct peer_config *peer)
{
	const char *path = peer_path(config, peer);
	const struct peer_config *other;
	char line[LINE_TEXT];

	for (other = config->peers; other < peer; other++)
		if (other->agreed && !key32_is_zero(peer->public_key) &&
		    !memcmp(other->public_key, peer->public_key, KEY32_BYTES))
			break;
	if (other == peer)
		return 0;
	fail(EINVAL, "%s:%d: PublicKey: already that of peer %s in %s", path, peer->public_key_line,
	     peer_text(other), line_text(config, path, other, other->public_key_line, line));
	hint("each site has its own private key: xdpsec genkey");
	return -EINVAL;
}

static int refuse_unused(const struct config *config, const char *name, int line)
{
	fail(EINVAL, "%s:%d: %s: only for key agreement, and no peer has PublicKey", config->path, line,
	     name);
	hint("remove it, or give a peer PublicKey instead of manual keys");
	return -EINVAL;
}

/* Settings of [Interface] that nothing would use. */
static int check_unused(struct config *config)
{
	int err = 0;

	if (config->reject_after_line)
		err = refuse_unused(config, "RejectAfter", config->reject_after_line);
	if (config->idle_line)
		err = refuse_unused(config, "Idle", config->idle_line);
	if (config->listen_port_line && config->mode == MODE_INLINE)
		err = refuse_unused(config, "ListenPort in inline mode", config->listen_port_line);
	return err;
}

static void warn_of_port(const struct config *config)
{
	if (config->listen_port != IKE_NAT_PORT)
		return;
	warning("%s:%d: ListenPort: %d is the port of IPsec behind NAT (IKE), whose messages would be "
		"mistaken for those of the key agreement",
		config->path, config->listen_port_line, IKE_NAT_PORT);
	hint("another port, for example 7253, unless no IPsec runs here");
}

int config_check_agreement(struct config *config)
{
	const struct peer_config *peer;
	/* The files of Include may have no peer yet. */
	bool is_used = config->agreed || (config->n_includes && !config->n_peers);
	int err = is_used ? 0 : check_unused(config), step;

	if (config->agreed)
		warn_of_port(config);
	if (err && config_mistake(config))
		return err;
	for (peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		step = peer->agreed ? check_agreed(config, peer) : check_manual(config, peer);
		if (!step && peer->agreed)
			step = check_same_key(config, peer);
		err = err ?: step;
		if (step && config_mistake(config))
			break;
	}
	return err;
}
