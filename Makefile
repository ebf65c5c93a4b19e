# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make help` lists the targets. Everything that is built goes to $(OUTPUT); V=1 shows the commands.

# SANITIZE=1: user space code with AddressSanitizer and UndefinedBehaviorSanitizer, in a directory of its own.
SANITIZE ?=
# ARCH=arm64: for machines of another architecture (Debian's name), in a directory of its own (docs/laboratory.md).
FOREIGN := $(if $(filter command%,$(origin ARCH)),$(filter-out $(shell dpkg --print-architecture 2>/dev/null),$(ARCH)))
OUTPUT ?= $(if $(FOREIGN),.output/$(FOREIGN),$(if $(filter 1,$(SANITIZE)),.output/sanitized,.output))
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share
SYSCONFDIR ?= /etc
DESTDIR ?=

# `make check TESTS=tests/netns/udp.t` runs one file; JOBS says how many run at a time.
JOBS ?= $(shell nproc)
TESTS ?=

# CROSS_COMPILE=aarch64-linux-gnu- takes compiler and pkg-config with that prefix. ARCH= sets it, and takes headers and
# libraries from a Debian of that architecture, which tests/vm/root fetches.
TRIPLET_amd64 := x86_64-linux-gnu
TRIPLET_arm64 := aarch64-linux-gnu
ifneq ($(FOREIGN),)
TRIPLET := $(or $(TRIPLET_$(FOREIGN)),$(error ARCH=$(FOREIGN): the tree knows $(patsubst TRIPLET_%,%,$(filter TRIPLET_%,$(.VARIABLES)))))
CROSS_COMPILE ?= $(TRIPLET)-
SYSROOT ?= $(abspath $(OUTPUT))/vm/root
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig pkg-config
endif
ifneq ($(CROSS_COMPILE),)
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc$(if $(SYSROOT), --sysroot=$(SYSROOT))
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
PKG_CONFIG ?= $(CROSS_COMPILE)pkg-config
endif
PKG_CONFIG ?= pkg-config
INSTALL ?= install
PROVE ?= prove
CLANG_FORMAT ?= $(call first-of,clang-format-19 clang-format)
CLANG_TIDY ?= $(call first-of,clang-tidy-19 clang-tidy)
CPPCHECK ?= cppcheck
SHELLCHECK ?= shellcheck

# The directories that users' PATH may lack, and where Debian puts bpftool.
export PATH := $(PATH):/usr/sbin:/sbin

# Before 4.4 make does not give what it exports to $(shell).
first-of = $(firstword $(foreach name,$(1),$(if $(shell PATH='$(PATH)' command -v $(name)),$(name))))

# clang 14 accepts the kptr type tag and loses it; 16 is the first that keeps it in BTF.
CLANG_MAJOR = $(shell $(1) -dumpversion 2>/dev/null | cut -d. -f1)
ifeq ($(origin CLANG),undefined)
CLANG := $(strip $(firstword $(foreach name,clang-19 clang,\
	$(if $(shell test "0$(call CLANG_MAJOR,$(name))" -ge 16 && echo yes),$(name)))))
endif
LLVM_STRIP ?= $(call first-of,$(patsubst clang%,llvm-strip%,$(notdir $(CLANG))) llvm-strip-19 llvm-strip)
BPFTOOL ?= $(call first-of,bpftool)

PACKAGES := libbpf libxdp libmnl inih json-c libcrypto libseccomp smartcols

# `xdpsec metrics --listen` needs the header of libmicrohttpd; the library is loaded when it is used.
MICROHTTPD := $(shell $(PKG_CONFIG) --exists libmicrohttpd 2>/dev/null && echo -DXDPSEC_HAVE_MICROHTTPD)

# The version of a checkout is VERSION and the commit; that of an archive, which has no history, VERSION.
GIT_SUFFIX := $(shell git -C $(CURDIR) describe --match=NONE --always --dirty 2>/dev/null)
VERSION := $(shell cat VERSION)$(if $(GIT_SUFFIX),+g$(GIT_SUFFIX))

ifeq ($(V),1)
Q :=
say :=
else
Q := @
say = @printf '  %-7s %s\n' $(1) $(patsubst $(OUTPUT)/%,%,$@);
MAKEFLAGS += --no-print-directory
endif

# ---- flags -------------------------------------------------------------------------------------------

CFLAGS ?= -O2 -g
SANITIZE_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(SANITIZE),1)
override CFLAGS += $(SANITIZE_FLAGS)
endif
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef \
	-Wnull-dereference -Wlogical-op $(if $(filter 1,$(WERROR)),-Werror)
# No path of the build machine goes into the results, wherever OUTPUT is.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(CURDIR)=. \
	$(if $(filter-out $(CURDIR)/%,$(abspath $(OUTPUT))),-ffile-prefix-map=$(abspath $(OUTPUT))=.output)
DEPENDENCIES = -MMD -MP -MF $@.d

