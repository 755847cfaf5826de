// SPDX-License-Identifier: Apache-2.0
// Clocks the benches under Verilator: $finish ends them, $fatal makes the status non-zero. Built with COVERAGE=1 they leave what
// they went through in the directory LW_COVERAGE, if the environment names one.
#include <verilated.h>
#if VM_COVERAGE
#include <cstdlib>
#include <string>
#include <verilated_cov.h>
#endif

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
#if VM_COVERAGE
  if (const char *dir = std::getenv("LW_COVERAGE")) context.coveragep()->write((std::string{dir} + "/benches.dat").c_str());
#endif
  return 0;
}
