/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs on devices. TC by TCX links, which live as long as their pin; XDP by libxdp, so that it shares the
 * device with others' programs where the kernel lets it.
 *
 * A program is known to be of an instance by the maps that it uses: that holds for the copy that libxdp loads
 * as an extension of its dispatcher, for what somebody attached by hand, and after a crash.
 */
#ifndef XDPSEC_ATTACH_H
#define XDPSEC_ATTACH_H

#include "config.h"
#include "plane.h"

/* Attach to TCX egress (else ingress) of the device and pin the link under links/ by that name. 0, or -errno
 * after a message. */
int attach_tcx(const struct plane *plane, int program, const char *device, unsigned int index, bool egress,
	       const char *name);

/* Detach and unpin. No such pin is no error. */
int detach_tcx(const struct plane *plane, const char *name);

/* The device that the pinned link is on: 0 when that is gone. -ENOENT without a message: no such pin. */
int attached_tcx(const struct plane *plane, const char *name, unsigned int *index);

/* Is the program of that link at TCX ingress of this device of this namespace? Then it is the one that the
 * link is on, whatever it is called by now. */
bool carries_tcx(const struct plane *plane, const char *name, unsigned int index);

/* Is a program of this instance at TCX of that device; is one of any instance? */
bool tcx_uses_maps(const struct plane *plane, unsigned int index);
bool tcx_has_ours(unsigned int index);

/* Call each for every program at XDP of the device, until it returns other than 0. */
int xdp_each(unsigned int index, int (*each)(__u32 program, void *data), void *data);

/* Would attach_xdp() find a program on the device beside which ours cannot be? -errno after a message. Of a
 * dispatcher only trying tells. */
int attach_check(const struct config *config, unsigned int index, bool no_attach);

/*
 * Attach a copy of open, or of decapsulate, to XDP of the device. With XDP_MODE_CONFIG_AUTO, generic XDP is
 * what is left when the driver has none, and a warning. The program keeps the maps of the plane, also those
 * that only user space uses, for when their pins are lost. *in_use gets an enum xdp_in_use. 0, or -errno
 * after a message.
 */
int attach_xdp(const struct plane *plane, const char *device, unsigned int index, enum xdp_mode asked,
	       __u8 *in_use);

/* Detach the instance's program, and no other. That there is none is no error. */
int detach_xdp(const struct plane *plane, const char *device, unsigned int index);

struct xdp_attachment {
	enum xdp_in_use mode;
	bool dispatcher; /* by libxdp's dispatcher, beside which others can come and go */
	int others;	 /* the dispatcher's other programs */
};

/* How the instance's program is attached to the device. */
struct xdp_attachment attached_xdp(const struct plane *plane, unsigned int index);

/* What is to be run to attach by hand, on standard output. */
void attach_print(const struct plane *plane, const struct instance *instance);

/* How many programs in the kernel use the instance's maps. */
int programs_of(const struct plane *plane);

#endif
