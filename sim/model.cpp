// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <cstring>
#include <sys/mman.h>

#include <verilated.h>
#if VM_COVERAGE
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <verilated_cov.h>
#else
#include <verilated_save.h>
#endif
#if VM_TRACE
#include <gtkwave/fstapi.h>
#include <memory>
#include <verilated_fst_c.h>
#endif

#include "Vcosim_top.h"
#include "Vcosim_top___024root.h"
#if VM_TRACE
#include "Vcosim_top__Syms.h"
#include "restore.h"
#endif

// The model is for one thread; without this it comes with one that has nothing to do.
struct one_thread : VerilatedContext {
  one_thread() { threads(1); }
};

struct model {
  one_thread context;
  Vcosim_top top{&context, "cosim"};
  bool started = false;
#if VM_TRACE
  std::unique_ptr<VerilatedFstC> wave;
  struct model_note note {};
#endif
};

#if VM_TRACE
// Into a vector of ASCII, the last character lowest.
template <std::size_t Words> static void put_text(VlWide<Words> &to, const char *text)
{
  const std::size_t cap = Words * sizeof(EData), length = std::strlen(text), n = length < cap ? length : cap;
  for (std::size_t i = 0; i < Words; i++) to[i] = 0;
  for (std::size_t i = 0; i < n; i++) to[i / 4] |= static_cast<EData>(static_cast<unsigned char>(text[n - 1 - i])) << (i % 4 * 8);
}

// The first half of the cycle that the note is of.
static void begin_cycle(struct model *m)
{
  Vcosim_top___024root &r = *m->top.rootp;
  r.cosim_top__DOT__u_view__DOT__cycle = m->note.cycle;
  r.cosim_top__DOT__u_view__DOT__rx_frame = m->note.rx_frame;
  r.cosim_top__DOT__u_view__DOT__tx_frame = m->note.tx_frame;
  put_text(r.cosim_top__DOT__u_view__DOT__rx_text, m->note.rx_text);
  put_text(r.cosim_top__DOT__u_view__DOT__tx_text, m->note.tx_text);
  m->wave->dump(m->note.cycle * MODEL_WAVE_CYCLE);
}

// Inputs change with the falling edge, and what they lead to is seen before the rising one.
static void waved_cycle(struct model *m)
{
  Vcosim_top &t = m->top;
  t.eval();
  m->wave->dump(m->note.cycle * MODEL_WAVE_CYCLE - MODEL_WAVE_CYCLE / 2);
  t.clk_i = 1;
  t.eval();
  begin_cycle(m);
  t.clk_i = 0;
}
#endif

#ifndef LW_LOOP
// A line of a ring may lie across two of the cache's.
template <class Line> static void fetch(const Line &line)
{
  __builtin_prefetch(&line, 1);
  __builtin_prefetch(reinterpret_cast<const char *>(&line + 1) - 1, 1);
}

// What this cycle merges payload into: with thousands of flows it is in no cache, and each line would be waited for.
static void fetch_ahead(const Vcosim_top___024root &r)
{
  if (r.cosim_top__DOT__rxm_we) {
    if (r.cosim_top__DOT__rxm_wbe0) fetch(r.cosim_top__DOT__u_rx_mem__DOT__bank0[r.cosim_top__DOT__rxm_waddr0]);
    if (r.cosim_top__DOT__rxm_wbe1) fetch(r.cosim_top__DOT__u_rx_mem__DOT__bank1[r.cosim_top__DOT__rxm_waddr1]);
  }
  if (r.cosim_top__DOT__txm_we) {
    if (r.cosim_top__DOT__txm_wbe0) fetch(r.cosim_top__DOT__u_tx_mem__DOT__bank0[r.cosim_top__DOT__txm_waddr0]);
    if (r.cosim_top__DOT__txm_wbe1) fetch(r.cosim_top__DOT__u_tx_mem__DOT__bank1[r.cosim_top__DOT__txm_waddr1]);
  }
}
#else
static void fetch_ahead(const Vcosim_top___024root &) {}   // sim/loop has no rings
#endif

// What eval() calls on a rising edge. eval() would first look for the edge, and at what follows from inputs alone; but that is nothing
// (they go into registers, cosim_top.sv), and there is one clock.
void Vcosim_top___024root___eval_nba(Vcosim_top___024root *root);
static_assert(sizeof Vcosim_top___024root::__VnbaTriggered == 1, "a clock has come, or gone");

