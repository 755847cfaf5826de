# SPDX-License-Identifier: Apache-2.0
# The loop-back (sim/loop/README.md): the same program with an RTL that only sends frames back, and what it is loaded with.
L := $(B)/loop
LOOP_FLAGS := $(MODEL_FLAGS) -GDataW=$(DATA_W) sim/loop/lint.vlt sim/loop/loop_top.sv --top-module cosim_top

$(L)/Vcosim_top.mk: $(B)/gen/parameters sim/loop/loop_top.sv sim/loop/lint.vlt
	@mkdir -p $(L)
	$(if $(Q),@echo "  VERILATE (loop-back)")
	$(Q)verilator $(LOOP_FLAGS) --Mdir $(L)

$(L)/Vcosim_top__ALL.a: $(L)/Vcosim_top.mk
	$(Q)$(MAKE) -s -C $(L) -f Vcosim_top.mk CXX=$(MODEL_CXX) LINK=$(MODEL_CXX) OBJCACHE=$(CCACHE) \
	  OPT_FAST="$(MODEL_OPT) -march=native" OPT_GLOBAL=-O2 Vcosim_top__ALL.a $(VLIB) > $(L)/build.log 2>&1 || { cat $(L)/build.log; exit 1; }

$(L)/model.o: sim/model.cpp sim/model.h Makefile $(L)/Vcosim_top.mk
	$(Q)$(CCACHE) $(MODEL_CXX) -std=c++14 -O2 -Wall -Wextra -MMD -MP $(MODEL_DEF) -DLW_LOOP -DVM_TRACE=0 -Idpi -I$(L) -isystem $(VROOT)/include \
	  -isystem $(VROOT)/include/vltstd -c -o $@ $<

$(L)/lockwire: $(SIM_C) $(L)/model.o $(B)/obj/dpi/glue/glue.o $(B)/libdpi.a $(L)/Vcosim_top__ALL.a
	$(if $(Q),@echo "  LINK $@")
	$(Q)$(MODEL_CXX) -o $@ $^ $(VLIB:%=$(L)/%) -latomic -lpthread -lz -lpcap -ledit

$(B)/frame_load: $(B)/obj/sim/loop/frame_load.o $(B)/libdpi.a
	$(if $(Q),@echo "  LINK $@")
	$(Q)$(CC) -o $@ $^ -lz

.PHONY: lint-loop
lint: lint-loop
lint-loop:
	$(Q)verilator --lint-only -Wall $(filter-out --cc -O3 --savable -GDataW=%,$(LOOP_FLAGS))
