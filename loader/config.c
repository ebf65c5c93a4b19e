// SPDX-License-Identifier: GPL-2.0-or-later
/* A configuration file as a whole: name, path and keys. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "config.h"
#include "config_parse.h"
#include "message.h"

#define SUFFIX ".conf"
#define DIRECTORY "/etc/xdpsec"
/* A file that is not a configuration would have endless mistakes. */
#define MISTAKES_MAX 50
/* Unassigned (IANA has nothing at 7237 to 7261), below the ports that systems give to sockets, and the
 * number of OCB's RFC. */
#define LISTEN_PORT 7253
/* The default of earlier versions, that of IPsec behind NAT (RFC 3948). Peers may still have it as
 * Endpoint. */
#define LISTEN_PORT_FORMER 4500

int fail_at(const struct config_line *where, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) {
		text = NULL;
		return fail(ENOMEM, "%s:%d: out of memory", where->path, where->line);
	}
	if (!where->key)
		return fail(EINVAL, "%s:%d: %s", where->path, where->line, text);
	return fail(EINVAL, "%s:%d: %s: %s", where->path, where->line, where->key, text);
}

const char *mode_text(enum mode mode)
{
	return mode == MODE_TUNNEL ? "tunnel" : "inline";
}

const char *xdp_mode_text(enum xdp_mode mode)
{
	static const char *const names[XDP_MODE_CONFIG_COUNT] = {
		[XDP_MODE_CONFIG_AUTO] = "auto",
		[XDP_MODE_CONFIG_NATIVE] = "native",
		[XDP_MODE_CONFIG_GENERIC] = "generic",
	};

	return mode < XDP_MODE_CONFIG_COUNT ? names[mode] : names[XDP_MODE_CONFIG_AUTO];
}

bool config_has_driver_before(const struct config *config, size_t peer)
{
	for (size_t i = 0; i < peer; i++)
		if (strcmp(config->peers[i].driver, config->peers[peer].driver) == 0)
			return true;
	return false;
}

bool config_mistake(struct config *config)
{
	if (config->mistakes == MISTAKES_MAX)
		return true;
	config->mistakes++;
	if (config->mistakes < MISTAKES_MAX)
		return false;
	fail(EINVAL, "%s: %d mistakes so far: the rest is not checked", config->path, MISTAKES_MAX);
	return true;
}

bool instance_name_valid(const char *name)
{
	size_t i;

	/* ASCII only, whatever the locale: the name becomes a directory of the bpffs. */
	for (i = 0; name[i]; i++) {
		if (i >= XDPSEC_NAME_LEN - 1)
			return false;
		if (isascii(name[i]) && isalnum(name[i]))
			continue;
		if (i == 0 || (name[i] != '-' && name[i] != '_'))
			return false;
	}
	return i > 0;
}

static int set_instance_name(struct config *config, const char *path, const char *file)
{
	size_t length = strlen(file);

	if (length <= strlen(SUFFIX) || strcmp(file + length - strlen(SUFFIX), SUFFIX)) {
		fail(EINVAL, "%s: the file name does not end in " SUFFIX, path);
		hint("NAME" SUFFIX " configures the instance NAME");
		return -EINVAL;
	}
	length -= strlen(SUFFIX);
	if (length < sizeof(config->name)) {
		memcpy(config->name, file, length);
		config->name[length] = '\0';
	}
	if (length >= sizeof(config->name) || !instance_name_valid(config->name)) {
		fail(EINVAL, "%s: %.*s: not a valid instance name", path, (int)length, file);
		hint("a letter or digit first, then letters, digits, \"-\" and \"_\"; %d characters at most",
		     XDPSEC_NAME_LEN - 1);
		return -EINVAL;
	}
	return 0;
}

/* The directory is resolved, the file is not: the name of a symbolic link is the instance's name, and
 * relative key files are beside the link. */
