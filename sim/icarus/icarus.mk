# SPDX-License-Identifier: Apache-2.0
# The co-simulation on Icarus (sim/icarus/README.md): the same C as a VPI module, the same RTL compiled for vvp.
# Of Verilator's model only the header is used that says what the simulator imports.
I := $(B)/icarus
ICARUS_C := $(patsubst %.c,$(B)/obj/%.o,$(wildcard sim/icarus/*.c))
ICARUS_SV := sim/icarus/icarus_top.sv sim/icarus/icarus_tap.sv
IVERILOG := iverilog -g2012 -Picarus_top.DataW=$(DATA_W) -Picarus_top.NumFlows=$(NUM_FLOWS) -Picarus_top.TxBufBytes=$(TX_BUF) -Picarus_top.RxBufBytes=$(RX_BUF) -Picarus_top.Cc=$(CONGESTION)

$(ICARUS_C): CFLAGS += -Isim $(MODEL_DEF) -isystem /usr/include/iverilog -isystem $(VROOT)/include -isystem $(VROOT)/include/vltstd -isystem $(M)
$(ICARUS_C): $(M)/Vcosim_top.mk

# A shared object has no main of its own: that of the command line is called by model.c.
$(I)/main.o: $(B)/obj/sim/main.o
	@mkdir -p $(@D)
	$(Q)objcopy --redefine-sym main=lockwire_main $< $@

$(I)/lockwire.vpi: $(I)/main.o $(filter-out %/main.o,$(SIM_C)) $(ICARUS_C) $(B)/obj/dpi/glue/glue.o $(B)/libdpi.a sim/icarus/exports.map
	$(if $(Q),@echo "  LINK $@")
	$(Q)$(CC) -shared -Wl,-z,now,--version-script=sim/icarus/exports.map -o $@ $(filter-out %.map,$^) -lpthread -lz -lpcap -ledit

$(I)/lockwire.vvp: $(B)/gen/parameters $(ICARUS_SV) $(RTL_SRC) $(RTL_F) rtl/prim/ring_mem.sv
	@mkdir -p $(@D)
	$(if $(Q),@echo "  IVERILOG $@")
	$(Q)$(IVERILOG) -Irtl -s icarus_top -o $@ $(shell cat $(RTL_F)) rtl/prim/ring_mem.sv $(ICARUS_SV) 2>&1 \
	  | { grep -v '$(ICARUS_NOISE)' || true; }; exit $${PIPESTATUS[0]}

$(I)/lockwire: sim/icarus/lockwire.sh $(I)/lockwire.vpi $(I)/lockwire.vvp
	$(Q)install -m 755 $< $@

##@ Build
.PHONY: build-icarus
build-icarus: $(I)/lockwire ## the co-simulation on Icarus, four-state: build/icarus/lockwire

.PHONY: lint-icarus
lint: lint-icarus
lint-icarus:
	$(Q)mkdir -p $(B); $(IVERILOG) -Wall -Wno-timescale -Irtl -t null -s icarus_top $(shell cat $(RTL_F)) rtl/prim/ring_mem.sv $(ICARUS_SV) 2>&1 | { ! grep -v '$(ICARUS_NOISE)'; }
	$(Q)shellcheck sim/icarus/lockwire.sh

##@ Tests
.PHONY: test-icarus test-icarus-live
test-icarus: build build-icarus ## the co-simulation on Icarus: it does what Verilator's does, and sees an X; SEEDS=20 replays so many of the pair instead
	$(Q)$(PYTHON) scripts/test_icarus.py --lockwire $(B)/lockwire --icarus $(I)/lockwire --iverilog '$(IVERILOG)' --work $(B)/test_icarus $(SEEDS:%=--seeds %)
test-icarus-live: build build-icarus ## live groups echo and kv, every recording replayed on Icarus, too: some half an hour
	$(Q)scripts/netns.sh scripts/test_live.py --lockwire $(B)/lockwire --also $(I)/lockwire --work $(B)/test_icarus_live echo kv
