/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaching programs to devices: TC by TCX links, which live as long as their pin; XDP by libxdp, so that it
 * shares the device with other programs if the kernel allows it. A netkit device has rows of programs like those
 * of TCX, so in the names below "tcx" includes them.
 *
 * The maps that a program uses tell whose program it is. This also holds for the copy that libxdp loads as an
 * extension of its dispatcher, for a program attached by hand, and after a crash.
 */
#ifndef XDPSEC_ATTACH_H
#define XDPSEC_ATTACH_H

#include "config/config.h"
#include "plane/plane.h"

/* Attach the program, of which fd is one, to its hook (programs.h) on the device, and pin the link. 0, or -errno
 * after a message. */
int attach_tcx(const struct plane *plane, enum program program, int fd, const char *device,
	       unsigned int index);

/* The place where attach_tcx() attaches it, for messages: "TC ingress", "TC egress", "netkit". */
const char *tcx_hook_text(enum program program, unsigned int index);

/* Detach and unpin. No such pin is no error. */
int detach_tcx(const struct plane *plane, const char *name);

/* The device of the pinned link, 0 if the device is gone. -ENOENT without a message: no such pin. */
int attached_tcx(const struct plane *plane, enum program program, unsigned int *index);

/* Is the device of that link in this namespace? An index alone does not say. */
bool attached_tcx_here(const struct plane *plane, enum program program);

/* Is the program of that link at TCX ingress, or netkit, of this device, in this namespace? Then the link is on this
 * device, even if the device was renamed. */
bool carries_tcx(const struct plane *plane, enum program program, unsigned int index);

/* Is a program of this instance at TCX of that device; is one of any instance? */
bool tcx_uses_maps(const struct plane *plane, unsigned int index);
bool tcx_has_ours(unsigned int index);

/* Call each for every program at XDP of the device, until it returns other than 0. */
int xdp_each(unsigned int index, int (*each)(__u32 program, void *data), void *data);

/* Would attach_xdp() find a program beside which ours cannot run? -errno after a message. With a
 * dispatcher only an attempt tells. */
int attach_check(const struct config *config, unsigned int index, bool no_attach);

/*
 * Attach a copy of open, or of decapsulate, to XDP of the device. With XDP_MODE_CONFIG_AUTO, generic XDP is
 * used, with a warning, if the driver has no native XDP. The program keeps all maps of the plane alive, also
 * those that only user space uses, in case their pins are lost. *in_use gets an enum xdp_in_use. 0, or -errno
 * after a message.
 */
int attach_xdp(const struct plane *plane, const char *device, unsigned int index, enum xdp_mode asked,
	       __u8 *in_use);

/* Detach the instance's program, and no other. No such program is no error. */
int detach_xdp(const struct plane *plane, const char *device, unsigned int index);

struct xdp_attachment {
	enum xdp_in_use mode;
	bool dispatcher; /* by libxdp's dispatcher, which allows other programs beside it */
	int others;	 /* the dispatcher's other programs */
};

/* How the instance's program is attached to the device. */
struct xdp_attachment attached_xdp(const struct plane *plane, unsigned int index);

/* Print the commands that attach by hand, to standard output. */
void attach_print(const struct plane *plane, const struct instance *instance);

/* Does the program of this descriptor use a map of the instance? */
bool uses_maps(const struct plane *plane, int program);

/* The number of programs in the kernel that use the instance's maps. */
int programs_of(const struct plane *plane);

#endif
