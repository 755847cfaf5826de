// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "endpoint.h"
#include "nic.h"
#include "programs.h"
#include "recording.h"
#include "summary.h"
#include "tcp/ref.h"

enum {
  STEPS_PER_TURN = 256,           // of the carrier, between two looks at the clock and the wire
  FRAMES_PER_TURN = 64,
  RX_BACKLOG_BYTES = 256 * 1024,  // not more frames wait for the receive stream; the kernel holds the rest
  POLL_US = 50,                   // look at the wire this long before sleeping: a wake-up costs about 20 us
  GOODBYE_US = 100000,            // resets have so long to get out at the end
  LINGER_US = 10000000,           // what the clients sent last has so long to arrive, when they have ended
};

struct run {
  const struct run_options *opt;
  struct endpoint e;
  // What carries the flows, one of them; the endpoint owns it.
  struct nic *nic;
  struct ref *ref;
  struct wire *wire;         // opened by the simulation or by us; ours to close unless it is the simulation's
  char wire_err[WIRE_ERR_LEN];
  struct programs programs;
  struct wire_record_note note;
  struct wire *fault;        // the fault wire among the wires, NULL for none
  struct recording *recording;   // NULL: none
  uint8_t mac[6];
  unsigned mtu;
  uint64_t seed, start_ns, now_us;
  int epoll_fd;
  FILE *stats;
  bool warned_offload, warned_recording, tty, no_pwait2;   // no_pwait2: this kernel (before 5.11, or valgrind's) has no epoll_pwait2
  uint64_t progress_us, progress_bytes;
  uint8_t frame[WIRE_FRAME_MAX];
};

// The one global of the program: a signal handler has no other way in.
static int stop_fd = -1;
static volatile sig_atomic_t stopping;

static void on_signal(int sig)
{
  (void)sig;
  uint64_t one = 1;
  int saved = errno;
  stopping = 1;
  if (write(stop_fd, &one, sizeof one) < 0) { /* the flag is enough: the loop looks at it each turn */
  }
  errno = saved;
}

static int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int complain(const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  fputs("lockwire: ", stderr);
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
  return EXIT_USAGE;
}

static uint64_t clock_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t clock_us(const struct run *r) { return (clock_ns() - r->start_ns) / 1000 + 1; }

// --- opening ---------------------------------------------------------------------------------------------------------

static int flow_of(void *user, const uint8_t *frame, size_t len)
{
  struct run *r = user;
  return r->e.stack ? stack_flow_of(r->e.stack, frame, len) : -1;
}

// With less the restart points would take all the room, and the reference's frames of one turn could.
static bool limit_serves(const struct run_options *o, char err[static WIRE_ERR_LEN])
{
  uint64_t least = o->engine_ref ? 16u << 20 : nic_record_min();
  if (!o->record_limit || o->record_limit >= least) return true;
  snprintf(err, WIRE_ERR_LEN, "--record-limit %llu: too small, %llu MiB at least", (unsigned long long)o->record_limit >> 20,
           ((unsigned long long)least + (1 << 20) - 1) >> 20);
  return false;
}

static bool open_recording(struct run *r)
{
  const struct run_options *o = r->opt;
  char err[WIRE_ERR_LEN];
  if (!o->record_dir || (limit_serves(o, err) && (r->recording = recording_open(o->record_dir, o->record_limit, err)))) return true;
  complain("%s", err);
  return false;
}

// --fault: around the wire itself, inside the recording, which so shows what the NIC saw. Takes over `wire`.
static struct wire *wrap_fault(struct run *r, struct wire *wire, char err[static WIRE_ERR_LEN])
{
  struct wire_fault_opts o = r->opt->fault;
  FILE *log = NULL;
  for (int i = 0; i < 2; i++)
    if (!o.dir[i].have_seed) o.dir[i].seed = r->seed;
  if (r->recording && !(log = recording_faults(r->recording, err))) {
    wire_close(wire);
    return NULL;
  }
  return r->fault = wire_fault_open(wire, &o, &r->now_us, log, err);
}

