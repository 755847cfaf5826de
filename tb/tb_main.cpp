// SPDX-License-Identifier: Apache-2.0
// Clocks the benches under Verilator: $finish ends them, $fatal makes the status non-zero.
#include <verilated.h>

#include "Vtb_top.h"

int main(int argc, char **argv)
{
  VerilatedContext context;
  context.commandArgs(argc, argv);
  Vtb_top top{&context};
  while (!context.gotFinish()) {
    top.clk_i = 0;
    top.eval();
    top.clk_i = 1;
    top.eval();
  }
  top.final();
  return 0;
}
