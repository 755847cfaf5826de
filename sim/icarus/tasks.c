// SPDX-License-Identifier: Apache-2.0
// The system tasks that icarus_top.sv and icarus_tap.sv call where Verilator's model calls a DPI import: each takes its arguments, in
// the order in which they stand there, holds what counts of them against X and Z, and calls the import of dpi/glue.
//
// What may be unknown, and why (the RTL resets control bits, not data that a valid guards):
//   beats            the bytes behind nbytes: nobody reads them
//   ring writes      the bytes whose enable is 0, and a bank's address where none of its enables is 1
// and what is said at each task below.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "four.h"

// Written by Verilator; glue.c includes it, too: what drifts does not compile.
#include "Vcosim_top__Dpi.h"

#define FIELDS(s) ((struct four_fields){#s, s##_fields, sizeof s##_fields / sizeof *s##_fields})
#define FIELDS_AS(text, s) ((struct four_fields){text, s##_fields, sizeof s##_fields / sizeof *s##_fields})

enum { BEAT_WORDS = 16 };

static unsigned long long host(const struct four_call *c) { return (uintptr_t)c->b->glue; }
static bool silent(const struct four_call *c) { return bridge_silent(c->b); }
static bool unchecked(const struct four_call *c) { return silent(c) || !c->b->check; }

static int take_flow(struct four_call *c, const char *name)
{
  c->flow = (int)four_int(c, name);
  return c->flow;
}

// --- lines that stand alone ------------------------------------------------------------------------------------------

// Each bit has its name, the highest first.
static void control(struct four_call *c, const char *const *name, unsigned n)
{
  struct four_vector f;
  four_take(c, &f);
  for (unsigned i = 0; i < n && i < f.bits; i++) four_must(c, &f, name[i], f.bits - 1 - i, 1);
}

static void control_of_ports(struct four_call *c)
{
  static const char *const name[] = {"quiescent_o", "next_valid_o", "tx_valid_o", "slow_valid_o", "pout_valid_o", "event_valid_o", "slow_ready_o",
                                     "pin_ready_o", "cmd_ready_o", "rxm_we_o", "rxm_re_o", "txm_we_o", "txm_re_o", "slow_fence_o", "next_us_o",
                                     "cnt_data_o"};
  control(c, name, sizeof name / sizeof *name);
}

static void control_of_retired(struct four_call *c)
{
  static const char *const name[] = {"frame valid", "rcv valid", "snd kind", "snd kind", "snd kind", "sample valid", "tail write",
                                     "consumed write", "rx_status write", "tx_status write"};
  control(c, name, sizeof name / sizeof *name);
}

// --- what leaves -----------------------------------------------------------------------------------------------------

static void tx(struct four_call *c)
{
  uint32_t data[BEAT_WORDS];
  int nbytes = (int)four_int(c, "tx_nbytes_o");
  bool last = four_int(c, "tx_last_o");
  four_lanes(c, "tx_data_o", (unsigned)nbytes, data);
  if (!silent(c)) lw_tx(host(c), data, nbytes, last);
}

static void slow_out(struct four_call *c)
{
  uint32_t data[BEAT_WORDS];
  int nbytes = (int)four_int(c, "slow_nbytes_o");
  bool last = four_int(c, "slow_last_o");
  four_lanes(c, "slow_data_o", (unsigned)nbytes, data);
  if (!silent(c)) lw_slow_out(host(c), data, nbytes, last);
}

static void fence(struct four_call *c)
{
  int flow = take_flow(c, "slow_flow_o");
  bool ok = four_int(c, "slow_ok_o");
  if (!silent(c)) lw_fence(host(c), flow, ok);
}

static void payload_out(struct four_call *c)
{
  uint32_t data[BEAT_WORDS];
  int flow = take_flow(c, "pout_flow_o"), nbytes = (int)four_int(c, "pout_nbytes_o");
  bool last = four_int(c, "pout_last_o");
  four_lanes(c, "pout_data_o", (unsigned)nbytes, data);
  if (!silent(c)) lw_payload_out(host(c), flow, data, nbytes, last);
}