package-cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
package-libs = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)

USER_CFLAGS := -std=gnu11 $(WARNINGS) $(PREFIX_MAP) -D_GNU_SOURCE -Iinclude -Iloader -I$(OUTPUT) \
	$(call package-cflags,$(PACKAGES)) \
	-DXDPSEC_LIBDIR='"$(LIBDIR)/xdpsec"' $(MICROHTTPD)
# Functions are bound at the start: whatever binds them at their first call (_dl_runtime_resolve) saves the vector
# registers on the stack, and bytes of keys with them.
USER_LIBS := -Wl,-z,relro,-z,now $(call package-libs,$(PACKAGES))

# clang for the BPF target does not look where Debian has <asm/types.h>; gcc and clang for this machine do.
ASM_TYPES := $(filter %/asm/types.h,$(shell $(CC) -M -include asm/types.h -x c /dev/null 2>/dev/null))
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror $(PREFIX_MAP) -Iinclude -Iloader \
	$(patsubst %/asm/types.h,-idirafter %,$(ASM_TYPES))

# ---- what there is -----------------------------------------------------------------------------------

BPF_SOURCES := $(wildcard tc/*.bpf.c xdp/*.bpf.c loader/plane/*.bpf.c tests/unit/*.bpf.c tests/netns/lib/*.bpf.c bench/*.bpf.c)
BPF_OBJECTS := $(patsubst %.c,$(OUTPUT)/%.o,$(notdir $(BPF_SOURCES)))
SKELETONS := $(BPF_OBJECTS:.bpf.o=.skel.h)
INSTALLED_OBJECTS := $(patsubst %.c,$(OUTPUT)/%.o,$(notdir $(filter-out %_next.bpf.c %_fast.bpf.c %/fast_encapsulate.bpf.c %/near.bpf.c,$(wildcard tc/*.bpf.c xdp/*.bpf.c))))

c-sources = $(filter-out %.bpf.c,$(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(OUTPUT)/%.o,$(1))

# The floors of loader/ and their order are in scripts/floors.
LOADER_SOURCES := $(call c-sources,loader) $(call c-sources,loader/*)
LOADER_OBJECTS := $(call objects,$(LOADER_SOURCES))
LIBRARY_OBJECTS := $(filter-out $(OUTPUT)/loader/main.o,$(LOADER_OBJECTS))
LIBRARY := $(OUTPUT)/loader/loader.a

UNIT_SOURCES := $(wildcard tests/unit/*_test.c)
UNIT_TESTS := $(patsubst %.c,$(OUTPUT)/%,$(UNIT_SOURCES))
UNIT_HELPERS := $(call objects,$(filter-out $(UNIT_SOURCES),$(call c-sources,tests/unit)))

# Fuzzers of the data plane, and of the files that the loader reads. The latter have their own objects of the loader,
# with sanitizers.
PACKET_FUZZERS := $(patsubst %.c,$(OUTPUT)/%,$(wildcard tests/fuzz/packets/*_fuzz.c))
FILE_FUZZERS := $(patsubst %.c,$(OUTPUT)/%,$(wildcard tests/fuzz/files/*_fuzz.c))
FUZZERS := $(PACKET_FUZZERS) $(FILE_FUZZERS)
PACKET_FUZZ_HELPERS := $(call objects,$(filter-out %_fuzz.c,$(call c-sources,tests/fuzz) $(call c-sources,tests/fuzz/packets)))

# The sources that read files, built for the fuzzers: with sanitizers, and with coverage of the fuzzed code.
FUZZED := $(wildcard loader/config/*.c loader/agreement/*.c loader/base/line.c loader/base/prefix.c loader/base/message.c loader/base/similar.c loader/base/owner.c loader/plane/state.c loader/plane/state_owner.c loader/plane/key_use.c)
FUZZED_OBJECTS := $(patsubst %.c,$(OUTPUT)/fuzzed/%.o,$(FUZZED))
FILE_FUZZ_HELPERS := $(patsubst %.c,$(OUTPUT)/fuzzed/%.o,\
	$(filter-out %_fuzz.c %/agreement_side.c,$(call c-sources,tests/fuzz) $(call c-sources,tests/fuzz/files)))
AGREEMENT_FUZZERS := $(filter $(OUTPUT)/tests/fuzz/files/agreement_%,$(FILE_FUZZERS))
AGREEMENT_FUZZ_HELPER := $(OUTPUT)/fuzzed/tests/fuzz/files/agreement_side.o
FILE_FUZZ_OBJECTS := $(patsubst $(OUTPUT)/%,$(OUTPUT)/fuzzed/%.o,$(FILE_FUZZERS)) $(FILE_FUZZ_HELPERS) \
	$(AGREEMENT_FUZZ_HELPER)

BENCHES := $(patsubst %.c,$(OUTPUT)/%,$(call c-sources,bench))

# Only these are compiled again when the version changes.
VERSIONED_OBJECTS := $(call objects,$(shell grep -ls XDPSEC_VERSION loader/base/*.c))

BENCH_HELPERS := $(call objects,$(call c-sources,bench/plane))
METER := $(OUTPUT)/bench/path/meter
SOAK := $(OUTPUT)/tests/soak/traffic
# The spokes of a hub, and who floods it.
HUB_TOOLS := $(addprefix $(OUTPUT)/tests/hub/,spokes flood)
HUB_HELPERS := $(OUTPUT)/tests/hub/spoke.o

C_OBJECTS := $(LOADER_OBJECTS) $(UNIT_TESTS:=.o) $(UNIT_HELPERS) $(PACKET_FUZZERS:=.o) $(PACKET_FUZZ_HELPERS) \
	$(FUZZED_OBJECTS) $(FILE_FUZZ_OBJECTS) $(BENCHES:=.o) $(BENCH_HELPERS) $(METER).o \
	$(SOAK).o $(HUB_TOOLS:=.o) $(HUB_HELPERS)

# ---- targets -----------------------------------------------------------------------------------------

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all tests check bench bench-core demo install uninstall format lint deps help clean requirements FORCE

all: $(OUTPUT)/xdpsec $(BPF_OBJECTS)

tests: all $(UNIT_TESTS) $(FUZZERS)

help:
	@printf '%s\n' \
	'make                 the loader (xdpsec) and the BPF objects' \
	'make check           all tests (root); TESTS="tests/netns/udp.t" runs some; DEPS=no installs nothing' \
	'make check SANITIZE=1   those that need no BPF, with AddressSanitizer and UBSan' \
	'make fuzz            the fuzzers (root); FUZZ_SECONDS=60, FUZZ_PACKETS=, FUZZ_FILES=, SEED=, TESTS=' \
	'make soak            traffic while keys, agents, configurations and links change (root); SOAK_PACKETS=, SEED=' \
	'make monitoring      metrics, alerts and dashboard, by promtool and systemd (root)' \
	'make hub             a hub with 1000 peers reboots, and is flooded (root); HUB_PEERS=, HUB_RATE=' \
	'make beside          beside keepalived, NetworkManager and Ansible, which it installs (root)' \
	'make diagnose-check  all faults that xdpsec diagnose has to name, also those that take a wait (root)' \
	'make fast            the fast path of gateways, whose tests take minutes (root)' \
	'make libfuzzer       those of the key agreement as libFuzzer harnesses, in $(OUTPUT)/libfuzzer' \
	'make vmtest          the tests on a stock kernel in QEMU; KERNEL=6.12, 7.3, newest, 6.12-debug; TESTS= or CMD=' \
	'make vmsh            a shell there, with two sites; KERNEL=' \
	'make vmcheck         the tests of the laboratory itself' \
	'make vmsnapshot      a machine is restored from a snapshot while it seals (root); KERNEL=' \
	'make vmtest-ci       what CI runs of all this, on 6.12 and the newest kernel' \
	'make TARGET ARCH=arm64   all, tests, deps, vmtest, vmtest-ci, vmsh, vmcheck, vmbench for that architecture, in $(OUTPUT)/arm64' \
	'make vmmodule        the optional kernel module for such a kernel; MODULE=1 loads it in the targets vm*' \
	'make vmdkms          dkms builds, installs and removes it for such a kernel' \
	'make vmbench         instructions a packet there, beside WireGuard and XFRM; KERNEL=, ROWS=gateway, PEERS=, RUNS=, PROFILE=, MODULE=' \
	'make plots           pictures of bench/results, and of the way of a packet, as SVG in docs/pictures' \
	'make module          the optional kernel module (docs/module.md), for this kernel; KERNELDIR=' \
	'make module-install  it, for this kernel; module-dkms: its sources, for DKMS' \
	'make model           the models of key agreement, by SPIN; MODEL=quick, full' \
	'make demo            two sites, VXLAN between them, in clear and sealed (root)' \
	'make bench           all benchmarks (root)' \
	'make bench-core      seal and open beside a bare bpf_crypto_encrypt (root)' \
	'make bench-processors    seal and open with one SA by one processor and by all (root); BENCH_ARGS=' \
	'make bench-agreement handshakes a second, on one core' \
	'make bench-pktgen    DEVICE=eth0: packets of pktgen through an instance that is up (root); BENCH_ARGS=-h' \
	'make lint            formatting and static checks' \
	'make tidy            clang-tidy over the loader, and the licences of all files by reuse' \
	'make coverage        which lines of the loader the tests run (root); the report is in $(OUTPUT)/coverage' \
	'make format          format the sources in place' \
	'make deps            install what building and testing needs (root, apt-get)' \
	'make deb             Debian packages of this tree, in $(OUTPUT)/deb; RELEASE=trixie (root), ARCH=arm64' \
	'make deb-check       builds them twice, and tries them in clean roots (root); RELEASES="bookworm trixie", MODULE=1, ARCH=arm64' \
	'make install         DESTDIR=, PREFIX=/usr/local, SBINDIR=, LIBDIR=' \
	'make uninstall       the same variables; keeps $(SYSCONFDIR)/xdpsec' \
	'make clean           remove $(OUTPUT)' \
	'' \
	'V=1 shows the commands, WERROR=1 makes warnings errors, OUTPUT=DIR builds there,' \
	'CLANG=clang-19 is the compiler for BPF (16 or later).'

deps:
	$(Q)scripts/install-deps $(CROSS)
	$(Q)$(if $(FOREIGN),VM_ARCH=$(FOREIGN) tests/vm/root $(OUTPUT)/vm >/dev/null)

# What building for another architecture needs beside that.
CROSS = $(if $(FOREIGN),--cross $(FOREIGN))

# Names the missing packages instead of failing in the middle.
missing-package = $(foreach name,$(1),$(if $(shell $(PKG_CONFIG) --exists $(name) 2>/dev/null && echo yes),,$(name)))
MISSING = $(if $(call first-of,$(firstword $(CC))),,$(CC)) $(if $(CLANG),,clang>=16) \
	$(if $(LLVM_STRIP),,llvm-strip) $(if $(BPFTOOL),,bpftool) \
	$(if $(call first-of,$(lastword $(PKG_CONFIG))),$(call missing-package,$(PACKAGES)),$(lastword $(PKG_CONFIG)))

requirements:
	@missing='$(strip $(MISSING))'; if [ -n "$$missing" ]; then \
		echo "make: missing: $$missing" >&2; \
		echo "hint: 'sudo make deps$(if $(FOREIGN), ARCH=$(FOREIGN))' installs what is needed on Debian" >&2; \
		exit 1; fi

FORCE:

# Everything depends on the flags: a change rebuilds it.
FLAGS = $(CC) $(CFLAGS) $(CPPFLAGS) $(USER_CFLAGS) $(SANITIZE_FLAGS) $(LDFLAGS) $(USER_LIBS) | $(CLANG) $(BPF_CFLAGS) | $(LLVM_STRIP) $(BPFTOOL)
$(OUTPUT)/flags: FORCE | requirements
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS))' > $@

$(OUTPUT)/version: FORCE | requirements
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@

$(VERSIONED_OBJECTS): $(OUTPUT)/version
$(VERSIONED_OBJECTS): EXTRA_CFLAGS = -DXDPSEC_VERSION='"$(VERSION)"'

# The linked object keeps its BTF, which the verifier and the kptr need; the DWARF is of no use there.
define bpf-rule
$(OUTPUT)/$(notdir $(1:.c=.o)): $(1) $(OUTPUT)/flags
	$$(call say,CLANG)$$(CLANG) $$(BPF_CFLAGS) $$(DEPENDENCIES) -c $$< -o $$@
	$(Q)$$(LLVM_STRIP) -g $$@
endef
$(foreach source,$(BPF_SOURCES),$(eval $(call bpf-rule,$(source))))

$(OUTPUT)/%.skel.h: $(OUTPUT)/%.bpf.o
	$(call say,GEN)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(OUTPUT)/%.o: %.c $(OUTPUT)/flags | $(SKELETONS)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) $(CPPFLAGS) $(USER_CFLAGS) $(EXTRA_CFLAGS) $(DEPENDENCIES) -c $< -o $@

$(LIBRARY): $(LIBRARY_OBJECTS)
	$(call say,AR)rm -f $@ && $(AR) qcs $@ $^

$(OUTPUT)/xdpsec: $(LOADER_OBJECTS)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(USER_LIBS) -o $@

# Archives, so that a test links only the helpers and the parts of the loader that it uses.
$(OUTPUT)/tests/unit/helpers.a: $(UNIT_HELPERS)
	@mkdir -p $(@D)
	$(call say,AR)rm -f $@ && $(AR) qcs $@ $^

$(UNIT_TESTS): %: %.o $(OUTPUT)/tests/unit/helpers.a $(LIBRARY)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(USER_LIBS) $(call package-libs,cmocka) -o $@

$(HUB_TOOLS): %: %.o $(HUB_HELPERS) $(OUTPUT)/tests/unit/helpers.a $(LIBRARY)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(USER_LIBS) $(call package-libs,cmocka) -o $@

$(UNIT_TESTS:=.o) $(UNIT_HELPERS) $(HUB_TOOLS:=.o) $(HUB_HELPERS): EXTRA_CFLAGS = -Itests/unit
$(OUTPUT)/tests/fuzz/packets/helpers.a: $(PACKET_FUZZ_HELPERS)
	@mkdir -p $(@D)
	$(call say,AR)rm -f $@ && $(AR) qcs $@ $^

$(PACKET_FUZZERS): %: %.o $(OUTPUT)/tests/fuzz/packets/helpers.a $(OUTPUT)/tests/unit/helpers.a $(LIBRARY)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(USER_LIBS) $(call package-libs,cmocka) -o $@

$(PACKET_FUZZERS:=.o) $(PACKET_FUZZ_HELPERS): EXTRA_CFLAGS = -Itests
$(OUTPUT)/fuzzed/%.o: %.c $(OUTPUT)/flags | $(SKELETONS)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) $(CPPFLAGS) $(USER_CFLAGS) $(SANITIZE_FLAGS) $(EXTRA_CFLAGS) $(DEPENDENCIES) -c $< -o $@

$(FUZZED_OBJECTS): EXTRA_CFLAGS = -fsanitize-coverage=trace-pc
$(FILE_FUZZ_OBJECTS): EXTRA_CFLAGS = -Itests

# Other functions of the loader come from the normal library.
$(AGREEMENT_FUZZERS): $(AGREEMENT_FUZZ_HELPER)
$(FILE_FUZZERS): $(OUTPUT)/%: $(OUTPUT)/fuzzed/%.o $(FILE_FUZZ_HELPERS) $(FUZZED_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(SANITIZE_FLAGS) $(LDFLAGS) $^ $(USER_LIBS) -o $@

$(BENCHES:=.o) $(BENCH_HELPERS): EXTRA_CFLAGS = -Ibench

$(BENCHES): %: %.o $(BENCH_HELPERS) $(LIBRARY)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(USER_LIBS) -lm -o $@

$(METER) $(SOAK): %: %.o
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@

-include $(BPF_OBJECTS:=.d) $(C_OBJECTS:=.d)

# ---- run ---------------------------------------------------------------------------------------------

# With sanitizers only what needs no BPF is run, without root as well: the programs are the same, and cost more time than
# there is. TESTS= runs any.
# The agent's sandbox forbids what the sanitizers do.
WITHOUT_BPF := $(patsubst %.c,$(OUTPUT)/%,$(filter-out tests/unit/agent_sandbox_test.c,\
	$(shell grep -Ls -e 'rig.h"' -e '"site.h"' -e '"tunnel.h"' $(UNIT_SOURCES))))
CHECKS := $(if $(filter 1,$(SANITIZE)),$(wildcard tests/cli/*.t) $(WITHOUT_BPF) $(FILE_FUZZERS),\
	$(wildcard tests/netns/*.t tests/cli/*.t) tests/vm/arguments.t $(UNIT_TESTS) $(FUZZERS))

# A second make, because the first has looked for tools before they were installed.
check:
	$(Q)[ -z '$(FOREIGN)' ] || { echo "make check: this computer cannot run what is built for $(FOREIGN)" >&2; \
		echo "hint: make vmtest ARCH=$(FOREIGN)" >&2; exit 1; }
	$(Q)scripts/install-deps $(if $(filter no,$(DEPS)),--list)
	$(Q)$(MAKE) tests
	$(Q)CMOCKA_MESSAGE_OUTPUT=TAP XDPSEC=$(abspath $(OUTPUT)/xdpsec) OUTPUT=$(abspath $(OUTPUT)) \
		$(PROVE) --exec '' --timer -j$(JOBS) \
		$(or $(TESTS),$(CHECKS))

# The fuzzers, for as long as one likes: FUZZ_SECONDS=, FUZZ_PACKETS=, FUZZ_FILES=; from another seed each time, which
# they print, or from SEED=.
.PHONY: fuzz
fuzz:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) tests
	$(Q)SEED=$(or $(SEED),$$(date +%s)) FUZZ_SECONDS=$(or $(FUZZ_SECONDS),$(if $(FUZZ_PACKETS)$(FUZZ_FILES),,60)) \
		FUZZ_PACKETS=$(FUZZ_PACKETS) FUZZ_FILES=$(FUZZ_FILES) \
		$(PROVE) --exec '' --timer --verbose -j$(JOBS) $(or $(TESTS),$(FUZZERS))

# Traffic with new keys every few seconds, while agents are killed, configurations reloaded and links fail:
# SOAK_PACKETS=, SOAK_RATE=, REKEY=, SEED= (tests/soak/soak.t).
.PHONY: soak
soak:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) all $(SOAK)
	$(Q)XDPSEC=$(abspath $(OUTPUT)/xdpsec) OUTPUT=$(abspath $(OUTPUT)) SOAK_PACKETS=$(or $(SOAK_PACKETS),5000000) \
		SOAK_RATE=$(SOAK_RATE) REKEY=$(REKEY) SEED=$(SEED) $(PROVE) --exec '' --timer --verbose tests/soak/soak.t

# A hub with a thousand peers and a real agent, which reboots and is flooded: HUB_PEERS=, HUB_RATE=, HUB_SECONDS=,
# HUB_ROUNDS= (tests/hub/hub.t). It prints handshakes a second.
.PHONY: hub
hub:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) all $(HUB_TOOLS)
	$(Q)XDPSEC=$(abspath $(OUTPUT)/xdpsec) OUTPUT=$(abspath $(OUTPUT)) HUB_PEERS=$(HUB_PEERS) HUB_RATE=$(HUB_RATE) \
		HUB_SECONDS=$(HUB_SECONDS) HUB_ROUNDS=$(HUB_ROUNDS) $(PROVE) --exec '' --timer --verbose tests/hub/hub.t

# Metrics, alerts and dashboard with what is too large for every machine: promtool, curl, systemd.
.PHONY: monitoring
monitoring:
	$(Q)scripts/install-deps --monitoring
	$(Q)$(MAKE) all
	$(Q)METRICS_SLOW=1 MONITORING=1 XDPSEC=$(abspath $(OUTPUT)/xdpsec) OUTPUT=$(abspath $(OUTPUT)) $(PROVE) --exec '' --timer \
		tests/netns/metrics.t tests/netns/metrics_units.t tests/cli/metrics.t

# Beside programs that are not on every machine.
.PHONY: beside
beside:
	$(Q)scripts/install-deps --beside
	$(Q)BESIDE=1 $(MAKE) check TESTS='$(addprefix tests/netns/,keepalived.t networkmanager.t networkd_gateway.t ansible.t)'

.PHONY: diagnose-check
diagnose-check:
	$(Q)DIAGNOSE=1 $(MAKE) check TESTS=tests/netns/diagnose.t

# What takes the fast path of gateways, what may not, and what nftables has to say. `make check` has fast.t alone of these.
.PHONY: fast
fast:
	$(Q)$(MAKE) check FAST=1 TESTS='$(wildcard tests/netns/fast*.t)'

# The pictures of docs/pictures: of the results in bench/results, and of the way of a packet.
.PHONY: plots
plots:
	$(Q)scripts/install-deps --plots
	$(Q)bench/plot $(wildcard bench/results/*.json)
	$(Q)docs/pictures/draw

# The harnesses of the key agreement once more, for LLVM's libFuzzer (libclang-rt-19-dev): run them with a directory for
# what they find, and the corpus as seeds.
.PHONY: libfuzzer
libfuzzer: $(OUTPUT)/libfuzzer/agreement_initiator $(OUTPUT)/libfuzzer/agreement_responder
$(OUTPUT)/libfuzzer/%: tests/fuzz/files/%_fuzz.c tests/fuzz/files/agreement_side.c $(wildcard loader/agreement/*.c) \
		$(OUTPUT)/flags
	@mkdir -p $(@D)
	$(call say,CLANG)$(CLANG) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DLIBFUZZER \
		-std=gnu11 -D_GNU_SOURCE -Iinclude -Iloader -Itests $(filter %.c,$^) $(call package-libs,libcrypto) -o $@

include module/module.mk
include tests/vm/vm.mk

# The models of key agreement by SPIN: MODEL=quick, normal or full.
.PHONY: model
model:
	$(Q)scripts/install-deps --model
	$(Q)OUTPUT=$(abspath $(OUTPUT)) docs/model/run $(or $(MODEL),normal)

demo:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) all
	$(Q)OUTPUT=$(abspath $(OUTPUT)) scripts/demo

bench:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) run-benches RUN="$(BENCHES)"

bench-core:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) run-benches RUN=$(OUTPUT)/bench/core BENCH_ARGS='$(or $(BENCH_ARGS),-j $(OUTPUT)/bench-core.json)'

.PHONY: bench-processors
bench-processors:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) run-benches RUN=$(OUTPUT)/bench/processors

# Needs no root.
.PHONY: bench-agreement
bench-agreement: $(OUTPUT)/bench/agreement
	$(Q)$< -j $(OUTPUT)/bench-agreement.json $(BENCH_ARGS)

# The packets leave by that device.
DEVICE ?=
.PHONY: bench-pktgen
bench-pktgen: $(OUTPUT)/xdpsec
	$(Q)XDPSEC=$(abspath $(OUTPUT)/xdpsec) bench/pktgen.sh $(BENCH_ARGS) $(DEVICE)

.PHONY: run-benches
run-benches: all $(RUN)
	$(Q)set -e; for bench in $(RUN); do "$$bench" -j "$$bench.json" $(BENCH_ARGS); done

# ---- style -------------------------------------------------------------------------------------------

C_FILES = $(shell git ls-files -- '*.c' '*.h' 2>/dev/null || find . -name '*.[ch]' -not -path './.*')
SHELL_FILES = .ci/run scripts/install-deps scripts/deb-build scripts/deb-changelog scripts/deb-root.sh tests/deb/check tests/deb/inside tests/deb/inside-first tests/deb/inside-booted tests/deb/inside-module tests/deb/booted debian/tests/tunnel debian/tests/module debian/xdpsec.postinst \
	debian/xdpsec.prerm debian/xdpsec.postrm scripts/demo scripts/floors scripts/figures scripts/check-words scripts/first-comments docs/model/run bench/vmbench bench/plot docs/pictures/draw bench/path/guest bench/path/peer bench/path/gateway \
	$(wildcard bench/*.sh bench/path/*.sh bench/path/peers/*.sh bench/path/gateways/*.sh bench/rivals/*.sh $(filter-out %.mk %.config,$(wildcard tests/vm/*)) scripts/*.sh tests/*.sh tests/*/*.sh tests/*/*.t)

# Cppcheck does not know for which machine the headers are read: this one.
MACHINE_DEFINES := -D__$(shell uname -m)__

format:
	$(Q)$(CLANG_FORMAT) -i $(C_FILES)

lint: $(SKELETONS)
	$(call say,FLOORS)scripts/floors
	$(call say,LENGTH)scripts/figures -l
	$(call say,FORMAT)$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)
	$(call say,CPPCHECK)$(CPPCHECK) --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--inline-suppr --suppressions-list=scripts/cppcheck-suppressions -j$(JOBS) \
		$(MACHINE_DEFINES) -DXDPSEC_VERSION='""' -DXDPSEC_LIBDIR='""' \
		-D'LIBBPF_OPTS(type,name,...)=struct type name = { 0 }' -Iinclude -Iloader \
		$(LOADER_SOURCES) $(call c-sources,tests/unit) $(call c-sources,tests/fuzz) \
		$(call c-sources,tests/fuzz/packets) $(call c-sources,tests/fuzz/files) $(call c-sources,bench) $(call c-sources,bench/path) \
		$(call c-sources,tests/soak) $(call c-sources,tests/hub)
	$(call say,SHELL)printf '%s\n' $(wildcard $(SHELL_FILES)) | xargs -P$(JOBS) -n8 $(SHELLCHECK) -x -S warning
	$(call say,WORDS)scripts/check-words
	$(call say,COMMENT)scripts/first-comments $(C_FILES) $(wildcard $(SHELL_FILES) */*.py */*/*.py) Makefile

# The packages that only these two need: scripts/install-deps --lint.
.PHONY: tidy coverage
tidy: $(SKELETONS)
	$(Q)printf '%s\n' -std=gnu11 -D_GNU_SOURCE -I$(CURDIR)/include -I$(CURDIR)/loader -I$(abspath $(OUTPUT)) \
		$(call package-cflags,$(PACKAGES)) '-DXDPSEC_LIBDIR=""' '-DXDPSEC_VERSION=""' >$(OUTPUT)/compile_flags.txt
	$(call say,TIDY)printf '%s\n' $(LOADER_SOURCES) | xargs -P$(JOBS) -n4 $(CLANG_TIDY) --quiet -p $(OUTPUT)
	$(call say,REUSE)reuse lint --quiet 2>/dev/null || reuse lint

# A build of its own, whose counters (gcov) the tests fill; gcovr makes the report.
COVERAGE := $(OUTPUT)/coverage
coverage:
	$(Q)scripts/install-deps --lint
	$(Q)$(MAKE) check OUTPUT=$(COVERAGE)/build CFLAGS='-O1 -g --coverage' LDFLAGS=--coverage TESTS='$(TESTS)' || true
	$(Q)gcovr --root . --filter 'loader/' --html-details $(COVERAGE)/index.html --txt $(COVERAGE)/summary.txt \
		$(COVERAGE)/build
	$(Q)tail -n 4 $(COVERAGE)/summary.txt

# ---- install -----------------------------------------------------------------------------------------

COMPLETIONDIR := $(DATADIR)/bash-completion/completions
# Debian's zsh and fish look elsewhere for what packages bring than for what the machine's administrator installs.
ZSHDIR ?= $(DATADIR)/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHDIR ?= $(if $(filter /usr,$(PREFIX)),$(DATADIR)/fish/vendor_completions.d,$(SYSCONFDIR)/fish/completions)
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
NETWORKDIR ?= $(PREFIX)/lib/systemd/network
MANAGERDIR ?= $(PREFIX)/lib/NetworkManager/conf.d
# Below dist, and so below the data directory.
MONITORING := prometheus/xdpsec.rules.yml grafana/xdpsec.json

install: all
	$(Q)$(INSTALL) -d -m 0755 $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBDIR)/xdpsec
	$(Q)$(INSTALL) -d -m 0700 $(DESTDIR)$(SYSCONFDIR)/xdpsec
	$(Q)$(INSTALL) -m 0755 $(OUTPUT)/xdpsec $(DESTDIR)$(SBINDIR)/xdpsec
	$(Q)$(INSTALL) -m 0644 $(INSTALLED_OBJECTS) $(DESTDIR)$(LIBDIR)/xdpsec/
	$(Q)for page in $(wildcard man/*.[58]); do \
		$(INSTALL) -D -m 0644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done
	$(Q)$(INSTALL) -D -m 0644 dist/xdpsec.bash-completion $(DESTDIR)$(COMPLETIONDIR)/xdpsec
	$(Q)$(INSTALL) -D -m 0644 dist/_xdpsec $(DESTDIR)$(ZSHDIR)/_xdpsec
	$(Q)$(INSTALL) -D -m 0644 dist/xdpsec.fish $(DESTDIR)$(FISHDIR)/xdpsec.fish
	$(Q)for unit in $(wildcard dist/*.service.in); do \
		$(INSTALL) -d -m 0755 $(DESTDIR)$(UNITDIR); name=$${unit##*/}; \
		sed 's|@SBINDIR@|$(SBINDIR)|g' $$unit > $(DESTDIR)$(UNITDIR)/$${name%.in}; \
		chmod 0644 $(DESTDIR)$(UNITDIR)/$${name%.in}; done
	$(Q)for file in $(wildcard dist/*.timer); do \
		$(INSTALL) -D -m 0644 $$file $(DESTDIR)$(UNITDIR)/$${file##*/}; done
	$(Q)for file in $(MONITORING); do \
		$(INSTALL) -D -m 0644 dist/$$file $(DESTDIR)$(DATADIR)/xdpsec/$$file; done
	$(Q)for file in $(wildcard dist/*.network); do \
		$(INSTALL) -D -m 0644 $$file $(DESTDIR)$(NETWORKDIR)/$${file##*/}; done
	$(Q)$(INSTALL) -D -m 0644 dist/xdpsec-networkmanager.conf $(DESTDIR)$(MANAGERDIR)/xdpsec.conf
	$(Q)for file in $(wildcard dist/*.sysusers); do \
		name=$${file##*/}; $(INSTALL) -D -m 0644 $$file $(DESTDIR)$(SYSUSERSDIR)/$${name%.sysusers}.conf; done
	$(Q)$(INSTALL) -D -m 0644 dist/xdpsec.lua $(DESTDIR)$(DATADIR)/xdpsec/xdpsec.lua

