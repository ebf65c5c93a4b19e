// SPDX-License-Identifier: GPL-2.0-only
/*
 * Type "skcipher-bulk" of BPF crypto: what "skcipher" computes for ecb(aes), by an skcipher, which takes the vector
 * registers once for many blocks. "skcipher" goes through an lskcipher, which takes them for each block.
 *
 * skciphers work on pages, and BPF has addresses, so a call is divided at the ends of pages. To the lskcipher go: a block
 * that lies in two pages, short ranges, and calls from where the vector registers or an skcipher must not be used (a hard
 * interrupt, for example NAPI that netconsole polls).
 *
 * A call allocates nothing and waits for nothing, and a context is only read, so any number of CPUs can use one at once.
 */
#include <linux/module.h>
#include <linux/bpf_crypto.h> /* needs the types of module.h */
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <crypto/aes.h>
#include <crypto/internal/simd.h>
#include <crypto/skcipher.h>
#include <asm/simd.h>

#ifndef __uninitialized
#define __uninitialized
#endif

#define ALGORITHM "ecb(aes)"
/* For fewer bytes, what an skcipher does before its first block costs more than it saves. */
#define BULK_MIN (6 * AES_BLOCK_SIZE)

struct bulk {
	struct crypto_sync_skcipher *pages;
	struct crypto_lskcipher *blocks;
};

/*
 * Before Linux 6.16 the skciphers with vector instructions are, on x86, internal ones behind asynchronous ones
 * (crypto/simd.c), to be called only where crypto_simd_usable(). Later, and elsewhere, they are like all others.
 * XDPsec looks for the result in /proc/crypto (loader/plane/bulk.c).
 */
static struct crypto_sync_skcipher *alloc_pages_tfm(void)
{
	struct crypto_sync_skcipher *tfm;
	const char *driver;

	if (IS_ENABLED(CONFIG_CRYPTO_SIMD)) {
		tfm = crypto_alloc_sync_skcipher("__" ALGORITHM, CRYPTO_ALG_INTERNAL, CRYPTO_ALG_INTERNAL);
		if (PTR_ERR_OR_ZERO(tfm) != -ENOENT)
			return tfm;
	}
	tfm = crypto_alloc_sync_skcipher(ALGORITHM, 0, 0);
	if (IS_ERR(tfm))
		return tfm;
	/* The template ecb around a cipher of single blocks is what "skcipher" has. */
	driver = crypto_tfm_alg_driver_name(crypto_skcipher_tfm(&tfm->base));
	if (!strncmp(driver, "ecb(", 4)) {
		crypto_free_sync_skcipher(tfm);
		return ERR_PTR(-ENOENT);
	}
	return tfm;
}

static void *bulk_alloc_tfm(const char *algo)
{
	struct bulk *bulk = kzalloc(sizeof(*bulk), GFP_KERNEL);
	int err;

	if (!bulk)
		return ERR_PTR(-ENOMEM);
	bulk->pages = alloc_pages_tfm();
	if (IS_ERR(bulk->pages)) {
		err = PTR_ERR(bulk->pages);
		goto free;
	}
	bulk->blocks = crypto_alloc_lskcipher(ALGORITHM, 0, 0);
	if (IS_ERR(bulk->blocks)) {
		err = PTR_ERR(bulk->blocks);
		goto free_pages;
	}
	return bulk;

free_pages:
	crypto_free_sync_skcipher(bulk->pages);
free:
	kfree(bulk);
	return ERR_PTR(err);
}

static void bulk_free_tfm(void *tfm)
{
	struct bulk *bulk = tfm;

	crypto_free_lskcipher(bulk->blocks);
	crypto_free_sync_skcipher(bulk->pages);
	kfree(bulk);
}

static int bulk_has_algo(const char *algo)
{
	return !strcmp(algo, ALGORITHM);
}

static int bulk_setkey(void *tfm, const u8 *key, unsigned int keylen)
{
	struct bulk *bulk = tfm;
	int err = crypto_sync_skcipher_setkey(bulk->pages, key, keylen);

	return err ? err : crypto_lskcipher_setkey(bulk->blocks, key, keylen);
}

static u32 bulk_get_flags(void *tfm)
{
	struct bulk *bulk = tfm;

	return crypto_sync_skcipher_get_flags(bulk->pages) | crypto_lskcipher_get_flags(bulk->blocks);
}

/* Neither an IV nor a state. */
static unsigned int bulk_no_size(void *tfm)
{
	return 0;
}

/*
 * Is it in the kernel's map of all memory, where packets and small map values are? On x86 virt_addr_valid() asks the same
 * with a look-up whether there is memory at all, which there is where BPF's dynptrs point to.
 */
static bool in_direct_map(const void *address)
{
#ifdef CONFIG_X86_64
	return (unsigned long)address >= PAGE_OFFSET && address < high_memory;
#else
	return virt_addr_valid(address);
#endif
}

