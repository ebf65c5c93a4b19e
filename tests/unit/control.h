/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the key agreement, as far as the data plane looks at them (docs/agreement.md, messages). */
#ifndef XDPSEC_UNIT_CONTROL_H
#define XDPSEC_UNIT_CONTROL_H

#include "packet.h"

enum {
	CONTROL_INITIATION = 1,
	CONTROL_RESPONSE,
	CONTROL_COOKIE,
	CONTROL_CONFIRM,
	CONTROL_ACK,
	CONTROL_TYPES
};
enum { CONTROL_MAX = 176, CONTROL_SESSION = 0x51515151 };

/* The length of a message of this type. */
size_t control_length(int type);
/* Write one with this Session to bytes, which are CONTROL_MAX. Returns its length. */
size_t control_write(uint8_t *bytes, int type, uint32_t session);

#endif
