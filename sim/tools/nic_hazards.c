// SPDX-License-Identifier: Apache-2.0
// Hazards, one after another: every ordered pair of events on one flow, in several states of the flow, at every distance in cycles
// while anything of the first is under way; and every flow's timer due at once (at_once.h). Deterministic: host and peer are played here.
//
//     open -> state -> A, B so many cycles later -> at rest -> all that is left is said -> released
//
// Three judges. The checker steps the transport core one event at a time, whatever the NIC has under way at once. Every octet must
// arrive, both ways, unless the pair ends the flow. And the flow must end as it does when A and B come far apart, in the one order or,
// where B may overtake A, in the other. Streams cross 2^31 one way and 2^32 the other.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/at_once.h"
#include "tools/events.h"

enum {
  MOST = 40,                   // cycles of distance: no further, also when A takes longer
  FAR = 1000, FAR_SWAPPED,     // distances: A is done before B comes; and B before A
  WAYS = 8,                    // to open a flow, see way_of()
  SHOWN = 5,                   // of a group's failures
};

struct pair {
  const struct state *state;
  const struct kind *a, *b;
  unsigned flows;              // 2: B happens to another flow in the same state
  struct talk_options o;
  // Found out when they come far apart.
  unsigned least, most;        // cycles from A to B; after `most` A is done
  bool swaps;                  // B may overtake A
  struct talk_end end[2][TALK_MOST];   // of each flow: A first, B first
};

struct run {
  struct scene s;
  const char *state, *a, *b;   // only these; NULL: any
  unsigned distance;           // only this and, to compare with, far apart; FAR: any
  struct talk_options o;       // with `chosen`: every flow is opened so
  bool chosen, all, stop;      // all: each pair with every way to open a flow, not with one of them; stop: at the first failure
  unsigned flows;              // 1 or 2; 0: as it is meant
  unsigned groups, failed;
  uint64_t cases, bad;         // of the group
};

static void fail(const char *why)
{
  fprintf(stderr, "nic_hazards: %s\n", why);
  exit(2);
}

// --- a case ------------------------------------------------------------------------------------------------------------

enum verdict { PASSED, FAILED, IMPOSSIBLE };

// The cycle in which an event has entered is that of its last beat: A's is 0, B's is `distance`.
static bool put_near(struct scene *s, const struct event e[2], unsigned distance)
{
  int begin[2] = {1 - (int)event_cycles(s, &e[0]), (int)distance + 1 - (int)event_cycles(s, &e[1])};
  for (int i = begin[0] < begin[1] ? begin[0] : begin[1]; i <= begin[0] || i <= begin[1]; i++) {
    for (int j = 0; j < 2; j++)
      if (i == begin[j]) event_put(s, &e[j]);
    if (!scene_cycle(s)) return false;
  }
  return scene_rest(s);
}

// *cycles: from when the first has entered until it is done.
static bool put_far(struct scene *s, const struct event *first, const struct event *second, unsigned *cycles)
{
  uint64_t was = s->nic->cycles;
  event_put(s, first);
  if (!scene_rest(s)) return false;
  unsigned took = (unsigned)(s->nic->cycles - was), entering = event_cycles(s, first);
  *cycles = took > entering ? took - entering : 0;
  event_put(s, second);
  return scene_rest(s);
}

static bool put(struct scene *s, struct pair *p, const struct event e[2], unsigned distance)
{
  unsigned swapped;
  if (distance == FAR) return put_far(s, &e[0], &e[1], &p->most);
  return distance == FAR_SWAPPED ? put_far(s, &e[1], &e[0], &swapped) : put_near(s, e, distance);
}

// Whether a flow may end so to which this happened, whatever met what.
static bool fits(struct scene *s, const struct pair *p, const struct talk_end *end, enum talk_how want)
{
  static const char *const name[] = {"whole", "timed out", "aborted", "reset", "released"};
  if (want == TALK_TIMED_OUT && (end->how == TALK_WHOLE || !p->o.user_timeout_ms)) want = TALK_WHOLE;
  if (end->how == want) return true;
  return scene_wrong(s, "the flow ended %s, and must end %s", name[end->how], name[want]);
}

