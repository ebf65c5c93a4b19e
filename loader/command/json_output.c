// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON on standard output: the form of all commands with --json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/utf8.h"
#include "command/json_output.h"

/* RFC 8259, section 8.1: JSON is UTF-8. What is not UTF-8 becomes U+FFFD, which may be three times as long. */
static struct json_object *text_json(const char *text, size_t length)
{
	static const char replacement[] = "\xef\xbf\xbd";
	_cleanup_free_ char *valid = malloc(length * (sizeof(replacement) - 1) + 1);
	size_t done = 0, n;
	char *end = valid;

	while (valid && done < length) {
		n = utf8_length(text + done);
		end = n ? mempcpy(end, text + done, n) : stpcpy(end, replacement);
		done += n ?: 1;
	}
	return valid ? json_object_new_string_len(valid, (int)(end - valid)) : NULL;
}

void json_output(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object,
					    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

void json_add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, text && text[0] ? text_json(text, strlen(text)) : NULL);
}

void json_add_number(struct json_object *object, const char *name, unsigned long long number)
{
	json_object_object_add(object, name, json_object_new_uint64(number));
}

void json_add_known(struct json_object *object, const char *name, bool known, unsigned long long number)
{
	json_object_object_add(object, name, known ? json_object_new_uint64(number) : NULL);
}

void json_add_bool(struct json_object *object, const char *name, bool value)
{
	json_object_object_add(object, name, json_object_new_boolean(value));
}

void json_append_text(struct json_object *array, const char *text)
{
	json_object_array_add(array, text_json(text, strlen(text)));
}

/* "FILE:7: Ports: ..." has a file and a line, all after them is the text. */
static struct json_object *message_json(const struct message *message)
{
	struct json_object *object = json_object_new_object();
	const char *text = message->text, *colon = text[0] == '/' ? strchr(text, ':') : NULL;
	unsigned int line;
	int end = 0;

	if (colon && sscanf(colon, ":%u: %n", &line, &end) == 1 && end) {
		json_object_object_add(object, "file", text_json(text, colon - text));
		json_add_number(object, "line", line);
		text = colon + end;
	}
	json_add_text(object, "text", text);
	json_add_text(object, "hint", message->hint);
	return object;
}

struct json_object *json_messages(bool are_warnings)
{
	struct json_object *array = json_object_new_array();
	size_t n;
	const struct message *messages = messages_kept(&n);

	for (size_t i = 0; i < n; i++)
		if (messages[i].is_warning == are_warnings)
			json_object_array_add(array, message_json(&messages[i]));
	return array;
}
