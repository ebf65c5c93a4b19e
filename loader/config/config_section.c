// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which keys each section of the file has: those that it must have, those of the other mode, those that it has twice.
 * The mode decides, and may come later in the file, so sections are checked when all have been read.
 */
#include <errno.h>
#include <string.h>

#include "base/message.h"
#include "config/config_parser.h"

const char *const section_names[] = {
	[SECTION_NONE] = "(no section)",
	[SECTION_INTERFACE] = "[Interface]",
	[SECTION_PEER] = "[Peer]",
};

int parser_fail(struct parser *parser, int err)
{
	if (!err)
		return 0;
	parser->err = parser->err ?: err;
	if (err == -ENOMEM || config_mistake(parser->config))
		parser->ended = true;
	return err;
}

/* A mistyped key is not reported as missing, too. */
void section_take_as_given(const struct parser *parser, const char *name)
{
	if (parser->section == SECTION_NONE || parser->section == SECTION_REFUSED)
		return;
	for (size_t i = 0; i < n_settings; i++)
		if (settings[i].section == parser->section && !strcmp(settings[i].name, name))
			parser->sections[parser->n_sections - 1].lines[i] = parser->line;
}

int section_refuse_in_mode(const struct parser *parser, const struct setting *setting, const char *path,
			   int line)
{
	const struct config *config = parser->config;
	const struct config_line where = { path, line, setting->name };

	fail_at(&where, "only for Mode = %s; this is Mode = %s",
		mode_text(config->mode == MODE_INLINE ? MODE_TUNNEL : MODE_INLINE), mode_text(config->mode));
	hint("%s", setting_instead(setting));
	return -EINVAL;
}

/* A key that was given before. Some may be given twice. */
int section_refuse_again(const struct parser *parser, const struct config_line *where, size_t i)
{
	struct given *given = &parser->sections[parser->n_sections - 1];
	bool twice = settings[i].modes & TWICE;

	if (!twice || given->again[i])
		return fail_at(where, "given %s in this %s, first in line %d",
			       twice ? "three times" : "twice", section_names[parser->section],
			       given->lines[i]);
	given->again[i] = true;
	return 0;
}

/* Does the section have a key of this name or, if name is NULL, one of this presence? */
static bool has_setting(const struct given *given, enum presence presence, const char *name)
{
	for (size_t i = 0; i < n_settings; i++)
		if (given->lines[i] &&
		    (name ? !strcmp(settings[i].name, name) : settings[i].presence == presence))
			return true;
	return false;
}

/* A key that the section must have. */
static bool is_required(const struct given *given, const struct setting *setting)
{
	if (setting->presence == MANUAL)
		return has_setting(given, MANUAL, NULL) && !has_setting(given, MANUAL, "PublicKey");
	return setting->presence == REQUIRED || setting->presence == REPEATABLE;
}

/* A peer with PublicKey needs a private key in [Interface]. */
static void check_private_key(struct parser *parser, const struct given *given,
			      const struct config_line *where)
{
	const struct config *config = parser->config;
	const struct peer_config *peer = config->peers;
	char line[LINE_TEXT];

	if (!config->agreed || has_setting(given, OPTIONAL, "PrivateKeyFile") ||
	    has_setting(given, OPTIONAL, "PrivateKey"))
		return;
	while (!peer->agreed)
		peer++;
	parser_fail(parser, fail_at(where, "PrivateKeyFile is missing, and the peer in %s has PublicKey",
				    line_text(config, where->path, peer, peer->line, line)));
	hint("(umask 077; xdpsec genkey >/etc/xdpsec/%s.key), and PrivateKeyFile = %s.key", config->name,
	     config->name);
}

static void refuse_keyless(struct parser *parser, const struct config_line *where)
{
	parser_fail(parser, fail_at(where, "it has no keys: PublicKey is missing"));
	hint("PublicKey = what `xdpsec pubkey` prints at the other site; or manual keys: TxSpi, TxKeyFile, "
	     "RxSpi and RxKeyFile");
}

/* A file of wg-quick has a private key, and no Device. */
static void refuse_missing(struct parser *parser, const struct given *given, const struct setting *setting,
			   const struct config_line *where)
{
	parser_fail(parser, fail_at(where, "%s is missing", setting->name));
	if (strcmp(setting->name, "Device") != 0)
		return;
	if (has_setting(given, OPTIONAL, "PrivateKey"))
		hint("the device of the sealed packets; if this is a file of wg-quick: xdpsec import %s",
		     given->path);
	else
		hint("the device of the sealed packets, for example Device = eth0; `ip -br link` lists "
		     "devices");
}

/* Missing keys, and keys of the other mode. */
static void check_section(struct parser *parser, struct given *given)
{
	const struct config_line where = { given->path, given->line, section_names[given->section] };
	const struct setting *setting;
	unsigned int modes;

	for (size_t i = 0; i < n_settings && !parser->ended; i++) {
		if (!given->lines[i] || parser->mode_unknown ||
		    settings[i].modes & 1U << parser->config->mode)
			continue;
		parser_fail(parser,
			    section_refuse_in_mode(parser, &settings[i], given->path, given->lines[i]));
		given->misfit = true;
	}
	for (size_t i = 0; i < n_settings && !parser->ended; i++) {
		setting = &settings[i];
		modes = parser->mode_unknown || given->misfit ? ALWAYS : 1U << parser->config->mode;
		if (setting->section == given->section && (setting->modes & modes) == modes &&
		    !given->lines[i] && is_required(given, setting))
			refuse_missing(parser, given, setting, &where);
	}
	if (given->section == SECTION_INTERFACE && !parser->ended)
		check_private_key(parser, given, &where);
	if (given->section == SECTION_PEER && !parser->ended && !has_setting(given, MANUAL, NULL) &&
	    !has_setting(given, MANUAL, "PublicKey"))
		refuse_keyless(parser, &where);
}

/* A section with a mistyped name is not reported as missing, too. */
void sections_check(struct parser *parser)
{
	const char *missing = parser->refused		? NULL
			      : !parser->interface_line ? section_names[SECTION_INTERFACE]
			      : !parser->config->n_peers && !parser->config->n_includes
				      ? section_names[SECTION_PEER]
				      : NULL;

	parser->mode_unknown |= !parser->interface_line;
	if (missing) {
		parser_fail(parser, fail(EINVAL, "%s: no %s section", parser->config->path, missing));
		hint("xdpsec(8), EXAMPLES, has a complete file");
	}
	for (size_t i = 0; i < parser->n_sections && !parser->ended; i++)
		check_section(parser, &parser->sections[i]);
}