static void cycle(struct model *m)
{
#if VM_TRACE
  if (m->wave) {
    waved_cycle(m);
    return;
  }
#endif
  fetch_ahead(*m->top.rootp);
  m->top.rootp->__VnbaTriggered.at(0) = true;
  Vcosim_top___024root___eval_nba(m->top.rootp);
}

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25   // Linux 6.1; not in every <sys/mman.h> yet
#endif

// On huge pages, where the kernel gives them: else each ring is on pages of its own, and with thousands of flows finding those costs more
// than what is there. The constructor has touched it all already.
static void use_huge_pages(struct model *m)
{
  constexpr uintptr_t Huge = 2 << 20;
  const uintptr_t root = reinterpret_cast<uintptr_t>(m->top.rootp);
  const uintptr_t begin = (root + Huge - 1) & ~(Huge - 1), end = (root + sizeof *m->top.rootp) & ~(Huge - 1);
  void *const at = reinterpret_cast<void *>(begin);
  if (begin < end && !madvise(at, end - begin, MADV_HUGEPAGE)) (void)madvise(at, end - begin, MADV_COLLAPSE);
}

struct model *model_new(void)
{
  struct model *m = new model;
  use_huge_pages(m);
#if VM_TRACE
  m->context.traceEverOn(true);
#endif
  return m;
}

// From the same make variables as the RTL's parameters.
struct model_info model_info(void) { return {LW_DATA_W, LW_NUM_FLOWS, LW_TX_BUF, LW_RX_BUF, LW_CONGESTION, !VM_COVERAGE && !VM_TRACE, VM_TRACE}; }

void model_start(struct model *m, struct glue *g, const struct model_config *c)
{
  Vcosim_top &t = m->top;
  uint64_t mac = 0;
  for (int i = 0; i < 6; i++) mac = mac << 8 | c->mac[i];
  t.host_i = reinterpret_cast<uintptr_t>(g);
  t.check_i = c->check;
  t.mac_i = mac;
  t.max_frame_i = static_cast<SData>(c->max_frame);
  for (int i = 0; i < 4; i++) t.hash_key_i[i] = static_cast<uint32_t>(c->hash_key[i / 2] >> (32 * (i % 2)));
  t.rst_ni = 0;
  t.clk_i = 0;
  t.eval();
  m->started = true;
  for (int i = 0; i < 4; i++) cycle(m);
  t.rst_ni = 1;
}

// --- state: Verilator's stream of it, from and to a blob ---

#if VM_COVERAGE
void model_save(struct model *, struct blob *b) { b->bad = true; }
void model_load(struct model *, struct blob *) {}
#else

class Saver final : public VerilatedSerialize {
  struct blob *b;

 public:
  explicit Saver(struct blob *to) : b{to} {}
  void flush() override
  {
    blob_put(b, m_bufp, static_cast<size_t>(m_cp - m_bufp));
    m_cp = m_bufp;
  }
};

class Loader final : public VerilatedDeserialize {
  struct blob *b;

  // It looks ahead: behind the end come zeros.
  void fill() override
  {
    const size_t left = static_cast<size_t>(m_endp - m_cp), room = bufferSize() - left;
    std::memmove(m_bufp, m_cp, left);
    const size_t rest = b->n - b->at, n = rest < room ? rest : room;
    blob_get(b, m_bufp + left, n);
    std::memset(m_bufp + left + n, 0, room - n);
    m_cp = m_bufp;
    m_endp = m_bufp + bufferSize();
  }

 public:
  explicit Loader(struct blob *from) : b{from} { m_endp = m_cp; }
};

static void put_state(Saver &s, struct model *m)
{
#if VM_TRACE
  s << true;                       // it has been started
  plain_save(s, *m->top.rootp);
#else
  s << m->top;
#endif
}

#if VM_TRACE
void Vcosim_top___024root___eval_settle(Vcosim_top___024root *root);
#endif

static void get_state(Loader &l, struct model *m)
{
#if VM_TRACE
  bool started;
  l >> started;
  plain_load(l, *m->top.rootp);
  m->context.traceEverOn(true);    // the plain one's context came with it
  Vcosim_top___024root___eval_settle(m->top.rootp);
#else
  l >> m->top;
#endif
}