static bool finish(struct scene *s, const struct pair *p, struct talk_end end[TALK_MOST])
{
  for (unsigned i = 0; i < p->flows; i++) {
    enum talk_how want = i == 0 ? p->a->ends : TALK_WHOLE;
    if (i == p->flows - 1 && want < p->b->ends) want = p->b->ends;
    if (!scene_finish(s, &s->talk[i], &end[i]) || !fits(s, p, &end[i], want)) return false;
  }
  return true;
}

// Commands that must follow what was written wait for it (sock/nic_port.h).
static bool waits(const struct event e[2])
{
  return e[0].port == BY_PAYLOAD && e[1].port == BY_COMMAND && (e[1].command == CMD_CLOSE || e[1].command == CMD_RELEASE);
}

// A and B are made before either comes: what they are does not depend on when.
static enum verdict run_case(struct scene *s, struct pair *p, unsigned distance, struct talk_end end[TALK_MOST])
{
  struct event e[2] = {{0}, {0}};
  s->talks = 0;
  s->wrong[0] = '\0';
  for (unsigned i = 0; i < p->flows; i++)
    if (!scene_open(s, &p->o) || !p->state->make(s, &s->talk[i])) return FAILED;
  if (!p->a->make(s, &s->talk[0], &e[0]) || !p->b->make(s, &s->talk[p->flows - 1], &e[1]))
    return scene_drop(s) ? IMPOSSIBLE : FAILED;
  p->swaps = e[0].port != e[1].port && !waits(e);
  p->least = e[0].port == e[1].port ? event_cycles(s, &e[1]) : 0;
  return put(s, p, e, distance) && finish(s, p, end) ? PASSED : FAILED;
}

static bool as_far_apart(struct scene *s, const struct pair *p, const struct talk_end end[TALK_MOST])
{
  for (unsigned i = 0; i < p->flows; i++) {
    const struct talk_end *is = &end[i], *was = &p->end[0][i];
    if (talk_ends_equal(is, was) || (p->swaps && talk_ends_equal(is, &p->end[1][i]))) continue;
    return scene_wrong(s, "the flow did not end as with the events far apart: %u octets for the host, FIN %d, RST %d; not %u, %d, %d%s", is->ready,
                       is->peer_closed, is->rst_came, was->ready, was->peer_closed, was->rst_came, p->swaps ? ", nor as swapped" : "");
  }
  return true;
}

// --- all cases of a pair -----------------------------------------------------------------------------------------------

static char again[300];        // the command that runs the case at hand by itself

static void note(const struct pair *p, unsigned distance)
{
  char at[16];
  snprintf(at, sizeof at, "%u", distance);
  snprintf(again, sizeof again, "--state %s --a %s --b %s --distance %s --start %" PRIu32 ":%" PRIu32 " --options %s --scale %u --flows %u", p->state->name,
           p->a->name, p->b->name, distance == FAR ? "far" : distance == FAR_SWAPPED ? "swapped" : at, p->o.snd.v, p->o.rcv.v, p->o.options ? "on" : "off",
           p->o.scale, p->flows);
}

// An assertion in the RTL ends the process.
static void on_abort(int sig)
{
  static const char lead[] = "FAIL nic_hazards ";
  (void)sig;
  ssize_t n = write(STDOUT_FILENO, lead, sizeof lead - 1);
  n = n < 0 ? n : write(STDOUT_FILENO, again, strlen(again));
  _exit(n < 0 || write(STDOUT_FILENO, "\n", 1) < 0 ? 2 : 1);
}

static void new_nic(struct scene *s)
{
  nic_close(s->nic);
  if (!(s->nic = hand_nic())) fail("out of memory");
}

static void tell(struct run *r)
{
  struct check *k = hand_failed(r->s.nic);
  if (r->bad++ >= SHOWN) return;
  printf("FAIL nic_hazards %s: %s\n", again, r->s.wrong);
  fflush(stdout);
  if (k) check_report(k, stderr, NULL);
  if (r->stop) exit(1);
}

