/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane on its own: the real objects, loaded with shared maps into a network namespace of this
 * process, their programs run over frames by BPF_PROG_TEST_RUN. Nothing is attached to anything.
 *
 * A failure in it fails the test that called it.
 */
#ifndef XDPSEC_UNIT_RIG_H
#define XDPSEC_UNIT_RIG_H

#include <stdint.h>
#include <linux/bpf.h>

#include "plane/programs.h"
#include "xdpsec/abi.h"
#include "packet.h"

/* Return values of TC programs. Those of XDP are in linux/bpf.h. */
enum {
	SEAL_PASS = -1, /* TCX_NEXT, TC_ACT_UNSPEC */
	TC_DROP = 2,	/* TC_ACT_SHOT */
	TC_REDIRECT = 7,
};

/* Behind those of the table: the programs of the vectors (loader/plane/selftest.bpf.c), and xdp/near.bpf.c. */
#define PROGRAM_SEAL_VECTOR ((enum program)PROGRAM_COUNT)
#define PROGRAM_OPEN_VECTOR ((enum program)(PROGRAM_COUNT + 1))
#define PROGRAM_NEAR ((enum program)(PROGRAM_COUNT + 2))
/* The fast path: rig_fast() loads them. */
#define PROGRAM_FAST_OUT ((enum program)(PROGRAM_COUNT + 3))
#define PROGRAM_FAST_IN ((enum program)(PROGRAM_COUNT + 4))
#define PROGRAM_ENCAPSULATE_FAST ((enum program)(PROGRAM_COUNT + 5))
#define PROGRAMS (PROGRAM_COUNT + 6)

enum { RIG_DEVICE_MTU = 9000 };

struct rig {
	int device;    /* ifindex of the protected device */
	int lan;       /* ifindex of the device of FastPath; 0: rig_fast() was not called */
	int near, far; /* ifindex of the ends of the hop; in tunnel mode of the tunnel device */
	uint64_t netns_cookie;
	struct {
		int config, policies, hosts, peers, spis, sas, contexts, sequences, replay_windows, ktops,
			sa_counters, drops, clear_fragments, endpoints, devices, device_slots, fast_devices,
			fast_packets;
	} maps;
};

extern struct rig rig;

/* The group setup and teardown of every test: enter the namespace, load the programs of inline mode, or of
 * tunnel mode, fill in the configuration. Without root, all tests are skipped. */
int rig_setup(void **state);
int rig_setup_tunnel(void **state);
int rig_teardown(void **state);

/*
 * Several instances on one device: from here on PROGRAM_OPEN, or PROGRAM_DECAPSULATE, is the program that is
 * in front of another one (xdp/next.bpf.h), which returns this verdict of XDP. NEXT_LOST: there is none.
 */
enum { NEXT_LOST = -1 };
void rig_next(int verdict);

/*
 * A fast path between the protected device and a new device `lan`, whose hosts are behind `lan-host`, for all flows.
 * With both programs attached, both devices take redirected frames.
 */
void rig_fast(void);
/* Packets that took the fast path. */
uint64_t rig_fast_packets(enum xdpsec_fast_direction direction);
/* Forget which packets go where. */
void rig_fast_forget(void);
/* The refresh of all kept pairs is due. */
void rig_fast_age(void);

/* All runs from here on are on one CPU: what a program keeps is kept for each CPU. */
void rig_run_on_one_cpu(void);

/* One run of a program. out gets the frame as the program left it. Returns the program's return value. */
int rig_run(enum program program, const struct frame *in, struct frame *out);

/* The same where the kernel may refuse the frame (some refuse short ones for TC: false then), and in threads:
 * no assertion is made. */
bool rig_try(enum program program, const struct frame *in, struct frame *out, int *verdict);

/*
 * Tests number their SAs from 0, even ones seal and odd ones open. That is also the index of their counters. In the maps
 * such an SA is in this slot.
 */
uint32_t rig_slot(uint32_t sa);

/* The same frame so many times in a row. Returns the last verdict. */
int rig_repeat(enum program program, const struct frame *in, int times);

struct rig_sa {
	uint32_t slot, spi, peer; /* slot: as the tests number it */
	uint8_t next_header, binding;
	const uint8_t *key;
	size_t key_length;
	uint64_t next, limit; /* of the sequence */
};

/* Parameters, sequence and window; then the context; then what derives from the key. */
void rig_sa_install(const struct rig_sa *sa);
/* Everything but the context, as between two steps of the loader. */
void rig_sa_prepare(const struct rig_sa *sa);
void rig_sa_remove(uint32_t slot);
void rig_sa_bind(uint32_t slot, enum xdpsec_binding binding);

/* prefix: "198.51.100.0/24". ports: ranges pairs of first and last; NULL and 0 in tunnel mode. As a reload does it: what
 * programs keep of policies ends. */
void rig_policy(const char *prefix, uint32_t peer, const struct xdpsec_ports *ports, uint32_t ranges);
void rig_policy_remove(const char *prefix);
/* An element of the hash of hosts alone: the address is that peer's, with all ports. And whether the hash is asked. */
void rig_host(const char *address, uint32_t peer);
void rig_host_remove(const char *address);
void rig_use_hosts(bool use);
/* config.policy_generation. Under a former value, what was kept then counts again, until its time is over. */
uint32_t rig_policy_generation(void);
void rig_policy_set_generation(uint32_t generation);
/* The time until which the programs of inline mode keep policies; CLOCK_MONOTONIC, ns. */
void rig_policies_keep_until(uint64_t time);
void rig_peer(uint32_t peer, uint32_t tx_sa);
void rig_spi(uint32_t spi, uint32_t slot);
void rig_spi_remove(uint32_t spi);
void rig_sequence(uint32_t slot, uint64_t next, uint64_t limit);
uint64_t rig_sequence_next(uint32_t slot);
/* As if nothing had been received. */
void rig_window_reset(uint32_t slot);
void rig_fragments_forget(void);
void rig_fragments_expire(void);
bool rig_fragments_known(void);
/* For frames with an ingress: a veth has the receive queue that they come from only with a program attached.
 */
void rig_attach(enum program program);
/* The configuration, with or without a hop. */
void rig_hop(bool present);
/* The mark of packets from behind the hop. */
extern const uint32_t rig_hop_secret[4];
/* A device that packets may be redirected to; 0: it is gone. */
void rig_device_slot(enum xdpsec_device which, int index);
/* Fill the buckets that limit how many packets are answered with ICMP. */
void rig_allow_answers(void);
/* The same for messages about the path that are looked at. */
void rig_allow_learning(void);
/* Forget which addresses are this host's. */
void rig_destinations_forget(void);
/* All 256 elements of addresses and ports that a program of inline mode has kept (binding.bpf.h), on whichever CPU.
 * Returns how many are in use. */
size_t rig_bindings(enum program program, uint8_t kept[256][64]);
void rig_bindings_forget(void);
/* Forget which addresses are no peer's. */
void rig_foreign_forget(void);
void rig_device_mtu(unsigned int mtu);
/* Can XDP have more of a frame put into its first buffer? */
bool rig_kernel_pulls(void);

void map_read(int map, uint32_t index, void *value);
/* The first n elements of an array, in one call. */
void map_read_first(int map, uint32_t n, void *values);
void map_write(int map, uint32_t index, const void *value);

#endif
