/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON on standard output: the form of all commands with --json. */
#ifndef XDPSEC_JSON_OUTPUT_H
#define XDPSEC_JSON_OUTPUT_H

struct json_object;

/* Print the object, and release it. */
void json_output(struct json_object *object);

/* NULL is null. */
void json_add_text(struct json_object *object, const char *name, const char *text);
void json_add_number(struct json_object *object, const char *name, unsigned long long number);

/* The errors, or the warnings, of messages_keep(): with file and line where they begin with them. */
struct json_object *json_messages(int are_warnings);

#endif
