// SPDX-License-Identifier: GPL-2.0-or-later
/* Metrics as text: both formats, and values of labels that need care. The expected text is by the OpenMetrics
 * specification, and Prometheus' description of its text format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "command/exposition.h"

static const struct family counter = { "xdpsec_test_bytes", METRIC_COUNTER, "bytes", "A counter." };
static const struct family gauge = { "xdpsec_test_state", METRIC_GAUGE, NULL, "A gauge." };
static const struct family info = { "xdpsec_test", METRIC_INFO, NULL, "Words." };

static void write_all(struct exposition *exposition)
{
	exposition_family(exposition, &counter);
	exposition_number(exposition, 18446744073709551615ULL, LABELS({ "name", "a" }, { "peer", "b" }));
	exposition_family(exposition, &gauge);
	exposition_ratio(exposition, 0.5, NO_LABELS);
	exposition_family(exposition, &info);
	exposition_number(exposition, 1, LABELS({ "version", "1.0" }));
	exposition_end(exposition);
}

static void expect_text(enum exposition_format format, void (*write)(struct exposition *exposition),
			const char *wanted)
{
	struct exposition exposition = { .format = format };
	char *text = NULL;
	size_t length;

	exposition.out = open_memstream(&text, &length);
	assert_non_null(exposition.out);
	write(&exposition);
	fclose(exposition.out);
	assert_string_equal(text, wanted);
	free(text);
}

static void openmetrics(void **state)
{
	(void)state;
	expect_text(EXPOSITION_OPENMETRICS, write_all,
		    "# HELP xdpsec_test_bytes A counter.\n"
		    "# TYPE xdpsec_test_bytes counter\n"
		    "# UNIT xdpsec_test_bytes bytes\n"
		    "xdpsec_test_bytes_total{name=\"a\",peer=\"b\"} 18446744073709551615\n"
		    "# HELP xdpsec_test_state A gauge.\n"
		    "# TYPE xdpsec_test_state gauge\n"
		    "xdpsec_test_state 0.5\n"
		    "# HELP xdpsec_test Words.\n"
		    "# TYPE xdpsec_test info\n"
		    "xdpsec_test_info{version=\"1.0\"} 1\n"
		    "# EOF\n");
}

static void prometheus(void **state)
{
	(void)state;
	expect_text(EXPOSITION_PROMETHEUS, write_all,
		    "# HELP xdpsec_test_bytes_total A counter.\n"
		    "# TYPE xdpsec_test_bytes_total counter\n"
		    "xdpsec_test_bytes_total{name=\"a\",peer=\"b\"} 18446744073709551615\n"
		    "# HELP xdpsec_test_state A gauge.\n"
		    "# TYPE xdpsec_test_state gauge\n"
		    "xdpsec_test_state 0.5\n"
		    "# HELP xdpsec_test_info Words.\n"
		    "# TYPE xdpsec_test_info gauge\n"
		    "xdpsec_test_info{version=\"1.0\"} 1\n");
}

static const char *value;

static void write_value(struct exposition *exposition)
{
	exposition->family = &gauge;
	exposition_number(exposition, 1, LABELS({ "name", value }));
}

static void expect_label(const char *given, const char *wanted)
{
	char line[128];

	value = given;
	snprintf(line, sizeof(line), "xdpsec_test_state{name=\"%s\"} 1\n", wanted);
	expect_text(EXPOSITION_OPENMETRICS, write_value, line);
}

static void escapes(void **state)
{
	(void)state;
	expect_label("", "");
	expect_label("a\"b", "a\\\"b");
	expect_label("a\\b", "a\\\\b");
	expect_label("a\nb", "a\\nb");
}

/* Two, three and four bytes; then what Unicode's table 3-7 excludes. */
static void utf8(void **state)
{
	static const char *const valid[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x92", "\xef\xbf\xbd" };

	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		expect_label(valid[i], valid[i]);
	expect_label("\xff"
		     "a",
		     "?a");
	expect_label("a\xc3", "a?");
	expect_label("\xe2\x82", "??");
	expect_label("\xc0\xaf", "??");
	expect_label("\xe0\x80\xaf", "???");
	expect_label("\xed\xa0\x80", "???");
	expect_label("\xf4\x90\x80\x80", "????");
	expect_label("\x80\"", "?\\\"");
}

/* The headers of Prometheus since 2.5, 2.49 and 3.0; then those of RFC 9110, section 12.5.1. */
static void accept(void **state)
{
	static const char *const openmetrics[] = {
		"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
		"text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
		"application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
		"text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		"Application/OpenMetrics-Text",
		"text/plain ; q=0.5 , application/openmetrics-text ; Q=1.000",
		"text/plain;q=0.999,application/openmetrics-text;q=1",
	}, *const text[] = {
		NULL, "", "*/*", "text/html", "application/openmetrics-texts", ",;,", "q=1",
		"text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
		"application/openmetrics-text;q=0", "application/openmetrics-text; q=0.000, text/plain;q=0",
		"text/plain, application/openmetrics-text;q=0.999",
		"text/plain;x=application/openmetrics-text",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(openmetrics) / sizeof(openmetrics[0]); i++)
		assert_int_equal(exposition_wanted(openmetrics[i]), EXPOSITION_OPENMETRICS);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		assert_int_equal(exposition_wanted(text[i]), EXPOSITION_PROMETHEUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openmetrics), cmocka_unit_test(prometheus), cmocka_unit_test(escapes),
		cmocka_unit_test(utf8),	       cmocka_unit_test(accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
