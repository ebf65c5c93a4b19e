// SPDX-License-Identifier: GPL-2.0-or-later
/* Ids of maps, by descriptor and by program. */
#include <errno.h>
#include <bpf/bpf.h>

#include "plane/map_id.h"

__u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0 ? info.id : 0;
}

/* The kernel says how many maps there are, also if it has room for fewer. */
int program_map_ids(int program, __u32 ids[PROGRAM_MAPS_MAX], size_t *n)
{
	struct bpf_prog_info info = { .map_ids = (__u64)(unsigned long)ids, .nr_map_ids = PROGRAM_MAPS_MAX };
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &length))
		return -errno;
	*n = info.nr_map_ids < PROGRAM_MAPS_MAX ? info.nr_map_ids : PROGRAM_MAPS_MAX;
	return 0;
}
