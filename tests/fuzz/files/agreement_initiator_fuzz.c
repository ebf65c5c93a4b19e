// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzer of the key agreement: what comes to an end that asks. */
#include "agreement_side.h"
#include "driver.h"

static void read_steps(const uint8_t *bytes, size_t n)
{
	agreement_side_run(true, bytes, n);
}

#ifdef LIBFUZZER
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	agreement_side_setup();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	read_steps(bytes, n);
	return 0;
}

void driver_fault(const char *what)
{
	(void)what;
	__builtin_trap();
}
#else
int main(int argc, char **argv)
{
	static const char *const words[] = { "\1\xb0",	 "\1\x70", "\1\x20", "\3\xff", "\4\1\1",
					     "\5\1\x10", "\6\xff", "\7\2",   NULL };
	static const struct file_fuzzer fuzzer = {
		.name = "agreement_initiator",
		.short_run = 600,
		.corpus = "tests/fuzz/files/corpus/agreement_initiator",
		.words = words,
		.setup = agreement_side_setup,
		.read = read_steps,
	};

	return driver_main(argc, argv, &fuzzer);
}
#endif
