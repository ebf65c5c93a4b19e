/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file: parsed, and checked as far as possible without asking the kernel. It names the files
 * of keys; PrivateKey and PresharedKey stand in it, if nobody else can read it.
 */
#ifndef XDPSEC_CONFIG_H
#define XDPSEC_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <net/if.h>
#include <limits.h>
#include <sys/stat.h>

#include "agreement/message.h"
#include "base/prefix.h"
#include "config/key.h"
#include "config/key32.h"
#include "config/mode.h"
#include "xdpsec/abi.h"

enum xdp_mode {
	XDP_MODE_CONFIG_AUTO,
	XDP_MODE_CONFIG_NATIVE,
	XDP_MODE_CONFIG_GENERIC,
	XDP_MODE_CONFIG_COUNT,
};

struct sa_config {
	unsigned int spi;
	char key_file[PATH_MAX];
	int spi_line, key_file_line; /* 0: not given */
};

/* The Rx SAs that a peer may have: one in use, and during a change of keys the next or the last one. */
#define PEER_RX 2
/* Its manual keys: 0 is Tx, the others are Rx. */
#define PEER_KEYS (1 + PEER_RX)

enum roaming {
	ROAMING_DEFAULT,
	ROAMING_YES,
	ROAMING_NO,
};

/* A source address of this host for packets to peers. */
struct source_config {
	unsigned char address[16]; /* as struct xdpsec_prefix.address */
	int line;		   /* 0: not given */
	const char *file;	   /* as that of a peer */
};

/* Suites of the key agreement: bits of enum suite. */
#define SUITES_MAX 4

/* Seconds after which a key is not used any more, whatever happens: the default. */
#define REJECT_AFTER 540

/* RFC 1035 section 2.3.4, as text and without the last dot. */
#define HOST_NAME_LEN 253

/* One for each family. */
enum { SOURCE_IPV4, SOURCE_IPV6, SOURCES };

/* A file that is not a configuration would have endless mistakes. */
#define CONFIG_MISTAKES_MAX 50

struct peer_config {
	char name[XDPSEC_NAME_LEN];
	const char *file; /* that of Include in which it is; NULL: the configuration itself */
	int line;	  /* of its [Peer] */
	struct xdpsec_prefix *prefixes;
	int *prefix_lines;
	size_t n_prefixes;
	struct xdpsec_ports ports[XDPSEC_MAX_PORT_RANGES]; /* sorted, merged; "all" is 0-65535 */
	size_t n_ports;
	char driver[64];	     /* "aes" unless Driver names one */
	enum xdpsec_binding binding; /* Bind, or the default of the mode */
	int binding_line;	     /* 0: not given */
	/* Manual keys. */
	size_t key_length;		  /* bytes, by Cipher: 16 or 32 */
	char cipher[32];		  /* the first of Cipher: "aes-128-ocb" */
	int cipher_line;		  /* 0: not given */
	struct sa_config tx, rx[PEER_RX]; /* a second Rx SA is optional */
	/* Agreed keys: PublicKey was given. */
	bool agreed;
	unsigned char public_key[KEY32_BYTES];
	int public_key_line;
	char psk_file[PATH_MAX]; /* empty: PresharedKey, or none */
	int psk_line;		 /* of PresharedKeyFile or PresharedKey; 0: none was given */
	unsigned char psk[KEY32_BYTES];
	bool has_psk;			  /* PresharedKey was given */
	unsigned char suites[SUITES_MAX]; /* bits, in order of preference */
	size_t n_suites;
	char endpoint_host[HOST_NAME_LEN + 1]; /* empty: Endpoint is an address, or was not given */
	unsigned int endpoint_port;	       /* with a name: its port */
	/* Tunnel mode. The prefixes are the AllowedIPs, and there are no ports. */
	struct xdpsec_location endpoint; /* known: it was given */
	int endpoint_line;
	enum roaming roaming;
	int roaming_line;
	bool roams;	 /* the result of Roaming, Endpoint and SourcePort */
	bool keeps_port; /* it may move, but not from the port of its Endpoint to a port chosen by flow */
	struct source_config sources[SOURCES]; /* those of [Interface], if it has none of its own */
	unsigned int keepalive;		       /* seconds; 0: off */
};

