// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzer of the reader of wg-quick's files: it refuses with a message, or what it writes is a configuration, with the
 * same meaning. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/wg_quick.h"
#include "driver.h"

static const char *const words[] = {
	"[Interface]\n",
	"[Peer]\n",
	" = ",
	", ",
	"\n",
	"#",
	"# Name = site-b\n",
	"# site-b\n",
	"PrivateKey = ",
	"ListenPort = ",
	"FwMark = ",
	"Address = ",
	"MTU = 1420\n",
	"Table = ",
	"DNS = 192.0.2.53\n",
	"PostUp = ",
	"SaveConfig = ",
	"PublicKey = ",
	"PresharedKey = ",
	"Endpoint = ",
	"AllowedIPs = ",
	"PersistentKeepalive = ",
	"off",
	"auto",
	"true",
	"vpn.example.net:51820",
	"[2001:db8::1]:51820",
	"2001:db8::1:51820",
	"198.51.100.2:51820",
	"127.0.0.1",
	"192.0.2.1/24",
	"0.0.0.0/0",
	"::/0",
	"::ffff:192.0.2.1/96",
	"/33",
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
	"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=",
	"wg set %i private-key /nowhere/%i.key",
	"%i%i%i%i%i%i%i%i",
	";",
	"\xef\xbb\xbf",
	"\r\n",
	NULL,
};

static void check_same_peer(const struct peer_config *one, const struct peer_config *other)
{
	driver_check(strcmp(one->name, other->name) == 0);
	driver_check(memcmp(one->public_key, other->public_key, KEY32_BYTES) == 0);
	driver_check(one->has_psk == other->has_psk && memcmp(one->psk, other->psk, KEY32_BYTES) == 0);
	driver_check(one->n_prefixes == other->n_prefixes);
	driver_check(memcmp(one->prefixes, other->prefixes, one->n_prefixes * sizeof(*one->prefixes)) == 0);
	driver_check(memcmp(&one->endpoint, &other->endpoint, sizeof(one->endpoint)) == 0);
	driver_check(strcmp(one->endpoint_host, other->endpoint_host) == 0);
	driver_check(one->endpoint_port == other->endpoint_port && one->keepalive == other->keepalive);
}

static void check_same_hooks(const struct hooks *one, const struct hooks *other)
{
	driver_check(one->n == other->n);
	for (size_t i = 0; i < one->n; i++)
		driver_check(strcmp(one->commands[i], other->commands[i]) == 0);
}

/* The key was not in the file, but in another one, if the first was read from there as well. */
static void check_same(const struct config *one, const struct config *other)
{
	driver_check(one->tunnel.n_addresses == other->tunnel.n_addresses);
	driver_check(memcmp(one->tunnel.addresses, other->tunnel.addresses,
			    one->tunnel.n_addresses * sizeof(one->tunnel.addresses[0])) == 0);
	driver_check(one->listen_port == other->listen_port && one->tunnel.mtu == other->tunnel.mtu);
	driver_check(one->tunnel.mark == other->tunnel.mark);
	driver_check(one->tunnel.no_routes == other->tunnel.no_routes && other->tunnel.listen_only);
	driver_check(one->has_private_key && other->has_private_key);
	driver_check(memcmp(one->private_key, other->private_key, KEY32_BYTES) == 0);
	check_same_hooks(&one->post_up, &other->post_up);
	check_same_hooks(&one->post_down, &other->post_down);
	driver_check(one->n_peers == other->n_peers);
	for (size_t i = 0; i < one->n_peers; i++)
		check_same_peer(&one->peers[i], &other->peers[i]);
}

static void check_written(struct config *config)
{
	struct wg_quick_text text;
	struct config again;

	strcpy(config->device, "eth0");
	/* They are refused in the file of another user. */
	if (geteuid()) {
		hooks_free(&config->post_up);
		hooks_free(&config->post_down);
	}
	driver_check(wg_quick_write(config, &text) == 0);
	driver_write("again.conf", text.bytes, text.length);
	wg_quick_wipe(&text);
	/* Whoever reads it would say the same of IKE's port. */
	driver_check(config_read(&again, driver_path("again.conf")) == 0);
	check_same(config, &again);
	config_free(&again);
}

static void read_wg_quick(const uint8_t *bytes, size_t n)
{
	struct config config;
	int err;

	driver_write("wg0.conf", bytes, n);
	err = wg_quick_read(&config, driver_path("wg0.conf"), "wg0", "xs0");
	if (err) {
		driver_check(err < 0);
		driver_check(strncmp(driver_messages(), "xdpsec: ", 8) == 0);
	} else {
		check_written(&config);
	}
	config_free(&config);
}

int main(int argc, char **argv)
{
	static const struct file_fuzzer fuzzer = {
		.name = "wg_quick",
		.short_run = 5000,
		.corpus = "tests/fuzz/files/corpus/wg_quick",
		.words = words,
		.read = read_wg_quick,
	};

	return driver_main(argc, argv, &fuzzer);
}
