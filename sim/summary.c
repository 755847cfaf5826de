// SPDX-License-Identifier: Apache-2.0
#include "summary.h"

#include <string.h>

#include "nic_layout.h"

// Counters of the NIC by name; the groups are the JSON objects. Names of drops and classes follow nic_types.svh.
struct row {
  const char *group, *name;
  unsigned index;
};

static const struct row rows[] = {
    {"nic", "rx_ring_bytes", NIC_CNT_RX_RING_BYTES},
    {"nic", "tx_ring_bytes", NIC_CNT_TX_RING_BYTES},
    {"nic", "tx_frames", NIC_CNT_TX_FRAMES},
    {"nic", "tx_without_payload", NIC_CNT_TX_PURE_ACKS},
    {"nic", "tx_slow_frames", NIC_CNT_TX_SLOW},
    {"nic", "timeouts", NIC_CNT_TIMEOUTS},
    {"nic", "retransmissions", NIC_CNT_REXMITS},
    {"frames", "tcp", RX_LOOKUP},
    {"frames", "slow_ethertype", RX_SLOW_ETHERTYPE},
    {"frames", "slow_ip_options", RX_SLOW_OPTIONS},
    {"frames", "slow_fragment", RX_SLOW_FRAGMENT},
    {"frames", "slow_protocol", RX_SLOW_PROTO},
    {"frames", "slow_no_flow", NIC_CNT_RCV + RCV_NO_FLOW},
    {"drops", "runt", RX_DROP_RUNT},
    {"drops", "oversize", RX_DROP_OVERSIZE},
    {"drops", "not_our_mac", RX_DROP_NOT_OUR_MAC},
    {"drops", "vlan", RX_DROP_VLAN},
    {"drops", "ip_header", RX_DROP_IP_HEADER},
    {"drops", "truncated", RX_DROP_TRUNCATED},
    {"drops", "ip_checksum", RX_DROP_IP_CSUM},
    {"drops", "tcp_header", RX_DROP_TCP_HEADER},
    {"drops", "tcp_checksum", RX_DROP_TCP_CSUM},
    {"drops", "fifo_full", RX_DROP_FIFO_FULL},
    {"segments", "accepted", NIC_CNT_RCV + RCV_ACCEPT},
    {"segments", "pure_ack", NIC_CNT_RCV + RCV_PURE_ACK},
    {"segments", "duplicate", NIC_CNT_RCV + RCV_DUPLICATE},
    {"segments", "out_of_order", NIC_CNT_RCV + RCV_OUT_OF_ORDER},
    {"segments", "out_of_window", NIC_CNT_RCV + RCV_OUT_OF_WINDOW},
    {"segments", "reset", NIC_CNT_RCV + RCV_RESET},
    {"segments", "challenged", NIC_CNT_RCV + RCV_CHALLENGE},
    {"segments", "without_ack", NIC_CNT_RCV + RCV_NO_ACK},
    {"segments", "stray_reset", NIC_CNT_RCV + RCV_DROP_RST},
    {"segments", "after_fin", NIC_CNT_RCV + RCV_AFTER_FIN},
    {"segments", "flow_ended", NIC_CNT_RCV + RCV_DEAD},
    {"segments", "without_time_stamp", NIC_CNT_RCV + RCV_NO_TIMESTAMP},
    {"segments", "old_by_time_stamp", NIC_CNT_RCV + RCV_PAWS},
    {"segments", "no_interval_left", NIC_CNT_RCV + RCV_NO_INTERVAL},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

// One walk serves both forms: `put` gets each counter, in groups.
typedef void put_fn(FILE *out, const char *group, const char *name, uint64_t v);

static void walk_ref(FILE *out, put_fn *put, const struct ref_stats *s)
{
  put(out, "ref", "rx_ring_bytes", s->rx_bytes);
  put(out, "ref", "tx_ring_bytes", s->tx_bytes);
  put(out, "ref", "rx_segments", s->segments_in);
  put(out, "ref", "tx_frames", s->segments_out);
  put(out, "ref", "tx_without_payload", s->pure_acks_out);
  put(out, "ref", "timeouts", s->timeouts);
  put(out, "ref", "retransmissions", s->retransmissions);
}

// Payload through the rings, both ways.
static uint64_t goodput(const struct run_figures *f, const struct summary_of *of)
{
  return f->elapsed_us ? (uint64_t)((double)summary_payload(of->model, of->ref) * 8e6 / (double)f->elapsed_us) : 0;
}

static void walk_fault(FILE *out, put_fn *put, const struct wire *w, enum wire_fault_way way)
{
  const struct wire_fault_stats *s = wire_fault_stats(w, way);
  bool tx = way == WIRE_FAULT_TX;
  put(out, "fault", tx ? "tx_frames" : "rx_frames", s->frames);
  put(out, "fault", tx ? "tx_lost" : "rx_lost", s->lost);
  put(out, "fault", tx ? "tx_duplicated" : "rx_duplicated", s->duplicated);
  put(out, "fault", tx ? "tx_reordered" : "rx_reordered", s->reordered);
  put(out, "fault", tx ? "tx_corrupted" : "rx_corrupted", s->corrupted);
  put(out, "fault", tx ? "tx_delayed" : "rx_delayed", s->delayed);
  put(out, "fault", tx ? "tx_overflow" : "rx_overflow", s->overflow);
}

static void walk(FILE *out, put_fn *put, const struct run_figures *f, const struct summary_of *of)
{
  const struct wire *w = of->wire;
  put(out, "run", "seed", f->seed);
  put(out, "run", "elapsed_us", f->elapsed_us);
  put(out, "run", "goodput_bits_per_second", goodput(f, of));
  put(out, "wire", "rx_frames", w->rx_frames);
  put(out, "wire", "rx_bytes", w->rx_bytes);
  put(out, "wire", "tx_frames", w->tx_frames);
  put(out, "wire", "tx_bytes", w->tx_bytes);
  put(out, "wire", "tx_drops", w->tx_drops);
  put(out, "wire", "rx_unfinished_checksum", w->rx_unfinished_csum);
  if (of->fault) {
    walk_fault(out, put, of->fault, WIRE_FAULT_RX);
    walk_fault(out, put, of->fault, WIRE_FAULT_TX);
  }
  if (of->model) {
    put(out, "run", "model_us", f->model_us);
    put(out, "run", "cycles", f->cycles);
    put(out, "run", "cycles_per_second", f->model_us ? (uint64_t)((double)f->cycles * 1e6 / (double)f->model_us) : 0);
    for (size_t i = 0; i < N_ROWS; i++) put(out, rows[i].group, rows[i].name, model_counter(of->model, rows[i].index));
  }
  if (of->ref) walk_ref(out, put, ref_stats(of->ref));
  for (int i = 0; i < ST_N; i++)
    put(out, "stack", stack_stat_name((enum stack_stat)i), stack_stat(of->stack, (enum stack_stat)i));
  put(out, "stack", "flows_left", stack_stat(of->stack, ST_FLOWS_OPENED) - stack_stat(of->stack, ST_FLOWS_CLOSED));
}

// The table leaves out what did not happen, except in the groups that a reader looks for.
static void put_text(FILE *out, const char *group, const char *name, uint64_t v)
{
  if (v || !strcmp(group, "nic") || !strcmp(group, "ref") || !strcmp(group, "run"))
    fprintf(out, "  %-9s %-24s %14llu\n", group, name, (unsigned long long)v);
}

uint64_t summary_payload(struct model *m, const struct ref *r)
{
  if (r) return ref_stats(r)->rx_bytes + ref_stats(r)->tx_bytes;
  return model_counter(m, NIC_CNT_RX_RING_BYTES) + model_counter(m, NIC_CNT_TX_RING_BYTES);
}

void summary_print(FILE *out, const struct run_figures *f, const struct summary_of *of)
{
  fprintf(out, "lockwire: %.1f s, goodput %.1f Mbit/s (both ways), seed %llu", (double)f->elapsed_us / 1e6,
          (double)goodput(f, of) / 1e6, (unsigned long long)f->seed);
  if (of->model)
    fprintf(out, ", %.0f thousand simulated cycles per second of evaluation",
            f->model_us ? (double)f->cycles * 1e3 / (double)f->model_us : 0.0);
  fputc('\n', out);
  walk(out, put_text, f, of);
  fflush(out);
}

static void put_event(FILE *out, const char *group, const char *name, uint64_t v)
{
  static const char *const left_out[] = {"run", "wire", "nic", "ref"};   // amounts, of frames as they happened to be cut
  for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
    if (!strcmp(group, left_out[i])) return;
  if (v) fprintf(out, "%s.%s %llu\n", group, name, (unsigned long long)v);
}

void summary_events(FILE *out, const struct summary_of *of)
{
  static const struct wire none = {0};
  struct summary_of o = *of;
  if (!o.wire) o.wire = &none;
  walk(out, put_event, &(struct run_figures){0}, &o);
}

static void put_json(FILE *out, const char *group, const char *name, uint64_t v)
{
  fprintf(out, "  \"%s.%s\": %llu,\n", group, name, (unsigned long long)v);
}

void summary_counters(FILE *out, struct model *m)
{
  for (size_t i = 0; i < N_ROWS; i++)
    fprintf(out, "%s\"%s.%s\": %llu", i ? ", " : "{", rows[i].group, rows[i].name, (unsigned long long)model_counter(m, rows[i].index));
  fputc('}', out);
}

bool summary_json(FILE *out, const struct run_figures *f, const struct summary_of *of)
{
  fputs("{\n", out);
  walk(out, put_json, f, of);
  fputs("  \"format\": 1\n}\n", out);
  return !fflush(out) && !ferror(out);
}