static void event(struct four_call *c)
{
  uint32_t ev[HOST_EVENT_WORDS];
  c->flow = four_flow(c, &FIELDS(host_event));
  four_struct(c, &FIELDS(host_event), ev);
  if (!silent(c)) lw_event(host(c), ev);
}

static void ring_write(struct four_call *c)
{
  static const char *const name[2][5] = {{"rxm_wbe0_o", "rxm_wbe1_o", "rxm_waddr0_o", "rxm_waddr1_o", "rxm_wdata_o"},
                                         {"txm_wbe0_o", "txm_wbe1_o", "txm_waddr0_o", "txm_waddr1_o", "txm_wdata_o"}};
  const char *const *n = name[four_int(c, "ring")];
  uint64_t be0 = four_int(c, n[0]), be1 = four_int(c, n[1]);
  four_int_if(c, be0, n[2]);
  four_int_if(c, be1, n[3]);
  four_enabled(c, n[4], be0 | be1);
}

static void ring_read(struct four_call *c)
{
  static const char *const name[2][2] = {{"rxm_raddr0_o", "rxm_raddr1_o"}, {"txm_raddr0_o", "txm_raddr1_o"}};
  const char *const *n = name[four_int(c, "ring")];
  four_int(c, n[0]);
  four_int(c, n[1]);
}

// --- what enters: C's own, always known; nothing once nothing reaches C -----------------------------------------------

static void give_beat(struct four_call *c, int nbytes, svBit last, const uint32_t *data)
{
  four_give(c, &(uint32_t){(uint32_t)nbytes});
  four_give(c, &(uint32_t){last});
  four_give(c, data);
}

static void rx(struct four_call *c)
{
  uint32_t data[BEAT_WORDS] = {0};
  int nbytes = 1;
  svBit last = 1;
  if (!silent(c)) lw_rx(host(c), data, &nbytes, &last);
  give_beat(c, nbytes, last, data);
}

static void slow_in(struct four_call *c)
{
  uint32_t data[BEAT_WORDS] = {0};
  int nbytes = 1;
  svBit last = 1;
  if (!silent(c)) lw_slow_in(host(c), data, &nbytes, &last);
  give_beat(c, nbytes, last, data);
}

static void payload_in(struct four_call *c)
{
  uint32_t data[BEAT_WORDS] = {0};
  int flow = 0, nbytes = 1;
  svBit last = 1;
  if (!silent(c)) lw_payload_in(host(c), &flow, data, &nbytes, &last);
  four_give(c, &(uint32_t){(uint32_t)flow});
  give_beat(c, nbytes, last, data);
}

static void command(struct four_call *c)
{
  uint32_t cmd[HOST_CMD_WORDS] = {0};
  if (!silent(c)) lw_command(host(c), cmd);
  four_give(c, cmd);
}

// --- what retires ----------------------------------------------------------------------------------------------------

static void retire_frame(struct four_call *c)
{
  int class_id = (int)four_int(c, "frame class");
  if (!unchecked(c)) lw_retire_frame(host(c), class_id);
}

// The receive mirror is read for a header; where none is made it may be that of a flow that was never opened. A range that came twice
// is one where vld is 1; before the first there has been none.
static void retire_sample(struct four_call *c)
{
  static const struct four_guard range = {"vld", 1, {NULL}};
  uint32_t desc[TX_DESC_WORDS], rcv[RCV_MIRROR_WORDS], dup[DSACK_WORDS];
  int flags = (int)four_int(c, "sample {owed, frame}");
  bool frame = flags & 1;
  c->flow = four_flow(c, &FIELDS(tx_desc));
  four_struct(c, &FIELDS_AS("sample tx_desc", tx_desc), desc);
  four_struct_if(c, frame, &FIELDS_AS("sample rcv_mirror", rcv_mirror), rcv);
  four_struct_guarded(c, &range, &FIELDS_AS("sample dsack", dsack), dup);
  if (!unchecked(c)) lw_retire_sample(host(c), desc, flags, rcv, dup);
}

