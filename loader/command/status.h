/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of `status`: text and JSON. */
#ifndef XDPSEC_STATUS_H
#define XDPSEC_STATUS_H

#include "command/survey.h"

struct json_object;

/* Release it with json_object_put(). */
struct json_object *report_json(const struct report *report);
struct json_object *fault_json(const struct fault *fault);

/* place is the number of instances printed before. */
void report_print(const struct report *report, size_t place);
void fault_print(const struct fault *fault, size_t place);

/* The key agreement: of the instance if some peer has a public key, and of such a peer (status_agreement.c). */
void agreement_print(const struct report *report);
void agreement_print_peer(const struct peer_report *peer);
void agreement_add_json(struct json_object *object, const struct report *report);
void agreement_add_peer_json(struct json_object *peer_object, const struct peer_report *peer);

#endif
