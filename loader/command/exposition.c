// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing metrics as OpenMetrics or Prometheus text. */
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "command/exposition.h"

/* The weight of an element, in thousandths: "q" among its parameters, 1 without it (RFC 9110, section 12.4.2). */
static unsigned int weight(const char *parameters)
{
	unsigned int value, unit = 1000;

	for (; *parameters && *parameters != ','; parameters++) {
		if (*parameters != ';')
			continue;
		parameters += strspn(parameters, "; \t");
		if (strncasecmp(parameters, "q=", 2) != 0) {
			parameters--;
			continue;
		}
		value = parameters[2] == '1' ? 1000 : 0;
		if (parameters[2] == '0' && parameters[3] == '.')
			for (parameters += 4; *parameters >= '0' && *parameters <= '9'; parameters++)
				value += (unsigned int)(*parameters - '0') * (unit /= 10);
		return value;
	}
	return 1000;
}

/* The greatest one of a media type; 0: it is not acceptable, or not named. */
static unsigned int weight_of(const char *accept, const char *type)
{
	unsigned int greatest = 0, one;
	size_t n;

	for (; *accept; accept += strcspn(accept, ",")) {
		accept += strspn(accept, ", \t");
		n = strcspn(accept, ";, \t");
		one = n == strlen(type) && strncasecmp(accept, type, n) == 0 ? weight(accept + n) : 0;
		greatest = one > greatest ? one : greatest;
	}
	return greatest;
}

enum exposition_format exposition_wanted(const char *accept)
{
	unsigned int wanted = accept ? weight_of(accept, "application/openmetrics-text") : 0;

	return wanted && wanted >= weight_of(accept, "text/plain") ? EXPOSITION_OPENMETRICS
								   : EXPOSITION_PROMETHEUS;
}

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