// A segment that is no flow's (hit is 0) has no context, and reads nobody's stores. The send side's mirrors are read for a segment, a read
// and a timeout; as a flow is opened or released they may have never been written. The descriptor is a segment's, and of a frame that is
// none (ARP, UDP) the parser has no more than its class and size. dd_segment goes with dd_valid.
static void retire_rcv(struct four_call *c)
{
  static const struct four_guard tcp = {"class_id", RX_LOOKUP, {"beats", "frame_len"}};
  uint32_t desc[RX_DESC_WORDS], snd[SND_MIRROR_WORDS], sent[SENT_MIRROR_WORDS], ctx[RCV_CTX_WORDS], dd[DD_SEGMENT_WORDS], dup[DSACK_WORDS];
  int kind = (int)four_int(c, "rcv kind"), flow = (int)four_int(c, "rcv flow"), flags = (int)four_int(c, "rcv flags");
  bool segment = kind == REV_SEGMENT, of_flow = !segment || (flags & 1), dd_valid = flags & 32;
  bool reads = of_flow && kind != REV_OPEN && kind != REV_RELEASE;
  c->flow = of_flow ? flow : NO_FLOW;
  int class_id = (int)four_int(c, "rcv class");
  unsigned long long now_us = four_int(c, "rcv now_us");
  if (segment) four_struct_guarded(c, &tcp, &FIELDS_AS("rcv rx_desc", rx_desc), desc);
  else four_struct_if(c, false, &FIELDS_AS("rcv rx_desc", rx_desc), desc);
  four_struct_if(c, reads, &FIELDS_AS("rcv snd_mirror", snd_mirror), snd);
  four_struct_if(c, reads, &FIELDS_AS("rcv sent_mirror", sent_mirror), sent);
  int consumed = (int)four_int_if(c, reads, "rcv consumed");
  four_struct_if(c, of_flow, &FIELDS(rcv_ctx), ctx);
  four_struct_if(c, dd_valid, &FIELDS_AS("rcv dd_segment", dd_segment), dd);
  four_struct(c, &FIELDS_AS("rcv dsack", dsack), dup);
  if (!unchecked(c)) lw_retire_rcv(host(c), kind, flow, flags, class_id, desc, snd, sent, consumed, ctx, dd, dup, now_us);
}

// dd_in is that of SevIncoming; before the first of them there has been none.
static void retire_snd(struct four_call *c)
{
  uint32_t dd[DD_IN_WORDS], ctx[SND_CTX_WORDS], desc[TX_DESC_WORDS];
  int kind = (int)four_int(c, "snd kind");
  int flow = take_flow(c, "snd flow");
  int flags = (int)four_int(c, "snd flags");
  unsigned long long now_us = four_int(c, "snd now_us");
  four_struct_if(c, kind == SEV_INCOMING, &FIELDS_AS("snd dd_in", dd_in), dd);
  int tail = (int)four_int(c, "snd tail");
  four_struct(c, &FIELDS(snd_ctx), ctx);
  four_struct(c, &FIELDS_AS("snd tx_desc", tx_desc), desc);
  if (!unchecked(c)) lw_retire_snd(host(c), kind, flow, now_us, dd, tail, flags, ctx, desc);
}

static void retire_tail(struct four_call *c)
{
  int flow = take_flow(c, "tail flow"), kind = (int)four_int(c, "tail kind");
  uint64_t tail = four_int(c, "tail");
  if (!unchecked(c)) lw_retire_tail(host(c), flow, kind, (int)(uint32_t)tail, tail >> 32 & 1);
}

static void retire_consumed(struct four_call *c)
{
  int flow = take_flow(c, "consumed flow");
  bool init = four_int(c, "consumed init");
  int consumed = (int)four_int(c, "consumed");
  if (!unchecked(c)) lw_retire_consumed(host(c), flow, init, consumed);
}

static void retire_rx_status(struct four_call *c)
{
  uint32_t status[RX_STATUS_WORDS];
  int flow = take_flow(c, "rx_status flow");
  four_struct(c, &FIELDS(rx_status), status);
  if (!unchecked(c)) lw_retire_rx_status(host(c), flow, status);
}

