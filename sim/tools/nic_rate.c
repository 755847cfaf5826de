// SPDX-License-Identifier: Apache-2.0
// What the NIC does in a cycle: segments per cycle and beats per cycle at several sizes, on one flow and on all, each way and both;
// and how many cycles pass between cause and effect. Deterministic: the peer is made here, frame by frame, and time is the cycle.
// With --speed what that takes on this machine, and with --scale what a segment and a flow cost when all flows are in use.
//
//     frames in --> receive stream                    transmit stream --> counted, acknowledged
//                         NIC under the checker
//     consume  <-- events                              payload in <-- what there is room for
//
// The stream in is kept full, but never so full that the frame FIFO drops: what is measured is the rate of the pipelines.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/hand.h"

enum {
  MHZ = 150,                         // of the clock, for the NIC's time: 100 Gbit/s of minimum frames
  FLOWS_MAX = 4096,
  BACKLOG_FRAMES = 24, BACKLOG_BYTES = 16384,   // on their way into the NIC at most: less than its FIFO holds
  WARM_CYCLES = 100000, CYCLES = 40000, SETUP_CYCLES = 200000,
  ACK_TURNS = 32,                    // between the peer's ACKs, where no data of its own carries them
  ACK_SEGMENTS = 4, ACK_LATE = 1024, // with --scale: so many segments, or turns, so that an ACK costs the same with any number of flows
  SPEED_CYCLES = 200000, IDLE_CYCLES = 1000000,
};

struct peer_flow {
  struct seq snd, rcv;               // what the peer sends next, what it has received
  struct seq acked;                  // as it last said
  struct seq ready, consumed;        // of the NIC's receive side, as the host knows
  struct seq wnd_end;                // of the NIC's receive window
  struct seq freed, written;         // of the NIC's transmit ring
};

struct rig {
  struct glue_tap tap;               // first
  struct nic *nic;
  unsigned flows, opened, payload, next;
  uint64_t turns;                    // the NIC's time, also while it sleeps
  bool in, out;                      // the peer sends; the host sends
  bool ack_segments;                 // by segments, not by turns
  uint64_t acked_data;               // tx_data at the last ACK
  uint32_t ring_tx, ring_rx;
  uint64_t rx_frames, rx_beats, tx_frames, tx_beats, tx_data;   // passed
  uint64_t rx_last_cycle, pin_last_cycle, tx_first_cycle;       // of the newest frame, packet
  bool tx_inside;
  struct peer_flow f[FLOWS_MAX];
};

static void fail(const char *why)
{
  fprintf(stderr, "nic_rate: %s\n", why);
  exit(1);
}

// --- what passes the streams -----------------------------------------------------------------------------------------

static void pass(struct glue_tap *t, const struct glue_beat *b)
{
  struct rig *r = (struct rig *)t;
  if (b->port == GLUE_RX) {
    r->rx_beats++;
    r->rx_frames += b->last;
    if (b->last) r->rx_last_cycle = r->nic->cycles + 1;   // it stands at the NIC's port in the next cycle
  } else if (b->port == GLUE_PIN) {
    if (b->last) r->pin_last_cycle = r->nic->cycles + 1;
  } else if (b->port == GLUE_TX) {
    r->tx_beats++;
    r->tx_frames += b->last;
    if (!r->tx_inside) r->tx_first_cycle = r->nic->cycles;
    r->tx_inside = !b->last;
  }
}

static const struct glue_tap_ops tap_ops = {.pass = pass};

// --- the peer --------------------------------------------------------------------------------------------------------

static void send_segment(struct rig *r, unsigned flow, struct seq seq, unsigned len)
{
  static const uint8_t payload[HAND_MTU];
  uint8_t frame[HAND_FRAME];
  struct peer_flow *f = &r->f[flow];
  const struct segment s = {.seq = seq, .ack = f->rcv, .flags = TCP_ACK, .window = UINT16_MAX, .payload = payload, .payload_len = len};
  f->acked = f->rcv;
  hand_input(r->nic, frame, hand_frame(frame, flow, &s));
}

static uint64_t accepted(const struct rig *r)
{
  uint64_t n = 0;
  for (unsigned i = 0; i < 16; i++) n += model_counter(r->nic->model, NIC_CNT_RCV + i);
  return n - model_counter(r->nic->model, NIC_CNT_RCV + RCV_TOKEN);
}

static bool backlog(const struct rig *r)
{
  uint64_t waits = r->rx_frames - accepted(r);
  return recq_records(&r->nic->port.rx.q) > 2 || waits > BACKLOG_FRAMES || waits * (r->payload + HAND_HEADERS) > BACKLOG_BYTES;
}

