// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing keys to standard output, or to a file. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"
#include "command/secret_output.h"

void secret_output_warn(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 077))
		return;
	warning("standard output: permissions %04o are too open: others can read the key",
		st.st_mode & 07777);
	hint("run `umask 077` before, or `chmod 600` on the file now; `xdpsec up` refuses it otherwise");
}

int secret_output_write(int fd, const char *what, const char *text, size_t n)
{
	ssize_t written;

	while (n) {
		written = write(fd, text, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail(errno, "%s: %s", what, strerror(errno));
		text += written;
		n -= written;
	}
	return 0;
}