static int set_path(struct config *config, const char *path)
{
	_cleanup_free_ char *for_directory = strdup(path), *for_file = strdup(path), *directory = NULL;
	const char *file;
	int err;

	if (!for_directory || !for_file)
		return fail(ENOMEM, "%s: out of memory", path);
	file = basename(for_file);
	err = set_instance_name(config, path, file);
	if (err)
		return err;
	directory = realpath(dirname(for_directory), NULL);
	if (!directory)
		return fail(errno, "%s: %s", path, strerror(errno));
	/* The root directory already ends with a slash. */
	if ((size_t)snprintf(config->path, sizeof(config->path), "%s/%s", directory[1] ? directory : "",
			     file) >= sizeof(config->path))
		return fail(ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	return 0;
}

static int open_config(const struct config *config, FILE **file)
{
	_cleanup_close_ int fd = open(config->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return fail(errno, "%s: %s", config->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(EINVAL, "%s: not a regular file", config->path);
	if (st.st_mode & 022) {
		warning("%s: permissions %04o are too open: others can change what is protected",
			config->path, st.st_mode & 07777);
		hint("chmod go-w %s", config->path);
	}
	*file = fdopen(fd, "r");
	if (!*file)
		return fail(errno, "%s: %s", config->path, strerror(errno));
	take_fd(&fd);
	return 0;
}

/* A name without a directory is that of a file in the usual directory. */
static int find_file(struct config *config, const char *name, FILE **file)
{
	char usual[sizeof(DIRECTORY "/" SUFFIX) + XDPSEC_NAME_LEN];
	bool is_name = instance_name_valid(name);
	int err;

	snprintf(usual, sizeof(usual), DIRECTORY "/%s" SUFFIX, is_name ? name : "");
	err = set_path(config, is_name ? usual : name);
	if (!err)
		err = open_config(config, file);
	if (!err)
		return 0;
	config->path[0] = '\0';
	if (is_name && err == -ENOENT)
		hint("%s alone means %s; give another file with its path or suffix: ./%s" SUFFIX, name, usual,
		     name);
	return err;
}

int config_read(struct config *config, const char *path)
{
	_cleanup_fclose_ FILE *file = NULL;
	int err, step;

	memset(config, 0, sizeof(*config));
	config->tunnel.listen_port = LISTEN_PORT;
	config->tunnel.former_port = LISTEN_PORT_FORMER;
	err = find_file(config, path, &file);
	if (err)
		return err;
	err = config_parse(config, file);
	if (err == -ENOMEM || config->mistakes == MISTAKES_MAX)
		return err;
	step = config_check(config);
	return err ?: step;
}

void config_free(struct config *config)
{
	size_t i;

	for (i = 0; i < config->n_peers; i++) {
		free(config->peers[i].prefixes);
		free(config->peers[i].prefix_lines);
	}
	free(config->peers);
	config->peers = NULL;
	config->n_peers = 0;
}

/* Key 2i is the Tx key of peer i, key 2i + 1 its Rx key. */
static int key_line(const struct config *config, size_t index)
{
	const struct peer_config *peer = &config->peers[index / 2];

	return index % 2 ? peer->rx.key_file_line : peer->tx.key_file_line;
}

static const char *key_setting(size_t index)
{
	return index % 2 ? "RxKeyFile" : "TxKeyFile";
}

static int read_fingerprint(const struct config *config, size_t index, char fingerprint[FINGERPRINT_HEX])
{
	const struct peer_config *peer = &config->peers[index / 2];
	const struct sa_config *sa = index % 2 ? &peer->rx : &peer->tx;
	_cleanup_key_ struct key key = {};
	char what[PATH_MAX + 64];
	int err;

	snprintf(what, sizeof(what), "%s:%d: %s", config->path, key_line(config, index), key_setting(index));
	err = key_read(&key, sa->key_file, peer->key_length, what);
	if (err)
		return err;
	return key_fingerprint(&key, fingerprint);
}

static int refuse_shared(const struct config *config, char (*fingerprints)[2][FINGERPRINT_HEX], size_t index)
{
	size_t i;

	for (i = 0; i < index; i++)
		if (!strcmp(fingerprints[i / 2][i % 2], fingerprints[index / 2][index % 2]))
			break;
	if (i == index || !fingerprints[index / 2][index % 2][0])
		return 0;
	fail(EINVAL,
	     "%s:%d: %s: the same key as %s of peer %s in line %d: each direction of each peer needs its own "
	     "key",
	     config->path, key_line(config, index), key_setting(index), key_setting(i),
	     config->peers[i / 2].name, key_line(config, i));
	hint("make another key: xdpsec genkey");
	return -EINVAL;
}

int config_check_keys(struct config *config, char (*fingerprints)[2][FINGERPRINT_HEX])
{
	_cleanup_free_ char(*own)[2][FINGERPRINT_HEX] = NULL;
	int err = 0, step;
	size_t i;

	if (!fingerprints) {
		own = calloc(config->n_peers ?: 1, sizeof(*own));
		if (!own)
			return fail(ENOMEM, "%s: out of memory", config->path);
		fingerprints = own;
	}
	for (i = 0; i < 2 * config->n_peers; i++) {
		fingerprints[i / 2][i % 2][0] = '\0';
		/* The line of the file was refused, or is missing. */
		if (!config->peers[i / 2].key_length || !key_line(config, i))
			continue;
		step = read_fingerprint(config, i, fingerprints[i / 2][i % 2]);
		if (!step)
			step = refuse_shared(config, fingerprints, i);
		err = err ?: step;
		if (step && config_mistake(config))
			break;
	}
	return err;
}
