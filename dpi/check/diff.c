// SPDX-License-Identifier: Apache-2.0
// The first difference, and how it is told.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check/priv.h"

void diff(struct check *k, int flow, const char *rule, const char *fmt, ...)
{
  va_list ap;
  k->telling = rule;
  if (k->failed) return;
  k->failed = true;
  k->bad_flow = flow;
  snprintf(k->rule, sizeof k->rule, "%s", rule);
  va_start(ap, fmt);
  vsnprintf(k->what, sizeof k->what, fmt, ap);
  va_end(ap);
}

void diff_row(struct check *k, const char *name, uint64_t want, uint64_t got, bool hex)
{
  if (k->rows == DIFF_ROWS) return;
  struct diff_row *r = &k->row[k->rows++];
  *r = (struct diff_row){.rule = k->telling, .want = want, .got = got, .hex = hex};
  snprintf(r->name, sizeof r->name, "%s", name);
}

void diff_fields(struct check *k, const struct nic_field *f, size_t n, const uint32_t *want, const uint32_t *got)
{
  for (size_t i = 0; i < n; i++) {
    uint64_t w = lw_bits_get(want, f[i].low, f[i].width), g = lw_bits_get(got, f[i].low, f[i].width);
    if (w != g) diff_row(k, f[i].name, w, g, false);
  }
}

void note_put(struct check *k, struct check_flow *f, const struct note *n)
{
  struct note *to = &f->history[f->n_history++ % HISTORY];
  *to = *n;
  to->cycle = k->cycle;
  to->now_us = k->now_us;
  to->frame = k->counts.frames_in;
}

// --- telling ---------------------------------------------------------------------------------------------------------

static const char *const rcv_class_name[] = {
    "accepted", "pure ACK", "no flow", "duplicate", "out of order", "out of window", "reset", "challenged", "no ACK flag",
    "stray RST", "after FIN", "flow ended", "token", "no timestamp", "PAWS", "no interval",
};
static const char *const rcv_kind_name[] = {"segment", "read", "open", "release", "timeout"};
static const char *const snd_kind_name[] = {"none", "incoming", "timeout", "next", "open", "abort", "tune"};
static const char *const desc_name[] = {"data", "ACK", "free", "RST", "open", "release"};
#define AS_MANY(words, names) _Static_assert(N_FIELDS(words) == N_FIELDS(names), "a word for each of the RTL's names")
AS_MANY(rcv_class_name, rcv_class_names);
AS_MANY(rcv_kind_name, rcv_ev_names);
AS_MANY(snd_kind_name, snd_ev_names);
AS_MANY(desc_name, tx_desc_names);

static const char *name_of(const char *const *table, size_t n, unsigned i) { return i < n ? table[i] : "?"; }
#define NAME(table, i) name_of(table, N_FIELDS(table), i)

static void flags_text(char out[static 8], unsigned flags)
{
  static const char letter[] = "FSRPA";
  int n = 0;
  for (unsigned i = 0; i < 5; i++)
    if (flags >> i & 1) out[n++] = letter[i];
  out[n] = '\0';
}

static void note_text(const struct note *n, char *out, size_t cap)
{
  char flags[8];
  flags_text(flags, n->flags);
  if (n->kind == 'r' && n->sub == REV_SEGMENT)
    snprintf(out, cap, "receive  segment   %s: seq %" PRIu32 " len %" PRIu32 " ack %" PRIu32 " wnd %" PRIu32 " [%s] -> nxt %" PRIu32,
             NAME(rcv_class_name, n->class_id), n->seq, n->len, n->ack, n->wnd, flags, n->nxt);
  else if (n->kind == 'r')
    snprintf(out, cap, "receive  %-9s -> nxt %" PRIu32 " wnd_end %" PRIu32, NAME(rcv_kind_name, n->sub), n->nxt, n->wnd);
  else if (n->kind == 's' && n->sub == SEV_INCOMING)
    snprintf(out, cap, "send     incoming  ack %" PRIu32 " wnd %" PRIu32 " -> una %" PRIu32 " nxt %" PRIu32 " max %" PRIu32, n->ack, n->wnd,
             n->una, n->nxt, n->max);
  else if (n->kind == 's')
    snprintf(out, cap, "send     %-9s %s%s seq %" PRIu32 " len %" PRIu32 " -> una %" PRIu32 " nxt %" PRIu32 " max %" PRIu32, NAME(snd_kind_name, n->sub),
             n->flags ? "emits " : "", n->flags ? NAME(desc_name, n->class_id) : "nothing,", n->seq, n->len, n->una, n->nxt, n->max);
  else
    snprintf(out, cap, "assemble %-9s seq %" PRIu32 " len %" PRIu32 " ack %" PRIu32 " wnd %" PRIu32 "%s", NAME(desc_name, n->sub), n->seq, n->len,
             n->ack, n->wnd, n->flags ? "" : " (no frame)");
}

