// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzer of the key agreement: what comes to an end that answers. */
#include "agreement_side.h"

const struct agreement_fuzzer agreement_fuzzer = {
	.name = "agreement_responder",
	.corpus = "tests/fuzz/files/corpus/agreement_responder",
	.initiator = false,
};
