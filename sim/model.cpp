// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <cstring>

#include <verilated.h>
#if VM_COVERAGE
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <verilated_cov.h>
#else
#include <verilated_save.h>
#endif

#include "Vcosim_top.h"

// The model is for one thread; without this it comes with one that has nothing to do.
struct one_thread : VerilatedContext {
  one_thread() { threads(1); }
};

struct model {
  one_thread context;
  Vcosim_top top{&context, "cosim"};
  bool started = false;
};

static void cycle(Vcosim_top &t)
{
  t.clk_i = 1;
  t.eval();
  t.clk_i = 0;
  t.eval();
}

struct model *model_new(void) { return new model; }

// From the same make variables as the RTL's parameters.
struct model_info model_info(void) { return {LW_DATA_W, LW_NUM_FLOWS, LW_TX_BUF, LW_RX_BUF, LW_CONGESTION, !VM_COVERAGE}; }

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
  for (int i = 0; i < 4; i++) cycle(t);
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

// The glue's address is this process' own affair: with it two equal runs would not save the same.
void model_save(struct model *m, struct blob *b)
{
  const QData host = m->top.host_i;
  Saver s{b};
  m->top.host_i = 0;
  s << m->top;
  s.flush();
  m->top.host_i = host;
}

void model_load(struct model *m, struct blob *b)
{
  const QData host = m->top.host_i;
  const CData check = m->top.check_i;
  Loader l{b};
  l >> m->top;
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
  cycle(t);
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
  return m->top.cnt_data_o;
}

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
  if (m->started) {
    m->top.final();
    write_coverage(m);
  }
  delete m;
}
