// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing metrics as OpenMetrics or Prometheus text. */
#include "base/utf8.h"
#include "command/exposition.h"

static const char *suffix(const struct family *family)
{
	switch (family->type) {
	case METRIC_COUNTER:
		return "_total";
	case METRIC_INFO:
		return "_info";
	default:
		return "";
	}
}

static const char *type_text(const struct exposition *exposition)
{
	switch (exposition->family->type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_INFO:
		/* The older format has no such type. */
		return exposition->format == EXPOSITION_OPENMETRICS ? "info" : "gauge";
	default:
		return "gauge";
	}
}

void exposition_family(struct exposition *exposition, const struct family *family)
{
	bool open_metrics = exposition->format == EXPOSITION_OPENMETRICS;
	const char *end = open_metrics ? "" : suffix(family);

	exposition->family = family;
	fprintf(exposition->out, "# HELP %s%s %s\n", family->name, end, family->help);
	fprintf(exposition->out, "# TYPE %s%s %s\n", family->name, end, type_text(exposition));
	if (open_metrics && family->unit)
		fprintf(exposition->out, "# UNIT %s %s\n", family->name, family->unit);
}

/* The name of a device may have any bytes, and one that is no UTF-8 would make all of the text invalid. */
static void put_value(FILE *out, const char *text)
{
	size_t n;

	for (; *text; text += n ?: 1) {
		n = utf8_length(text);
		if (!n)
			putc('?', out);
		else if (*text == '\n')
			fputs("\\n", out);
		else
			fprintf(out, "%s%.*s", *text == '\\' || *text == '"' ? "\\" : "", (int)n, text);
	}
}

static void put_name(const struct exposition *exposition, const struct label *labels)
{
	FILE *out = exposition->out;

	fprintf(out, "%s%s", exposition->family->name, suffix(exposition->family));
	for (const struct label *label = labels; label->name; label++) {
		fprintf(out, "%c%s=\"", label == labels ? '{' : ',', label->name);
		put_value(out, label->value);
		putc('"', out);
	}
	if (labels->name)
		putc('}', out);
}

void exposition_number(struct exposition *exposition, __u64 value, const struct label *labels)
{
	put_name(exposition, labels);
	fprintf(exposition->out, " %llu\n", value);
}

void exposition_ratio(struct exposition *exposition, double value, const struct label *labels)
{
	put_name(exposition, labels);
	fprintf(exposition->out, " %.9g\n", value);
}

void exposition_end(struct exposition *exposition)
{
	if (exposition->format == EXPOSITION_OPENMETRICS)
		fputs("# EOF\n", exposition->out);
}
