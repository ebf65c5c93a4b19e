// SPDX-License-Identifier: GPL-2.0-or-later
/* The maps and pins of a data plane: creating, opening, renaming and removing them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "base/message.h"
#include "base/owner.h"
#include "plane/plane.h"
#include "plane/self.h"

static const struct {
	const char *name;
	__u32 type, key_size, value_size, entries;
} tables[MAP_COUNT] = {
#define PLANE_TABLE(id, name, type, key_size, value_size, entries)                                           \
	[MAP_##id] = { name, type, key_size, value_size, entries },
	PLANE_MAPS(PLANE_TABLE)
#undef PLANE_TABLE
};

const char *plane_map_name(enum plane_map map)
{
	return tables[map].name;
}

void plane_init(struct plane *plane)
{
	memset(plane, 0, sizeof(*plane));
	for (int i = 0; i < MAP_COUNT; i++)
		plane->maps[i] = -1;
}

void plane_unload(struct plane *plane)
{
	bpf_object__close(plane->sa);
	plane->sa = NULL;
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		bpf_object__close(plane->objects[i]);
		plane->objects[i] = NULL;
	}
}

void plane_close(struct plane *plane)
{
	plane_unload(plane);
	for (int i = 0; i < MAP_COUNT; i++)
		if (plane->maps[i] >= 0)
			close(plane->maps[i]);
	plane_init(plane);
}

/* Check that nobody else can have made the directory, as on a file system that all users may write to. */
static int check_root(void)
{
	int err = owner_check_bpffs();

	if (!err)
		err = owner_check_pins(PLANE_ROOT);
	return err;
}

