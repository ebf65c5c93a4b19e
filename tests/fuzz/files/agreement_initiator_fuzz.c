// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzer of the key agreement: what comes to an end that asks. */
#include "agreement_side.h"

const struct agreement_fuzzer agreement_fuzzer = {
	.name = "agreement_initiator",
	.corpus = "tests/fuzz/files/corpus/agreement_initiator",
	.initiator = true,
};
