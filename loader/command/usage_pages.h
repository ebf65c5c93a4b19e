/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of the help, one for each command. */
#ifndef XDPSEC_USAGE_PAGES_H
#define XDPSEC_USAGE_PAGES_H

/* The text of a page, without the synopsis and the options. Every command has one. */
const char *usage_page(const char *command);

#endif
