// SPDX-License-Identifier: GPL-2.0-or-later
/* The digest of the UUID that the firmware or the hypervisor gives the machine. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/machine.h"

/* Readable by root. */
#define UUID_FILE "/sys/class/dmi/id/product_uuid"
#define LABEL "xdpsec machine 1"
#define UUID_LENGTH 36

/* Some firmware has no UUID of its own: all digits are equal. */
static bool says_nothing(const char *uuid)
{
	return strspn(uuid, "0-") == UUID_LENGTH || strspn(uuid, "Ff-") == UUID_LENGTH;
}

void machine_digest(char digest[MACHINE_HEX])
{
	_cleanup_fclose_ FILE *file = fopen(UUID_FILE, "re");
	unsigned char hash[EVP_MAX_MD_SIZE];
	char uuid[UUID_LENGTH + 1] = "", text[sizeof(LABEL) + sizeof(uuid)];

	strcpy(digest, "-");
	if (!file || fscanf(file, "%36[0-9a-fA-F-]", uuid) != 1 || strlen(uuid) != UUID_LENGTH ||
	    says_nothing(uuid))
		return;
	snprintf(text, sizeof(text), "%s%s", LABEL, uuid);
	if (!EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL))
		return;
	for (int i = 0; i < (MACHINE_HEX - 1) / 2; i++)
		sprintf(digest + 2 * i, "%02x", hash[i]);
}
