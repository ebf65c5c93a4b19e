# SPDX-License-Identifier: GPL-2.0-or-later
#
# The laboratory: tests and benchmarks on stock kernels in QEMU (docs/laboratory.md). The Makefile of the tree includes
# this file.

# The same on a stock Debian kernel in a virtual machine: docs/laboratory.md. CMD goes there as it is, without make's
# $. KERNEL=6.12-debug: with KASAN and lockdep, built here. LATER_LIBXDP=1: with the libxdp of a later suite. MODULE=1:
# with the module of module/. All tests take four hours where they are emulated.
KERNEL ?= 6.12
DEBUG_KERNEL = $(if $(filter %-debug,$(KERNEL)),--debug-kernel)
VM_TIMEOUT ?= $(if $(value CMD)$(TESTS),$(if $(DEBUG_KERNEL),7200,1800),18000)
VM_RUN = tests/vm/run $(addprefix -a ,$(FOREIGN)) $(if $(LATER_LIBXDP),-l) $(if $(MODULE),-b) -k $(KERNEL) $(addprefix -c ,$(VM_CPUS)) -o $(OUTPUT)
VM_LIST = $(or $(TESTS),$(wildcard tests/netns/*.t) $(UNIT_TESTS) $(PACKET_FUZZERS))
# They unload modules that all the others use.
VM_ALONE = $(filter %/driver.t %/slow.t %/module.t,$(VM_LIST))
# Settings of tests that go there too. Those of the fast path run there always (make fast).
VM_SETTINGS = FAST=1 $(foreach name,CRASH_STEP CRASH_EVERY AGREE_REKEYS AGREE_RATE BULK_SECONDS,$(if $($(name)),$(name)=$($(name))))
vm-prove = $(if $(2),$(VM_SETTINGS) $(PROVE) --exec "" --timer --directives -j$(1) $(2),true)
VM_TESTS = $(call vm-prove,1,$(VM_ALONE)) && $(call vm-prove,2,$(filter-out $(VM_ALONE),$(VM_LIST)))
# The tests that CI has time for. On both kernels: those that depend on verifier and helpers. The agreement itself is
# arithmetic, which is the same on any kernel and takes five minutes in an emulated machine. On one of the two kernels:
# those that other machines may skip, and of the unit tests those of decisions that no helper has a part in.
VM_CI_TESTS ?= $(if $(FOREIGN),$(patsubst %,$(OUTPUT)/tests/unit/%_test,$(VM_CI_FOREIGN)),$(filter-out \
	$(addprefix $(OUTPUT)/tests/unit/,lengths_test replay_test agreement_% \
	$(addsuffix _test,$(VM_CI_NOT_$(KERNEL)))),$(UNIT_TESTS)) $(addprefix tests/netns/,$(VM_CI_NETNS_$(KERNEL))))
VM_CI_NOT_6.12 := destination foreign lifetime refused roaming sequence too_big tos tunnel_next
VM_CI_NOT_newest := displaced fragment group keepalive local near next path_learn pppoe quote
VM_CI_NETNS_6.12 := vlan.t
VM_CI_NETNS_newest := bond.t tunnel_vlan.t dispatcher.t
# Of another architecture: three minutes of those whose result could depend on it. The rest is the same BPF code, byte
# for byte.
VM_CI_FOREIGN := key ocb example seal open encapsulate decapsulate fragment sequence path_mtu control binding

# For another architecture, its Debian too, before make looks there for libraries.
VM_DEPS = scripts/install-deps --vm $(DEBUG_KERNEL) $(CROSS) $(if $(FOREIGN),&& VM_ARCH=$(FOREIGN) tests/vm/root $(OUTPUT)/vm >/dev/null)

.PHONY: vm vmtest vmmodule vmdkms vmsh vmcheck vmtest-ci
vm:
	$(Q)$(VM_DEPS)
	$(Q)$(MAKE) tests

vmtest: export VM_COMMAND = $(or $(value CMD),"$$XDPSEC" selftest && $(VM_TESTS))
vmtest: vm
	$(Q)$(VM_RUN) -t $(VM_TIMEOUT) "$$VM_COMMAND"

# The module for that kernel. What builds it is fetched first, 300 MB unpacked.
vmmodule:
	$(Q)scripts/install-deps --vm $(DEBUG_KERNEL)
	$(Q)tests/vm/module $(KERNEL) $(OUTPUT)

# dkms itself, on what module-dkms installs; no machine is started.
vmdkms:
	$(Q)scripts/install-deps --vm
	$(Q)tests/vm/dkms $(KERNEL) $(OUTPUT)

vmsh: vm
	$(Q)$(VM_RUN) -i -t 120

# The laboratory's own tests, on this side of the machine; with a debug kernel, that its complaints are heard.
vmcheck: vm
	$(Q)$(addprefix VM_ARCH=,$(FOREIGN)) KERNEL=$(KERNEL) OUTPUT=$(abspath $(OUTPUT)) $(PROVE) --exec '' --timer \
		$(if $(DEBUG_KERNEL),tests/vm/debug.t,$(filter-out tests/vm/debug.t,$(wildcard tests/vm/*.t)))

vmtest-ci: vm
	$(Q)$(if $(FOREIGN),,tests/vm/ci $(OUTPUT)) $(MAKE) vmtest-ci-kernel

# tests/vm/ci says which KERNEL.
.PHONY: vmtest-ci-kernel
vmtest-ci-kernel:
	$(Q)$(MAKE) vmtest TESTS='$(VM_CI_TESTS)'

# A machine that is saved while it seals, and restored: as a copy that its hypervisor tells, or does not.
.PHONY: vmsnapshot
vmsnapshot:
	$(Q)scripts/install-deps --vm
	$(Q)$(MAKE) all
	$(Q)KERNEL=$(KERNEL) XDPSEC=$(abspath $(OUTPUT)/xdpsec) OUTPUT=$(abspath $(OUTPUT)) $(PROVE) --exec '' --timer \
		--verbose tests/vm/snapshot

# The cost of packets on such a kernel, in instructions. ROWS=gateway measures gateways instead of hosts, with
# OFFLOADS="on off nic" and FAMILIES="4 6" all of them; PEERS="veth wireguard xdpsec@nic" some rows only, PROTOCOLS=udp
# and PAYLOADS=64 some columns; RUNS=1 is quick, MODULE=1 takes the module of module/, and PROFILE=1 says where they go.
.PHONY: vmbench
vmbench:
	$(Q)$(VM_DEPS)
	$(Q)$(MAKE) all $(BENCHES) $(METER)
	$(Q)OFFLOADS='$(OFFLOADS)' FAMILIES='$(FAMILIES)' PROTOCOLS='$(PROTOCOLS)' PAYLOADS='$(PAYLOADS)' bench/vmbench \
		$(addprefix -a ,$(FOREIGN)) -k $(KERNEL) -o $(OUTPUT) $(if $(PROFILE),-p) $(if $(MODULE),-b) $(if $(filter gateway,$(ROWS)),-g) -r $(or $(RUNS),2) $(PEERS)
