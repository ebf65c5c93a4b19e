// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec probe: find the largest packet that gets through a tunnel and back, independent of routers'
 * messages. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <json-c/json.h>

#include "base/kernel.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/json_output.h"
#include "command/probe.h"
#include "command/report.h"
#include "config/config.h"
#include "device/tunnel.h"
#include "device/uplink.h"
#include "net/echo.h"
#include "plane/place.h"
#include "plane/self.h"

/* The only single address in AllowedIPs. One of this host would always answer. */
static int only_address(const struct report *report, const struct peer_report *peer,
			unsigned char address[16])
{
	for (size_t i = 0; i < peer->n_prefixes; i++)
		if (peer->prefixes[i].prefix.length == 128 &&
		    !address_is_here(peer->prefixes[i].prefix.address, report->near.master)) {
			memcpy(address, peer->prefixes[i].prefix.address, 16);
			return 0;
		}
	fail(EINVAL, "peer %s: give the address to probe: its AllowedIPs have no single address",
	     peer->record.name);
	hint("the last argument is an address behind the peer that answers to ping");
	return -EINVAL;
}

static int given_address(const struct report *report, const struct peer_report *peer, const char *text,
			 unsigned char address[16])
{
	struct xdpsec_prefix whole = { .length = 128, .address = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, whole.address + 12) != 1 &&
	    inet_pton(AF_INET6, text, whole.address) != 1) {
		fail(EINVAL, "probe: %s: not an IPv4 or IPv6 address", text);
		hint("%s status %s %s: an address of its AllowedIPs that answers to ping", self(),
		     report->instance.name, peer->record.name);
		return -EINVAL;
	}
	memcpy(address, whole.address, 16);
	if (address_is_here(address, report->near.master)) {
		fail(EINVAL, "probe: %s: is an address of this host", text);
		hint("the last argument is an address behind the peer that answers to ping");
		return -EINVAL;
	}
	for (size_t i = 0; i < peer->n_prefixes; i++)
		if (prefix_contains(&peer->prefixes[i].prefix, &whole))
			return 0;
	fail(EINVAL, "probe: %s: not in AllowedIPs of peer %s", text, peer->record.name);
	hint("%s status %s %s lists them", self(), report->instance.name, peer->record.name);
	return -EINVAL;
}

#define SEARCHES_MAX 3

/* Search between a size that was answered and one that was not. */
static int search(struct echo *echo, unsigned int fits, unsigned int *result, unsigned int too_large)
{
	unsigned int size;
	int answered;

	while (too_large - fits > 1) {
		size = fits + (too_large - fits) / 2;
		answered = echo_try(echo, size);
		if (answered < 0)
			return answered;
		if (answered)
			fits = size;
		else
			too_large = size;
	}
	*result = fits;
	return 0;
}

/* A size that fits looks too large if its packets are lost. So the smallest of those that failed is tried again. */
static int search_again(struct echo *echo, unsigned int fits, unsigned int *size, unsigned int mtu)
{
	unsigned int too_large = mtu;
	int result, answered;

	for (int i = 0; i < SEARCHES_MAX; i++) {
		result = search(echo, fits, size, too_large);
		if (result < 0)
			return result;
		answered = echo_try(echo, *size + 1);
		if (answered <= 0)
			return answered;
		fits = *size = *size + 1;
		if (fits == mtu)
			return 0;
		too_large = mtu + 1;
	}
	return 0;
}

int probe_size(struct echo *echo, unsigned int mtu, unsigned int *size)
{
	unsigned int least = echo->ipv4 ? ECHO_MINIMUM_IPV4 : ECHO_MINIMUM_IPV6;
	int answered = echo_try(echo, least);

	*size = 0;
	if (answered <= 0)
		return answered;
	answered = echo_try(echo, mtu);
	if (answered < 0)
		return answered;
	*size = mtu;
	return answered ? 0 : search_again(echo, least, size, mtu);
}

/* The size of the largest packet; 0: none was found. */
struct probe_result {
	char address[64]; /* empty: not known */
	unsigned int size;
};

