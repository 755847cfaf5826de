// SPDX-License-Identifier: Apache-2.0
// What the simulator's imports work on: the owner fills it in and passes its address to the model as a number.
//
//     host's half of the ports, or a tap with a fetch --in--> the NIC's ports --out--> host's half
//                                                                    |
//                                       watch, checker, tap (recorder or comparer)
#ifndef LW_GLUE_H
#define LW_GLUE_H
#include "check/check.h"
#include "sock/nic_port.h"
#include "wire/wire.h"

enum glue_port { GLUE_RX, GLUE_SLOW_IN, GLUE_PIN, GLUE_CMD, GLUE_TX, GLUE_SLOW_OUT, GLUE_FENCE, GLUE_POUT, GLUE_EVENT, GLUE_PORTS };

// What passes a port in one cycle: a beat of bytes, or the packed words of a command or event. A fence has no bytes; `last`
// is its `ok`.
struct glue_beat {
  enum glue_port port;
  unsigned flow;             // of payload and fences
  const uint8_t *data;
  unsigned nbytes;
  bool last;
};

struct glue_tap;
struct glue_tap_ops {
  // A beat passes, in or out, in this cycle.
  void (*pass)(struct glue_tap *t, const struct glue_beat *b);
  // Where what enters comes from, in place of the host's half; NULL: from there. Fills in data (room for a beat or a
  // command), and flow, nbytes, last.
  void (*fetch)(struct glue_tap *t, enum glue_port port, uint8_t *data, struct glue_beat *b);
};
struct glue_tap {
  const struct glue_tap_ops *ops;
};

enum { GLUE_FAULT_LEN = 160 };
// Who writes down what passes and what retires: told before the checker, so also of the step that is wrong. What retires is
// reported only while there is a checker.
struct glue_watch;
struct glue_watch_ops {
  void (*beat)(struct glue_watch *w, const struct glue_beat *b);
  void (*frame)(struct glue_watch *w, enum rx_class_e class_id);
  void (*rcv)(struct glue_watch *w, const struct check_rcv *e);
  void (*snd)(struct glue_watch *w, const struct check_snd *e);
  void (*sample)(struct glue_watch *w, const struct check_sample *e);
  void (*tail)(struct glue_watch *w, unsigned flow, enum check_tail kind, struct seq tail, bool fin);
  void (*consumed)(struct glue_watch *w, unsigned flow, bool init, struct seq consumed);
  void (*rx_status)(struct glue_watch *w, unsigned flow, const struct rx_status *s);
  void (*tx_status)(struct glue_watch *w, unsigned flow, bool tell, const struct tx_status *s);
};
struct glue_watch {
  const struct glue_watch_ops *ops;
};

struct glue {
  struct nic_port *port;     // the host's half; NULL in a replay: what leaves is only compared
  unsigned beat_bytes;
  struct check *check;       // told of all that passes; NULL: nobody is
  struct glue_tap *tap;      // likewise
  struct glue_watch *watch;  // likewise
  // Opens the wire as the simulation starts; NULL with a line in err ends the run.
  struct wire *(*open_wire)(void *user, char err[static WIRE_ERR_LEN]);
  void *user;
  struct wire *wire;         // set by lw_open, closed and cleared by lw_close
  char err[WIRE_ERR_LEN];
  // What the simulator itself found wrong with the NIC, as "at cycle N ...": only Icarus does (sim/icarus). Empty: nothing.
  char fault[GLUE_FAULT_LEN];
};
#endif
