// SPDX-License-Identifier: Apache-2.0
#include "pd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "net/arp.h"
#include "net/ipv4.h"
#include "pd_file.h"
#include "sock/netconf.h"
#include "tcp/ref.h"

enum {
  FLOWS = 64, RING = 256 * 1024,       // of the reference
  STEPS_PER_TURN = 100000,
  TURNS_PER_INSTANT = 100000,          // more without the clock going on: it goes round in circles
};
static const uint64_t START_US = 1000000000;              // the clock's beginning
// For a packet: longer than any timer that sends one by default; without a connection those of fragments are the only ones. TIME-WAIT
// sends nothing, and should not pass while a script makes sure of that.
static const uint64_t PATIENCE_US = 3ull * 3600 * 1000000, QUIET_US = 31000000;
static const uint32_t USUAL_IP = 0xc0a80001;              // 192.168.0.1, packetdrill's default
static const uint8_t our_mac[6] = {2, 0x4c, 0x57, 0, 0, 1}, neighbour_mac[6] = {2, 0x4c, 0x57, 0, 0, 2};

// --- what the endpoint asks for --------------------------------------------------------------------------------------

// There is one neighbour, and it has every address.
static void answer_arp(struct pd *d, const uint8_t *frame, size_t len)
{
  struct arp_packet ask;
  uint8_t reply[ARP_FRAME_BYTES];
  if (arp_parse(frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES, &ask) != ARP_OK || ask.op != ARP_OP_REQUEST || ask.sender_ip == ask.target_ip) return;
  endpoint_input(&d->e, reply, arp_emit_reply(reply, sizeof reply, neighbour_mac, &ask), d->now_us);
}

static void leaves(void *arg, const uint8_t *frame, size_t len)
{
  struct pd *d = arg;
  struct eth_hdr eth;
  uint8_t at[8];
  if (eth_parse(frame, len, &eth) != ETH_OK) return;
  if (eth.type == ETH_TYPE_ARP) answer_arp(d, frame, len);
  if (eth.type != ETH_TYPE_IPV4) return;
  put_le32(at, (uint32_t)d->now_us);
  put_le32(at + 4, (uint32_t)(d->now_us >> 32));
  recq_begin(&d->out, 0);
  recq_append(&d->out, at, sizeof at);
  recq_append(&d->out, frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES);
  recq_commit(&d->out);
}

static void serve(void *arg)
{
  struct pd *d = arg;
  int sid;
  unsigned events;
  while (sock_next_ready(d->e.stack, &sid, &events)) {
    pd_files_ready(d->files, sid);
    pd_news(d);
  }
}

// --- turning ---------------------------------------------------------------------------------------------------------

static void die(struct pd *d, const char *why)
{
  struct check *k = d->e.carrier->ops->failed(d->e.carrier);
  if (d->dead) return;
  d->dead = why;
  fprintf(stderr, "lockwire: %s\n", why);
  if (k) check_report(k, stderr, NULL);
  pd_news(d);
}

// The endpoint does what there is to do at this time.
static void turn(struct pd *d)
{
  const struct carrier_ops *ops = d->e.carrier->ops;
  endpoint_poke(&d->e);   // sockets may have been used
  for (unsigned n = 0; !d->dead && endpoint_turn(&d->e, d->now_us, STEPS_PER_TURN); n++)
    if (n == TURNS_PER_INSTANT) die(d, "the clock does not go on");
  if (ops->failed(d->e.carrier)) die(d, "the checker found a difference");
  if (ops->broken(d->e.carrier)) die(d, ops->broken(d->e.carrier));
  d->due_us = d->dead ? PD_NEVER : endpoint_deadline(&d->e);
}

// Some call has news, or its time is over.
static bool unseen(const struct pd *d)
{
  for (const struct pd_call *c = d->calls; c; c = c->next)
    if (!c->looked || c->until_us <= d->now_us) return true;
  return false;
}

