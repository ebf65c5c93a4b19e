// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzer of the configuration's parser: it refuses with a message, or what it has taken is what documents
 * promise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/config_parse.h"
#include "driver.h"

#define FILE_NAME "site-a.conf"
#define NAME_CHARACTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-"

enum { WORDS_MAX = 100 };

/* Names of settings are added. */
static const char *words[WORDS_MAX] = {
	"[Interface]\n",
	"[Peer]\n",
	" = ",
	", ",
	"inline",
	"tunnel",
	"auto",
	"native",
	"generic",
	"all",
	"off",
	"yes",
	"no",
	"listen",
	"inherit",
	"aes-128-ocb",
	"aes-256-ocb",
	"aes-generic",
	"eth0",
	"xs0",
	"site-b",
	"a.key",
	"private.key",
	"psk",
	"vpn.example.net:7253",
	"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
	"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=",
	"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"0.0.0.0/0",
	"::/0",
	"192.0.2.1/32",
	"198.51.100.0/24",
	"2001:db8::/32",
	"::ffff:192.0.2.1",
	"[2001:db8::1]:7253",
	"198.51.100.2:7253",
	"255.255.255.255",
	"224.0.0.1",
	"ff02::1",
	"fe80::1",
	"127.0.0.1",
	"0x00001001",
	"/33",
	"/129",
	"5201-5210",
	"65536",
	"-",
	"%",
	"%d",
	"#",
	";",
	"\r\n",
	"\t",
};

static void add_words(void)
{
	size_t n = 0;

	while (words[n])
		n++;
	for (size_t i = 0; i < n_settings && n < WORDS_MAX - 1; i++)
		words[n++] = settings[i].name;
}

/* A value that is printed has the same meaning when it is read again. */
static const struct config_line where = { "a test", 1, "Address" };

static void check_prefixes(const struct peer_config *peer)
{
	for (size_t i = 0; i < peer->n_prefixes; i++) {
		const struct xdpsec_prefix *prefix = &peer->prefixes[i];
		struct xdpsec_prefix again;
		char text[64];

		driver_check(prefix->length <= 128);
		prefix_text(prefix, text, sizeof(text));
		driver_check(value_prefix(&where, text, &again) == 0);
		driver_check(memcmp(&again, prefix, sizeof(again)) == 0);
		for (unsigned int bit = prefix->length; bit < 128; bit++)
			driver_check(!(prefix->address[bit / 8] & 0x80 >> bit % 8));
		for (size_t j = 0; j < i; j++)
			driver_check(memcmp(prefix, &peer->prefixes[j], sizeof(*prefix)) != 0);
	}
}

static void check_ports(const struct peer_config *peer)
{
	struct xdpsec_ports again[XDPSEC_MAX_PORT_RANGES];
	char text[XDPSEC_MAX_PORT_RANGES * 12 + 1];
	size_t n;

	driver_check(peer->n_ports >= 1 && peer->n_ports <= XDPSEC_MAX_PORT_RANGES);
	for (size_t i = 0; i < peer->n_ports; i++) {
		driver_check(peer->ports[i].first <= peer->ports[i].last);
		driver_check(i == 0 || peer->ports[i - 1].last + 1 < peer->ports[i].first);
	}
	ports_text(peer->ports, peer->n_ports, text, sizeof(text));
	driver_check(value_ports(&where, text, again, &n) == 0);
	driver_check(n == peer->n_ports && memcmp(again, peer->ports, n * sizeof(again[0])) == 0);
}

static void check_endpoint(const struct peer_config *peer)
{
	struct xdpsec_location again;
	char text[64], name[HOST_NAME_LEN + 1];
	unsigned int port;

	if (!peer->endpoint.known)
		return;
	driver_check(peer->endpoint.port);
	location_text(&peer->endpoint, text, sizeof(text));
	driver_check(value_location(&where, text, &again, name, &port) == 0);
	driver_check(memcmp(again.address, peer->endpoint.address, sizeof(again.address)) == 0 &&
		     again.port == peer->endpoint.port);
}

static void check_manual_keys(const struct peer_config *peer)
{
	driver_check(peer->key_length == 16 || peer->key_length == 32);
	driver_check(peer->n_suites <= 1 && !peer->psk_line && !peer->endpoint_host[0]);
	driver_check(peer->tx.spi >= XDPSEC_SPI_MIN && peer->rx[0].spi >= XDPSEC_SPI_MIN);
	driver_check(peer->tx.key_file[0] == '/' && peer->rx[0].key_file[0] == '/');
	driver_check(!peer->rx[1].spi == !peer->rx[1].key_file[0] && peer->rx[1].spi != peer->rx[0].spi);
}