/* A user who may read the directory may lock it. */
static int open_root(int *fd)
{
	struct stat status;
	int err;

	if (mkdir(PLANE_ROOT, 0700) < 0 && errno != EEXIST)
		return fail(errno, "%s: cannot create it: %s", PLANE_ROOT, strerror(errno));
	err = check_root();
	if (err)
		return err;
	*fd = open(PLANE_ROOT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (*fd < 0 || fstat(*fd, &status) || (status.st_mode & 077 && fchmod(*fd, status.st_mode & 0700)))
		return fail(errno, "%s: cannot lock it: %s", PLANE_ROOT, strerror(errno));
	return 0;
}

int plane_lock(int *fd)
{
	struct stat locked, current;
	int err;

	/* libxdp locks its own directory. */
	err = owner_check_libxdp(BPFFS "/xdp");
	if (err && err != -ENOENT)
		return err;
	for (;;) {
		err = open_root(fd);
		if (err == -ENOENT)
			continue;
		if (!err)
			err = lock_wait(*fd, PLANE_ROOT);
		if (!err && fstat(*fd, &locked))
			err = fail(errno, "%s: cannot lock it: %s", PLANE_ROOT, strerror(errno));
		if (err) {
			plane_unlock(fd);
			return err;
		}
		/* The previous holder of the lock may have removed the directory. */
		if (stat(PLANE_ROOT, &current) == 0 && current.st_ino == locked.st_ino)
			return 0;
		cleanup_close(fd);
		*fd = -1;
	}
}

void plane_unlock(int *fd)
{
	if (*fd < 0)
		return;
	/* Fails unless the directory is empty. */
	rmdir(PLANE_ROOT);
	close(*fd);
	*fd = -1;
}

static void set_directory(struct plane *plane, const char *name, bool staged)
{
	if (name != plane->name)
		snprintf(plane->name, sizeof(plane->name), "%s", name);
	snprintf(plane->directory, sizeof(plane->directory), PLANE_ROOT "/%s%s", staged ? "_" : "", name);
}

void plane_pin(const struct plane *plane, const char *kind, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s/%s", plane->directory, kind, name);
}

/* A name from the command line must not lead out of PLANE_ROOT, nor to a leftover. */
static bool is_name(const char *name)
{
	return name[0] && name[0] != '_' && name[0] != '.' && !strchr(name, '/') &&
	       strlen(name) < XDPSEC_NAME_LEN;
}

bool plane_exists(const char *name, bool staged)
{
	struct plane plane;

	plane_init(&plane);
	set_directory(&plane, name, staged);
	return is_name(name) && access(plane.directory, F_OK) == 0;
}

/* Compare the maps: one of another version could be misread. */
static int refuse_version(const char *name, bool staged)
{
	struct instance_head head;
	int err = plane_head(name, staged, &head);

	if (err)
		fail(EPROTO, "%s: was started by another version of xdpsec, with other maps", name);
	else
		fail(EPROTO,
		     "%s: was started by another version of xdpsec: %s, with map version %u; this one has %d",
		     name, head.version[0] ? head.version : "unknown version", head.abi_version,
		     XDPSEC_ABI_VERSION);
	hint("`%s down %s` works for every version; then run up again", self(), name);
	return -EPROTO;
}

static bool is_table(const struct bpf_map_info *info, enum plane_map map)
{
	return info->type == tables[map].type && info->key_size == tables[map].key_size &&
	       (info->value_size == tables[map].value_size || !tables[map].value_size) &&
	       info->max_entries == tables[map].entries;
}

static int open_map(struct plane *plane, enum plane_map map)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	plane_pin(plane, "maps", tables[map].name, path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT
				       : fail(errno, "%s: cannot open it: %s", path, strerror(errno));
	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return fail(errno, "%s: cannot query it: %s", path, strerror(errno));
	if (!is_table(&info, map))
		return -EPROTO;
	plane->maps[map] = take_fd(&fd);
	return 0;
}

/* Check the version, and read the mode. */
static int check_version(struct plane *plane)
{
	struct xdpsec_config config;
	struct instance instance;
	__u32 key = 0;

	if (plane->maps[MAP_INSTANCE] >= 0 &&
	    bpf_map_lookup_elem(plane->maps[MAP_INSTANCE], &key, &instance) == 0 && instance.abi_version) {
		if (instance.abi_version != XDPSEC_ABI_VERSION)
			return -EPROTO;
		plane->mode = instance.mode == MODE_TUNNEL ? MODE_TUNNEL : MODE_INLINE;
	}
	if (plane->maps[MAP_CONFIG] >= 0 &&
	    bpf_map_lookup_elem(plane->maps[MAP_CONFIG], &key, &config) == 0 && config.abi_version &&
	    config.abi_version != XDPSEC_ABI_VERSION)
		return -EPROTO;
	return 0;
}

static int not_up(const char *name)
{
	fail(ENOENT, "%s: is not up", name);
	hint("`xdpsec status` lists the instances that are up; NAME is the file name without .conf");
	return -ENOENT;
}

int plane_open_any(struct plane *plane, const char *name, bool staged)
{
	int err, step;

	if (!plane_exists(name, staged))
		return not_up(name);
	set_directory(plane, name, staged);
	err = check_root();
	if (!err)
		err = owner_check_pins(plane->directory);
	if (err == -ENOENT)
		return not_up(name);
	if (err)
		return err;
	for (int i = 0; i < MAP_COUNT; i++) {
		step = open_map(plane, i);
		if (step == -ENOENT)
			step = staged ? 0 : -EPROTO;
		if (step && step != -EPROTO)
			return step;
		err = err ?: step;
	}
	return err ?: check_version(plane);
}

int plane_open(struct plane *plane, const char *name, bool staged)
{
	int err = plane_open_any(plane, name, staged);

	return err == -EPROTO ? refuse_version(name, staged) : err;
}

void plane_open_foreign(struct plane *plane, const char *name, bool staged)
{
	char path[PATH_MAX];

	set_directory(plane, name, staged);
	for (int i = 0; i < MAP_COUNT; i++) {
		if (plane->maps[i] >= 0)
			continue;
		plane_pin(plane, "maps", tables[i].name, path, sizeof(path));
		plane->maps[i] = bpf_obj_get(path);
	}
}

/* The kernel truncates names. */
static bool is_named(const struct bpf_map_info *info, enum plane_map map)
{
	return strncmp(info->name, tables[map].name, sizeof(info->name) - 1) == 0;
}

int plane_open_by_program(struct plane *plane, int program)
{
	__u32 ids[MAP_COUNT + 32], length = sizeof(struct bpf_prog_info);
	struct bpf_prog_info program_info = { .map_ids = (__u64)(unsigned long)ids,
					      .nr_map_ids = ARRAY_SIZE(ids) };

	if (bpf_obj_get_info_by_fd(program, &program_info, &length))
		return -errno;
	for (__u32 i = 0; i < program_info.nr_map_ids && i < ARRAY_SIZE(ids); i++) {
		_cleanup_close_ int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info info = {};

		length = sizeof(info);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
			return -errno;
		for (enum plane_map map = 0; map < MAP_COUNT; map++)
			if (plane->maps[map] < 0 && is_named(&info, map) && is_table(&info, map))
				plane->maps[map] = take_fd(&fd);
	}
	return plane->maps[MAP_INSTANCE] < 0 ? -ENOENT : check_version(plane);
}

int plane_each_link(const struct plane *plane, int (*each)(const struct plane *plane, const char *name))
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int count, err = 0, step;

	/* Without pins there are no links. */
	if (!plane->directory[0])
		return 0;
	snprintf(path, sizeof(path), "%s/links", plane->directory);
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		/* bpffs has no other names with a dot. */
		step = entries[i]->d_name[0] == '.' ? 0 : each(plane, entries[i]->d_name);
		err = err ?: step;
		free(entries[i]);
	}
	free(entries);
	return err;
}

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
		 tables[MAP_PEER_RECORDS].name);
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

