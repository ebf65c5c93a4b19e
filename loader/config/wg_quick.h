/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of wg-quick(8), and the configuration of a tunnel that is made of one. */
#ifndef XDPSEC_WG_QUICK_H
#define XDPSEC_WG_QUICK_H

#include "config/config.h"

/*
 * Read a file of wg-quick into *config, as the configuration of the instance name, whose tunnel's device has the
 * name tunnel. All mistakes are reported, as by config_read(); where the file has none, the result passes
 * config_check(), and only Device is missing. A warning, with the line, says what was not taken over, and the hint
 * what takes its place. 0, or the first -errno after a message. Free *config with config_free() in both cases.
 */
int wg_quick_read(struct config *config, const char *path, const char *name, const char *tunnel);

/* A text with secrets in it. */
struct wg_quick_text {
	char *bytes;
	size_t length, size;
	bool failed;
};

/* The configuration as a file of xdpsec. 0 or -ENOMEM after a message. */
int wg_quick_write(const struct config *config, struct wg_quick_text *text);
void wg_quick_wipe(struct wg_quick_text *text);

#endif
