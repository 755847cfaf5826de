// SPDX-License-Identifier: Apache-2.0
// model.h on Icarus: lockwire as a VPI module of vvp, which owns the process.
//
//     vvp: icarus_top      $lw_turn -+                       +- #1 clk = 1, #1 clk = 0, #1 ... $lw_turn -+
//                                    v                       ^                                           v
//     lockwire's main()    (its own stack)  ... model_cycle -+                          model_cycle returns ...
//
// The program runs as a coroutine inside of $lw_turn and leaves it for each cycle; within the cycle the other tasks (tasks.c) call the
// same functions of dpi/glue as Verilator's model does. One simulation is all that a process has: a model made after another begins
// with a reset, and with what that one has left in its memories.
#include "model.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "four.h"
#include "run.h"

// Written by Verilator; glue.c includes it, too: what drifts does not compile.
#include "Vcosim_top__Dpi.h"

enum { STACK_BYTES = 8 << 20, GUARD_BYTES = 64 << 10, RESET_CYCLES = 4 };

// The arguments of $lw_turn.
enum { CLOCKED, RST_N, MAC, MAX_FRAME, HASH_KEY, NOW_US, HAVE, CNT_ADDR, QUIESCENT, NEXT_VALID, NEXT_US, CNT_DATA, TURN_ARGS };

struct model {
  struct bridge bridge;
  struct four_site site;     // of $lw_turn
  ucontext_t simulator, program;
  bool begun, taken, over;   // the program has begun; there is a model; the program has ended, with status
  int status;
  struct sigaction was[2];   // what our caller wants of INT and TERM, which vvp takes for itself
};

static const int signals[2] = {SIGINT, SIGTERM};

// The simulator has no other way to give us ours.
static struct model the_model;

int lockwire_main(int argc, char **argv);   // main.c's main, under another name

// --- values ----------------------------------------------------------------------------------------------------------

static void set(struct model *m, unsigned arg, const uint32_t *v)
{
  struct four_call c = four_begin(&m->bridge, &m->site);
  c.next = arg;
  four_give(&c, v);
}

static void set_int(struct model *m, unsigned arg, uint64_t v)
{
  const uint32_t w[2] = {(uint32_t)v, (uint32_t)(v >> 32)};
  set(m, arg, w);
}

static uint64_t get(struct model *m, unsigned arg, const char *name)
{
  struct four_call c = four_begin(&m->bridge, &m->site);
  c.next = arg;
  return four_int(&c, name);
}

// --- the hand-over ---------------------------------------------------------------------------------------------------

static void program(void)
{
  s_vpi_vlog_info info;
  vpi_get_vlog_info(&info);
  the_model.status = lockwire_main(info.argc, info.argv);
  the_model.over = true;
  swapcontext(&the_model.program, &the_model.simulator);
}

static bool begin(struct model *m)
{
  char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED || mprotect(stack, GUARD_BYTES, PROT_NONE) || getcontext(&m->program)) return false;
  m->program.uc_stack.ss_sp = stack;
  m->program.uc_stack.ss_size = STACK_BYTES;
  m->program.uc_link = NULL;
  makecontext(&m->program, program, 0);
  for (unsigned i = 0; i < 2; i++) sigaction(signals[i], &m->was[i], NULL);
  return true;
}

static void end(int status)
{
  vpip_set_return_value(status);
  vpi_control(vpiFinish, 0);
}

static PLI_INT32 turn_call(PLI_BYTE8 *user)
{
  struct model *m = (struct model *)(void *)user;
  if (m->over) return 0;
  if (!m->begun && !begin(m)) {
    fputs("lockwire: out of memory\n", stderr);
    end(EXIT_USAGE);
    return 0;
  }
  m->begun = true;
  swapcontext(&m->simulator, &m->program);
  if (m->over) end(m->bridge.fault ? EXIT_DIFFERENCE : m->status);
  return 0;
}

static PLI_INT32 turn_compile(PLI_BYTE8 *user)
{
  struct model *m = (struct model *)(void *)user;
  if (!four_site_find(&m->site, vpi_handle(vpiSysTfCall, NULL)) || m->site.n != TURN_ARGS) {
    fputs("lockwire: lockwire.vpi and lockwire.vvp are of different builds\n", stderr);
    end(EXIT_USAGE);
  }
  return 0;
}

// Until the simulator calls us again: after a cycle, or when what was set has settled.
static void leave(struct model *m, bool clocked)
{
  set_int(m, CLOCKED, clocked);
  swapcontext(&m->program, &m->simulator);
}

