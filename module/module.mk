# SPDX-License-Identifier: GPL-2.0-or-later
#
# The optional kernel module (docs/module.md). The Makefile of the tree includes this file.

KERNELDIR ?= /lib/modules/$(shell uname -r)/build
MODULE_BUILD := $(OUTPUT)/module
MODULE_SOURCES := Kbuild Makefile bpf_crypto_bulk.c
MODULE_VERSION := $(shell cat VERSION)
# Where DKMS looks, whatever PREFIX is.
DKMSDIR ?= /usr/src
MODULESLOADDIR ?= $(PREFIX)/lib/modules-load.d

.PHONY: module module-install module-dkms
# Kbuild writes beside its sources, so it gets copies.
module: $(addprefix $(MODULE_BUILD)/,$(MODULE_SOURCES))
	$(Q)[ -e '$(KERNELDIR)/Makefile' ] || { \
		echo 'make: $(KERNELDIR): no headers of a kernel' >&2; \
		echo 'hint: apt-get install linux-headers-$(shell uname -r), or KERNELDIR=DIR for another kernel' >&2; \
		exit 1; }
	$(Q)$(MAKE) -C $(KERNELDIR) M=$(abspath $(MODULE_BUILD)) modules

$(MODULE_BUILD)/%: module/%
	@mkdir -p $(@D)
	@cp $< $@

# This kernel's: INSTALL_MOD_PATH is Kbuild's DESTDIR.
module-install: module
	$(Q)$(MAKE) -C $(KERNELDIR) M=$(abspath $(MODULE_BUILD)) INSTALL_MOD_PATH=$(DESTDIR) modules_install
	$(Q)$(INSTALL) -D -m 0644 module/bpf_crypto_bulk.conf $(DESTDIR)$(MODULESLOADDIR)/bpf_crypto_bulk.conf

# The sources, for `dkms install bpf-crypto-bulk/VERSION`, which builds it for each kernel.
DKMS_TREE = $(DESTDIR)$(DKMSDIR)/bpf-crypto-bulk-$(MODULE_VERSION)
module-dkms:
	$(Q)$(INSTALL) -d -m 0755 $(DKMS_TREE)
	$(Q)$(INSTALL) -m 0644 $(addprefix module/,$(MODULE_SOURCES)) $(DKMS_TREE)/
	$(Q)sed 's|@VERSION@|$(MODULE_VERSION)|' module/dkms.conf.in >$(DKMS_TREE)/dkms.conf
	$(Q)chmod 0644 $(DKMS_TREE)/dkms.conf
	$(Q)$(INSTALL) -D -m 0644 module/bpf_crypto_bulk.conf $(DESTDIR)$(MODULESLOADDIR)/bpf_crypto_bulk.conf
	@echo 'next: dkms install bpf-crypto-bulk/$(MODULE_VERSION)'
