// SPDX-License-Identifier: Apache-2.0
// The lockstep checker: follows every step that the NIC commits with the transport core as the model, holds every byte that
// enters and leaves against it, and counts what the NIC owes. It is told of beats and retired events in the order of their
// cycles, and keeps the first thing that was not as it must be. What it lets the NIC choose stands in README.md.
// No I/O, no clock; one thread. Nothing is reported after the first difference.
#ifndef LW_CHECK_H
#define LW_CHECK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/blob.h"
#include "tcp/core/core.h"

struct check;

struct check_config {
  unsigned num_flows, beat_bytes;
  uint32_t tx_ring_bytes;
  struct core_caps caps;           // what the RTL's build can do; has the receive ring's size
  uint8_t mac[6];
  unsigned max_frame;              // bytes
};

struct check *check_open(const struct check_config *c);   // NULL: out of memory
void check_close(struct check *k);                         // NULL is allowed

// Its state between two cycles, for a checker opened with the same config by the same build to go on from. It has found nothing.
void check_save(struct check *k, struct blob *b);
bool check_load(struct check *k, struct blob *b);   // into one just opened; false: that is not what b holds, close it

// A clock cycle begins: all that follows belongs to it. now_us is the NIC's time input in this cycle.
void check_cycle(struct check *k, uint64_t cycle, uint64_t now_us);
// The NIC says that nothing is under way and that clocking cannot matter before next_us: then nothing may be owed, and until that
// time, or until something enters, nothing may retire or leave.
void check_quiescent(struct check *k, uint64_t next_us);
// What one of its counters then reads (rtl/nic_counters.sv), index below CHECK_COUNTERS.
enum { CHECK_COUNTERS = NIC_CNT_REXMITS + 1 };
void check_counter(struct check *k, unsigned index, uint64_t value);

// --- what enters ---
void check_rx_beat(struct check *k, const uint8_t *beat, unsigned nbytes, bool last);
void check_slow_in_beat(struct check *k, const uint8_t *beat, unsigned nbytes, bool last);
void check_payload_in_beat(struct check *k, unsigned flow, const uint8_t *beat, unsigned nbytes, bool last);
void check_command(struct check *k, const struct host_cmd *c);

// --- what leaves ---
void check_tx_beat(struct check *k, const uint8_t *beat, unsigned nbytes, bool last);
void check_slow_out_beat(struct check *k, const uint8_t *beat, unsigned nbytes, bool last);
void check_fence(struct check *k, unsigned flow, bool ok);
void check_payload_out_beat(struct check *k, unsigned flow, const uint8_t *beat, unsigned nbytes, bool last);
void check_event(struct check *k, const struct host_event *e);

// --- what retires (sim/nic_retire.sv) ---
struct check_rcv {
  enum rcv_ev_e kind;
  unsigned flow;
  bool hit, ok;                    // the flow table's answers: to a segment, to an open
  struct rx_desc desc;             // of a segment
  struct snd_mirror snd;           // what it read of others
  struct sent_mirror sent;
  struct seq consumed;
  enum rcv_class_e class_id;       // what it made of it
  struct rcv_ctx ctx;
  bool ack_bit, ack_now, ack_init;
  struct dsack dup;
  uint64_t now_us;
  bool dd_valid;
  struct dd_segment dd;
};

struct check_snd {
  enum snd_ev_e kind;
  unsigned flow;
  uint64_t now_us;
  struct dd_in dd;                 // of SEV_INCOMING
  struct seq tail;                 // what it read of others
  bool fin, owed;
  unsigned owed_now;
  struct snd_ctx ctx;
  bool emit;
  struct tx_desc desc;
};

struct check_sample {
  struct tx_desc desc;
  bool frame, owed;                // a frame is made; an ACK was owed
  struct rcv_mirror rcv;           // what it read of others
  struct dsack dup;
};

enum check_tail { CHECK_TAIL_PAYLOAD, CHECK_TAIL_CLOSE, CHECK_TAIL_OPEN };

void check_frame(struct check *k, enum rx_class_e class_id);
void check_rcv(struct check *k, const struct check_rcv *e);
void check_snd(struct check *k, const struct check_snd *e);
void check_sample(struct check *k, const struct check_sample *e);
void check_tail(struct check *k, unsigned flow, enum check_tail kind, struct seq tail, bool fin);
void check_consumed(struct check *k, unsigned flow, bool init, struct seq consumed);   // init: of an open
void check_rx_status(struct check *k, unsigned flow, const struct rx_status *s);
void check_tx_status(struct check *k, unsigned flow, bool tell, const struct tx_status *s);

// The model's contexts of a flow, which are the NIC's; false: not open.
bool check_contexts(const struct check *k, unsigned flow, const struct rcv_ctx **rcv, const struct snd_ctx **snd);

// --- what came of it ---
struct check_counts {
  uint64_t rcv, snd, samples, frames_in, frames_out, payload_out, events;   // steps and bytes compared
  uint64_t nic[CHECK_COUNTERS];    // what the NIC's counters must have come to
};
bool check_failed(const struct check *k);
const struct check_counts *check_counts(const struct check *k);
uint64_t check_failed_cycle(const struct check *k);
const char *check_failed_rule(const struct check *k);   // its short name; empty when nothing failed
// The first difference: a paragraph, expected and got, the flow's last events. `hint` is printed last: how to see it.
void check_report(const struct check *k, FILE *out, const char *hint);
// The same as one JSON object.
void check_report_json(const struct check *k, FILE *out);
#endif