static void row_text(const struct diff_row *r, uint64_t v, char *out, size_t cap)
{
  if (r->hex) snprintf(out, cap, "0x%" PRIx64, v);
  else snprintf(out, cap, "%" PRIu64, v);
}

static unsigned first_note(const struct check_flow *f) { return f->n_history > HISTORY ? f->n_history - HISTORY : 0; }

static void print_history(const struct check *k, FILE *out)
{
  char line[200];
  if (k->bad_flow < 0) return;
  const struct check_flow *f = &k->flows[k->bad_flow];
  fprintf(out, "  the last events of flow %d (the newest at the end):\n", k->bad_flow);
  for (unsigned i = first_note(f); i < f->n_history; i++) {
    const struct note *n = &f->history[i % HISTORY];
    note_text(n, line, sizeof line);
    fprintf(out, "    cycle %" PRIu64 " %" PRIu64 " us frame %" PRIu64 "  %s\n", n->cycle, n->now_us, n->frame, line);
  }
}

void check_report(const struct check *k, FILE *out, const char *hint)
{
  char want[32], got[32];
  if (!k->failed) return;
  fprintf(out, "lockwire: DIFFERENCE (%s) at cycle %" PRIu64 ", %" PRIu64 " us, after frame %" PRIu64 " came in", k->rule, k->cycle, k->now_us,
          k->counts.frames_in);
  if (k->bad_flow >= 0) fprintf(out, ", flow %d", k->bad_flow);
  fprintf(out, ".\n  %s\n", k->what);
  if (k->rows) fprintf(out, "  %-20s %20s %20s\n", "", "expected", "got");
  for (unsigned i = 0; i < k->rows; i++) {
    row_text(&k->row[i], k->row[i].want, want, sizeof want);
    row_text(&k->row[i], k->row[i].got, got, sizeof got);
    if (i && strcmp(k->row[i].rule, k->row[i - 1].rule) != 0) fprintf(out, "  and with it (%s)\n", k->row[i].rule);
    fprintf(out, "  %-20s %20s %20s\n", k->row[i].name, want, got);
  }
  print_history(k, out);
  if (hint) fprintf(out, "  %s\n", hint);
}

// Our own texts: printable ASCII without control characters.
static void json_text(FILE *out, const char *s)
{
  fputc('"', out);
  for (; *s; s++) {
    if (*s == '"' || *s == '\\') fputc('\\', out);
    fputc(*s, out);
  }
  fputc('"', out);
}

void check_report_json(const struct check *k, FILE *out)
{
  char line[200];
  const struct check_counts *c = &k->counts;
  fprintf(out, "{\"ok\": %s, \"cycle\": %" PRIu64 ", \"now_us\": %" PRIu64 ", \"checked\": {\"receive_steps\": %" PRIu64 ", \"send_steps\": %" PRIu64
          ", \"samples\": %" PRIu64 ", \"frames_in\": %" PRIu64 ", \"frames_out\": %" PRIu64 ", \"payload_in\": %" PRIu64 ", \"payload_out\": %" PRIu64
          ", \"events\": %" PRIu64 "}, \"flow\": %d, \"rule\": ",
          k->failed ? "false" : "true", k->cycle, k->now_us, c->rcv, c->snd, c->samples, c->frames_in, c->frames_out, c->nic[NIC_CNT_RX_RING_BYTES], c->payload_out,
          c->events, k->failed ? k->bad_flow : -1);
  json_text(out, k->rule);
  fputs(", \"what\": ", out);
  json_text(out, k->what);
  fputs(", \"differs\": [", out);
  for (unsigned i = 0; i < k->rows; i++) {
    fprintf(out, "%s{\"name\": ", i ? ", " : "");
    json_text(out, k->row[i].name);
    fputs(", \"rule\": ", out);
    json_text(out, k->row[i].rule);
    fprintf(out, ", \"expected\": %" PRIu64 ", \"got\": %" PRIu64 "}", k->row[i].want, k->row[i].got);
  }
  fputs("], \"history\": [", out);
  const struct check_flow *f = k->failed && k->bad_flow >= 0 ? &k->flows[k->bad_flow] : NULL;
  for (unsigned i = f ? first_note(f) : 0; f && i < f->n_history; i++) {
    const struct note *n = &f->history[i % HISTORY];
    note_text(n, line, sizeof line);
    fprintf(out, "%s{\"cycle\": %" PRIu64 ", \"now_us\": %" PRIu64 ", \"event\": ", i > first_note(f) ? ", " : "", n->cycle, n->now_us);
    json_text(out, line);
    fputc('}', out);
  }
  fputs("]}\n", out);
}
