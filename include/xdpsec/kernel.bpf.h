/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types and kfuncs beyond the UAPI headers, instead of a vmlinux.h. Types have only the fields
 * that are read; CO-RE finds them.
 */
#ifndef XDPSEC_KERNEL_BPF_H
#define XDPSEC_KERNEL_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the shifts in ocb.bpf.h take memory for little-endian"
#endif

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

/* clang 14 loses this tag; the Makefile asks for 16 or later. */
#define XDPSEC_KPTR __attribute__((btf_type_tag("kptr")))

/* <errno.h> needs the C library. */
#define EPERM 1
#define ENOENT 2
#define EIO 5
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define ESTALE 116

/* include/linux/skbuff.h */
#define CHECKSUM_NONE 0
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_PARTIAL 3

/* include/linux/ipv6.h, include/net/if_inet6.h */
struct ipv6_devconf {
	__s32 forwarding;
	__s32 force_forwarding; /* 6.17 and later */
} __attribute__((preserve_access_index));

struct inet6_dev {
	struct ipv6_devconf cnf;
} __attribute__((preserve_access_index));

/* A typedef of the kernel, without a tag. */
typedef struct {
	int counter;
} __attribute__((preserve_access_index)) kernel_atomic;

struct netns_ipv4 {
	kernel_atomic rt_genid; /* changes with the routing table, rules, addresses and policies of IPsec */
	/* The number of rules by device and protocol or port; CONFIG_IP_MULTIPLE_TABLES. */
	unsigned int fib_rules_require_fldissect;
} __attribute__((preserve_access_index));

struct netns_xfrm {
	unsigned int policy_count[6];
	u8 policy_default[3];
} __attribute__((preserve_access_index));

struct netns_ipv6 {
	struct ipv6_devconf *devconf_all;
	kernel_atomic fib6_sernum; /* changes with the routing table, and with policies of IPsec */
	unsigned int fib6_rules_require_fldissect;
} __attribute__((preserve_access_index));

struct net {
	u64 net_cookie;
	struct netns_ipv4 ipv4;
	struct netns_ipv6 ipv6; /* CONFIG_IPV6 */
	struct netns_xfrm xfrm; /* CONFIG_XFRM */
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

/* include/linux/netdevice.h; the numbers differ between versions. */
enum netdev_priv_flags {
	IFF_L3MDEV_SLAVE = 1,
};

struct net_device {
	possible_net_t nd_net;
	u32 ifindex;
	unsigned int flags;
	unsigned long priv_flags : 32;
	struct inet6_dev *ip6_ptr;
	u32 xdp_features;
	struct bpf_prog *xdp_prog; /* that of generic XDP */
	u8 dev_addr_shadow[32];	   /* the kernel's copy of dev_addr, not a pointer */
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
	unsigned int data_len; /* outside of the first buffer */
	u8 ip_summed : 2;
	u8 encapsulation : 1;
	u32 vlan_all;		    /* 0: no VLAN tag beside the frame */
	unsigned int tail, end;	    /* offsets from head */
	unsigned char *head, *data; /* the first buffer, and the packet in it */
} __attribute__((preserve_access_index));

/* include/net/xdp.h */
enum xdp_mem_type {
	MEM_TYPE_XSK_BUFF_POOL = 3, /* an AF_XDP socket without copies */
};

struct xdp_mem_info {
	u32 type;
} __attribute__((preserve_access_index));

struct xdp_rxq_info {
	struct net_device *dev;
	struct xdp_mem_info mem;
} __attribute__((preserve_access_index));

struct xdp_buff {
	void *data, *data_meta;
	struct xdp_rxq_info *rxq;
} __attribute__((preserve_access_index));

/* kernel/bpf/crypto.c; the same from 6.10 to 7.3. The context is opaque, but a forward declaration does not
 * match the kernel's struct when libbpf compares the prototypes. */
struct bpf_crypto_ctx {
	u32 siv_len;
} __attribute__((preserve_access_index));

struct bpf_crypto_params {
	char type[14];
	u8 reserved[2];
	char algo[128];
	u8 key[256];
	u32 key_len;
	u32 authsize;
};

extern struct bpf_crypto_ctx *bpf_crypto_ctx_create(const struct bpf_crypto_params *params, u32 params__sz,
						    int *err) __ksym;
extern struct bpf_crypto_ctx *bpf_crypto_ctx_acquire(struct bpf_crypto_ctx *ctx) __ksym;
extern void bpf_crypto_ctx_release(struct bpf_crypto_ctx *ctx) __ksym;
extern int bpf_crypto_encrypt(struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src,
			      const struct bpf_dynptr *dst, const struct bpf_dynptr *siv__nullable) __ksym;
extern int bpf_crypto_decrypt(struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src,
			      const struct bpf_dynptr *dst, const struct bpf_dynptr *siv__nullable) __ksym;

/* The offsets are u32 up to 6.18 and u64 from 7.2 on. The declaration as u64 is right for both: a u32
 * callee ignores the upper half. With a declaration as u32 a u64 callee would read garbage there. */
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *ptr, u64 start, u64 end) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *ptr, struct bpf_dynptr *clone__uninit) __ksym;
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
extern void *bpf_rdonly_cast(const void *object, u32 type) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

/* include/linux/time64.h, include/linux/types.h */
struct timespec64 {
	long tv_sec;
} __attribute__((preserve_access_index));

struct list_head {
	struct list_head *next;
} __attribute__((preserve_access_index));

/*
 * Reading the memory of the kernel at an address by a load, where bpf_probe_read_kernel() takes 75 instructions. Memory
 * that is not there reads as 0. bpf_rdonly_cast() knows only the types of vmlinux itself (check_kfunc_call() of
 * kernel/bpf/verifier.c looks them up in the BTF of the kfunc), so two of these stand for the types of modules.
 */
static __always_inline const long *kernel_word(const void *address)
{
	const struct timespec64 *word = bpf_rdonly_cast(address, bpf_core_type_id_kernel(struct timespec64));

	return &word->tv_sec;
}

static __always_inline u64 kernel_u64(const void *address)
{
	return *kernel_word(address);
}

static __always_inline u32 kernel_u32(const void *address)
{
	return *(const u32 *)kernel_word(address);
}

static __always_inline const void *kernel_pointer(const void *address)
{
	const struct list_head *word = bpf_rdonly_cast(address, bpf_core_type_id_kernel(struct list_head));

	return word->next;
}

/*
 * A loop condition that bounds a loop for the verifier at the cost of a counter on the stack (6.9 and later).
 * bpf_for would cost two calls per turn. The loop variable must start from a value that the verifier does not
 * know, or it follows every turn instead of converging.
 */
static __always_inline bool loop_goes_on(void)
{
	asm volatile goto("may_goto %l[ends]" : : : : ends);
	return true;
ends:
	return false;
}

/*
 * barrier_var() of bpf_helpers.h hides a value from the optimizer. It would remove a mask or a test that it
 * can prove redundant, and the verifier needs that mask.
 */

/*
 * Is *value from 1 to most? Two steps that the compiler cannot merge: it would subtract one and compare once,
 * and from that the verifier of 6.12 learns nothing about *value.
 */
static __always_inline bool from_1_to(u32 most, u32 *value)
{
	barrier_var(*value);
	if (*value > most)
		return false;
	barrier_var(*value);
	return *value != 0;
}

#endif
