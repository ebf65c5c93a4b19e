// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the records of an instance without opening it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "plane/plane.h"
#include "plane/plane_inside.h"

/* The descriptor of the map `instance` of an instance of any version, or -errno. */
static int open_record(const char *name, bool staged, struct bpf_map_info *info)
{
	__u32 length = sizeof(*info);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	memset(info, 0, sizeof(*info));
	snprintf(path, sizeof(path), PLANE_ROOT "/%s%s/maps/instance", staged ? "_" : "", name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, info, &length))
		return -errno;
	return take_fd(&fd);
}

int plane_peek(const char *name, bool staged, struct instance *instance)
{
	struct bpf_map_info info;
	_cleanup_close_ int fd = open_record(name, staged, &info);
	__u32 key = 0;

	if (fd < 0)
		return fd;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(*instance))
		return -EPROTO;
	if (bpf_map_lookup_elem(fd, &key, instance))
		return -errno;
	return instance->abi_version && instance->abi_version != XDPSEC_ABI_VERSION ? -EPROTO : 0;
}

int plane_head(const char *name, bool staged, struct instance_head *head)
{
	struct bpf_map_info info;
	_cleanup_close_ int fd = open_record(name, staged, &info);
	_cleanup_free_ char *value = NULL;
	__u32 key = 0;

	if (fd < 0)
		return fd;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size < sizeof(*head))
		return -EPROTO;
	value = calloc(1, info.value_size);
	if (!value || bpf_map_lookup_elem(fd, &key, value))
		return -errno;
	memcpy(head, value, sizeof(*head));
	if (head->abi_version < INSTANCE_ABI_WITH_VERSION)
		memset(head->version, 0, sizeof(head->version));
	head->version[sizeof(head->version) - 1] = '\0';
	return 0;
}

int plane_peek_peers(const char *name, bool staged, struct peer_record *records)
{
	_cleanup_free_ __u32 *keys = calloc(XDPSEC_MAX_PEERS, sizeof(*keys));
	__u32 count = XDPSEC_MAX_PEERS, length = sizeof(struct bpf_map_info), batch;
	struct bpf_map_info info = {};
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	if (!keys)
		return -ENOMEM;
	snprintf(path, sizeof(path), PLANE_ROOT "/%s%s/maps/%s", staged ? "_" : "", name,
		 plane_tables[MAP_PEER_RECORDS].name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		return -errno;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(*records) ||
	    info.max_entries != XDPSEC_MAX_PEERS)
		return -EPROTO;
	if (bpf_map_lookup_batch(fd, NULL, &batch, keys, records, &count, NULL) && errno != ENOENT)
		return -errno;
	return count == XDPSEC_MAX_PEERS ? 0 : -EPROTO;
}