// The next segment of the flow whose turn it is, as the window allows.
static void peer_sends(struct rig *r)
{
  for (unsigned tries = 0; r->in && tries < r->flows && !backlog(r); tries++) {
    unsigned flow = r->next++ % r->flows;
    struct peer_flow *f = &r->f[flow];
    if (seq_lt(f->wnd_end, seq_add(f->snd, r->payload))) continue;
    send_segment(r, flow, f->snd, r->payload);
    f->snd = seq_add(f->snd, r->payload);
    tries = 0;
  }
}

// What the NIC sent: acknowledged now and then, and its window noted.
static void peer_hears(struct rig *r)
{
  unsigned flow;
  struct segment s;
  while (hand_hear(r->nic, &flow, &s)) {
    if (flow >= r->flows) fail("a frame that is nobody's");
    struct peer_flow *f = &r->f[flow];
    struct seq edge = seq_add(s.ack, s.window);
    if (seq_lt(f->wnd_end, edge)) f->wnd_end = edge;
    r->tx_data += s.payload_len != 0;
    if (seq_eq(s.seq, f->rcv)) f->rcv = seq_add(f->rcv, (uint32_t)s.payload_len);
  }
}

// Where no data of its own carries them: one flow's now and then, each in its turn.
static void peer_acknowledges(struct rig *r)
{
  bool due = r->ack_segments ? r->tx_data >= r->acked_data + ACK_SEGMENTS || r->turns % ACK_LATE == 0 : r->turns % ACK_TURNS == 0;
  if (!r->out || r->in || !due) return;
  unsigned flow = r->next++ % r->flows;
  if (seq_eq(r->f[flow].rcv, r->f[flow].acked)) return;
  r->acked_data = r->tx_data;
  send_segment(r, flow, r->f[flow].snd, 0);
}

// --- the host --------------------------------------------------------------------------------------------------------

static void host_hears(struct rig *r)
{
  struct engine *e = r->nic->base.engine;
  struct engine_event ev;
  uint16_t flow;
  const uint8_t *data;
  size_t len;
  struct slow_item item;
  while (r->nic->base.ops->next_slow(&r->nic->base, &item)) {
    if (!item.fence || !item.ok) fail("a frame came by the slow path, or a flow did not open");
    r->opened++;
  }
  while (e->ops->next_payload(e, &flow, &data, &len)) {}
  while (e->ops->next_event(e, &ev)) {
    struct peer_flow *f = &r->f[ev.flow];
    f->ready = ev.rx_ready;
    f->freed = ev.tx_freed;
    uint32_t n = (uint32_t)seq_diff(f->ready, f->consumed);
    if (n < r->ring_rx / 4) continue;
    e->ops->consume(e, ev.flow, n);
    f->consumed = f->ready;
  }
}

static void host_sends(struct rig *r)
{
  static const uint8_t data[8192];
  struct engine *e = r->nic->base.engine;
  for (unsigned i = 0; r->out && i < r->flows && recq_records(&r->nic->port.pin.q) < 4; i++) {
    struct peer_flow *f = &r->f[i];
    uint32_t room = r->ring_tx - (uint32_t)seq_diff(f->written, f->freed), whole = room - room % r->payload;
    uint32_t n = whole < sizeof data ? whole : sizeof data - sizeof data % r->payload;
    if (n < r->ring_tx / 8 && n < sizeof data / 2) continue;
    e->ops->payload(e, (uint16_t)i, data, n);
    f->written = seq_add(f->written, n);
  }
}

// --- turning ---------------------------------------------------------------------------------------------------------

static void cycle(struct rig *r)
{
  unsigned one = 1;
  hand_run(r->nic, 1000 + r->turns++ / MHZ, &one);
  struct check *k = hand_failed(r->nic);
  if (!k) return;
  check_report(k, stderr, NULL);
  fail("the checker found a difference");
}

static void turn(struct rig *r)
{
  cycle(r);
  host_hears(r);
  peer_hears(r);
  peer_acknowledges(r);
  peer_sends(r);
  host_sends(r);
}

static void turns(struct rig *r, uint64_t n)
{
  for (uint64_t i = 0; i < n; i++) turn(r);
}

static void settle(struct rig *r)
{
  for (unsigned i = 0; i < 400; i++) {
    cycle(r);
    host_hears(r);
    peer_hears(r);
  }
}

static void uncheck(struct nic *n)
{
  check_close(n->glue.check);
  n->glue.check = NULL;
  model_set_check(n->model, false);
}