// The glue's address is this process' own affair: with it two equal runs would not save the same.
void model_save(struct model *m, struct blob *b)
{
  const QData host = m->top.host_i;
  Saver s{b};
  m->top.host_i = 0;
  put_state(s, m);
  s.flush();
  m->top.host_i = host;
}

void model_load(struct model *m, struct blob *b)
{
  const QData host = m->top.host_i;
  const CData check = m->top.check_i;
  Loader l{b};
  get_state(l, m);
  m->top.host_i = host;
  m->top.check_i = check;
}
#endif

void model_set_check(struct model *m, bool check) { m->top.check_i = check; }
void model_set_time(struct model *m, uint64_t now_us) { m->top.now_us_i = now_us; }

void model_cycle(struct model *m, unsigned have)
{
  Vcosim_top &t = m->top;
  t.have_rx_i = (have & MODEL_HAVE_RX) != 0;
  t.have_slow_i = (have & MODEL_HAVE_SLOW) != 0;
  t.have_pin_i = (have & MODEL_HAVE_PIN) != 0;
  t.have_cmd_i = (have & MODEL_HAVE_CMD) != 0;
  cycle(m);
}

bool model_quiescent(struct model *m, uint64_t *next_us)
{
  *next_us = m->top.next_valid_o ? m->top.next_us_o : UINT64_MAX;
  return m->top.quiescent_o;
}

uint64_t model_counter(struct model *m, unsigned index)
{
  m->top.cnt_addr_i = index & 63;
  m->top.eval();
  const uint64_t value = m->top.cnt_data_o;
  m->top.cnt_addr_i = 0;     // as if nobody had asked: waves and the saved state are the same with a checker and without
  m->top.eval();
  return value;
}

// --- waves ---

#if VM_TRACE
void model_wave_note(struct model *m, const struct model_note *next) { m->note = *next; }

bool model_wave_open(struct model *m, const char *path, const struct model_note *first)
{
  auto wave = std::make_unique<VerilatedFstC>();
  m->top.trace(wave.get(), 99);
  wave->set_time_unit("1ns");
  wave->set_time_resolution("1ns");
  wave->open(path);
  if (!wave->isOpen()) return false;
  m->wave = std::move(wave);
  m->top.rootp->cosim_top__DOT__u_view__DOT__on = 1;
  Vcosim_top___024root___eval_settle(m->top.rootp);
  m->note = *first;
  m->top.clk_i = 1;
  begin_cycle(m);
  m->top.clk_i = 0;
  return true;
}

void model_wave_close(struct model *m)
{
  if (!m->wave) return;
  m->wave->close();
  m->wave.reset();
  m->top.rootp->cosim_top__DOT__u_view__DOT__on = 0;
}

bool model_wave_names(const char *path, void (*each)(void *user, const char *name), void *user)
{
  void *r = fstReaderOpen(path);
  if (!r) return false;
  while (const struct fstHier *h = fstReaderIterateHier(r)) {
    if (h->htyp == FST_HT_SCOPE) fstReaderPushScope(r, h->u.scope.name, nullptr);
    if (h->htyp == FST_HT_UPSCOPE) fstReaderPopScope(r);
    if (h->htyp != FST_HT_VAR) continue;
    const std::string name = fstReaderGetCurrentFlatScope(r);
    each(user, (name + "." + h->u.var.name).c_str());
  }
  fstReaderClose(r);
  return true;
}
#else
void model_wave_note(struct model *, const struct model_note *) {}
bool model_wave_open(struct model *, const char *, const struct model_note *) { return false; }
void model_wave_close(struct model *) {}
bool model_wave_names(const char *, void (*)(void *, const char *), void *) { return false; }
#endif

// A file for each model: a process may have had several.
static void write_coverage(struct model *m)
{
#if VM_COVERAGE
  static unsigned n;
  char path[4096];
  const char *dir = std::getenv("LW_COVERAGE");
  if (!dir) return;
  std::snprintf(path, sizeof path, "%s/%ld-%u.dat", dir, static_cast<long>(getpid()), n++);
  m->context.coveragep()->write(path);
#else
  (void)m;
#endif
}

// A scope leaves the context that is its thread's, which is that of the last model made.
void model_free(struct model *m)
{
  if (!m) return;
  Verilated::threadContextp(&m->context);
  model_wave_close(m);
  if (m->started) {
    m->top.final();
    write_coverage(m);
  }
  delete m;
}
