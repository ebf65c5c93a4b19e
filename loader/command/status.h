/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of `status`: text and JSON. */
#ifndef XDPSEC_STATUS_H
#define XDPSEC_STATUS_H

#include "command/commands.h"
#include "command/survey.h"

struct json_object;

/* Release it with json_object_put(). */
struct json_object *report_json(const struct report *report);
struct json_object *peer_json(const struct report *report, const struct peer_report *peer);
struct json_object *fault_json(const struct fault *fault);

/* The number of peers from which on there is a table instead of all that is known of each. */
#define STATUS_TABLE_FROM 5

/* The part of an instance that is printed. */
enum view {
	VIEW_DEFAULT, /* many peers as a table */
	VIEW_WHOLE,
	VIEW_PEER, /* the warnings, and one peer */
};

/* place is the number of instances printed before; peer: that of VIEW_PEER. */
void report_print(const struct report *report, size_t place, enum view view, const struct peer_report *peer);
void fault_print(const struct fault *fault, size_t place);

/* In status_table.c */
void peers_print_table(const struct report *report);

/* show() again and again, until a signal comes (status_watch.c). 0, or what show() has returned if that is negative. */
int status_watch(const struct options *options, int (*show)(const struct options *options));

/* "1.50 MiB", "never", "5 min ago" */
const char *bytes_text(__u64 bytes, char *text, size_t size);
const char *ago_text(__u64 since_epoch, char *text, size_t size);
const char *seconds_ago_text(__u64 seconds, char *text, size_t size);

/* The key agreement: of the instance if some peer has a public key, and of such a peer (status_agreement.c). */
void agreement_print(const struct report *report);
void agreement_print_peer(const struct peer_report *peer);
void agreement_add_json(struct json_object *object, const struct report *report);
void agreement_add_peer_json(struct json_object *peer_object, const struct peer_report *peer);

#endif