/* The mark of a tunnel's own packets if it has a default route and no FwMark: the value of wg-quick. */
#define FULL_TUNNEL_MARK 51820

/* ListenPort's default of earlier versions, that of IPsec behind NAT (RFC 3948). Peers may still have it as Endpoint. */
#define LISTEN_PORT_FORMER 4500
#define TUNNEL_ADDRESSES_MAX 16

/* The devices of FastPath. */
#define FAST_DEVICES_MAX (XDPSEC_FAST_DEVICES - 1)

/* RFC 791 section 3.1: every host must accept an IPv4 packet of this size, in fragments or whole. */
#define IPV4_MTU_MIN 576

/* [Interface] of tunnel mode. */
struct tunnel_config {
	char name[IF_NAMESIZE];
	int name_line;
	struct xdpsec_prefix addresses[TUNNEL_ADDRESSES_MAX]; /* with host bits */
	size_t n_addresses;
	unsigned int listen_port;
	unsigned int former_port; /* a second port on which packets are opened; 0: ListenPort was given */
	unsigned int mtu;	  /* 0: computed from the underlay's MTU */
	int mtu_line;
	bool listen_only; /* SourcePort = listen */
	bool dscp_fixed;
	unsigned char dscp;
	bool no_routes; /* Table = off */
	struct source_config sources[SOURCES];
	char fast[FAST_DEVICES_MAX][IF_NAMESIZE]; /* FastPath */
	size_t n_fast;
	int fast_line, fast_firewall_line;
	bool fast_no_firewall; /* FastPathFirewall = none */
	__u32 mark;	       /* FwMark or its default; 0: none */
	bool mark_given;
};

/* Commands of PostUp or PostDown. */
struct hooks {
	char **commands;
	size_t n;
};

#define HOOKS_MAX 64
#define HOOK_LEN 4000

/* One Include line, and how many files it has included. */
struct include {
	char *pattern;	  /* absolute */
	size_t directory; /* so many of its characters are the configuration's directory, and no pattern */
	int line;
	size_t n_files;
};

struct config_file {
	char *path;
	struct stat st; /* zeros: it could not be opened */
};

struct config {
	char name[XDPSEC_NAME_LEN]; /* the file's name without ".conf" */
	char path[PATH_MAX];	    /* absolute */
	char device[IF_NAMESIZE];
	int device_line;
	enum mode mode;
	int mode_line; /* 0: not given */
	enum xdp_mode xdp;
	struct tunnel_config tunnel;
	/* Key agreement. */
	bool agreed;			 /* some peer has a PublicKey */
	unsigned int listen_port;	 /* in both modes; in tunnel mode, that of the data as well */
	int listen_port_line;		 /* 0: not given */
	char private_key_file[PATH_MAX]; /* empty: PrivateKey, or none */
	int private_key_line;		 /* of PrivateKeyFile or PrivateKey; 0: none was given */
	unsigned char private_key[KEY32_BYTES];
	bool has_private_key;	   /* PrivateKey was given, or config_read_private_key() has read the file */
	unsigned int reject_after; /* seconds */
	int reject_after_line;
	bool idle_silent; /* Idle = silent: no new key while nothing is sent */
	int idle_line;
	unsigned char own_public_key[KEY32_BYTES]; /* by config_check_keys() */
	/* Inline mode: the groups to which protected ports may be sent in clear. */
	struct xdpsec_prefix clear_groups[XDPSEC_MAX_CLEAR_GROUPS];
	size_t n_clear_groups;
	struct hooks post_up, post_down;
	struct include *includes;
	size_t n_includes;
	struct config_file *files; /* in the order of the lines, and of their names */
	size_t n_files;
	struct peer_config *peers; /* those of the configuration itself, then those of the files */
	size_t n_peers;
	unsigned int mistakes; /* number of mistakes reported */
};

