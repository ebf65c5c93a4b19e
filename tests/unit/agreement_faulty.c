// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine of the key agreement, compiled again with the switch for faults; tests link this instead of the loader's. */
#include "agreement_faulty.h"

int machine_fault = FAULT_NONE;

#include "agreement/machine.c"
#include "agreement/machine_adopt.c"
#include "agreement/machine_ask.c"
#include "agreement/machine_confirm.c"
#include "agreement/machine_initiation.c"
#include "agreement/machine_order.c"
#include "agreement/machine_response.c"
#include "agreement/machine_slots.c"
#include "agreement/machine_spi.c"