uninstall:
	$(Q)rm -f $(DESTDIR)$(SBINDIR)/xdpsec $(DESTDIR)$(COMPLETIONDIR)/xdpsec
	$(Q)rm -f $(DESTDIR)$(ZSHDIR)/_xdpsec $(DESTDIR)$(FISHDIR)/xdpsec.fish
	$(Q)rm -f $(addprefix $(DESTDIR)$(LIBDIR)/xdpsec/,$(notdir $(INSTALLED_OBJECTS)))
	$(Q)rm -f $(foreach page,$(wildcard man/*.[58]),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	$(Q)rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(patsubst %.in,%,$(notdir $(wildcard dist/*.service.in))))
	$(Q)rm -f $(addprefix $(DESTDIR)$(SYSUSERSDIR)/,$(patsubst %.sysusers,%.conf,$(notdir $(wildcard dist/*.sysusers))))
	$(Q)rm -f $(DESTDIR)$(MANAGERDIR)/xdpsec.conf
	$(Q)rm -f $(addprefix $(DESTDIR)$(NETWORKDIR)/,$(notdir $(wildcard dist/*.network)))
	$(Q)rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(wildcard dist/*.timer)))
	$(Q)rm -f $(addprefix $(DESTDIR)$(DATADIR)/xdpsec/,xdpsec.lua $(MONITORING))
	$(Q)rmdir $(addprefix $(DESTDIR)$(DATADIR)/xdpsec/,$(sort $(dir $(MONITORING)))) 2>/dev/null || true
	$(Q)rmdir $(DESTDIR)$(LIBDIR)/xdpsec $(DESTDIR)$(DATADIR)/xdpsec 2>/dev/null || true

.PHONY: deb deb-check
# For the Debian that runs; with RELEASE=, as root, for that one.
RELEASE ?= $(if $(FOREIGN),$(shell . /etc/os-release && echo $$VERSION_CODENAME))
# The build's own roots have the compiler for another architecture, and what it links.
deb:
	$(Q)scripts/deb-build $(addprefix -r ,$(RELEASE)) $(addprefix -a ,$(FOREIGN)) $(patsubst %/$(FOREIGN),%,$(OUTPUT))

# It takes a quarter of an hour, and downloads some 500 MB for each release the first time. The package of another
# architecture is built for the release of its machine, and tried there.
deb-check: $(if $(FOREIGN),deb)
	$(Q)$(if $(FOREIGN),$(deb-check-foreign),MODULE=$(MODULE) tests/deb/check $(OUTPUT) $(or $(RELEASES),bookworm trixie))
deb-check-foreign = rm -rf $(OUTPUT)/package && \
	dpkg-deb -x $(patsubst %/$(FOREIGN),%,$(OUTPUT))/deb/$(RELEASE)-$(FOREIGN)/xdpsec_*_$(FOREIGN).deb $(OUTPUT)/package && \
	$(MAKE) vmtest CMD='cp -a $(OUTPUT)/package/. / && xdpsec version && xdpsec selftest && debian/tests/tunnel'

clean:
	$(Q)rm -rf $(OUTPUT)