// wnd: the peer's, until it says something else.
static struct rig *open_rig(unsigned flows, unsigned payload, uint16_t wnd, bool check)
{
  struct nic_build b = nic_build();
  struct rig *r = calloc(1, sizeof *r);
  if (!r || !(r->nic = hand_nic())) fail("out of memory");
  if (!check) uncheck(r->nic);
  r->tap.ops = &tap_ops;
  r->nic->glue.tap = &r->tap;
  r->flows = flows;
  r->payload = payload;
  r->ring_tx = b.tx_ring_bytes;
  r->ring_rx = b.rx_ring_bytes;
  for (unsigned i = 0; i < flows; i++) {
    struct flow_open f = {.flow = (uint16_t)i, .snd_nxt = seq_of(0u - 50000 + i), .rcv_nxt = seq_of(0x80000000u - 50000 + i), .snd_wnd = wnd,
                          .mss = (uint16_t)payload, .rcv_mss = (uint16_t)payload, .tuning = {.nagle_off = true}};
    r->f[i] = (struct peer_flow){.snd = f.rcv_nxt, .rcv = f.snd_nxt, .acked = f.snd_nxt, .ready = f.rcv_nxt, .consumed = f.rcv_nxt,
                                 .wnd_end = seq_add(f.rcv_nxt, b.rx_ring_bytes), .freed = f.snd_nxt, .written = f.snd_nxt};
    hand_open(r->nic, &f);
  }
  for (unsigned i = 0; i < SETUP_CYCLES && r->opened < flows; i++) turn(r);
  if (r->opened < flows) fail("the flows do not open");
  settle(r);
  return r;
}

static void close_rig(struct rig *r)
{
  nic_close(r->nic);
  free(r);
}

// --- measuring -------------------------------------------------------------------------------------------------------

static bool json;
static unsigned rows;

static void rate(unsigned flows, unsigned payload, bool in, bool out)
{
  struct rig *r = open_rig(flows, payload, UINT16_MAX, true);
  r->in = in;
  r->out = out;
  turns(r, WARM_CYCLES);
  uint64_t was_in = accepted(r), was_out = r->tx_data, was_rx = r->rx_beats, was_tx = r->tx_beats;
  turns(r, CYCLES);
  double cycles = CYCLES;
  double seg_in = (double)(accepted(r) - was_in) / cycles, seg_out = (double)(r->tx_data - was_out) / cycles;
  double beat_in = (double)(r->rx_beats - was_rx) / cycles, beat_out = (double)(r->tx_beats - was_tx) / cycles;
  unsigned frame = payload + HAND_HEADERS;
  const char *way = in && out ? "both" : in ? "receive" : "send";
  if (json)
    printf("%s\n  {\"frame_bytes\": %u, \"flows\": %u, \"way\": \"%s\", \"segments_in\": %.4f, \"beats_in\": %.4f, \"segments_out\": %.4f, "
           "\"beats_out\": %.4f}", rows++ ? "," : "", frame, flows, way, seg_in, beat_in, seg_out, beat_out);
  else
    printf("| %u | %u | %s | %.3f | %.3f | %.3f | %.3f |\n", frame, flows, way, seg_in, beat_in, seg_out, beat_out);
  close_rig(r);
}

static void delay(const char *what, unsigned payload, uint64_t cycles)
{
  if (json) printf("%s\n  {\"payload_bytes\": %u, \"what\": \"%s\", \"cycles\": %" PRIu64 "}", rows++ ? "," : "", payload, what, cycles);
  else printf("| %s | %u | %" PRIu64 " |\n", what, payload, cycles);
}

// The cycle in which the next frame's first beat leaves.
static uint64_t next_frame(struct rig *r)
{
  uint64_t frames = r->tx_frames + r->tx_inside;
  for (unsigned i = 0; i < 100000; i++) {
    cycle(r);
    if (r->tx_frames + r->tx_inside > frames) return r->tx_first_cycle;
  }
  fail("no frame comes");
  return 0;
}

static void latencies(unsigned payload)
{
  struct rig *r = open_rig(1, payload, (uint16_t)payload, true);
  struct engine *e = r->nic->base.engine;
  uint8_t data[2 * HAND_MTU] = {0};
  e->ops->payload(e, 0, data, payload);
  uint64_t at = next_frame(r);
  delay("write to segment", payload, at - r->pin_last_cycle);
  settle(r);
  // More than the peer's window takes, which is full: the ACK releases a segment.
  e->ops->payload(e, 0, data, 2 * payload);
  for (unsigned i = 0; i < 4000; i++) cycle(r);
  peer_hears(r);
  settle(r);
  send_segment(r, 0, r->f[0].snd, 0);
  at = next_frame(r);
  delay("ACK to segment", payload, at - r->rx_last_cycle);
  close_rig(r);
  r = open_rig(1, payload, UINT16_MAX, true);
  send_segment(r, 0, seq_add(r->f[0].snd, payload), payload);   // behind a gap: acknowledged at once
  at = next_frame(r);
  delay("segment to its ACK", payload, at - r->rx_last_cycle);
  close_rig(r);
}