static void start_up(void)
{
  s_vpi_systf_data d = {.type = vpiSysTask, .tfname = "$lw_turn", .calltf = turn_call, .compiletf = turn_compile, .user_data = (void *)&the_model};
  for (unsigned i = 0; i < 2; i++) sigaction(signals[i], NULL, &the_model.was[i]);
  vpi_register_systf(&d);
  tasks_register(&the_model.bridge);
}

__attribute__((visibility("default"))) void (*vlog_startup_routines[])(void) = {start_up, NULL};

// --- what is wrong ---------------------------------------------------------------------------------------------------

void bridge_fault(struct bridge *b, int flow, const char *fmt, ...)
{
  char of[24] = "", what[120];
  va_list ap;
  if (bridge_silent(b)) return;
  b->fault = true;
  if (flow != NO_FLOW) snprintf(of, sizeof of, ", flow %d", flow);
  va_start(ap, fmt);
  vsnprintf(what, sizeof what, fmt, ap);
  va_end(ap);
  snprintf(b->glue->fault, sizeof b->glue->fault, "at cycle %" PRIu64 "%s: %s", b->cycle, of, what);
}

bool bridge_silent(const struct bridge *b) { return !b->glue || b->glue->fault[0]; }

// --- model.h ---------------------------------------------------------------------------------------------------------

struct model *model_new(void)
{
  if (the_model.taken) return NULL;
  the_model.taken = true;
  return &the_model;
}

// From the same make variables as the RTL's parameters.
struct model_info model_info(void) { return (struct model_info){LW_DATA_W, LW_NUM_FLOWS, LW_TX_BUF, LW_RX_BUF, LW_CONGESTION, .can_save = false, .can_wave = false}; }

void model_start(struct model *m, struct glue *g, const struct model_config *c)
{
  uint64_t mac = 0;
  uint32_t key[4];
  for (int i = 0; i < 6; i++) mac = mac << 8 | c->mac[i];
  for (int i = 0; i < 4; i++) key[i] = (uint32_t)(c->hash_key[i / 2] >> (32 * (i % 2)));
  lw_open((uintptr_t)g);
  m->bridge.glue = g;
  m->bridge.check = c->check;
  m->bridge.cycle = 0;
  set_int(m, MAC, mac);
  set_int(m, MAX_FRAME, c->max_frame);
  set(m, HASH_KEY, key);
  set_int(m, NOW_US, 0);
  set_int(m, HAVE, 0);
  set_int(m, CNT_ADDR, 0);
  set_int(m, RST_N, 0);
  for (int i = 0; i < RESET_CYCLES; i++) leave(m, true);
  set_int(m, RST_N, 1);
  leave(m, false);
}

// The state of vvp cannot be had.
void model_save(struct model *m, struct blob *b)
{
  (void)m;
  b->bad = true;
}

void model_load(struct model *m, struct blob *b)
{
  (void)m;
  (void)b;
}

// vvp writes waves by itself, of all it has or of nothing: ours are the tracing build's.
bool model_wave_open(struct model *m, const char *path, const struct model_note *first)
{
  (void)m;
  (void)path;
  (void)first;
  return false;
}

void model_wave_note(struct model *m, const struct model_note *next)
{
  (void)m;
  (void)next;
}

void model_wave_close(struct model *m) { (void)m; }

bool model_wave_names(const char *path, void (*each)(void *user, const char *name), void *user)
{
  (void)path;
  (void)each;
  (void)user;
  return false;
}

void model_set_check(struct model *m, bool check) { m->bridge.check = check; }
void model_set_time(struct model *m, uint64_t now_us) { set_int(m, NOW_US, now_us); }

void model_cycle(struct model *m, unsigned have)
{
  m->bridge.cycle++;
  set_int(m, HAVE, have);
  set_int(m, CNT_ADDR, m->bridge.cycle & 63);
  leave(m, true);
}

bool model_quiescent(struct model *m, uint64_t *next_us)
{
  *next_us = get(m, NEXT_VALID, "next_valid_o") ? get(m, NEXT_US, "next_us_o") : UINT64_MAX;
  return get(m, QUIESCENT, "quiescent_o");
}

uint64_t model_counter(struct model *m, unsigned index)
{
  set_int(m, CNT_ADDR, index & 63);
  leave(m, false);
  return get(m, CNT_DATA, "cnt_data_o");
}

void model_free(struct model *m)
{
  if (!m) return;
  if (m->bridge.glue) lw_close((uintptr_t)m->bridge.glue);
  m->bridge.glue = NULL;
  m->taken = false;
}
