// SPDX-License-Identifier: Apache-2.0
#include "gtkw.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

// GTKWave's flags of a trace (its analyzer.h): right-justified, and how it is read.
#define RIGHT 0x20u
#define HEX (RIGHT | 0x2u)
#define DEC (RIGHT | 0x4u)
#define BIN (RIGHT | 0x8u)
#define ASCII (RIGHT | 0x800u)
#define NAMES (RIGHT | 0x8u | 1ull << 32)
#define GROUP 0x800200u
#define GROUP_CLOSED 0xc00200u
#define GROUP_END 0x1000200u
#define GROUP_CLOSED_END 0x1401200u

enum kind { OPEN, CLOSED, END, TEXT, NAME, NUMBER, HEXA, BIT };

// In cosim_top; with .* at its end all members of a struct.
static const struct entry {
  enum kind kind;
  const char *name;
} table[] = {
    {BIT, "clk_i"}, {NUMBER, "u_view.cycle"}, {NUMBER, "now_us_q"}, {BIT, "quiescent_o"},
    {OPEN, "frames on the wire"},
    {NUMBER, "u_view.rx_frame"}, {TEXT, "u_view.rx_text"}, {NUMBER, "u_view.tx_frame"}, {TEXT, "u_view.tx_text"},
    {BIT, "u_nic.rx_valid_i"}, {BIT, "u_nic.rx_last_i"}, {NUMBER, "u_nic.rx_nbytes_i"}, {HEXA, "u_nic.rx_data_i"},
    {BIT, "u_nic.tx_valid_o"}, {BIT, "u_nic.tx_last_o"}, {NUMBER, "u_nic.tx_nbytes_o"}, {HEXA, "u_nic.tx_data_o"},
    {END, "frames on the wire"},
    {OPEN, "receive pipeline"},
    {TEXT, "u_view.frame_text"}, {BIT, "u_nic.w_commit"}, {BIT, "u_nic.w_drop"}, {BIT, "u_nic.fifo_full"},
    {NUMBER, "u_nic.rx_desc_count"}, {BIT, "u_nic.rx_desc_valid"}, {BIT, "u_nic.rx_desc_ready"},
    {TEXT, "u_view.rcv_text"}, {BIT, "u_nic.u_rx_pipe.e_valid_q"}, {NUMBER, "u_nic.u_rx_pipe.e_flow_q"}, {BIT, "u_nic.u_rx_pipe.e_hit_q"},
    {TEXT, "u_view.rcv_peer"}, {TEXT, "u_view.rcv_here"}, {TEXT, "u_view.rcv_flags"},
    {CLOSED, "event"}, {NAME, "u_view.frame_class"}, {NAME, "u_view.rcv_event"}, {NAME, "u_view.rcv_class"},
    {NUMBER, "u_nic.u_rx_pipe.e_desc_q.*"}, {END, "event"},
    {CLOSED, "context before"}, {NUMBER, "u_nic.u_rx_pipe.ctx.*"}, {END, "context before"},
    {CLOSED, "context after"}, {NUMBER, "u_nic.u_rx_pipe.ctx_next.*"}, {END, "context after"},
    {TEXT, "u_view.verdict_text"}, {BIT, "u_nic.verdict_valid"}, {BIT, "u_nic.verdict_ready"},
    {CLOSED, "verdict"}, {NAME, "u_view.verdict"}, {NUMBER, "u_nic.verdict.*"}, {END, "verdict"},
    {BIT, "u_nic.ack_bit"}, {BIT, "u_nic.ack_now"}, {BIT, "u_nic.dd_segment_valid"},
    {END, "receive pipeline"},
    {OPEN, "send pipeline"},
    {TEXT, "u_view.snd_text"}, {NAME, "u_view.snd_event"}, {NUMBER, "u_nic.u_send_pipe.e_flow_q"}, {NAME, "u_view.snd_cc"},
    {BIT, "u_nic.u_send_pipe.emit"}, {BIT, "u_nic.dd_valid"}, {BIT, "u_nic.dd_ready"},
    {CLOSED, "descriptor"}, {NAME, "u_view.snd_desc"}, {NUMBER, "u_nic.u_send_pipe.desc.*"}, {END, "descriptor"},
    {CLOSED, "ACK information"}, {NAME, "u_view.snd_dd"}, {NUMBER, "u_nic.u_send_pipe.e_dd_q.*"}, {END, "ACK information"},
    {CLOSED, "context before"}, {NUMBER, "u_nic.u_send_pipe.ctx.*"}, {END, "context before"},
    {CLOSED, "context after"}, {NUMBER, "u_nic.u_send_pipe.ctx_next.*"}, {END, "context after"},
    {BIT, "u_nic.snd_timer_valid"}, {NUMBER, "u_nic.snd_timer_us"},
    {END, "send pipeline"},
    {OPEN, "assembler"},
    {TEXT, "u_view.sample_text"}, {BIT, "u_nic.txd_valid"}, {BIT, "u_nic.txd_ready"}, {BIT, "u_nic.u_assembler.a1_valid_q"}, {BIT, "u_nic.u_assembler.a1_frame"}, {BIT, "u_nic.clr_owed"},
    {CLOSED, "descriptor"}, {NAME, "u_view.sample_desc"}, {NUMBER, "u_nic.u_assembler.a1_q.*"}, {END, "descriptor"},
    {CLOSED, "sampled"}, {NUMBER, "u_nic.u_assembler.rcv.*"}, {END, "sampled"},
    {BIT, "u_nic.asm_valid"}, {BIT, "u_nic.asm_ready"},
    {END, "assembler"},
    {OPEN, "host port"},
    {TEXT, "u_view.cmd_text"}, {BIT, "cmd_valid_q"}, {BIT, "cmd_ready"},
    {CLOSED, "command"}, {NAME, "u_view.command"}, {TEXT, "u_view.cmd_here"}, {TEXT, "u_view.cmd_peer"},
    {NUMBER, "cmd_q.*"}, {END, "command"},
    {BIT, "pin_valid_q"}, {BIT, "pin_ready"}, {NUMBER, "pin_flow_q"}, {NUMBER, "pin_nbytes_q"}, {BIT, "pin_last_q"},
    {BIT, "pout_valid"}, {NUMBER, "pout_flow"}, {NUMBER, "pout_nbytes"}, {BIT, "pout_last"},
    {TEXT, "u_view.event_text"}, {BIT, "event_valid"},
    {BIT, "slow_valid_q"}, {BIT, "slow_ready"}, {BIT, "slow_valid"}, {BIT, "slow_fence"},
    {END, "host port"},
    {OPEN, "retire: what the checker is told"},
    {BIT, "u_nic.u_retire.frame_valid_i"}, {BIT, "u_nic.u_retire.rcv_valid_i"}, {NAME, "u_view.snd_event"}, {BIT, "u_nic.u_retire.sample_valid_i"},
    {BIT, "u_nic.u_retire.tail_we_i"}, {NUMBER, "u_nic.u_retire.tail_flow_i"}, {HEXA, "u_nic.u_retire.tail_i"},
    {BIT, "u_nic.u_retire.consumed_we_i"}, {NUMBER, "u_nic.u_retire.consumed_flow_i"}, {NUMBER, "u_nic.u_retire.consumed_i"},
    {BIT, "u_nic.u_retire.rx_status_we_i"}, {NUMBER, "u_nic.u_retire.rx_status_i.*"},
    {BIT, "u_nic.u_retire.tx_status_we_i"}, {NUMBER, "u_nic.u_retire.tx_status_i.*"},
    {END, "retire: what the checker is told"},
};