static unsigned int outer_size(const struct peer_report *peer, unsigned int size)
{
	struct xdpsec_prefix outer = prefix_of(&peer->location);

	return size + (prefix_is_ipv4(&outer) ? XDPSEC_TUNNEL_OVERHEAD_IPV4 : XDPSEC_TUNNEL_OVERHEAD_IPV6);
}

static void print_size(const struct report *report, const struct peer_report *peer,
		       const struct probe_result *result)
{
	unsigned int size = result->size;

	printf("%s: peer %s (%s): packets of %u bytes pass through the tunnel and back, %u bytes outside\n",
	       report->instance.name, peer->record.name, result->address, size, outer_size(peer, size));
	if (size == report->config.mtu)
		printf("%s: that is its MTU\n", report->instance.near);
	else
		printf("%s: its MTU is %u: set MTU = %u in [Interface] if routers on the path send no ICMP "
		       "errors\n",
		       report->instance.near, report->config.mtu, size);
}

/* The result, or why there is none. */
static void print_probe_json(const struct options *options, const struct report *report,
			     const struct peer_report *peer, const struct probe_result *result)
{
	struct json_object *object = json_object_new_object();
	bool found = result->size;

	json_add_text(object, "name", options->argument);
	json_add_text(object, "peer", options->peer);
	json_add_text(object, "address", result->address);
	if (found) {
		json_add_number(object, "size", result->size);
		json_add_number(object, "outer_size", outer_size(peer, result->size));
		json_add_text(object, "device", report->instance.near);
		json_add_number(object, "mtu", report->config.mtu);
	} else {
		json_add_text(object, "error", message_failure());
		json_add_text(object, "hint", message_hint());
	}
	json_output(object);
}

static int probe(const struct report *report, const struct peer_report *peer, const unsigned char address[16],
		 struct probe_result *result)
{
	_cleanup_echo_ struct echo echo = { .fd = -1 };
	const char *text = result->address;
	int err = echo_open(&echo, address, &(struct echo_way){ .device = report->instance.near });

	address_text(address, result->address, sizeof(result->address));
	if (!err)
		err = probe_size(&echo, report->config.mtu, &result->size);
	if (err)
		return fail(-err, "probe: %s: cannot send to it: %s", text, strerror(-err));
	if (!result->size) {
		fail(ETIMEDOUT, "peer %s: %s does not answer even to the smallest packet", peer->record.name,
		     text);
		hint("`xdpsec status %s` at both sites shows where packets are dropped; the address must "
		     "answer to ping",
		     report->instance.name);
		return -ETIMEDOUT;
	}
	return 0;
}

static int check_place(const struct options *options, const struct instance *instance)
{
	_cleanup_plane_ struct plane plane;
	char arguments[200];
	int err;

	plane_init(&plane);
	err = plane_open(&plane, options->argument, false);
	if (err)
		return err;
	snprintf(arguments, sizeof(arguments), "%s%s%s", options->peer, options->address ? " " : "",
		 options->address ?: "");
	return place_check(&plane, instance, "probe", arguments);
}

static int probe_peer(const struct options *options, struct report *report, const struct peer_report **peer,
		      struct probe_result *result)
{
	unsigned char address[16];
	int err = report_read(report, options->argument);

	if (!err && report->instance.mode != MODE_TUNNEL)
		err = fail(EINVAL, "%s: is in inline mode: probe is for tunnels", options->argument);
	if (!err)
		err = report_find_peer(report, options->peer, peer);
	if (!err)
		err = check_place(options, &report->instance);
	if (!err)
		err = options->address ? given_address(report, *peer, options->address, address)
				       : only_address(report, *peer, address);
	return err ?: probe(report, *peer, address, result);
}

int command_probe(const struct options *options)
{
	_cleanup_report_ struct report report = {};
	const struct peer_report *peer = NULL;
	struct probe_result result = {};
	int err = kernel_check_privileges();

	if (!err)
		err = bpffs_check(options);
	if (!err) {
		bpf_log_start();
		err = probe_peer(options, &report, &peer, &result);
	}
	if (options->json)
		print_probe_json(options, &report, peer, &result);
	else if (!err)
		print_size(&report, peer, &result);
	return err;
}