static void retire_tx_status(struct four_call *c)
{
  uint32_t status[TX_STATUS_WORDS];
  int flow = take_flow(c, "tx_status flow");
  bool tell = four_int(c, "tx_status tell");
  four_struct(c, &FIELDS(tx_status), status);
  if (!unchecked(c)) lw_retire_tx_status(host(c), flow, tell, status);
}

// --- the table -------------------------------------------------------------------------------------------------------

static const struct task {
  const char *name;
  unsigned args;
  void (*run)(struct four_call *c);
} tasks[] = {
    {"$lw_control", 1, control_of_ports}, {"$lw_retire_control", 1, control_of_retired},
    {"$lw_tx", 3, tx}, {"$lw_slow_out", 3, slow_out}, {"$lw_fence", 2, fence}, {"$lw_payload_out", 4, payload_out}, {"$lw_event", 1, event},
    {"$lw_ring_write", 6, ring_write}, {"$lw_ring_read", 3, ring_read},
    {"$lw_rx", 3, rx}, {"$lw_slow_in", 3, slow_in}, {"$lw_payload_in", 4, payload_in}, {"$lw_command", 1, command},
    {"$lw_retire_frame", 1, retire_frame}, {"$lw_retire_sample", 4, retire_sample}, {"$lw_retire_rcv", 12, retire_rcv},
    {"$lw_retire_snd", 8, retire_snd}, {"$lw_retire_tail", 3, retire_tail}, {"$lw_retire_consumed", 3, retire_consumed},
    {"$lw_retire_rx_status", 2, retire_rx_status}, {"$lw_retire_tx_status", 3, retire_tx_status},
};
enum { N_TASKS = sizeof tasks / sizeof *tasks };

// What vvp hands back to us, for each task; and of each place where one is called.
static struct bound {
  struct bridge *bridge;
  const struct task *task;
} bound[N_TASKS];

static PLI_INT32 compile(PLI_BYTE8 *user)
{
  const struct task *t = ((struct bound *)(void *)user)->task;
  vpiHandle call = vpi_handle(vpiSysTfCall, NULL);
  struct four_site *s = calloc(1, sizeof *s);
  if (!s || !four_site_find(s, call) || s->n != t->args) {
    fprintf(stderr, "lockwire: %s: lockwire.vpi and lockwire.vvp are of different builds\n", t->name);
    free(s);
    vpip_set_return_value(2);
    vpi_control(vpiFinish, 0);
    return 0;
  }
  vpi_put_userdata(call, s);
  return 0;
}

static PLI_INT32 call(PLI_BYTE8 *user)
{
  const struct bound *b = (const struct bound *)(void *)user;
  const struct four_site *s = vpi_get_userdata(vpi_handle(vpiSysTfCall, NULL));
  if (!s) return 0;
  struct four_call c = four_begin(b->bridge, s);
  b->task->run(&c);
  return 0;
}

// An assertion of the RTL, which Icarus calls like this where it does not hold. Icarus' own would print, and go on.
static PLI_INT32 error(PLI_BYTE8 *user)
{
  vpiHandle call = vpi_handle(vpiSysTfCall, NULL);
  const char *path = vpi_get_str(vpiFile, call), *slash = strrchr(path, '/');
  bridge_fault((struct bridge *)(void *)user, NO_FLOW, "the assertion in line %d of %s does not hold", (int)vpi_get(vpiLineNo, call),
               slash ? slash + 1 : path);
  return 0;
}

void tasks_register(struct bridge *b)
{
  s_vpi_systf_data e = {.type = vpiSysTask, .tfname = "$error", .calltf = error, .user_data = (void *)b};
  vpi_register_systf(&e);
  for (unsigned i = 0; i < N_TASKS; i++) {
    bound[i] = (struct bound){b, &tasks[i]};
    s_vpi_systf_data d = {.type = vpiSysTask, .tfname = (char *)tasks[i].name, .calltf = call, .compiletf = compile, .user_data = (void *)&bound[i]};
    vpi_register_systf(&d);
  }
}