struct names {
  char **name;                     // as a save file has them, with ranges
  size_t n, cap;
  bool bad;
};

// GTKWave has no blank before the range.
static void keep(void *user, const char *name)
{
  struct names *l = user;
  if (l->n == l->cap) {
    size_t cap = l->cap ? 2 * l->cap : 4096;
    char **more = realloc(l->name, cap * sizeof *more);
    if (!more) {
      l->bad = true;
      return;
    }
    l->name = more;
    l->cap = cap;
  }
  char *copy = strdup(name);
  l->bad |= !copy;
  if (!copy) return;
  char *blank = strchr(copy, ' ');
  if (blank) memmove(blank, blank + 1, strlen(blank));
  l->name[l->n++] = copy;
}

static void forget(struct names *l)
{
  for (size_t i = 0; i < l->n; i++) free(l->name[i]);
  free(l->name);
}

// With .* members at any depth; else just this, whatever its range.
static bool is(const char *name, const char *entry)
{
  static const char top[] = "cosim.cosim_top.";
  size_t n = strlen(entry);
  bool members = n > 2 && !strcmp(entry + n - 2, ".*");
  if (members) n--;
  if (strncmp(name, top, sizeof top - 1) != 0 || strncmp(name + sizeof top - 1, entry, n) != 0) return false;
  char behind = name[sizeof top - 1 + n];
  return members || !behind || behind == '[';
}

