# SPDX-License-Identifier: Apache-2.0
# Lockwire: `make` alone lists the targets; everything built goes under build/.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

PYTHON ?= /usr/bin/python3
comma := ,
CC := gcc
B := build
Q := $(if $(V),,@)
CCACHE := $(shell command -v ccache)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Werror
# Position-independent for the shared object, and hidden so that it costs nothing.
PIC := -fPIC -fvisibility=hidden
CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g $(PIC) $(WARN) -Idpi -I$(B)/gen -MMD -MP
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

##@ Help
.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {at = substr($$0, 5); if (!(at in text)) name[n++] = at} /^[a-z-]+:.*## / {text[at] = text[at] sprintf("  %-16s %s\n", $$1, $$2)} \
	  END {for (i = 0; i < n; i++) printf "\n%s\n%s", name[i], text[name[i]]}' $(MAKEFILE_LIST)

# --- C: the layers below the simulator, as one library -------------------------------------------------------------
LAYERS := base wire net tcp tcp/core sock app check
LIB_SRC := $(filter-out %_test.c %_fuzz.c,$(foreach l,$(LAYERS),$(wildcard dpi/$l/*.c)))
TEST_SRC := $(foreach l,$(LAYERS),$(wildcard dpi/$l/*_test.c))
GEN_H := $(if $(wildcard scripts/gen_layout.py),$(B)/gen/nic_layout.h)

$(B)/gen/nic_layout.h: scripts/gen_layout.py rtl/nic_types.svh rtl/nic_pkg.sv
	@mkdir -p $(@D)
	$(Q)$(PYTHON) scripts/gen_layout.py --out $@.$$$$ rtl/nic_pkg.sv rtl/nic_types.svh && mv $@.$$$$ $@

# The library twice: for the tool, and with sanitizers for the unit tests.
$(B)/obj/%.o: %.c Makefile | $(GEN_H)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC  $<")
	$(Q)$(CCACHE) $(CC) $(CFLAGS) -c -o $@ $<

$(B)/san/%.o: %.c Makefile | $(GEN_H)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC  $< (san)")
	$(Q)$(CCACHE) $(CC) $(CFLAGS) $(SAN) -c -o $@ $<

LIB_OBJ := $(LIB_SRC:%.c=$(B)/obj/%.o)
$(B)/libdpi.a: $(LIB_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/libdpi_san.a: $(LIB_SRC:%.c=$(B)/san/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

UNIT := $(TEST_SRC:dpi/%.c=$(B)/unit/%)
$(B)/unit/%: $(B)/san/dpi/%.o $(B)/libdpi_san.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN) -o $@ $< $(B)/libdpi_san.a -lcmocka -lm -lz

# Not those that a make beside this one may be writing (scripts/test.py).
-include $(shell find $(if $(filter fuzz%,$(MAKECMDGOALS)),,$(B)/obj $(B)/san $(B)/wave/model.d $(B)/loop/model.d) $(B)/fuzzobj -name '*.d' 2>/dev/null)

##@ Tests
.PHONY: unit
unit: $(UNIT) ## C unit tests (cmocka) under ASan and UBSan
	$(Q)fail=0; for t in $(UNIT); do $$t || fail=1; done; exit $$fail

# --- fuzzing: targets beside the tests, built by clang -------------------------------------------------------------------
FUZZ_COUNT ?= -fsanitize=fuzzer-no-link
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ := $(patsubst dpi/%.c,$(B)/fuzz/%,$(foreach l,$(LAYERS),$(wildcard dpi/$l/*_fuzz.c)))
$(B)/fuzzobj/%.o: %.c Makefile | $(GEN_H)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC  $< (fuzz)")
	$(Q)$(CCACHE) clang $(CFLAGS) -O1 -Wno-implicit-int-conversion $(FUZZ_COUNT) $(FUZZ_SAN) -c -o $@ $<
$(B)/libdpi_fuzz.a: $(LIB_SRC:%.c=$(B)/fuzzobj/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^
$(FUZZ): $(B)/fuzz/%: $(B)/fuzzobj/dpi/%.o $(B)/libdpi_fuzz.a
	@mkdir -p $(@D)
	$(Q)clang -fsanitize=fuzzer $(FUZZ_SAN) -o $@ $< $(B)/libdpi_fuzz.a -lz

TIME ?= 60
.PHONY: fuzz-parsers
fuzz-parsers: $(FUZZ) ## libFuzzer on each parser and on the whole stack, sanitizers on: TIME=60 seconds each, or RUNS=N inputs; ONLY=net/net
	$(Q)$(PYTHON) scripts/fuzz.py --build $(B)/fuzz --out $(B)/fuzz $(if $(JOBS),--jobs $(JOBS)) $(if $(RUNS),--runs $(RUNS),--seconds $(TIME)) $(ONLY)

# --- two software endpoints against each other in virtual time, by seed ------------------------------------------------
PAIR_SRC := sim/tools/pair_seeds.c sim/seeds.c sim/pair.c sim/recording.c sim/stranger.c sim/load.c sim/endpoint.c sim/carrier_ref.c
PAIR_SAN := $(PAIR_SRC:%.c=$(B)/san/%.o)
$(PAIR_SAN) $(PAIR_SRC:%.c=$(B)/obj/%.o): CFLAGS += -Isim
$(B)/pair_seeds_san: $(PAIR_SAN) $(B)/libdpi_san.a
	$(Q)$(CC) $(SAN) -o $@ $^ -lz

# A capture's replay with the reference, likewise.
REPLAY_SRC := sim/tools/replay_san.c $(addprefix sim/,capture_replay.c capture.c conv.c peers.c played.c frame_text.c summary.c recording.c endpoint.c carrier_ref.c)
REPLAY_SAN := $(REPLAY_SRC:%.c=$(B)/san/%.o)
$(REPLAY_SAN): CFLAGS += -Isim
$(B)/replay_san: $(REPLAY_SAN) $(B)/libdpi_san.a
	$(Q)$(CC) $(SAN) -o $@ $^ -lz -lpcap

N ?= 1000
FIRST ?= 1
# --- captures as regressions: pcaps/ -------------------------------------------------------------------------------------
CASES := $(PYTHON) scripts/cases.py --lockwire $(B)/lockwire --out $(B)/replay $(if $(JOBS),--jobs $(JOBS))
.PHONY: replay replay-folder golden case craft test-cases
replay: build ## every case of pcaps/, on the NIC under the checker and on the reference, against its expectation; CASE=name for some
	$(Q)$(PYTHON) scripts/craft_cases.py --check
	$(Q)$(CASES) --perturb $(CASE)
replay-folder: build ## every capture below PCAPS=DIR, from wherever, on the NIC under the checker and on the reference
	$(Q)$(PYTHON) scripts/replay_folder.py --lockwire $(B)/lockwire $(if $(JOBS),--jobs $(JOBS)) $(if $(PCAPS),'$(PCAPS)')
test-cases: build ## what runs them: it adds cases, tells what is wrong, and its self-test sees a comparison that looks away
	$(Q)$(PYTHON) scripts/test_cases.py --lockwire $(B)/lockwire --work $(B)/test_cases
golden: build ## write the expectations of pcaps/ anew and show the difference; CASE=name for some
	$(Q)$(CASES) --update $(CASE)
case: build ## a new case: RUN=DIR of a recorded run, or a capture, NAME=topic-what WHY="what it shows"; ARGS="--as ADDR" for its replay
	$(Q)$(CASES) --add '$(RUN)' --name '$(NAME)' --why "$$WHY" $(if $(ARGS),--args='$(ARGS)')
craft: ## write the crafted captures of pcaps/ from scripts/craft/
	$(Q)$(PYTHON) scripts/craft_cases.py

.PHONY: test-replay test-captures test-wave test-report regress regress-ci regress-nic-ci test-shards
regress: build ## N=1000 seeds of the pair, of the NIC and of the reference, over a faulty wire in virtual time, and every case; ENGINE=local, parallel (MACHINES="a b", by ssh) or slurm
	$(Q)$(PYTHON) scripts/regress.py --lockwire $(B)/lockwire --first $(FIRST) --pcaps pcaps --out $(B)/regress $(if $(ENGINE),--over $(ENGINE)) $(if $(JOBS),--jobs $(JOBS)) $(N)
test-shards: build ## regressions in shares: over processes, GNU parallel (make accept: Slurm) they come to the same; what is lost is run again
	$(Q)scripts/test_shards.py --lockwire $(B)/lockwire --work $(B)/test_shards
regress-ci: $(B)/pair_seeds_san ## 100 seeds of the pair of references, each twice, under ASan and UBSan
	$(Q)$(PYTHON) scripts/regress.py --engine ref --tool $< --twice --memory 0 --out $(B)/regress-ci 100
test-replay: build ## recordings: they replay, and broken ones are told
	$(Q)scripts/test_replay.py --lockwire $(B)/lockwire --work $(B)/test_replay
test-captures: build $(B)/replay_san ## captures of every kind replay; broken in small ways they do with the reference under ASan and UBSan, and with the NIC
	$(Q)$(PYTHON) scripts/test_captures.py --lockwire $(B)/lockwire --work $(B)/test_captures
	$(Q)$(PYTHON) scripts/break_captures.py --tool $(B)/replay_san --nic $(B)/lockwire --out $(B)/break_captures
test-wave: build build-wave $(B)/broken/lockwire ## waves of recordings: the marker stands on the frame, wherever the replay began; a run that fails makes its own
	$(Q)scripts/test_wave.py --lockwire $(B)/lockwire --broken $(B)/broken/lockwire --work $(B)/test_wave
test-report: build ## what a replay writes down agrees with the wire, and the report's page has what the recording has
	$(Q)scripts/test_report.py --lockwire $(B)/lockwire --work $(B)/test_report
regress-nic-ci: build ## 100 seeds of the NIC, each twice, under the checker
	$(Q)$(PYTHON) scripts/regress.py --lockwire $(B)/lockwire --engine rtl --twice --out $(B)/regress-nic-ci 100

# --- benches: all of tb/*_tb.sv in one model for each simulator ------------------------------------------------------
# COVERAGE=1: models that count what of the RTL they go through (scripts/coverage.py). Verilator cannot save the state of such.
COVERAGE ?=
COVER := $(if $(COVERAGE),--coverage-line --coverage-toggle -fno-split)
RTL_F := rtl/nic.f
RTL_SRC := $(shell cat $(RTL_F)) $(wildcard rtl/*.svh)
TB_SRC := $(filter-out tb/tb_top.sv,$(wildcard tb/*_tb.sv)) tb/tb_top.sv
VFLAGS := -Wall -Irtl -Itb rtl/lint.vlt -f $(RTL_F)
# Icarus says these of constant selects and of arrays in combinational blocks; both are harmless, and just they are filtered.
ICARUS_NOISE := constant selects in always_\* processes are not currently supported\|@\* is sensitive to all [0-9]* words in array

$(B)/tb.vvp: $(TB_SRC) $(RTL_SRC) $(RTL_F) rtl/prim/ring_mem.sv tb/tb.svh
	@mkdir -p $(@D)
	$(Q)iverilog -g2012 -Irtl -Itb -s tb_top -o $@ $(shell cat $(RTL_F)) rtl/prim/ring_mem.sv $(TB_SRC) 2>&1 | { grep -v '$(ICARUS_NOISE)' || true; }; exit $${PIPESTATUS[0]}

$(B)/tbv/tb: $(TB_SRC) $(RTL_SRC) $(RTL_F) rtl/prim/ring_mem.sv tb/tb.svh tb/tb_main.cpp rtl/lint.vlt $(if $(COVERAGE),tb/coverage.vlt)
	$(Q)OBJCACHE=$(CCACHE) verilator --cc --exe --build -j 2 --assert -Wno-fatal -Wno-lint -Irtl -Itb rtl/lint.vlt $(if $(COVERAGE),tb/coverage.vlt) -f $(RTL_F) rtl/prim/ring_mem.sv \
	  --top-module tb_top $(COVER) --x-assign unique --x-initial unique --Mdir $(B)/tbv -o tb -MAKEFLAGS "OPT_FAST=$(if $(COVERAGE),-O0,-O1)" $(TB_SRC) $(CURDIR)/tb/tb_main.cpp > $(B)/tbv.log 2>&1 || { cat $(B)/tbv.log; exit 1; }

.PHONY: bench-icarus bench-verilator
bench-icarus: $(B)/tb.vvp ## RTL benches on Icarus (four-state)
	$(Q)vvp -n $<
bench-verilator: $(B)/tbv/tb ## RTL benches on Verilator
	$(Q)$<

# --- the co-simulation: verilated model (C++), C of dpi/ and sim/, one binary ------------------------------------------
DATA_W ?= 512
NUM_FLOWS ?= 64
TX_BUF ?= 32768
RX_BUF ?= 32768
# Congestion control: 0 none, 1 Reno, 2 NewReno, 3 CUBIC (nic_pkg.sv).
CONGESTION ?= 2
MODEL_OPT ?= -O3
# clang builds the faster model; g++ serves where it is missing.
MODEL_CXX := $(if $(shell command -v clang++),clang++,g++)
VROOT = $(shell verilator --getenv VERILATOR_ROOT 2>/dev/null)
M := $(B)/model
VLIB := $(addprefix verilated,.o _dpi.o _threads.o $(if $(COVERAGE),_cov.o,_save.o))
MODEL_GEN := -GDataW=$(DATA_W) -GNumFlows=$(NUM_FLOWS) -GTxBufBytes=$(TX_BUF) -GRxBufBytes=$(RX_BUF) -GCc=$(CONGESTION)
MODEL_FLAGS := --cc -Wall -O3 --x-assign fast --assert --no-timing $(or $(COVER),--savable)
MODEL_DEF := -DLW_DATA_W=$(DATA_W) -DLW_NUM_FLOWS=$(NUM_FLOWS) -DLW_TX_BUF=$(TX_BUF) -DLW_RX_BUF=$(RX_BUF) -DLW_CONGESTION=$(CONGESTION) -DVM_COVERAGE=$(if $(COVERAGE),1,0)

# Rewritten when they change, so that what was built with others is built anew.
$(B)/gen/parameters: FORCE
	@mkdir -p $(@D)
	@echo '$(MODEL_FLAGS) $(MODEL_GEN)' | cmp -s - $@ || echo '$(MODEL_FLAGS) $(MODEL_GEN)' > $@
.PHONY: FORCE
FORCE:

$(M)/Vcosim_top.mk: $(B)/gen/parameters sim/cosim_top.sv sim/nic_retire.sv $(RTL_SRC) $(RTL_F) rtl/prim/ring_mem.sv rtl/lint.vlt sim/lint.vlt
	@mkdir -p $(M)
	$(if $(Q),@echo "  VERILATE")
	$(Q)verilator $(MODEL_FLAGS) $(MODEL_GEN) -Irtl rtl/lint.vlt sim/lint.vlt -f $(RTL_F) \
	  rtl/prim/ring_mem.sv sim/cosim_top.sv sim/nic_retire.sv --top-module cosim_top --Mdir $(M)
	$(if $(COVERAGE),,@! awk '/___ico_/, /^}/' $(M)/*.cpp | grep -o 'vlSelf->[a-z_]*_i\b' | grep -v cnt_addr_i || { \
	  echo "logic hangs on these inputs of cosim_top: they must go into registers, model.cpp evaluates on the edge alone"; rm $@; exit 1; })

$(M)/Vcosim_top__ALL.a: $(M)/Vcosim_top.mk
	$(if $(Q),@echo "  CXX model ($(MODEL_CXX))")
	$(Q)$(MAKE) -s -C $(M) -f Vcosim_top.mk CXX=$(MODEL_CXX) LINK=$(MODEL_CXX) OBJCACHE=$(CCACHE) \
	  OPT_FAST="$(MODEL_OPT) -march=native $(PIC)" OPT_SLOW="$(if $(COVERAGE),-O0,-O1) $(PIC)" OPT_GLOBAL="-O2 $(PIC)" Vcosim_top__ALL.a $(VLIB) > $(M)/build.log 2>&1 || { cat $(M)/build.log; exit 1; }

$(B)/obj/sim/model.o: sim/model.cpp sim/model.h Makefile $(M)/Vcosim_top.mk
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(MODEL_CXX) -std=c++14 -O2 -gdwarf-4 $(PIC) -Wall -Wextra -MMD -MP $(MODEL_DEF) -DVM_TRACE=0 -Idpi -I$(M) -isystem $(VROOT)/include -isystem $(VROOT)/include/vltstd -c -o $@ $<

# What the RTL was built from: a recording is replayed by the same build alone. And what the checker was built from: its state in a
# restart point is for the same one alone.
CHECK_SRC := $(sort $(filter-out dpi/check/monitor% %_fuzz.c %_test.c,$(wildcard dpi/check/*.[ch] dpi/tcp/core/*.[ch]) $(wildcard dpi/base/recq.[ch] dpi/base/blob.[ch] dpi/net/tuple.h)))
$(B)/gen/identity.h: $(B)/gen/parameters sim/cosim_top.sv sim/nic_retire.sv $(RTL_SRC) rtl/prim/ring_mem.sv $(CHECK_SRC) Makefile
	@mkdir -p $(@D)
	$(Q)printf '#define LW_IDENTITY "%s"\n' "$$({ cat $(filter %.sv %.svh,$^); echo '$(MODEL_FLAGS) $(MODEL_GEN)'; verilator --version; } | sha256sum | cut -c1-64)" > $@
	$(Q)printf '#define LW_CHECK_IDENTITY "%s"\n' "$$({ cat $(CHECK_SRC); $(CC) --version; } | sha256sum | cut -c1-64)" >> $@

SIM_C := $(patsubst %.c,$(B)/obj/%.o,$(wildcard sim/*.c))
$(SIM_C): CFLAGS += -Isim
$(B)/obj/sim/nic.o: $(B)/gen/identity.h
$(B)/obj/dpi/glue/glue.o: CFLAGS += -isystem $(VROOT)/include -isystem $(VROOT)/include/vltstd -isystem $(M)
$(B)/obj/dpi/glue/glue.o: $(M)/Vcosim_top.mk

$(B)/lockwire: $(SIM_C) $(B)/obj/sim/model.o $(B)/obj/dpi/glue/glue.o $(B)/libdpi.a $(M)/Vcosim_top__ALL.a
	$(if $(Q),@echo "  LINK $@")
	$(Q)$(MODEL_CXX) -o $@ $^ $(VLIB:%=$(M)/%) -latomic -lpthread -lz -lpcap -ledit

# The same with a model that traces, to look at what was recorded (make wave). It is made on demand, and quickly; its flags are no part
# of the identity, and it reads the restart points of the plain one.
W := $(B)/wave
WAVE_SV := rtl/prim/ring_mem.sv sim/cosim_top.sv sim/nic_retire.sv sim/nic_view.sv
WAVE_FLAGS := --trace-fst --trace-structs --trace-max-width 2048
$(W)/Vcosim_top.mk: $(M)/Vcosim_top.mk sim/nic_view.sv
	@mkdir -p $(W)
	$(if $(Q),@echo "  VERILATE (waves)")
	$(Q)verilator $(MODEL_FLAGS) $(WAVE_FLAGS) $(MODEL_GEN) -Irtl rtl/lint.vlt sim/lint.vlt -f $(RTL_F) $(WAVE_SV) --top-module cosim_top --Mdir $(W)

$(W)/Vcosim_top__ALL.a: $(W)/Vcosim_top.mk
	$(if $(Q),@echo "  CXX model (waves, $(MODEL_CXX))")
	$(Q)$(MAKE) -s -C $(W) -f Vcosim_top.mk CXX=$(MODEL_CXX) LINK=$(MODEL_CXX) OBJCACHE=$(CCACHE) \
	  OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O2 Vcosim_top__ALL.a $(VLIB) verilated_fst_c.o > $(W)/build.log 2>&1 || { cat $(W)/build.log; exit 1; }

$(W)/restore.h: scripts/gen_restore.py $(M)/Vcosim_top.mk $(W)/Vcosim_top.mk
	$(Q)$(PYTHON) scripts/gen_restore.py --plain $(M) --wave $(W) --out $@

$(W)/model.o: sim/model.cpp sim/model.h Makefile $(W)/restore.h
	$(Q)$(CCACHE) $(MODEL_CXX) -std=c++14 -O1 $(PIC) -Wall -Wextra -MMD -MP $(MODEL_DEF) -DVM_TRACE=1 -Idpi -Isim -I$(W) -isystem $(VROOT)/include \
	  -isystem $(VROOT)/include/vltstd -c -o $@ $<

$(W)/lockwire: $(SIM_C) $(W)/model.o $(B)/obj/dpi/glue/glue.o $(B)/libdpi.a $(W)/Vcosim_top__ALL.a
	$(if $(Q),@echo "  LINK $@")
	$(Q)$(MODEL_CXX) -o $@ $^ $(VLIB:%=$(W)/%) $(W)/verilated_fst_c.o -latomic -lpthread -lz -lpcap -ledit

# One of whose judges is told something wrong once: what a run does that fails (make test-wave).
$(B)/obj/sim/tools/broken_nic.o: CFLAGS += -Isim
$(B)/broken/lockwire: $(SIM_C) $(B)/obj/sim/model.o $(B)/obj/sim/tools/broken_nic.o $(B)/obj/dpi/glue/glue.o $(B)/libdpi.a $(M)/Vcosim_top__ALL.a
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK $@")
	$(Q)$(MODEL_CXX) $(addprefix -Wl$(comma)--wrap=,lw_retire_snd monitor_frame) -o $@ $^ $(VLIB:%=$(M)/%) -latomic -lpthread -lz -lpcap -ledit

# The NIC between a host and a peer played by hand: what it does in a cycle; hazards.
HAND_TOOLS := $(B)/nic_rate $(B)/nic_hazards
HAND_OBJ := $(addprefix $(B)/obj/sim/tools/,hand.o talk.o events.o at_once.o)
$(HAND_OBJ) $(HAND_TOOLS:$(B)/%=$(B)/obj/sim/tools/%.o): CFLAGS += -Isim
$(HAND_TOOLS): $(B)/%: $(B)/obj/sim/tools/%.o $(HAND_OBJ) $(filter-out %/main.o,$(SIM_C)) $(B)/obj/sim/model.o $(B)/obj/dpi/glue/glue.o $(B)/libdpi.a $(M)/Vcosim_top__ALL.a
	$(if $(Q),@echo "  LINK $@")
	$(Q)$(MODEL_CXX) -o $@ $^ $(VLIB:%=$(M)/%) -latomic -lpthread -lz -lpcap -ledit

# The NIC fuzzed: a build of its own with few flows and small rings, whose model counts its edges; `make fuzz` calls make for it.
FUZZ_NIC := $(B)/fuzz-nic
FUZZ_NIC_BUILD ?= NUM_FLOWS=16 TX_BUF=4096 RX_BUF=4096
# Edges alone: what is compared with what says little about steps, and takes a tenth of the time.
FUZZ_NIC_COUNT := -fsanitize-coverage=inline-8bit-counters,pc-table
FUZZ_SIM := $(patsubst %.c,$(B)/fuzzobj/%.o,$(wildcard sim/*.c sim/fuzz/*.c) sim/tools/hand.c)
FUZZ_NIC_OBJ := $(filter-out %/main.o %/nic_fuzz.o %/nic_case.o %/feedback.o,$(FUZZ_SIM)) $(B)/fuzzobj/dpi/glue/glue.o $(B)/obj/sim/model.o \
  $(B)/libdpi_fuzz.a $(M)/Vcosim_top__ALL.a
$(FUZZ_SIM): CFLAGS += -Isim
$(B)/fuzzobj/sim/nic.o: $(B)/gen/identity.h
$(B)/fuzzobj/dpi/glue/glue.o: CFLAGS += -isystem $(VROOT)/include -isystem $(VROOT)/include/vltstd -isystem $(M)
$(B)/fuzzobj/dpi/glue/glue.o: $(M)/Vcosim_top.mk
# Between glue and checker stands what tells the fuzzer of the steps (sim/fuzz/feedback.c).
$(B)/nic_fuzz: $(addprefix $(B)/fuzzobj/sim/fuzz/,nic_fuzz.o feedback.o)
$(B)/nic_fuzz: FUZZ_LINK := -fsanitize=fuzzer $(addprefix -Wl$(comma)--wrap=check_,cycle frame rcv snd sample)
$(B)/nic_case: $(B)/fuzzobj/sim/fuzz/nic_case.o
$(B)/lockwire_san: $(B)/fuzzobj/sim/main.o
$(addprefix $(B)/,nic_fuzz nic_case lockwire_san): $(FUZZ_NIC_OBJ)
	$(if $(Q),@echo "  LINK $@")
	$(Q)clang++ $(FUZZ_SAN) $(FUZZ_LINK) -o $@ $^ $(VLIB:%=$(M)/%) -latomic -lpthread -lz -lpcap -ledit
.PHONY: fuzz-nic-build fuzz fuzz-nic-ci fuzz-case
fuzz-nic-build:
	$(Q)$(MAKE) --no-print-directory B=$(FUZZ_NIC) $(FUZZ_NIC_BUILD) MODEL_OPT="-O1 $(FUZZ_NIC_COUNT)" FUZZ_COUNT=$(FUZZ_NIC_COUNT) \
	  $(addprefix $(FUZZ_NIC)/,nic_fuzz nic_case lockwire_san)
fuzz: fuzz-nic-build ## libFuzzer on the NIC, under checker and wire monitor: TIME=60 seconds, with RESUME=1 counted on from runs before
	$(Q)$(PYTHON) scripts/fuzz_nic.py --build $(FUZZ_NIC) --out $(FUZZ_NIC) --seconds $(TIME) $(if $(RESUME),--resume)
fuzz-case: fuzz-nic-build ## what make fuzz found as a regression in sim/fuzz/found/: FOUND=DIR NAME=topic-what WHY="what it was"
	$(Q)$(PYTHON) scripts/fuzz_nic.py --build $(FUZZ_NIC) --add '$(FOUND)' --name '$(NAME)' --why "$$WHY"
fuzz-nic-ci: fuzz-nic-build ## what was found before is well; then 2000 inputs, always the same; and what becomes of one that fails
	$(Q)$(PYTHON) scripts/test_fuzz_nic.py --build $(FUZZ_NIC) --out $(FUZZ_NIC)/ci

# packetdrill's interface: a shared object with the whole endpoint in it.
PD_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(filter-out %_test.c,$(wildcard sim/packetdrill/*.c)) $(addprefix sim/,endpoint.c carrier_ref.c nic.c recorder.c recording.c stimulus.c))
$(PD_OBJ): CFLAGS += -Isim
$(B)/liblockwire_packetdrill.so: $(PD_OBJ) $(B)/obj/sim/model.o $(B)/obj/dpi/glue/glue.o $(B)/libdpi.a $(M)/Vcosim_top__ALL.a sim/packetdrill/exports.map
	$(if $(Q),@echo "  LINK $@")
	$(Q)$(MODEL_CXX) -shared -Wl,--no-undefined,--version-script=sim/packetdrill/exports.map -o $@ $(filter-out %.map,$^) $(VLIB:%=$(M)/%) -latomic -lpthread -lz

include sim/icarus/icarus.mk
include sim/loop/loop.mk

##@ Build
.PHONY: deps build packetdrill
packetdrill: $(B)/liblockwire_packetdrill.so ## the endpoint as a shared object for packetdrill: build/liblockwire_packetdrill.so
.PHONY: test-packetdrill
PD_TEST := $(B)/packetdrill_test $(B)/packetdrill_script_test
$(PD_TEST:$(B)/%=$(B)/obj/sim/packetdrill/%.o): CFLAGS += -Isim
$(PD_TEST): $(B)/%: $(B)/obj/sim/packetdrill/%.o $(B)/libdpi.a
	$(Q)$(CC) -o $@ $^ -lcmocka -lpthread -lz
test-packetdrill: $(PD_TEST) $(B)/liblockwire_packetdrill.so ## every call of that interface, and conversations as of packetdrill's scripts, on both engines
	$(Q)fail=0; for t in $(PD_TEST); do $$t $(B)/liblockwire_packetdrill.so || fail=1; done; exit $$fail
deps: ## install what is missing (Debian packages; as root or by sudo)
	$(Q)scripts/deps.sh
build: $(B)/lockwire ## the co-simulation: build/lockwire

##@ Run
# Tools that deps installs are found by a make of their own.
.PHONY: sim live
SIM ?= verilator
sim: deps ## set up, build, put the NIC on a network and let real clients talk to it: ends in PASS or FAIL; SIM=icarus: four-state, and slow
	$(if $(filter verilator icarus,$(SIM)),,$(error SIM=$(SIM): verilator or icarus))
	$(Q)$(MAKE) --no-print-directory build$(if $(filter icarus,$(SIM)),-icarus)
	$(Q)SIM=$(SIM) LOCKWIRE=$(B)/$(if $(filter icarus,$(SIM)),icarus/)lockwire scripts/sim.sh
live: deps ## the same NIC left running for your own clients, until Ctrl-C
	$(Q)$(MAKE) --no-print-directory build
	$(Q)LOCKWIRE=$(B)/lockwire scripts/live.sh

# The plain build beside it hands over to the one that traces. FRAME=S:N is frame N of wire-S.pcapng.
.PHONY: wave build-wave
build-wave: $(W)/lockwire ## the co-simulation that traces, for make wave and for runs that fail: build/wave/lockwire
wave: build-wave build ## waves of a recording for GTKWave: RUN=DIR and FRAME=N (as in Wireshark; S:N of segment S) or CYCLE=N, else what the checker found; AROUND=200 OUT=f.fst
	$(Q)$(if $(RUN),,echo 'wave: which recording? make wave RUN=DIR FRAME=N, or CYCLE=N, or neither for what the checker found' >&2; exit 2)
	$(Q)$(B)/lockwire replay $(RUN) --wave $(OUT) $(if $(FRAME),--frame $(FRAME)) $(if $(CYCLE),--cycle $(CYCLE)) $(if $(AROUND),--around $(AROUND))

.PHONY: report
report: build ## a recording as a page that needs no tool, with pictures: RUN=DIR, around its failure or FRAME=N (S:N) or CYCLE=N
	$(Q)$(if $(RUN),,echo 'report: which recording? make report RUN=DIR FRAME=N, or CYCLE=N, or neither for what the checker found' >&2; exit 2)
	$(Q)$(PYTHON) scripts/report.py $(RUN) --lockwire $(B)/lockwire $(if $(FRAME),--frame $(FRAME)) $(if $(CYCLE),--cycle $(CYCLE))

.PHONY: repl
repl: deps ## the shell at that NIC, on a network with Linux at the other end; ENGINE=ref for the software reference
	$(Q)$(MAKE) --no-print-directory build
	$(Q)LOCKWIRE=$(B)/lockwire scripts/repl.sh $(if $(ENGINE),--engine $(ENGINE))

# --- lint, synthesis ---------------------------------------------------------------------------------------------------
##@ Tests
.PHONY: lint synth test-live test
lint: ## Verilator -Wall, Icarus, reasons of waivers, shellcheck, pyflakes, the RFC table
	$(Q)verilator --lint-only -Wall -Irtl rtl/lint.vlt -f $(RTL_F) --top-module nic_top
	$(Q)verilator --lint-only -Wall $(MODEL_GEN) -Irtl rtl/lint.vlt sim/lint.vlt -f $(RTL_F) rtl/prim/ring_mem.sv sim/cosim_top.sv sim/nic_retire.sv --top-module cosim_top
	$(Q)mkdir -p $(B); iverilog -g2012 -Wall -Wno-timescale -Irtl -t null -s nic_top $(shell cat $(RTL_F)) 2>&1 | { ! grep -v '$(ICARUS_NOISE)'; }
	$(Q)awk '/^lint_off/ && last !~ /^(\/\/|lint_off)/ {print FILENAME ":" FNR ": a waiver without its reason above"; bad = 1} {last = $$0} END {exit bad}' rtl/lint.vlt sim/lint.vlt sim/loop/lint.vlt
	$(Q)if grep -rnE 'verilator (lint_off|coverage_off)' rtl sim tb --include=*.sv --include=*.svh; then echo 'lint: waivers belong into lint.vlt'; exit 1; fi
	$(Q)shellcheck scripts/*.sh .ci/run
	$(Q)$(PYTHON) -m pyflakes scripts
	$(Q)$(PYTHON) scripts/check_rfc_table.py

FLOWS ?= 64
synth: ## yosys: size and memories of NIC and send pipeline against the committed figures; FLOWS="16 64 1024"
	$(Q)$(PYTHON) scripts/synth.py --flows $(FLOWS) $(if $(JOBS),--jobs $(JOBS))
.PHONY: synth-timing synth-figures
synth-timing: ## relative timing of each pipeline stage against the committed figures; STAGE=dd_next for one
	$(Q)$(PYTHON) scripts/synth.py --timing $(STAGE)
synth-figures: ## commit to what synthesis gives now: writes scripts/synth_figures.json
	$(Q)$(PYTHON) scripts/synth.py --flows 16 64 1024 --update
	$(Q)$(PYTHON) scripts/synth.py --timing --update

.PHONY: formal
formal: ## proofs of tb/formal/, each with mutants that it must reject; PROOF=fifo for one, AGAIN=1 for what has not changed, too
	$(Q)$(PYTHON) scripts/formal.py --out $(B)/formal $(if $(AGAIN),--again) $(PROOF)
.PHONY: bench test-live-ref
bench: ## what the NIC does in a second, beside the reference, Linux and a loop-back, as one table: build/bench/report.md; ARGS="--only goodput,redis --runs 3 --hold"
	$(Q)$(PYTHON) scripts/bench.py --build $(B) --out $(B)/bench $(ARGS)
.PHONY: bench-cycles bench-scale
bench-cycles: ## of that only cycles: per segment, and from a request to its answer; exact, and without a network
	$(Q)$(PYTHON) scripts/bench.py --build $(B) --out $(B)/bench --only cycles $(ARGS)
bench-scale: ## of that only builds with 64, 1024, 4096 flows: what a segment takes, and memory per flow
	$(Q)$(PYTHON) scripts/bench.py --build $(B) --out $(B)/bench --only scale $(ARGS)
.PHONY: test-bench
test-bench: ## make bench itself: its targets are judged, and a short run of it has every figure
	$(Q)$(PYTHON) scripts/test_bench.py --build $(B) --work $(B)/test_bench
test-live: build build-wave ## live end-to-end tests against real clients, in a network of their own
	$(Q)LW_NUM_FLOWS=$(NUM_FLOWS) scripts/netns.sh scripts/test_live.py --lockwire $(B)/lockwire --work $(B)/test_live echo kv record hostile shared client httpd forward tools shell routed window bad net flood stopped path ecn bridge
test-live-ref: build ## the same with the software reference in the NIC's place, and peers that vanish
	$(Q)scripts/netns.sh scripts/test_live.py --lockwire $(B)/lockwire --engine ref --work $(B)/test_live_ref echo kv record hostile shared client httpd forward tools shell routed window net vanish flood stopped lossy path ecn
.PHONY: coverage mutate mutate-core
coverage: ## lines and toggles of rtl/ that benches, pair, nic_rate, hazards and real clients go through: build/coverage/report.md
	$(Q)$(PYTHON) scripts/coverage.py
mutate: ## break the RTL in 186 small ways, the core in 7; lists what checker, wire monitor, pair and hazards let through (build/mutate/report.md)
	$(Q)$(PYTHON) scripts/mutate_rtl.py
mutate-core: ## break the transport core in 200 small ways; lists what unit tests and pair let through
	$(Q)$(PYTHON) scripts/mutate_core.py
.PHONY: hazards
hazards: $(B)/nic_hazards ## every two events on one flow at every distance in cycles, and every timer due at once; ALL=1 in every way to open a flow
	$(Q)$< $(if $(ALL),--all)
.PHONY: params params-ci
params: ## eight builds that differ in every parameter (scripts/params.py --list): each runs seeds of the pair, nic_rate, nic_hazards, a short live run
	$(Q)$(PYTHON) scripts/params.py --out $(B)/params
params-ci: ## the smallest of them, with few seeds
	$(Q)$(PYTHON) scripts/params.py --out $(B)/params --seeds 10 --hazards timers smallest
.PHONY: accept
accept: ## what is too long for CI; resumable, with its ledger in build/accept/
	$(Q)scripts/deps.sh --accept
	$(Q)$(MAKE) --no-print-directory build
	$(Q)$(PYTHON) scripts/accept.py
test: deps ## what CI runs: lint, unit tests, benches, the pair, hazards, regressions in shares, recordings, captures, cases of pcaps, waves, Icarus, reports, packetdrill, live tests, make bench, synthesis, fuzzing
	$(Q)$(PYTHON) scripts/test.py --build $(B)

.PHONY: clean
clean: ## remove build/
	$(Q)rm -rf $(B)
