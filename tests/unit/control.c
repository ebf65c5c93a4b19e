// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages in the right shape. Behind the header they are noise. */
#include "unit.h"
#include "control.h"

size_t control_length(int type)
{
	static const size_t lengths[CONTROL_TYPES] = { 0, 176, 112, 80, 32, 32 };

	assert_in_range(type, CONTROL_INITIATION, CONTROL_ACK);
	return lengths[type];
}

size_t control_write(uint8_t *bytes, int type, uint32_t session)
{
	fill_pattern(bytes, CONTROL_MAX, 0x636f + type);
	memset(bytes, 0, 16);
	bytes[4] = type;
	bytes[5] = 1;
	write32(bytes + 8, session);
	return control_length(type);
}