// Among a struct's numbers are addresses and flags.
static unsigned long long flags_of(enum kind k, const char *name)
{
  if (k == NUMBER && (strstr(name, "_ip[") || strstr(name, "_mac["))) return HEX;
  if (k == NUMBER && strstr(name, ".flags[")) return BIN;
  switch (k) {
    case TEXT: return ASCII;
    case NAME: return NAMES;
    case NUMBER: return DEC;
    case HEXA: return HEX;
    default: return BIN;
  }
}

static void put_signals(FILE *f, const struct names *l, const struct entry *e)
{
  for (size_t i = 0; i < l->n; i++)
    if (is(l->name[i], e->name)) fprintf(f, "@%llx\n%s\n", flags_of(e->kind, l->name[i]), l->name[i]);
}

static void put_table(FILE *f, const struct names *l)
{
  bool closed = false;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const struct entry *e = &table[i];
    if (e->kind == OPEN || e->kind == CLOSED) fprintf(f, "@%x\n-%s\n", e->kind == OPEN ? GROUP : GROUP_CLOSED, e->name);
    else if (e->kind == END) fprintf(f, "@%x\n-%s\n", closed ? GROUP_CLOSED_END : GROUP_END, e->name);
    else put_signals(f, l, e);
    closed = e->kind == CLOSED || (closed && e->kind != END);
  }
}

static void put_markers(FILE *f, const struct gtkw *g)
{
  fprintf(f, "[timestart] %" PRIu64 "\n*-5.000000 %" PRIu64, g->marker > 60 ? g->marker - 60 : 0, g->marker);
  if (g->first) fprintf(f, " %" PRIu64 " %" PRIu64, g->first, g->last);
  for (int i = g->first ? 2 : 0; i < 26; i++) fputs(" -1", f);
  fputc('\n', f);
  if (g->first) fputs("[markername] Afirst beat\n[markername] Blast beat\n", f);
}

bool gtkw_write(const char *path, const struct gtkw *g)
{
  struct names l = {0};
  errno = ENOENT;
  if (!model_wave_names(g->fst, keep, &l)) return false;
  errno = ENOMEM;
  FILE *f = l.bad ? NULL : fopen(path, "w");
  if (f) {
    fprintf(f, "[*] lockwire\n[dumpfile] \"%s\"\n[savefile] \"%s\"\n[size] 1600 1000\n[pos] -1 -1\n", g->fst, path);
    put_markers(f, g);
    fputs("[sst_width] 200\n[signals_width] 480\n[sst_expanded] 1\n[sst_vpaned_height] 300\n", f);
    put_table(f, &l);
  }
  forget(&l);
  bool ok = f && !ferror(f);
  return f && fclose(f) == 0 && ok;
}
