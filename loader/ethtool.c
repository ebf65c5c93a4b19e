// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <net/if.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>

#include "cleanup.h"
#include "ethtool.h"
#include "message.h"
#include "netlink.h"

#define FEATURES_MAX 128

/* Names of the features that are switched on and may be switched off. */
struct features {
	char names[FEATURES_MAX][ETH_GSTRING_LEN];
	unsigned int count;
};

/* Every offload that the kernel may gain under these names is one that must be off as well. */
static bool matters(const char *feature)
{
	return strncmp(feature, "tx-checksum-", 12) == 0 || strncmp(feature, "tx-scatter-gather", 17) == 0 ||
	       strncmp(feature, "tx-gso-", 7) == 0 ||
	       (strncmp(feature, "tx-", 3) == 0 && strstr(feature, "segmentation"));
}

static void features_add(struct features *features, const char *name)
{
	if (matters(name) && features->count < FEATURES_MAX)
		snprintf(features->names[features->count++], ETH_GSTRING_LEN, "%s", name);
}

static int parse_family_id(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_validate(attribute, MNL_TYPE_U16) == 0)
		*(__u16 *)data = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static int parse_family(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct genlmsghdr), parse_family_id, data);
}

static struct nlmsghdr *generic_request(char *buffer, __u16 family, __u8 command)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(request, sizeof(*generic));

	request->nlmsg_type = family;
	generic->cmd = command;
	generic->version = 1;
	return request;
}

/* The number that the kernel has given to the family: -ENOENT where it has no ethtool netlink. */
static int ethtool_family(__u16 *family)
{
	char buffer[256];
	struct nlmsghdr *request = generic_request(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);

	*family = 0;
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME);
	return netlink_talk(NETLINK_GENERIC, request, parse_family, family);
}

static void put_device(struct nlmsghdr *request, const char *device)
{
	struct nlattr *header = mnl_attr_nest_start(request, ETHTOOL_A_FEATURES_HEADER);

	mnl_attr_put_strz(request, ETHTOOL_A_HEADER_DEV_NAME, device);
	mnl_attr_nest_end(request, header);
}

/* In a bitset of "active" features, a bit that is listed is set. */
static int parse_active(const struct nlmsghdr *message, void *data)
{
	struct features *features = data;
	const struct nlattr *attribute, *bits, *bit, *field;

	mnl_attr_for_each (attribute, message, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attribute) != ETHTOOL_A_FEATURES_ACTIVE)
			continue;
		mnl_attr_for_each_nested (bits, attribute) {
			if (mnl_attr_get_type(bits) != ETHTOOL_A_BITSET_BITS)
				continue;
			mnl_attr_for_each_nested (bit, bits) {
				mnl_attr_for_each_nested (field, bit) {
					if (mnl_attr_get_type(field) == ETHTOOL_A_BITSET_BIT_NAME &&
					    mnl_attr_validate(field, MNL_TYPE_NUL_STRING) == 0)
						features_add(features, mnl_attr_get_str(field));
				}
			}
		}
	}
	return MNL_CB_OK;
}

static int netlink_active(__u16 family, const char *device, struct features *features)
{
	char buffer[256];
	struct nlmsghdr *request = generic_request(buffer, family, ETHTOOL_MSG_FEATURES_GET);

	put_device(request, device);
	return netlink_talk(NETLINK_GENERIC, request, parse_active, features);
}

static int netlink_switch_off(__u16 family, const char *device, const struct features *features)
{
	_cleanup_free_ char *buffer = malloc(NETLINK_BUFFER);
	struct nlattr *wanted, *bits, *bit;
	struct nlmsghdr *request;

	if (!buffer)
		return -ENOMEM;
	request = generic_request(buffer, family, ETHTOOL_MSG_FEATURES_SET);
	put_device(request, device);
	wanted = mnl_attr_nest_start(request, ETHTOOL_A_FEATURES_WANTED);
	bits = mnl_attr_nest_start(request, ETHTOOL_A_BITSET_BITS);
	for (unsigned int i = 0; i < features->count; i++) {
		/* Without a VALUE flag the bit is to be cleared. */
		bit = mnl_attr_nest_start(request, ETHTOOL_A_BITSET_BITS_BIT);
		mnl_attr_put_strz(request, ETHTOOL_A_BITSET_BIT_NAME, features->names[i]);
		mnl_attr_nest_end(request, bit);
	}
	mnl_attr_nest_end(request, bits);
	mnl_attr_nest_end(request, wanted);
	return netlink_talk(NETLINK_GENERIC, request, NULL, NULL);
}

/* The ioctl: of kernels without CONFIG_ETHTOOL_NETLINK, and where one number is all. */
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

/* With features NULL: switch off what matters and can be. */
static int ioctl_features(const char *device, struct features *features)
{
	_cleanup_free_ struct ethtool_gstrings *names = NULL;
	_cleanup_free_ struct ethtool_gfeatures *get = NULL;
	_cleanup_free_ struct ethtool_sfeatures *set = NULL;
	int err = feature_names(device, &names);
	__u32 blocks;

	if (err)
		return err;
	blocks = (names->len + 31) / 32;
	get = calloc(1, sizeof(*get) + blocks * sizeof(get->features[0]));
	set = calloc(1, sizeof(*set) + blocks * sizeof(set->features[0]));
	if (!get || !set)
		return -ENOMEM;
	get->cmd = ETHTOOL_GFEATURES;
	get->size = blocks;
	set->cmd = ETHTOOL_SFEATURES;
	set->size = blocks;
	err = ethtool_ioctl(device, get);
	if (err)
		return err;
	for (__u32 i = 0; i < names->len; i++) {
		const char *name = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;

		if (!(get->features[i / 32].active & 1U << i % 32) || !matters(name))
			continue;
		if (features)
			features_add(features, name);
		else
			set->features[i / 32].valid |= 1U << i % 32;
	}
	return features ? 0 : ethtool_ioctl(device, set);
}

static int active(__u16 family, const char *device, struct features *features)
{
	features->count = 0;
	return family ? netlink_active(family, device, features) : ioctl_features(device, features);
}

static int switch_off(__u16 family, const char *device, const struct features *features)
{
	return family ? netlink_switch_off(family, device, features) : ioctl_features(device, NULL);
}

/* 0: by the ioctl */
static __u16 family_or_none(void)
{
	__u16 family;

	return ethtool_family(&family) ? 0 : family;
}

bool offloads_any(const char *device)
{
	struct features features;

	return active(family_or_none(), device, &features) == 0 && features.count;
}

int offloads_off(const char *device)
{
	__u16 family = family_or_none();
	struct features features;
	int err;

	err = active(family, device, &features);
	if (!err && features.count)
		err = switch_off(family, device, &features);
	if (!err)
		err = active(family, device, &features);
	if (err < 0)
		return fail(-err, "%s: cannot switch its offloads off: %s", device, strerror(-err));
	if (features.count)
		return fail(EOPNOTSUPP, "%s: the offload %s cannot be switched off", device,
			    features.names[0]);
	return 0;
}

int gro_on(const char *device)
{
	struct ethtool_value value = { .cmd = ETHTOOL_SGRO, .data = 1 };
	int err = ethtool_ioctl(device, &value);

	value.cmd = ETHTOOL_GGRO;
	if (!err)
		err = ethtool_ioctl(device, &value);
	if (!err && !value.data)
		err = -EOPNOTSUPP;
	if (err)
		return fail(-err, "%s: cannot switch GRO on: %s", device, strerror(-err));
	return 0;
}

bool gro_is_on(const char *device)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GGRO };

	return ethtool_ioctl(device, &value) == 0 && value.data;
}
