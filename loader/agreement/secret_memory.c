// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages of their own for secrets, so that the kernel's rules for pages hold for nothing else. */
#include "agreement/secret_memory.h"

#include <string.h>
#include <sys/mman.h>

void *secret_memory(size_t n)
{
	void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* Pages are locked when they are used: most are for peers that do not exist. */
	if (mlock2(memory, n, MLOCK_ONFAULT) || madvise(memory, n, MADV_DONTDUMP) ||
	    madvise(memory, n, MADV_WIPEONFORK)) {
		munmap(memory, n);
		return NULL;
	}
	return memory;
}

void secret_memory_free(void *memory, size_t n)
{
	if (!memory)
		return;
	explicit_bzero(memory, n);
	munmap(memory, n);
}