static void check_agreed_keys(const struct config *config, const struct peer_config *peer)
{
	driver_check(config->agreed && (config->has_private_key || config->private_key_file[0] == '/'));
	driver_check(config->reject_after >= REJECT_AFTER_MIN && config->reject_after <= REJECT_AFTER_MAX);
	driver_check(!key32_is_low_order(peer->public_key) && peer->public_key[31] < 0x80);
	driver_check(!peer->tx.spi && !peer->rx[0].spi && !peer->tx.key_file[0] && !peer->rx[0].key_file[0]);
	driver_check(peer->n_suites == 1 || (peer->n_suites == 2 && peer->suites[0] != peer->suites[1]));
	driver_check(!peer->psk_line || peer->has_psk || peer->psk_file[0] == '/');
	driver_check(!peer->endpoint_host[0] || peer->endpoint_port);
	if (config->mode == MODE_INLINE)
		driver_check(peer->endpoint.known || peer->endpoint_host[0]);
}

static void check_peer(const struct config *config, const struct peer_config *peer)
{
	driver_check(peer->name[0] && !peer->name[strspn(peer->name, NAME_CHARACTERS)]);
	driver_check(peer->n_prefixes >= 1);
	if (peer->agreed)
		check_agreed_keys(config, peer);
	else
		check_manual_keys(peer);
	driver_check(memchr(peer->driver, '\0', sizeof(peer->driver)) && peer->driver[0]);
	check_prefixes(peer);
	if (config->mode == MODE_TUNNEL)
		check_endpoint(peer);
	else
		check_ports(peer);
}

/* Does the kernel give a device this name, and no other (net/core/dev.c, dev_valid_name() and
 * dev_alloc_name())? */
static void check_device_name(const char *name)
{
	driver_check(name[0] && strlen(name) < IF_NAMESIZE && !strpbrk(name, "/:% \t\n\v\f\r\xa0"));
	driver_check(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

static void check_config(const struct config *config)
{
	driver_check(strcmp(config->name, "site-a") == 0);
	check_device_name(config->device);
	driver_check(config->n_peers >= 1 && config->n_peers <= XDPSEC_MAX_PEERS);
	for (size_t i = 0; i < config->n_peers; i++) {
		const struct peer_config *peer = &config->peers[i];

		check_peer(config, peer);
		for (size_t j = 0; j < i; j++) {
			driver_check(strcmp(peer->name, config->peers[j].name) != 0);
			driver_check(peer->agreed || (peer->rx[0].spi != config->peers[j].rx[0].spi &&
						      peer->rx[0].spi != config->peers[j].rx[1].spi));
			driver_check(!peer->agreed ||
				     memcmp(peer->public_key, config->peers[j].public_key, KEY32_BYTES) != 0);
		}
	}
	if (config->mode != MODE_TUNNEL)
		return;
	check_device_name(config->tunnel.name);
	driver_check(config->tunnel.listen_port >= 1 && config->tunnel.listen_port <= 65535);
	driver_check(config->tunnel.n_addresses <= TUNNEL_ADDRESSES_MAX);
	driver_check(config->tunnel.dscp < 64);
}

static bool is_own(const char *file)
{
	return !file[0] ||
	       (strncmp(file, driver_directory(), strlen(driver_directory())) == 0 && !strstr(file, ".."));
}

/* Key files that are not the fuzzer's own are none of its business. */
static bool has_own_keys(const struct config *config)
{
	if (!is_own(config->private_key_file))
		return false;
	for (size_t i = 0; i < config->n_peers; i++)
		if (!is_own(config->peers[i].tx.key_file) || !is_own(config->peers[i].rx[0].key_file) ||
		    !is_own(config->peers[i].rx[1].key_file) || !is_own(config->peers[i].psk_file))
			return false;
	return true;
}

static void read_config(const uint8_t *bytes, size_t n)
{
	struct config config;
	int err;

	driver_write(FILE_NAME, bytes, n);
	err = config_read(&config, driver_path(FILE_NAME));
	if (err) {
		/* A refusal says what and where. */
		driver_check(err < 0);
		driver_check(strncmp(driver_messages(), "xdpsec: ", 8) == 0);
	} else {
		check_config(&config);
		/* Nothing but the warning of IKE's port. */
		driver_check(!driver_messages()[0] || (config.agreed && config.listen_port == 4500));
		if (!driver_messages()[0] && has_own_keys(&config)) {
			err = config_check_keys(&config, NULL);
			driver_check(!err == !driver_messages()[0]);
		}
	}
	config_free(&config);
}

static void set_up(void)
{
	static const char keys[][34] = { "000102030405060708090a0b0c0d0e0f\n",
					 "101112131415161718191a1b1c1d1e1f\n" };
	static const char secret[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

	add_words();
	driver_write("a.key", keys[0], strlen(keys[0]));
	driver_write("b.key", keys[1], strlen(keys[1]));
	driver_write("private.key", secret, strlen(secret));
	driver_write("psk", secret, strlen(secret));
}

int main(int argc, char **argv)
{
	static const struct file_fuzzer fuzzer = {
		.name = "config",
		.short_run = 10000,
		.corpus = "tests/fuzz/files/corpus/config",
		.words = words,
		.setup = set_up,
		.read = read_config,
	};

	return driver_main(argc, argv, &fuzzer);
}