// Called by the simulation as it starts (lw_open).
static struct wire *open_wire(void *user, char err[static WIRE_ERR_LEN])
{
  struct run *r = user;
  const struct run_options *o = r->opt;
  uint16_t ports[OPT_MAX_APPS];
  size_t n_ports = 0;
  for (size_t i = 0; i < o->n_apps; i++)
    if (o->apps[i].port) ports[n_ports++] = o->apps[i].port;
  struct wire_afpacket_opts w = {.ifname = o->ifname, .shared_ip = o->shared_ip, .ip = o->ip, .ports = ports, .n_ports = n_ports};
  memcpy(w.mac, r->mac, 6);
  struct wire *wire = wire_afpacket_open(&w, err);
  if (wire && o->have_fault) wire = wrap_fault(r, wire, err);
  if (!wire || !r->recording) return wire;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  r->note = (struct wire_record_note){.flow_of = flow_of, .user = r};
  return recording_wire(r->recording, wire, (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u, &r->note, err);
}

// Our MAC and MTU: as given, else the interface's (shared address), else made from the IP address, locally administered.
static bool choose_link(struct run *r, char err[static WIRE_ERR_LEN])
{
  const struct run_options *o = r->opt;
  unsigned mtu;
  if (!wire_if_info(o->ifname, r->mac, &mtu, err)) return false;
  r->mtu = o->mtu ? o->mtu : mtu > 9000 ? 9000 : mtu;
  if (r->mtu < 576) {
    snprintf(err, OPT_ERR_LEN, "%.20s: its MTU is %u, and 576 is the least (RFC 791)", o->ifname, mtu);
    return false;
  }
  if (o->shared_ip) return true;
  const uint8_t own[6] = {0x02, 0x4c, 0x57, (uint8_t)(o->ip >> 16), (uint8_t)(o->ip >> 8), (uint8_t)o->ip};
  memcpy(r->mac, o->have_mac ? o->mac : own, 6);
  return true;
}

static bool open_loop(struct run *r)
{
  struct sigaction sa = {.sa_handler = on_signal};
  stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event ev = {.events = EPOLLIN};
  if (stop_fd < 0 || r->epoll_fd < 0 || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, stop_fd, &ev)
      || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, wire_fd(r->wire), &ev)) {
    complain("cannot watch the wire: %s", strerror(errno));
    return false;
  }
  sigaction(SIGINT, &sa, NULL);
  sigaction(SIGTERM, &sa, NULL);
  signal(SIGPIPE, SIG_IGN);   // who reads what we say may go: the programs see EPIPE
  return true;
}

static struct carrier *open_nic(struct run *r)
{
  struct nic_options o = {.mtu = r->mtu, .seed = r->seed, .check = !r->opt->no_check, .recording = r->recording,
                          .must_record = !r->opt->record_go_on, .command = r->opt->command, .open_wire = open_wire, .user = r};
  char why[STIM_ERR_LEN];
  memcpy(o.mac, r->mac, 6);
  r->nic = nic_open(&o, why);
  if (!r->nic) {
    complain("%s", why);
    return NULL;
  }
  r->wire = r->nic->glue.wire;
  memcpy(r->wire_err, r->nic->glue.err, sizeof r->wire_err);
  return &r->nic->base;
}

// As many flows as a table is comfortable with; a ring of a quarter MiB each way is allocated while a flow is open.
static struct carrier *open_ref(struct run *r)
{
  enum { FLOWS = 1024, RING = 256 * 1024 };
  struct core_caps caps = core_caps_full(RING);
  caps.ecn = r->opt->ecn;
  r->ref = ref_open(&(struct ref_config){.num_flows = (uint16_t)(r->opt->flows ? r->opt->flows : FLOWS), .tx_ring_bytes = RING, .rx_ring_bytes = RING,
                                         .caps = caps, .seed = r->seed});
  struct carrier *c = r->ref ? carrier_ref_open(r->ref) : NULL;
  if (!c) complain("out of memory");
  else r->wire = open_wire(r, r->wire_err);
  return c;
}

static void serve_apps(void *arg);
static void send_frame(void *arg, const uint8_t *frame, size_t len);