/*
 * Parse path (or /etc/xdpsec/NAME.conf, if it is only a name) and check it: unknown, missing and repeated
 * sections and keys; values; duplicate SPIs, names and prefixes; prefixes of a peer inside those of another
 * one that protect ports which the inner one does not. 0, or the first -errno after a message with file and
 * line for each mistake. *config then still has all values that are certain. Free it with config_free() in
 * both cases. Without a path there is no file.
 */
int config_read(struct config *config, const char *path);
void config_free(struct config *config);
/* A line of a file. Messages start with it: "PATH:LINE: KEY: ...". */
struct config_line {
	const char *path;
	int line;	 /* 0: not known */
	const char *key; /* NULL: the line as a whole */
};

/* One more command; 0, or -errno after a message. */
int hooks_add(struct hooks *hooks, const struct config_line *where, const char *command);
void hooks_free(struct hooks *hooks);
/* A part of config_free(). */
void config_free_includes(struct config *config);
/*
 * Add a peer with the defaults. *allocated is the number of peers that there is room for. path and line, where its
 * section begins, are for messages. 0, or -EINVAL (too many) or -ENOMEM after a message.
 */
int config_add_peer(struct config *config, size_t *allocated, const char *path, int line);
#define _cleanup_config_ __attribute__((cleanup(config_free)))

/*
 * Read every key once, and forget it. Checked are mode, length, that no two SAs share a key, and that no peer has the
 * public key of this site. fingerprints, unless NULL, has n_peers elements and gets the fingerprints of manual
 * keys; those of unreadable keys, and of agreed ones, are empty. All mistakes are reported, as above.
 */
int config_check_keys(struct config *config, char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX]);

/*
 * Read PrivateKeyFile into config->private_key, unless PrivateKey has set it. 0, or -errno after a message.
 * config_free() wipes it.
 */
int config_read_private_key(struct config *config);
void config_forget_private_key(struct config *config);
/* Wipe the keys of PresharedKey. Whoever needs them has copied them. */
void config_forget_psks(struct config *config);

/* The preshared key of a peer, from PresharedKeyFile or PresharedKey. 0, 1 if it has none, or -errno after a
 * message. Wipe it. */
int config_read_psk(const struct config *config, const struct peer_config *peer,
		    unsigned char psk[KEY32_BYTES]);

/* The file that NAME alone means. */
void config_usual_path(const char *name, char *path, size_t size);

/* The file that the peer's lines are in. */
const char *peer_path(const struct config *config, const struct peer_config *peer);

/* Its name in messages. If Name is missing or wrong, it has none. */
const char *peer_text(const struct peer_config *peer);

#define LINE_TEXT (PATH_MAX + 32)
/* "line 12": one of that peer; "line 12 of FILE", unless that is the file `here`. */
const char *line_text(const struct config *config, const char *here, const struct peer_config *peer, int line,
		      char text[LINE_TEXT]);

/* Count a reported mistake. True once there are too many to go on, which is reported as well. */
bool config_mistake(struct config *config);

/* Is NAME valid for an instance: letters, digits, "-" and "_", beginning with a letter or digit? */
bool instance_name_valid(const char *name);

/* "inline", "tunnel" */
const char *mode_text(enum mode mode);
/* "auto", "native", "generic" */
const char *xdp_mode_text(enum xdp_mode mode);
/* "aes-128-ocb"; "unknown" for other bits */
const char *suite_name(unsigned int suite);
/* The SA of one of the peer's PEER_KEYS keys. */
const struct sa_config *peer_sa(const struct peer_config *peer, size_t key);
/* "addresses", "ports", "none" */
const char *binding_text(enum xdpsec_binding binding);
/* Has a peer before that one the same Driver? */
bool config_has_driver_before(const struct config *config, size_t peer);

#endif
