// SPDX-License-Identifier: GPL-2.0-or-later
/* Offloads by ethtool's ioctl, which every kernel has, and which GRO needs anyway. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <net/if.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "net/ethtool.h"

/* Must this feature be off? Features that the kernel may add under these names must be off as well. */
static bool matters(const char *feature)
{
	return strncmp(feature, "tx-checksum-", 12) == 0 || strncmp(feature, "tx-scatter-gather", 17) == 0 ||
	       strncmp(feature, "tx-gso-", 7) == 0 ||
	       (strncmp(feature, "tx-", 3) == 0 && strstr(feature, "segmentation"));
}

static int ethtool_ioctl(const char *device, void *command)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_data = command };

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static int feature_names(const char *device, struct ethtool_gstrings **names)
{
	_cleanup_free_ struct ethtool_sset_info *set = calloc(1, sizeof(*set) + sizeof(set->data[0]));
	__u32 count;
	int err;

	if (!set)
		return -ENOMEM;
	set->cmd = ETHTOOL_GSSET_INFO;
	set->sset_mask = 1ULL << ETH_SS_FEATURES;
	err = ethtool_ioctl(device, set);
	if (err)
		return err;
	count = set->data[0];
	*names = calloc(1, sizeof(**names) + (size_t)count * ETH_GSTRING_LEN);
	if (!*names)
		return -ENOMEM;
	(*names)->cmd = ETHTOOL_GSTRINGS;
	(*names)->string_set = ETH_SS_FEATURES;
	(*names)->len = count;
	return ethtool_ioctl(device, *names);
}

/*
 * *set gets the command that switches off these features if they are on; the caller frees it. name gets the
 * first of them, "" if there is none.
 */
static int read_offloads(const char *device, struct ethtool_sfeatures **set, char name[ETH_GSTRING_LEN])
{
	_cleanup_free_ struct ethtool_gstrings *names = NULL;
	_cleanup_free_ struct ethtool_gfeatures *get = NULL;
	int err = feature_names(device, &names);
	__u32 blocks;

	name[0] = '\0';
	if (err)
		return err;
	blocks = (names->len + 31) / 32;
	get = calloc(1, sizeof(*get) + blocks * sizeof(get->features[0]));
	*set = calloc(1, sizeof(**set) + blocks * sizeof((*set)->features[0]));
	if (!get || !*set)
		return -ENOMEM;
	get->cmd = ETHTOOL_GFEATURES;
	get->size = blocks;
	(*set)->cmd = ETHTOOL_SFEATURES;
	(*set)->size = blocks;
	err = ethtool_ioctl(device, get);
	for (__u32 i = 0; !err && i < names->len; i++) {
		const char *feature = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;

		if (!(get->features[i / 32].active & 1U << i % 32) || !matters(feature))
			continue;
		(*set)->features[i / 32].valid |= 1U << i % 32;
		if (!name[0])
			snprintf(name, ETH_GSTRING_LEN, "%s", feature);
	}
	return err;
}

bool offloads_any(const char *device)
{
	_cleanup_free_ struct ethtool_sfeatures *set = NULL;
	char name[ETH_GSTRING_LEN];

	return read_offloads(device, &set, name) == 0 && name[0];
}

int offloads_off(const char *device)
{
	_cleanup_free_ struct ethtool_sfeatures *set = NULL, *rest = NULL;
	char name[ETH_GSTRING_LEN];
	int err = read_offloads(device, &set, name);

	if (!err && name[0])
		err = ethtool_ioctl(device, set);
	if (!err)
		err = read_offloads(device, &rest, name);
	if (err)
		return fail(-err, "%s: cannot switch its offloads off: %s", device, strerror(-err));
	if (name[0])
		return fail(EOPNOTSUPP, "%s: the offload %s cannot be switched off", device, name);
	return 0;
}

static int gro_switch(const char *device, bool on)
{
	struct ethtool_value value = { .cmd = ETHTOOL_SGRO, .data = on };
	int err = ethtool_ioctl(device, &value);

	value.cmd = ETHTOOL_GGRO;
	if (!err)
		err = ethtool_ioctl(device, &value);
	if (!err && !!value.data != on)
		err = -EOPNOTSUPP;
	if (err)
		return fail(-err, "%s: cannot switch GRO %s: %s", device, on ? "on" : "off", strerror(-err));
	return 0;
}

int gro_on(const char *device)
{
	return gro_switch(device, true);
}

int gro_off(const char *device)
{
	return gro_switch(device, false);
}

bool gro_is_on(const char *device)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GGRO };

	return ethtool_ioctl(device, &value) == 0 && value.data;
}

static int read_channels(const char *device, struct ethtool_channels *channels)
{
	memset(channels, 0, sizeof(*channels));
	channels->cmd = ETHTOOL_GCHANNELS;
	return ethtool_ioctl(device, channels);
}

int queues_read(const char *device, unsigned int *receive, unsigned int *transmit)
{
	struct ethtool_channels channels;
	int err = read_channels(device, &channels);

	if (err)
		return err;
	*receive = channels.rx_count + channels.combined_count;
	*transmit = channels.tx_count + channels.combined_count;
	return 0;
}

int queues_set_receive(const char *device, unsigned int receive)
{
	struct ethtool_channels channels;
	int err = read_channels(device, &channels);

	if (err)
		return err;
	channels.cmd = ETHTOOL_SCHANNELS;
	channels.rx_count = receive - channels.combined_count;
	return ethtool_ioctl(device, &channels);
}

bool vlan_offload_is_on(const char *device, bool *fixed)
{
	_cleanup_free_ struct ethtool_gstrings *names = NULL;
	_cleanup_free_ struct ethtool_gfeatures *get = NULL;
	bool on = false;
	__u32 blocks;

	*fixed = false;
	if (feature_names(device, &names))
		return false;
	blocks = (names->len + 31) / 32;
	get = calloc(1, sizeof(*get) + blocks * sizeof(get->features[0]));
	if (!get)
		return false;
	get->cmd = ETHTOOL_GFEATURES;
	get->size = blocks;
	if (ethtool_ioctl(device, get))
		return false;
	for (__u32 i = 0; i < names->len; i++) {
		const struct ethtool_get_features_block *block = &get->features[i / 32];
		const char *feature = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;
		__u32 bit = 1U << i % 32;

		if (!(block->active & bit) || strncmp(feature, "rx-vlan-", 8) != 0 ||
		    !strstr(feature, "hw-parse"))
			continue;
		on = true;
		*fixed |= !(block->available & bit) || block->never_changed & bit;
	}
	return on;
}