// Until nothing is left to do at this time, for the calls that wait either.
static void settle(struct pd *d)
{
  turn(d);
  while (unseen(d)) {
    pthread_cond_broadcast(&d->news);
    pthread_cond_wait(&d->looked, &d->mutex);
    turn(d);
  }
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

// When something happens next; never now.
static uint64_t next_event(const struct pd *d)
{
  uint64_t at = d->due_us;
  for (const struct pd_call *c = d->calls; c; c = c->next) at = least(at, c->until_us);
  return at > d->now_us ? at : d->now_us + 1;
}

static void go_to(struct pd *d, uint64_t at_us)
{
  d->now_us = at_us;
  settle(d);
}

// --- calls -----------------------------------------------------------------------------------------------------------

void pd_begin(struct pd *d, struct pd_call *c)
{
  *c = (struct pd_call){0};
  pthread_mutex_lock(&d->mutex);
}

static void unlist(struct pd *d, struct pd_call *c)
{
  *(c->prev ? &c->prev->next : &d->calls) = c->next;
  if (c->next) c->next->prev = c->prev;
}

static void list(struct pd *d, struct pd_call *c)
{
  c->waits = true;
  c->next = d->calls;
  if (d->calls) d->calls->prev = c;
  d->calls = c;
}

int pd_wait(struct pd *d, struct pd_call *c, uint64_t until_us)
{
  if (!c->waits) list(d, c);
  c->looked = true;
  c->until_us = until_us;
  turn(d);   // what the call has done so far
  if (!c->looked) return 0;
  pthread_cond_broadcast(&d->looked);
  while (c->looked && until_us > d->now_us && !d->stopped && !d->dead) pthread_cond_wait(&d->news, &d->mutex);
  if (d->stopped) return -ECANCELED;
  if (d->dead) return -EIO;
  return c->looked ? -EAGAIN : 0;
}

static void note_end(struct pd *d)
{
  unsigned i = 0;
  while (i < PD_TIMES && !(d->ended[i].at_us && pthread_equal(d->ended[i].thread, pthread_self()))) i++;
  if (i == PD_TIMES) i = d->n_ended++ % PD_TIMES;
  d->ended[i].thread = pthread_self();
  d->ended[i].at_us = d->now_us;
  d->ended[i].unread = true;
}

// Of a call that had waited: who moves the clock waits for it, and so it may not wait for others.
void pd_end(struct pd *d, struct pd_call *c)
{
  if (c->waits) {
    unlist(d, c);
    note_end(d);
    turn(d);
    pthread_cond_broadcast(&d->looked);
  } else {
    settle(d);
  }
  pthread_mutex_unlock(&d->mutex);
}

void pd_news(struct pd *d)
{
  for (struct pd_call *c = d->calls; c; c = c->next) c->looked = false;
  if (d->calls) pthread_cond_broadcast(&d->news);
}

// --- the clock and the wire --------------------------------------------------------------------------------------------

static bool time_of_end(struct pd *d, uint64_t *at_us)
{
  for (unsigned i = 0; i < PD_TIMES; i++) {
    if (!d->ended[i].unread || !pthread_equal(d->ended[i].thread, pthread_self())) continue;
    d->ended[i].unread = false;
    *at_us = d->ended[i].at_us;
    return true;
  }
  return false;
}

uint64_t pd_time(struct pd *d)
{
  uint64_t at;
  pthread_mutex_lock(&d->mutex);
  if (!time_of_end(d, &at)) {
    uint64_t next = next_event(d);
    at = d->now_us + 1;
    if (at >= next) go_to(d, at);
    else d->now_us = at;
  }
  pthread_mutex_unlock(&d->mutex);
  return at;
}

void pd_sleep(struct pd *d, uint64_t us)
{
  pthread_mutex_lock(&d->mutex);
  uint64_t end = d->now_us + us;
  settle(d);
  while (d->now_us < end && !d->stopped) go_to(d, least(next_event(d), end));
  pthread_mutex_unlock(&d->mutex);
}

int pd_send(struct pd *d, const uint8_t *packet, size_t len)
{
  const struct eth_hdr eth = {.dst = {our_mac[0], our_mac[1], our_mac[2], our_mac[3], our_mac[4], our_mac[5]},
                              .src = {neighbour_mac[0], neighbour_mac[1], neighbour_mac[2], neighbour_mac[3], neighbour_mac[4], neighbour_mac[5]},
                              .type = ETH_TYPE_IPV4};
  if (len < IPV4_HDR_BYTES) return -EINVAL;
  if (packet[0] >> 4 != 4) return -EPFNOSUPPORT;
  if (len > PD_FRAME_MAX - ETH_HDR_BYTES) return -EMSGSIZE;
  struct pd_call c;
  pd_begin(d, &c);
  pd_take_ip(d, get_be32(packet + 16));
  eth_emit(d->frame, sizeof d->frame, &eth);
  memcpy(d->frame + ETH_HDR_BYTES, packet, len);
  endpoint_input(&d->e, d->frame, ETH_HDR_BYTES + len, d->now_us);
  pd_news(d);   // not all that a packet changes makes a socket ready: a FIN that is acknowledged
  int r = d->dead ? -EIO : 0;
  pd_end(d, &c);
  return r;
}

static ssize_t take_out(struct pd *d, uint8_t *buf, size_t cap, uint64_t *at_us)
{
  uint32_t tag;
  const uint8_t *p;
  size_t len;
  recq_peek(&d->out, &tag, &p, &len);
  *at_us = get_le64(p);
  len -= 8;
  ssize_t n = len <= cap ? (ssize_t)len : -EMSGSIZE;
  if (n > 0) memcpy(buf, p + 8, len);
  recq_pop(&d->out);
  return n;
}

// One that no host can have, or one too many, is left out, and so is never ours.
void pd_take_ip(struct pd *d, uint32_t ip)
{
  if (d->any_ip) netconf_addr_add(d->e.stack, (struct route_addr){ip, 0});
}

ssize_t pd_receive(struct pd *d, uint8_t *buf, size_t cap, uint64_t *at_us)
{
  ssize_t n = 0;
  pthread_mutex_lock(&d->mutex);
  settle(d);
  for (uint64_t limit = d->now_us + (stack_stat(d->e.stack, ST_CONN_NOW) ? PATIENCE_US : QUIET_US); recq_empty(&d->out) && !d->dead && !d->stopped;) {
    uint64_t next = next_event(d);
    if (next > limit) break;
    go_to(d, next);
  }
  *at_us = d->now_us;
  if (!recq_empty(&d->out)) n = take_out(d, buf, cap, at_us);
  pthread_mutex_unlock(&d->mutex);
  return n;
}

// --- opening and closing -----------------------------------------------------------------------------------------------

static struct carrier *open_ref(const struct pd_flags *f)
{
  struct core_caps caps = core_caps_full(RING);
  caps.ecn = f->ecn;
  struct ref *r = ref_open(&(struct ref_config){.num_flows = FLOWS, .tx_ring_bytes = RING, .rx_ring_bytes = RING, .caps = caps, .seed = f->seed});
  return r ? carrier_ref_open(r) : NULL;
}

static struct carrier *open_nic(struct pd *d, const struct pd_flags *f)
{
  struct nic_options o = {.mtu = f->mtu, .seed = f->seed, .check = !f->no_check};
  char why[STIM_ERR_LEN];
  memcpy(o.mac, our_mac, 6);
  d->nic = nic_open(&o, why);
  return d->nic ? &d->nic->base : NULL;
}

struct pd *pd_open(const struct pd_flags *f, char err[static PD_ERR_LEN])
{
  struct pd *d = calloc(1, sizeof *d);
  snprintf(err, PD_ERR_LEN, "out of memory");
  if (!d) return NULL;
  struct stack_config c = {.ip = f->ip ? f->ip : USUAL_IP, .mtu = f->mtu, .seed = f->seed, .options = f->options};
  memcpy(c.mac, our_mac, 6);
  d->any_ip = !f->ip;
  d->now_us = START_US;
  d->mtu = f->mtu;
  pthread_mutex_init(&d->mutex, NULL);
  pthread_cond_init(&d->news, NULL);
  pthread_cond_init(&d->looked, NULL);
  struct carrier *carrier = f->rtl ? open_nic(d, f) : open_ref(f);
  d->files = pd_files_open();
  if (endpoint_open(&d->e, &c, carrier, &(struct endpoint_owner){serve, leaves, d}, d->now_us) && d->files) {
    turn(d);
    return d;
  }
  pd_close(d);
  return NULL;
}

void pd_close(struct pd *d)
{
  if (!d) return;
  pthread_mutex_lock(&d->mutex);
  d->stopped = true;
  while (d->calls) {
    pthread_cond_broadcast(&d->news);
    pthread_cond_wait(&d->looked, &d->mutex);
  }
  pthread_mutex_unlock(&d->mutex);
  pd_files_close(d->files);
  endpoint_close(&d->e);
  recq_free(&d->out);
  pthread_cond_destroy(&d->looked);
  pthread_cond_destroy(&d->news);
  pthread_mutex_destroy(&d->mutex);
  free(d);
}