static bool open_endpoint(struct run *r)
{
  const struct run_options *o = r->opt;
  struct stack_config c = {.ip = o->ip, .prefix_len = o->prefix_len, .gateway = o->gateway, .mtu = r->mtu, .announce = true,
                           .shared_ip = o->shared_ip, .seed = r->seed, .options = o->options};
  memcpy(c.mac, r->mac, 6);
  struct carrier *carrier = o->engine_ref ? open_ref(r) : open_nic(r);
  r->now_us = clock_us(r);
  if (!carrier) return false;
  bool open = endpoint_open(&r->e, &c, carrier, &(struct endpoint_owner){serve_apps, send_frame, r}, r->now_us);
  if (!open || !r->wire) complain("%s", open ? r->wire_err : "out of memory");
  return open && r->wire;
}

static bool open_all(struct run *r)
{
  const struct run_options *o = r->opt;
  char err[OPT_ERR_LEN];
  if (o->stats_file && !(r->stats = fopen(o->stats_file, "w"))) {
    complain("--stats %s: %s", o->stats_file, strerror(errno));
    return false;
  }
  if (!choose_link(r, err)) {
    complain("%s", err);
    return false;
  }
  if (o->shared_ip && !wire_if_has_ip(o->ifname, o->ip)) {
    char ip[TEXT_IPV4_LEN];
    complain("--shared-ip: %s does not hold %s", o->ifname, text_format_ipv4(ip, o->ip));
    return false;
  }
  if (!open_recording(r) || !open_endpoint(r) || !open_loop(r)) return false;
  // Programs come last: what they open, they open as the user who started us, without our privileges.
  if (wire_drop_privileges(err) && (!r->recording || recording_may_grow(r->recording, err))
      && programs_open(&r->programs, o, &r->e, r->epoll_fd, r->now_us, err)) return true;
  complain("%s", err);
  return false;
}

// False when a recording that is to be whole is not.
static bool close_all(struct run *r)
{
  bool whole = true;
  programs_close(&r->programs);
  endpoint_close(&r->e);
  if (!r->nic) wire_close(r->wire);      // the simulation has closed its own
  if (!recording_close(r->recording)) {
    complain("recording: %s: its end is missing", strerror(errno));
    whole = r->opt->record_go_on;
  }
  if (r->stats) fclose(r->stats);
  if (r->epoll_fd >= 0) close(r->epoll_fd);
  if (stop_fd >= 0) close(stop_fd);
  stop_fd = -1;
  return whole;
}

// --- the loop --------------------------------------------------------------------------------------------------------

static void serve_apps(void *arg)
{
  struct run *r = arg;
  programs_serve(&r->programs);
}

static void send_frame(void *arg, const uint8_t *frame, size_t len)
{
  struct run *r = arg;
  if (r->nic) r->note.cycle = r->nic->cycles;
  wire_send(r->wire, frame, len);
}

static size_t backlog(const struct run *r) { return r->nic ? recq_bytes(&r->nic->port.rx.q) : 0; }

static unsigned read_wire(struct run *r)
{
  unsigned n = 0;
  int len;
  struct wire *w = r->wire;
  if (r->nic) r->note.cycle = r->nic->cycles;
  for (; n < FRAMES_PER_TURN && backlog(r) < RX_BACKLOG_BYTES && (len = wire_recv(w, r->frame, sizeof r->frame)) > 0; n++)
    endpoint_input(&r->e, r->frame, (size_t)len, r->now_us);
  if (w->rx_unfinished_csum && !r->warned_offload) {
    r->warned_offload = true;
    fprintf(stderr,
            "lockwire: warning: frames with unfinished checksums arrive and are dropped: turn the peer's offload off "
            "(ethtool -K PEER tx off)\n");
  }
  return n;
}

static void warn_of_conflict(struct run *r)
{
  uint32_t ip;
  uint8_t mac[6];
  char ip_text[TEXT_IPV4_LEN], mac_text[TEXT_MAC_LEN];
  if (!stack_take_conflict(r->e.stack, &ip, mac)) return;
  fprintf(stderr, "lockwire: warning: %s says that it has our address %s, too\n", text_format_mac(mac_text, mac), text_format_ipv4(ip_text, ip));
}

static void set_time(struct run *r)
{
  r->now_us = r->note.now_us = clock_us(r);
  programs_set_time(&r->programs, r->now_us);
}

