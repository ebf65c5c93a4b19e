/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of the key agreement with a switch for the faults that a test builds into it. */
#ifndef XDPSEC_AGREEMENT_FAULTY_H
#define XDPSEC_AGREEMENT_FAULTY_H

extern int machine_fault;
#define MACHINE_FAULT(fault) (machine_fault == (fault))

#include "agreement/machine.h"

#endif
