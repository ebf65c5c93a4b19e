// SPDX-License-Identifier: GPL-2.0-or-later
/* The remedy for a kernel that is too old: a command, where one is known. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/kernel_upgrade.h"

#ifdef __aarch64__
#define DEBIAN_ARCHITECTURE "arm64"
#else
#define DEBIAN_ARCHITECTURE "amd64"
#endif

bool kernel_is_too_old(const char *release)
{
	unsigned int major, minor;

	return sscanf(release, "%u.%u", &major, &minor) == 2 && (major < 6 || (major == 6 && minor < 12));
}

const char *kernel_upgrade_command(const char *os_release)
{
	if (!strstr(os_release, "VERSION_CODENAME=bookworm\n"))
		return NULL;
	return "apt-get install -t bookworm-backports linux-image-" DEBIAN_ARCHITECTURE;
}

void kernel_upgrade_hint(char *text, size_t size)
{
	_cleanup_close_ int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC);
	char os_release[4096] = "";
	struct utsname running;
	const char *command;
	ssize_t length = fd < 0 ? 0 : read(fd, os_release, sizeof(os_release) - 1);

	os_release[length < 0 ? 0 : length] = '\0';
	command = kernel_upgrade_command(os_release);
	if (uname(&running) || !kernel_is_too_old(running.release))
		snprintf(text, size, "use Linux 6.12 or later with CONFIG_CRYPTO and CONFIG_CRYPTO_SKCIPHER");
	else if (command)
		snprintf(text, size,
			 "%s && reboot, with bookworm-backports among apt's sources; this is Linux %s",
			 command, running.release);
	else
		snprintf(text, size, "use Linux 6.12 or later; this is Linux %s", running.release);
}
