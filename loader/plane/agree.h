/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent may do with the data plane: install, link, unlink and erase SAs of agreed peers, by the programs of
 * agree.bpf.c. It is opened as root. From then on it works on descriptors, needs no capability and prints nothing.
 *
 * Errors of the calls on struct agree: -ESTALE another agent has taken over; -EPERM not an agreed peer, or its key has
 * changed, or (endpoint) it does not roam; -EBUSY the slot is not in the stage for it; -EEXIST the SPI is in use; -ENOENT the
 * slot is empty; -EINVAL.
 */
#ifndef XDPSEC_AGREE_H
#define XDPSEC_AGREE_H

#include <stdbool.h>

#include "agreement/agreement.h"
#include "plane/plane.h"

enum agree_program {
	AGREE_INSTALL,
	AGREE_DERIVE,
	AGREE_LINK,
	AGREE_UNLINK,
	AGREE_ERASE,
	AGREE_NOTE,
	AGREE_ENDPOINT,
	AGREE_ASKING,
	AGREE_KEEPALIVE,
	AGREE_PROGRAMS,
};

/* All of them BPF_F_RDONLY. */
enum agree_map {
	AGREE_AGREEMENTS,
	AGREE_ACTIVITY,
	AGREE_SEQUENCES,
	AGREE_ENDPOINTS,
	AGREE_SPIS,
	AGREE_PEERS,
	AGREE_MAPS,
};

struct ring_buffer;

struct agree {
	char name[XDPSEC_NAME_LEN];
	__u64 owner;
	int programs[AGREE_PROGRAMS];
	int maps[AGREE_MAPS];
	int outer, inner;	    /* for a grace period: a map of maps, and one to put into it */
	int events_map;		    /* read and write: the reader's position is in it */
	struct ring_buffer *events; /* maps it into memory, and has an epoll descriptor */
	void *values;		    /* for one map at a time, all elements */
	__u32 *keys;
};

/* Call it first. */
void agree_init(struct agree *agree);
void agree_close(struct agree *agree);
#define _cleanup_agree_ __attribute__((cleanup(agree_close)))

/*
 * As root, in the instance's namespaces, with the agent's lock held: become the owner, so that no other agent changes
 * anything from then on, then open everything. event gets each event of the data plane, in agree_events(). 0, or -errno
 * after a message.
 */
int agree_open(struct agree *agree, const char *name,
	       void (*event)(void *data, const struct xdpsec_event *event), void *data);
/* As root: have the kernel choose its best driver for later keys. driver: "aes", or the value of Driver. 0, or -errno. */
int agree_prefer(const char *name, const char *driver);
/* As root: the cookie (SO_COOKIE) of the socket whose control messages pass in inline mode. 0, or -errno after a message. */
int agree_listen(const struct agree *agree, __u64 cookie);

/* A descriptor for epoll, and what to call when it can be read: calls event() for each. The number of events. */
int agree_events_fd(const struct agree *agree);
int agree_events(const struct agree *agree);

/*
 * Put a key into an empty slot, and derive its tables. sa->record is what the next agent reads. id gets the SA's. key is
 * wiped in all cases. driver as above. After an error the slot is empty, or -EBUSY: it was in use.
 */
int agree_install(const struct agree *agree, const struct agreement_sa *sa, const char *driver,
		  struct agreement_key *key, __u64 *id);
int agree_link(const struct agree *agree, __u32 slot);
int agree_unlink(const struct agree *agree, __u32 slot);
/* Wait for a grace period: no program uses any more what was unlinked before. Some 10 ms. */
int agree_grace(const struct agree *agree);
int agree_erase(const struct agree *agree, __u32 slot);
/* Write state, since and partner of the record. */
int agree_note(const struct agree *agree, __u32 slot, const struct agreement_record *record);

int agree_asking(const struct agree *agree, __u32 spi, bool add);
int agree_keepalive(const struct agree *agree, __u32 peer);
/* The peer is at `at`; packets to it come from `from`, or from where routing says if from->local is XDPSEC_LOCAL_NONE. */
int agree_endpoint(const struct agree *agree, __u32 peer, const struct xdpsec_location *at,
		   const struct xdpsec_source *from);
/* Read the endpoint that the data plane uses now. */
int agree_read_endpoint(const struct agree *agree, __u32 peer, struct xdpsec_endpoint *endpoint);

/* Every slot that is not empty. records has room for XDPSEC_MAX_SAS; n gets how many there are. Those without a context
 * of the module for many blocks at a time (bulk.h) are outdated. */
int agree_read_records(const struct agree *agree, struct agreement_record *records, size_t *n);
/* The slots that have opened a packet: calls first() for each (lost events). */
int agree_read_opened(const struct agree *agree, void (*first)(void *data, __u32 slot, __u32 spi, __u64 id),
		      void *data);
/* Read the activity of the first `peers` peers. */
int agree_read_activity(const struct agree *agree, struct agreement_activity *activity, size_t peers);

/*
 * For up, reload and down, which hold the lock of the instance and that of the agent. 0, or -errno after a message.
 *
 * agree_set_peer: the peer's key; 0: it has manual keys, or is none. agree_forget_peer: erase all its agreed SAs, after
 * a grace period; before its index is given to another key. agree_disown: no agent changes anything from now on, and
 * no control message passes in inline mode.
 */
int agree_set_peer(const struct plane *plane, __u32 peer, __u64 key_hash);
int agree_get_peer(const struct plane *plane, __u32 peer, __u64 *key_hash);
int agree_forget_peer(const struct plane *plane, __u32 peer);
int agree_disown(const struct plane *plane);

#endif