// A program that sends back what it gets, as soon as it has it: what the stack does, which runs between two cycles.
static void echo(struct rig *r)
{
  struct engine *e = r->nic->base.engine;
  struct engine_event ev;
  uint16_t flow;
  const uint8_t *data;
  size_t len;
  while (e->ops->next_event(e, &ev)) {
    struct peer_flow *f = &r->f[ev.flow];
    e->ops->consume(e, ev.flow, (uint32_t)seq_diff(ev.rx_ready, f->consumed));
    f->consumed = ev.rx_ready;
  }
  while (e->ops->next_payload(e, &flow, &data, &len)) e->ops->payload(e, flow, data, len);
}

static void request(unsigned payload)
{
  struct rig *r = open_rig(1, 1460, UINT16_MAX, true);
  uint64_t frames = r->tx_frames + r->tx_inside;
  send_segment(r, 0, r->f[0].snd, payload);
  for (unsigned i = 0; i < 100000 && r->tx_frames + r->tx_inside == frames; i++) {
    cycle(r);
    echo(r);
  }
  uint64_t at = r->tx_first_cycle;
  settle(r);
  if (r->tx_data != 1) fail("no answer to a request, or more than one");
  delay("request to its answer, by way of the program", payload, at - r->rx_last_cycle);
  close_rig(r);
}

// --- what it takes on this machine -----------------------------------------------------------------------------------

struct watch {
  double wall, cpu;
};

static double seconds_of(clockid_t clock)
{
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct watch watch(void) { return (struct watch){seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_PROCESS_CPUTIME_ID)}; }

// Of processor time since w. `wall` is what a part of it took: the machine's other work is taken off as from the whole.
static double part_of(struct watch w, double wall)
{
  struct watch at = watch();
  return wall * (at.cpu - w.cpu) / (at.wall - w.wall);
}

static void speed_row(const char *load, unsigned flows, bool check, double cycles, double seconds)
{
  if (json)
    printf("%s\n  {\"load\": \"%s\", \"flows\": %u, \"check\": %s, \"cycles_per_second\": %.0f}", rows++ ? "," : "", load, flows,
           check ? "true" : "false", cycles / seconds);
  else printf("| %s | %u | %s | %.0f |\n", load, flows, check ? "on" : "off", cycles / seconds);
}

// Flows are open, and nothing happens: what the loop does not clock in a run, but what most of the NIC is in any cycle.
static void idle_speed(unsigned flows, bool check)
{
  struct rig *r = open_rig(flows, 1460, UINT16_MAX, check);
  struct watch began = watch();
  for (unsigned i = 0; i < IDLE_CYCLES; i++) nic_replay_cycle(r->nic, 0, 1000 + r->turns++ / MHZ);
  speed_row("idle", flows, check, IDLE_CYCLES, watch().cpu - began.cpu);
  close_rig(r);
}

static void full_speed(const char *load, unsigned flows, unsigned payload, bool check)
{
  struct rig *r = open_rig(flows, payload, UINT16_MAX, check);
  r->in = r->out = true;
  turns(r, WARM_CYCLES);
  uint64_t cycles = r->nic->cycles, ns = r->nic->eval_ns;
  struct watch began = watch();
  turns(r, SPEED_CYCLES);
  speed_row(load, flows, check, (double)(r->nic->cycles - cycles), part_of(began, (double)(r->nic->eval_ns - ns) * 1e-9));
  close_rig(r);
}

static void speeds(bool check)
{
  unsigned flows[2] = {1, nic_build().num_flows};
  for (int f = 0; f < 2; f++) {
    idle_speed(flows[f], check);
    full_speed("full, 1514 bytes", flows[f], 1460, check);
    full_speed("full, 64 bytes", flows[f], 64 - HAND_HEADERS, check);
  }
}

