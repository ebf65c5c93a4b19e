// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec import: make the configuration of a tunnel from a file of wg-quick. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "base/prefix.h"
#include "command/commands.h"
#include "command/secret_output.h"
#include "config/wg_quick.h"
#include "device/uplink.h"
#include "net/netlink.h"

#define SUFFIX ".conf"
#define WIREGUARD_DIRECTORY "/etc/wireguard"
#define XDPSEC_DIRECTORY "/etc/xdpsec"

struct import {
	const struct options *options;
	char input[PATH_MAX], output[PATH_MAX]; /* an empty output is standard output */
	char wireguard[IF_NAMESIZE];		/* the device of wg-quick; empty: not known */
	char tunnel[IF_NAMESIZE];
	char name[XDPSEC_NAME_LEN]; /* the instance */
	struct config config;
};

/* The name of a file without directory and ".conf"; false: it has another form. */
static bool stem_of(const char *path, char *stem, size_t size)
{
	const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	size_t n = strlen(file);

	if (n <= strlen(SUFFIX) || strcmp(file + n - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	n -= strlen(SUFFIX);
	return n < size && snprintf(stem, size, "%.*s", (int)n, file) > 0;
}

/* As wg-quick has it, a name without directory and suffix is that of a file in its directory. */
static int find_input(struct import *import)
{
	const char *path = import->options->argument;
	bool is_name = !strchr(path, '/') && !strstr(path, SUFFIX) && *path;

	if (snprintf(import->input, PATH_MAX, is_name ? WIREGUARD_DIRECTORY "/%s" SUFFIX : "%s", path) >=
	    PATH_MAX)
		return fail(ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	if (is_name && access(import->input, F_OK) && errno == ENOENT) {
		fail(ENOENT, "%s: %s", import->input, strerror(ENOENT));
		hint("%s alone means %s; give another file with its path or suffix: ./%s" SUFFIX, path,
		     import->input, path);
		return -ENOENT;
	}
	if (!stem_of(import->input, import->wireguard, sizeof(import->wireguard)))
		import->wireguard[0] = '\0';
	return 0;
}

/* WireGuard's device may be up at the same time, and names that begin with "xs" are left alone by systemd-networkd
 * (05-xdpsec.network). */
static void name_tunnel(struct import *import)
{
	const char *rest = import->wireguard;

	if (!strncmp(rest, "wg", 2))
		snprintf(import->tunnel, sizeof(import->tunnel), "xs%.*s", IF_NAMESIZE - 3, rest + 2);
	else if (*rest)
		snprintf(import->tunnel, sizeof(import->tunnel), "xs-%.*s", IF_NAMESIZE - 4, rest);
	if (!import->tunnel[2] || strpbrk(import->tunnel, ":% \t"))
		strcpy(import->tunnel, "xs0");
}

/* The file's name must be such that `up` accepts it. */
static int find_output(struct import *import)
{
	const char *path = import->options->output;

	if (!path) {
		if (!instance_name_valid(import->wireguard))
			strcpy(import->name, "NAME");
		else
			strcpy(import->name, import->wireguard);
		return 0;
	}
	if (snprintf(import->output, PATH_MAX,
		     instance_name_valid(path) ? XDPSEC_DIRECTORY "/%s" SUFFIX : "%s", path) >= PATH_MAX)
		return fail(ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	if (stem_of(import->output, import->name, sizeof(import->name)) && instance_name_valid(import->name))
		return 0;
	fail(EINVAL, "%s: not the file name of a configuration", path);
	hint("NAME" SUFFIX
	     " configures the instance NAME: a letter or digit first, then letters, digits, \"-\" and \"_\"");
	return -EINVAL;
}

/* Addresses that only a default route leads to: 240.0.0.0/4 and 2000::/16 have no hosts (IANA). */
static const char *const nowhere[] = { "::ffff:240.0.0.1", "2000::1" };

/* The device by which packets leave to an address, as long as it is not WireGuard's own. */
static bool find_way(const struct import *import, const unsigned char address[16], struct netdev *device)
{
	const struct config *config = &import->config;
	/* Without a mark, the default route leads into WireGuard while it is up. */
	__u32 mark = config->tunnel.mark ?: FULL_TUNNEL_MARK;
	struct way way;

	return way_find(address, 0, NULL, mark, &way) == 0 && !way.is_local &&
	       netdev_find_index(way.device, device) == 0 && strcmp(device->name, import->wireguard) != 0;
}

static void choose(struct import *import, const struct netdev *device, const char *why)
{
	snprintf(import->config.device, sizeof(import->config.device), "%s", device->name);
	warning("%s: Device = %s, which has the route to %s", import->input, device->name, why);
	hint("if sealed packets arrive by another device: xdpsec import --device DEVICE");
}

/* XDPsec needs the device of the sealed packets, which WireGuard does not. */
static int find_device(struct import *import)
{
	struct config *config = &import->config;
	const struct peer_config *peer = config->peers;
	unsigned char address[16];
	struct netdev device;
	char text[64];

	if (import->options->device) {
		snprintf(config->device, sizeof(config->device), "%s", import->options->device);
		return 0;
	}
	for (; peer < config->peers + config->n_peers; peer++)
		if (peer->endpoint.known && find_way(import, peer->endpoint.address, &device)) {
			choose(import, &device, address_text(peer->endpoint.address, text, sizeof(text)));
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
		inet_pton(AF_INET6, nowhere[i], address);
		if (find_way(import, address, &device)) {
			choose(import, &device, "everywhere");
			return 0;
		}
	}
	fail(ENODEV, "%s: there is no route to an Endpoint, and no default route, to find Device by",
	     import->input);
	hint("name the device by which sealed packets arrive: xdpsec import --device DEVICE");
	return -ENODEV;
}

/* The file gets its name when it is complete, and only if no other has it. */
static int write_new_file(const struct import *import, const struct wg_quick_text *text)
{
	const char *path = import->output;
	char directory[PATH_MAX], link[64];
	_cleanup_close_ int fd = -1;
	int err;

	strcpy(directory, path);
	fd = open(dirname(directory), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = errno;
		fail(err, "%s: %s", path, strerror(err));
		if (err == ENOENT)
			hint("mkdir -p -m 0700 %s", directory);
		if (err == EOPNOTSUPP)
			hint("this file system has no unnamed files: (umask 077; xdpsec import FILE >%s)",
			     path);
		return -err;
	}
	err = secret_output_write(fd, path, text->bytes, text->length);
	if (err)
		return err;
	if (fchmod(fd, 0600) || fsync(fd))
		return fail(errno, "%s: %s", path, strerror(errno));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	err = errno;
	fail(err, "%s: %s", path, strerror(err));
	if (err == EEXIST)
		hint("nothing was written; move that file away, or give -o another name");
	return -err;
}

static int write_result(const struct import *import)
{
	struct wg_quick_text text;
	int err = wg_quick_write(&import->config, &text);

	if (!err && import->output[0])
		err = write_new_file(import, &text);
	else if (!err) {
		secret_output_warn();
		err = secret_output_write(STDOUT_FILENO, "standard output", text.bytes, text.length);
	}
	wg_quick_wipe(&text);
	return err;
}

int command_import(const struct options *options)
{
	struct import import = { .options = options };
	int err = find_input(&import), step;

	if (!err)
		err = find_output(&import);
	if (err)
		return err;
	name_tunnel(&import);
	err = wg_quick_read(&import.config, import.input, import.name, import.tunnel);
	if (import.config.n_peers && import.config.mistakes < CONFIG_MISTAKES_MAX) {
		step = find_device(&import);
		err = err ?: step;
	}
	if (!err)
		err = write_result(&import);
	config_free(&import.config);
	return err;
}