static bool one(struct run *r, struct pair *p, unsigned distance, struct talk_end end[TALK_MOST])
{
  note(p, distance);
  enum verdict v = run_case(&r->s, p, distance, end);
  if (v == IMPOSSIBLE) return false;
  r->cases++;
  if (v == PASSED && (distance >= FAR || as_far_apart(&r->s, p, end))) return true;
  tell(r);
  new_nic(&r->s);
  return false;
}

static void all_distances(struct run *r, struct pair *p)
{
  struct talk_end end[TALK_MOST];
  if (!one(r, p, FAR, p->end[0]) || (p->swaps && !one(r, p, FAR_SWAPPED, p->end[1]))) return;
  for (unsigned d = p->least; d <= p->most && d <= MOST; d++)
    if (r->distance == FAR || r->distance == d) one(r, p, d, end);
}

// Time stamps and SACK or none; window scale 14 or 0; 2^31 crossed by the one stream or by the other, which crosses 2^32. They begin
// shortly before, not always as far.
static struct talk_options way_of(unsigned n, unsigned way)
{
  uint32_t mixed = (n * WAYS + way + 1) * 2654435761u, cross = way & 4 ? 1u << 31 : 0;
  return (struct talk_options){.snd = seq_of(cross - 1 - (mixed >> 8) % 100), .rcv = seq_of((cross ^ 1u << 31) - 1 - (mixed >> 20) % 24),
                               .options = way & 1, .scale = way & 2 ? TCP_WSCALE_MAX : 0};
}

static void all_ways(struct run *r, struct pair *p, unsigned n)
{
  for (unsigned way = 0; way < WAYS; way++) {
    if (!r->all && way != (r->chosen ? 0 : (n * 2654435761u >> 13) % WAYS)) continue;
    p->o = r->chosen ? r->o : way_of(n, way);
    p->o.user_timeout_ms = p->state->user_timeout_ms;
    all_distances(r, p);
  }
}

// --- groups --------------------------------------------------------------------------------------------------------------

static bool is(const char *wanted, const char *name) { return !wanted || !strcmp(wanted, name); }

static void pairs(struct run *r, unsigned state, unsigned flows)
{
  const struct state *st = &states[state];
  if (!is(r->state, st->name) || (r->flows && r->flows != flows) || (flows > 1 && !st->two)) return;
  r->cases = r->bad = 0;
  for (unsigned n = 0; n < n_kinds * n_kinds; n++) {
    struct pair p = {.state = st, .a = &kinds[n / n_kinds], .b = &kinds[n % n_kinds], .flows = flows};
    if (is(r->a, p.a->name) && is(r->b, p.b->name)) all_ways(r, &p, state * n_kinds * n_kinds + n);
  }
  if (!r->cases) printf("FAIL %s: nothing of this can happen\n", st->name);
  else printf("%s %s%s: %" PRIu64 " of %" PRIu64 " cases\n", r->bad ? "FAIL" : "ok", st->name, flows > 1 ? " on two flows" : "", r->cases - r->bad, r->cases);
  fflush(stdout);
  r->groups++;
  r->failed += r->bad || !r->cases;
}

static void timers(struct run *r)
{
  char line[AT_ONCE_LINE];
  new_nic(&r->s);
  snprintf(again, sizeof again, "--state timers");
  bool ok = at_once(r->s.nic, r->s.now_us, line);
  printf("%s timers due at once: %s\n", ok ? "ok" : "FAIL", line);
  r->groups++;
  r->failed += !ok;
}

// --- command line ----------------------------------------------------------------------------------------------------------