static double resident_kib(void)
{
  unsigned long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%*u %lu", &pages) != 1) fail("/proc/self/statm says nothing");
  fclose(f);
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static uint64_t segments(const struct rig *r) { return (r->in ? accepted(r) : 0) + (r->out ? r->tx_data : 0); }

// In turn on all flows; what a segment takes in the model and at its ports, when each flow's rings have been gone through once.
static void segment_cost(unsigned payload, bool in, bool out)
{
  enum { BEAT = 60 };              // bytes of payload a cycle, about
  unsigned flows = nic_build().num_flows, frame = payload + HAND_HEADERS;
  struct rig *r = open_rig(flows, payload, UINT16_MAX, false);
  uint64_t ring = r->ring_rx > r->ring_tx ? r->ring_rx : r->ring_tx, fill = payload > BEAT ? flows * ring / BEAT : 0;
  r->in = in;
  r->out = out;
  r->ack_segments = true;
  turns(r, fill > WARM_CYCLES ? fill : WARM_CYCLES);
  uint64_t was = segments(r), ns = r->nic->eval_ns;
  struct watch began = watch();
  turns(r, SPEED_CYCLES);
  double n = (double)(segments(r) - was), cost = part_of(began, (double)(r->nic->eval_ns - ns)) / n, cycles = (double)SPEED_CYCLES / n;
  const char *way = in && out ? "both" : in ? "receive" : "send";
  if (json)
    printf("%s\n  {\"frame_bytes\": %u, \"flows\": %u, \"way\": \"%s\", \"ns\": %.0f, \"cycles\": %.3f, \"resident_kib\": %.0f}", rows++ ? "," : "",
           frame, flows, way, cost, cycles, resident_kib());
  else printf("| %u | %u | %s | %.0f | %.3f | %.0f |\n", frame, flows, way, cost, cycles, resident_kib());
  close_rig(r);
}

static void segment_costs(void)
{
  static const unsigned sizes[] = {1460, 64 - HAND_HEADERS};
  for (int s = 0; s < 2; s++)
    for (int way = 3; way >= 1; way--) segment_cost(sizes[s], way & 1, way & 2);
}

// --- the command line ------------------------------------------------------------------------------------------------

static void heading(const char *text)
{
  if (!json) puts(text);
}

static void cycle_figures(const unsigned *sizes, size_t n)
{
  static const unsigned latency_sizes[] = {1, 64, 1460};
  unsigned flows[2] = {1, nic_build().num_flows};
  heading("| frame, bytes | flows | way | segments in | beats in | segments out | beats out | (each per cycle)\n|---|---|---|---|---|---|---|");
  for (size_t s = 0; s < n; s++)
    for (int f = 0; f < 2; f++)
      for (int way = 1; way <= 3; way++) rate(flows[f], sizes[s] - HAND_HEADERS, way & 1, way & 2);
  heading("\n| cycles from | payload, bytes | cycles |\n|---|---|---|");
  for (int i = 0; i < 3; i++) latencies(latency_sizes[i]);
  for (int i = 0; i < 2; i++) request(latency_sizes[i]);   // a large one is read, and answered, in pieces where beats are narrow
}

static const char usage[] =
    "nic_rate: what the NIC does in a cycle, measured at its streams with the checker on\n\n"
    "usage: nic_rate [--json] [--cycles | --speed on|off | --scale]\n"
    "  --cycles  of the sizes of frames only the least and the largest\n"
    "  --speed   instead: simulated cycles per second, idle and full, with the checker on or off\n"
    "  --scale   instead: what a segment takes without the checker, on all flows, and how much memory is resident then\n";

int main(int argc, char **argv)
{
  static const unsigned sizes[] = {64, 128, 512, 1460 + HAND_HEADERS};
  const char *what = "";
  int i = 1;
  if (i < argc && !strcmp(argv[i], "--json")) json = i++;
  if (i < argc) what = argv[i++];
  bool cycles = !strcmp(what, "--cycles"), speed = !strcmp(what, "--speed"), scale = !strcmp(what, "--scale");
  const char *check = speed && i < argc ? argv[i++] : "on";
  if (i < argc || (strcmp(check, "on") && strcmp(check, "off")) || (*what && !cycles && !speed && !scale)) {
    fputs(usage, strcmp(what, "--help") ? stderr : stdout);
    return strcmp(what, "--help") ? 2 : 0;
  }
  if (json) putchar('[');
  if (speed) {
    heading("| load | flows | checker | cycles per second |\n|---|---|---|---|");
    speeds(!strcmp(check, "on"));
  } else if (scale) {
    heading("| frame, bytes | flows | way | ns per segment | cycles per segment | resident, KiB |\n|---|---|---|---|---|---|");
    segment_costs();
  } else if (cycles) {
    cycle_figures((const unsigned[]){sizes[0], sizes[3]}, 2);
  } else {
    cycle_figures(sizes, 4);
  }
  fputs(json ? "\n]\n" : "", stdout);
  return 0;
}
