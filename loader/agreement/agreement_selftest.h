/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Self-test of the key agreement's cryptography, at each start of an agent. */
#ifndef XDPSEC_AGREEMENT_SELFTEST_H
#define XDPSEC_AGREEMENT_SELFTEST_H

/*
 * A published vector of the Noise pattern, and one handshake with itself, a flipped bit refused. Calls
 * primitive_setup(). 0; -EBADMSG: a result is wrong; -ENOTSUP, -EIO: libcrypto fails. *what names the step that failed
 * (may be NULL). Prints nothing; about 1 ms.
 */
int agreement_selftest(const char **what);

#endif
