// SPDX-License-Identifier: Apache-2.0
// What the simulator's imports work on: the main loop fills it in and passes its address to the model as a number.
#ifndef LW_GLUE_H
#define LW_GLUE_H
#include "check/check.h"
#include "sock/nic_port.h"
#include "wire/wire.h"

struct glue {
  struct nic_port *port;
  struct check *check;       // told of all that passes; NULL: nobody is
  // Opens the wire as the simulation starts; NULL with a line in err ends the run.
  struct wire *(*open_wire)(void *user, char err[static WIRE_ERR_LEN]);
  void *user;
  struct wire *wire;         // set by lw_open, closed and cleared by lw_close
  char err[WIRE_ERR_LEN];
};
#endif