// Sleeps until the wire, a signal, a descriptor of the programs, or so many microseconds; UINT64_MAX: no limit. Without
// epoll_pwait2 up to a millisecond more.
static void wait_for(struct run *r, uint64_t us)
{
  enum { EVENTS = 16 };
  bool for_ever = us == UINT64_MAX;
  struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
  struct epoll_event ev[EVENTS];
  int n = -1, ms = us < INT_MAX ? (int)((us + 999) / 1000) : INT_MAX / 1000;
  if (!r->no_pwait2) r->no_pwait2 = (n = epoll_pwait2(r->epoll_fd, ev, EVENTS, for_ever ? NULL : &t, NULL)) < 0 && errno == ENOSYS;
  if (r->no_pwait2) n = epoll_wait(r->epoll_fd, ev, EVENTS, for_ever ? -1 : ms);
  for (int i = 0; i < n; i++) {
    if (!ev[i].data.u64) continue;
    programs_descriptor(&r->programs, ev[i].data.u64);
    endpoint_poke(&r->e);
  }
}

// Sleeps until the wire, a signal, the programs' descriptors, or the next deadline of stack, NIC, wire, programs, run or recording.
static void sleep_idle(struct run *r, uint64_t end_us)
{
  uint64_t until = endpoint_deadline(&r->e), programs = programs_deadline(&r->programs);
  if (end_us < until) until = end_us;
  if (programs < until) until = programs;
  if (wire_deadline(r->wire) < until) until = wire_deadline(r->wire);
  uint64_t second = r->now_us + 1000000;   // a recording is flushed once a second
  if (r->opt->record_dir && second < until) until = second;
  uint64_t us = until > r->now_us ? until - r->now_us : 0;
  wait_for(r, until == UINT64_MAX ? UINT64_MAX : us);
}

static struct model *model_of(const struct run *r) { return r->nic ? r->nic->model : NULL; }

static void progress(struct run *r)
{
  if (!r->tty || r->now_us < r->progress_us + 1000000) return;
  uint64_t bytes = summary_payload(model_of(r), r->ref);
  fprintf(stderr, "\rlockwire: %llu s, %llu flows, %.1f Mbit/s, %llu frames in, %llu out \033[K",
          (unsigned long long)(r->now_us / 1000000),
          (unsigned long long)(stack_stat(r->e.stack, ST_FLOWS_OPENED) - stack_stat(r->e.stack, ST_FLOWS_CLOSED)),
          (double)(bytes - r->progress_bytes) * 8.0 / (double)(r->now_us - r->progress_us),
          (unsigned long long)r->wire->rx_frames, (unsigned long long)r->wire->tx_frames);
  r->progress_us = r->now_us;
  r->progress_bytes = bytes;
}

static struct check *failed(const struct run *r) { return r->e.carrier->ops->failed(r->e.carrier); }

static const char *broken(const struct run *r) { return r->e.carrier->ops->broken(r->e.carrier); }

static int say_difference(const struct run *r)
{
  char hint[400];
  snprintf(hint, sizeof hint, "seed %llu; %s%.200s", (unsigned long long)r->seed,
           r->opt->record_dir ? "again, without the network: lockwire replay " : "with --record DIR it can be replayed",
           r->opt->record_dir ? r->opt->record_dir : "");
  check_report(failed(r), stderr, hint);
  return EXIT_DIFFERENCE;
}

// False when the run ends with its recording.
static bool bear_lost_recording(struct run *r)
{
  if (r->opt->record_go_on && !r->warned_recording)
    fprintf(stderr, "lockwire: warning: recording: %s: the run goes on unrecorded\n", strerror(recording_error(r->recording)));
  r->warned_recording = true;
  return r->opt->record_go_on;
}

// Programs' turn by time and descriptors. Sleeping watches those, too, so only a loop that does not sleep must ask here.
static bool turn_programs(struct run *r, bool busy)
{
  if (busy && r->programs.watched) wait_for(r, 0);
  if (!programs_due(&r->programs)) return busy;
  endpoint_poke(&r->e);
  return true;
}

static void serve_nobody(void *arg) { (void)arg; }

