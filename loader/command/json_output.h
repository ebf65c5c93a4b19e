/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON on standard output: the form of all commands with --json. */
#ifndef XDPSEC_JSON_OUTPUT_H
#define XDPSEC_JSON_OUTPUT_H

#include <stdbool.h>

struct json_object;

/* Print the object, and release it. */
void json_output(struct json_object *object);

/* Add a member, or an element. A text that is NULL or empty is null, and so is a number that is not known. */
void json_add_text(struct json_object *object, const char *name, const char *text);
void json_add_number(struct json_object *object, const char *name, unsigned long long number);
void json_add_known(struct json_object *object, const char *name, bool known, unsigned long long number);
void json_add_bool(struct json_object *object, const char *name, bool value);
void json_append_text(struct json_object *array, const char *text);

/* The errors, or the warnings, of messages_keep(): with file and line where they begin with them. */
struct json_object *json_messages(bool are_warnings);

#endif