static void help(void)
{
  puts("nic_hazards: every two events on one flow at every distance, and every flow's timer due at once, under the checker\n\n"
       "usage: nic_hazards [OPTION]...\n"
       "  --state NAME       only in this state of the flow, or `timers`: only those\n"
       "  --a NAME, --b NAME only this event first, only this second\n"
       "  --distance N       only N cycles apart (and far apart, to compare with)\n"
       "  --start SND:RCV    the sequence numbers with which the NIC's stream and the peer's begin; with it:\n"
       "  --options on|off   time stamps and SACK (off)      --scale N  of the windows, 0..14 (0)\n"
       "  --flows 1|2        only on one flow, only on two: B happens to the other\n"
       "  --all              each pair with every one of 8 ways to open a flow, in place of one\n"
       "  --stop             at the first failure\n"
       "  --help             this text\n\n"
       "A line for each state and for the timers, then `N passed, M failed`. A failure says what runs it alone. States:");
  for (unsigned i = 0; i < n_states; i++) printf("  %-15s %s\n", states[i].name, states[i].what);
  puts("Events:");
  for (unsigned i = 0; i < n_kinds; i++) printf("  %-15s %s\n", kinds[i].name, kinds[i].what);
}

static void bad_usage(const char *option, const char *why)
{
  fprintf(stderr, "nic_hazards: %s: %s (--help)\n", option, why);
  exit(2);
}

static const char *known_state(const char *v)
{
  for (unsigned i = 0; i < n_states; i++)
    if (!strcmp(v, states[i].name)) return v;
  if (strcmp(v, "timers") != 0) bad_usage(v, "no such state");
  return v;
}

static const char *known_kind(const char *v)
{
  for (unsigned i = 0; i < n_kinds; i++)
    if (!strcmp(v, kinds[i].name)) return v;
  bad_usage(v, "no such event");
  return NULL;
}

static uint64_t number(const char *option, const char *v, uint64_t min, uint64_t max)
{
  uint64_t n = 0;
  if (!text_parse_uint(v, min, max, &n)) bad_usage(option, "no number that it can be");
  return n;
}

static void start(struct run *r, char *v)
{
  char *colon = strchr(v, ':');
  if (!colon) bad_usage("--start", "SND:RCV is wanted");
  *colon = '\0';
  r->o.snd = seq_of((uint32_t)number("--start", v, 0, UINT32_MAX));
  r->o.rcv = seq_of((uint32_t)number("--start", colon + 1, 0, UINT32_MAX));
  r->chosen = true;
}

static void set(struct run *r, const char *option, char *v)
{
  bool far = !strcmp(v, "far") || !strcmp(v, "swapped");
  if (!strcmp(option, "--state")) r->state = known_state(v);
  else if (!strcmp(option, "--a")) r->a = known_kind(v);
  else if (!strcmp(option, "--b")) r->b = known_kind(v);
  else if (!strcmp(option, "--distance")) r->distance = far ? MOST + 1 : (unsigned)number(option, v, 0, MOST);
  else if (!strcmp(option, "--start")) start(r, v);
  else if (!strcmp(option, "--options") && (!strcmp(v, "on") || !strcmp(v, "off"))) r->o.options = !strcmp(v, "on");
  else if (!strcmp(option, "--scale")) r->o.scale = (uint8_t)number(option, v, 0, TCP_WSCALE_MAX);
  else if (!strcmp(option, "--flows")) r->flows = (unsigned)number(option, v, 1, 2);
  else bad_usage(option, "no such option, or not with such a value");
}

static void parse(struct run *r, int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--help")) {
      help();
      exit(0);
    }
    if (!strcmp(argv[i], "--all")) r->all = true;
    else if (!strcmp(argv[i], "--stop")) r->stop = true;
    else if (i + 1 < argc) set(r, argv[i], argv[i + 1]), i++;
    else bad_usage(argv[i], "no such option, or without its value");
  }
  if (r->chosen ? r->all : r->o.options || r->o.scale) bad_usage("--start", "not with --all, and needed with --options and --scale");
}

int main(int argc, char **argv)
{
  static struct run r = {.distance = FAR, .s = {.now_us = 1000000}};
  parse(&r, argc, argv);
  signal(SIGABRT, on_abort);
  new_nic(&r.s);
  for (unsigned flows = 1; flows <= TALK_MOST; flows++)
    for (unsigned i = 0; i < n_states; i++) pairs(&r, i, flows);
  if (is(r.state, "timers") && !r.a && !r.b) timers(&r);
  nic_close(r.s.nic);
  if (!r.groups) fail("nothing of that kind");
  printf("%u passed, %u failed\n", r.groups - r.failed, r.failed);
  return r.failed != 0;
}
