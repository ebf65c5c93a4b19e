/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State files belong to root or the caller, and nobody else may change them, or old ones could come back. */
#ifndef XDPSEC_STATE_OWNER_H
#define XDPSEC_STATE_OWNER_H

/*
 * Check that nobody else may write to the state directory, or put another one in its place. fd is the directory, open.
 * tag is a file in it that shows that it was made for state. 0, or -errno after a message.
 */
int state_check_directory(const char *dir, int fd, const char *tag);

/* The same for a file in it, which is open. */
int state_check_file(const char *dir, const char *file, int fd);

#endif