/* The page of packets, map values and whatever else dynptrs refer to. NULL: none is known. */
static struct page *page_of(const void *address)
{
	if (likely(in_direct_map(address)))
		return virt_to_page(address);
	return is_vmalloc_addr(address) ? vmalloc_to_page(address) : NULL;
}

static bool set_page(struct scatterlist *sg, const void *address, unsigned int len)
{
	struct page *page = page_of(address);

	if (!page)
		return false;
	sg_init_table(sg, 1);
	sg_set_page(sg, page, len, offset_in_page(address));
	return true;
}

/*
 * A request as SYNC_SKCIPHER_REQUEST_ON_STACK() has it, but never cleared: with INIT_STACK_ALL_ZERO the compiler would
 * clear 500 bytes for each packet. Every field that an skcipher reads is set by the three functions below.
 */
struct request {
	char memory[sizeof(struct skcipher_request) + MAX_SYNC_SKCIPHER_REQSIZE] CRYPTO_MINALIGN_ATTR;
};

/* -EOPNOTSUPP: not for an skcipher, and nothing was written. */
static int crypt_page(const struct bulk *bulk, const u8 *src, u8 *dst, unsigned int len, bool decrypt)
{
	struct request on_stack __uninitialized;
	struct scatterlist in __uninitialized, out __uninitialized;
	struct skcipher_request *req = (void *)on_stack.memory;

	if (!set_page(&in, src, len) || (src != dst && !set_page(&out, dst, len)))
		return -EOPNOTSUPP;
	skcipher_request_set_sync_tfm(req, bulk->pages);
	skcipher_request_set_callback(req, 0, NULL, NULL);
	skcipher_request_set_crypt(req, &in, src == dst ? &in : &out, len, NULL);
	return decrypt ? crypto_skcipher_decrypt(req) : crypto_skcipher_encrypt(req);
}

static int crypt_blocks(const struct bulk *bulk, const u8 *src, u8 *dst, unsigned int len, bool decrypt)
{
	return decrypt ? crypto_lskcipher_decrypt(bulk->blocks, src, dst, len, NULL)
		       : crypto_lskcipher_encrypt(bulk->blocks, src, dst, len, NULL);
}

/* How many bytes of full blocks follow in the same page. */
static unsigned int in_page(const void *address)
{
	return round_down(PAGE_SIZE - offset_in_page(address), AES_BLOCK_SIZE);
}

static int bulk_crypt(const struct bulk *bulk, const u8 *src, u8 *dst, unsigned int len, bool decrypt)
{
	unsigned int n;
	int err;

	if (len % AES_BLOCK_SIZE)
		return -EINVAL;
	if (len < BULK_MIN || in_hardirq() || !crypto_simd_usable())
		return crypt_blocks(bulk, src, dst, len, decrypt);
	for (; len; src += n, dst += n, len -= n) {
		n = min3(len, in_page(src), in_page(dst));
		err = n < BULK_MIN ? -EOPNOTSUPP : crypt_page(bulk, src, dst, n, decrypt);
		if (err == -EOPNOTSUPP) {
			n = n ?: AES_BLOCK_SIZE;
			err = crypt_blocks(bulk, src, dst, n, decrypt);
		}
		if (err)
			return err;
	}
	return 0;
}

static int bulk_encrypt(void *tfm, const u8 *src, u8 *dst, unsigned int len, u8 *siv)
{
	return bulk_crypt(tfm, src, dst, len, false);
}

static int bulk_decrypt(void *tfm, const u8 *src, u8 *dst, unsigned int len, u8 *siv)
{
	return bulk_crypt(tfm, src, dst, len, true);
}

static const struct bpf_crypto_type bulk_type = {
	.alloc_tfm = bulk_alloc_tfm,
	.free_tfm = bulk_free_tfm,
	.has_algo = bulk_has_algo,
	.setkey = bulk_setkey,
	.encrypt = bulk_encrypt,
	.decrypt = bulk_decrypt,
	.ivsize = bulk_no_size,
	.statesize = bulk_no_size,
	.get_flags = bulk_get_flags,
	.owner = THIS_MODULE,
	.name = "skcipher-bulk",
};

static int __init bulk_init(void)
{
	return bpf_crypto_register_type(&bulk_type);
}

/* Each context has a reference to the module, so there is none any more. */
static void __exit bulk_exit(void)
{
	WARN_ON_ONCE(bpf_crypto_unregister_type(&bulk_type));
}

module_init(bulk_init);
module_exit(bulk_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("ecb(aes) for BPF, many blocks at a time");
/* Modules that are not there are ignored. */
MODULE_SOFTDEP("pre: ecb aesni_intel aes_ce_blk aes_neon_bs");