// Whoever is still connected when a run ends is told so: nobody will be there to take or to acknowledge anything.
static void hang_up(struct run *r)
{
  uint64_t end_us = r->now_us + GOODBYE_US;
  r->e.owner.serve = serve_nobody;
  for (int sid = -1; (sid = sock_info_next(r->e.stack, sid)) >= 0;) sock_abort(r->e.stack, sid);
  endpoint_poke(&r->e);
  while (endpoint_turn(&r->e, r->now_us, STEPS_PER_TURN) && r->now_us < end_us && !failed(r) && !broken(r)) set_time(r);
}

static int loop(struct run *r)
{
  uint64_t end_us = r->opt->for_seconds > 0 ? r->now_us + (uint64_t)(r->opt->for_seconds * 1e6) : UINT64_MAX;
  uint64_t idle_since = 0;
  bool over = false;         // the clients are, and end_us is when nobody waits for their last words any longer
  set_time(r);
  while (!stopping && r->now_us < end_us && !r->wire->dead && !failed(r) && !broken(r)) {
    bool busy = read_wire(r) > 0;
    busy |= endpoint_turn(&r->e, r->now_us, STEPS_PER_TURN);
    if (r->ref) recording_turn(r->recording);
    if (recording_error(r->recording) && !bear_lost_recording(r)) return complain("recording: %s", strerror(recording_error(r->recording)));
    warn_of_conflict(r);
    progress(r);
    set_time(r);
    busy = turn_programs(r, busy);
    if (!over && programs_over(&r->programs)) {
      over = true;
      if (r->now_us + LINGER_US < end_us) end_us = r->now_us + LINGER_US;
    }
    if (busy) {
      idle_since = r->now_us;
    } else if (over && stack_stat(r->e.stack, ST_CONN_NOW) == 0) {
      break;
    } else if (r->now_us >= idle_since + POLL_US) {
      sleep_idle(r, end_us);
      set_time(r);
    }
  }
  if (r->tty) fputs("\r\033[K", stderr);
  if (failed(r)) return say_difference(r);
  if (broken(r)) return complain("%s", broken(r));
  if (r->wire->dead) return complain("%s", r->wire->err);
  int status = programs_end(&r->programs);
  bool unheard = over && stack_unacked(r->e.stack);
  hang_up(r);
  if (failed(r)) return say_difference(r);
  if (status || !unheard) return status;
  return complain("not all that was sent was acknowledged before the end");
}

static void say_ready(const struct run *r)
{
  char ip[TEXT_IPV4_LEN], mac[TEXT_MAC_LEN];
  fprintf(stderr, "lockwire: ready on %s, %s, %s, mtu %u", r->opt->ifname, text_format_ipv4(ip, r->opt->ip),
          text_format_mac(mac, r->mac), r->mtu);
  for (size_t i = 0; i < r->opt->n_apps; i++) fprintf(stderr, ", %s:%u", r->opt->apps[i].ops->name, r->opt->apps[i].port);
  fputc('\n', stderr);
}

static int report(struct run *r)
{
  const struct run_options *o = r->opt;
  struct run_figures f = {.seed = r->seed, .elapsed_us = r->now_us};
  if (r->nic) {
    f.cycles = r->nic->cycles;
    f.model_us = r->nic->eval_ns / 1000;
  }
  struct summary_of of = {.model = model_of(r), .ref = r->ref, .stack = r->e.stack, .wire = r->wire, .fault = r->fault};
  if (!o->client) summary_print(stdout, &f, &of);
  if (r->stats && !summary_json(r->stats, &f, &of)) return complain("--stats %s: %s", o->stats_file, strerror(errno));
  return EXIT_GOOD;
}

int run_main(const struct run_options *o)
{
  struct run *r = calloc(1, sizeof *r);
  if (!r) return complain("out of memory");
  r->opt = o;
  r->epoll_fd = -1;
  r->start_ns = clock_ns();
  r->tty = isatty(STDERR_FILENO) && !o->client;
  r->seed = o->seed;
  if (!o->have_seed && getrandom(&r->seed, sizeof r->seed, 0) != sizeof r->seed) r->seed = r->start_ns;
  int status = EXIT_USAGE;
  if (open_all(r)) {
    if (!o->client) say_ready(r);
    status = loop(r);
    int reported = report(r);
    if (!status) status = reported;
  }
  if (!close_all(r) && !status) status = EXIT_USAGE;
  free(r);
  return status;
}