static int create_map(struct plane *plane, enum plane_map map)
{
	char path[PATH_MAX];
	/* Most slots are free for ever. */
	LIBBPF_OPTS(bpf_map_create_opts, options,
		    .map_flags = tables[map].type == BPF_MAP_TYPE_HASH ? BPF_F_NO_PREALLOC : 0);
	int fd = bpf_map_create(tables[map].type, tables[map].name, tables[map].key_size,
				tables[map].value_size, tables[map].entries, &options);

	if (fd < 0)
		return fail(-fd, "map %s: cannot create it: %s", tables[map].name, strerror(-fd));
	plane->maps[map] = fd;
	plane_pin(plane, "maps", tables[map].name, path, sizeof(path));
	if (bpf_obj_pin(fd, path))
		return fail(errno, "%s: cannot pin it: %s", path, strerror(errno));
	return 0;
}

int plane_create(struct plane *plane, const char *name)
{
	static const char *const kinds[] = { "", "/maps", "/programs", "/links" };
	char path[PATH_MAX];
	int err;

	set_directory(plane, name, true);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "%s%s", plane->directory, kinds[i]);
		if (mkdir(path, 0700) < 0)
			return fail(errno, "%s: cannot create it: %s", path, strerror(errno));
	}
	err = create_map(plane, MAP_INSTANCE);
	if (!err)
		err = create_map(plane, MAP_DEVICE_SLOTS);
	if (!err)
		err = create_map(plane, MAP_PEER_RECORDS);
	return err ?: create_map(plane, MAP_SLOTS);
}

int plane_link_for_iproute2(const struct plane *plane)
{
	static const char *const kinds[] = { "tc", "xdp" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "%s/%s", plane->directory, kinds[i]);
		if (mkdir(path, 0700) < 0)
			return fail(errno, "%s: cannot create it: %s", path, strerror(errno));
		plane_pin(plane, kinds[i], "globals", path, sizeof(path));
		if (symlink("../maps", path) < 0)
			return fail(errno, "%s: cannot create it: %s", path, strerror(errno));
	}
	return 0;
}

static int rename_to(struct plane *plane, bool staged)
{
	char before[NAME_MAX];

	if (!plane->directory[0])
		return 0;
	snprintf(before, sizeof(before), "%s", plane->directory);
	set_directory(plane, plane->name, staged);
	if (strcmp(before, plane->directory) == 0 ||
	    renameat2(AT_FDCWD, before, AT_FDCWD, plane->directory, RENAME_NOREPLACE) == 0)
		return 0;
	set_directory(plane, plane->name, !staged);
	return fail(errno, "%s: cannot rename it: %s", plane->directory, strerror(errno));
}

int plane_publish(struct plane *plane)
{
	return rename_to(plane, false);
}

int plane_withdraw(struct plane *plane)
{
	return rename_to(plane, true);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int plane_remove(struct plane *plane)
{
	if (plane->directory[0] &&
	    nftw(plane->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 && errno != ENOENT)
		return fail(errno, "%s: cannot remove it: %s", plane->directory, strerror(errno));
	return 0;
}

bool plane_busy(void)
{
	_cleanup_close_ int fd = open(PLANE_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

static int whole(const struct dirent *entry)
{
	return is_name(entry->d_name);
}

static int leftover(const struct dirent *entry)
{
	return entry->d_name[0] == '_' && is_name(entry->d_name + 1);
}

int plane_each(bool staged, int (*each)(const char *name, void *data), void *data)
{
	struct dirent **entries = NULL;
	int count = scandir(PLANE_ROOT, &entries, staged ? leftover : whole, alphasort), result = 0;

	for (int i = 0; i < count; i++) {
		if (!result)
			result = each(entries[i]->d_name + staged, data);
		free(entries[i]);
	}
	free(entries);
	return result;
}

/* If the kernel refuses this, a lost instance cannot be identified. */
void plane_keep_maps(const struct plane *plane, int program)
{
	for (int map = 0; map < MAP_COUNT; map++)
		if (plane->maps[map] >= 0)
			bpf_prog_bind_map(program, plane->maps[map], NULL);
}
