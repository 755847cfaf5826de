// SPDX-License-Identifier: Apache-2.0
// One endpoint behind packetdrill's interface: a stack over either engine, its virtual clock, the frames between it and the
// script, and the lock under which all of it happens.
//
//   script's main thread  --netdev_send, usleep, gettimeofday, netdev_receive--> the clock goes on, the endpoint takes its turns
//   script's other thread --calls that wait--> sleeps until there is news, or its time is over
//
// Who lets the clock go on waits before, until each call that has news has looked at it and waits again or is through: so a call
// ends at the virtual time at which what it waited for happened, however the threads are scheduled.
#ifndef LW_PD_H
#define LW_PD_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/recq.h"
#include "endpoint.h"
#include "nic.h"

enum { PD_FRAME_MAX = 9014, PD_TIMES = 16, PD_ERR_LEN = 200 };
static const uint64_t PD_NEVER = UINT64_MAX;

struct pd_flags {
  bool rtl, no_check, ecn;   // ecn: not with rtl
  enum stack_options options;
  uint64_t seed;
  unsigned mtu;
  uint32_t ip;               // 0: packetdrill's usual one, and each to which the script binds or sends
};

struct pd_files;

// A call that may wait; lives on its caller's stack, between pd_begin and pd_end.
struct pd_call {
  bool waits, looked;        // in the list; has seen all there is
  uint64_t until_us;
  struct pd_call *prev, *next;
};

struct pd {
  pthread_mutex_t mutex;
  pthread_cond_t news, looked;
  struct endpoint e;
  struct nic *nic;           // NULL: the reference; the endpoint owns either
  unsigned mtu;
  uint64_t now_us, due_us;   // due: when the endpoint has something to do by time alone
  bool any_ip;               // addresses are taken as the script uses them
  bool stopped;              // free was called
  const char *dead;          // why it cannot go on
  struct recq out;           // packets that left: their time, 8 bytes, then the packet
  struct pd_call *calls;     // that wait
  struct pd_files *files;
  struct { pthread_t thread; uint64_t at_us; bool unread; } ended[PD_TIMES];   // see pd_end
  unsigned n_ended;
  uint8_t frame[PD_FRAME_MAX];
};

// NULL with one line in err.
struct pd *pd_open(const struct pd_flags *f, char err[static PD_ERR_LEN]);
// Ends all calls that wait with -ECANCELED, and when they are through everything. NULL is allowed.
void pd_close(struct pd *d);

// --- calls: between begin and end the lock is held ---
void pd_begin(struct pd *d, struct pd_call *c);
// Lets others go on until there is news or until_us has come. 0: look again; -EAGAIN: the time is over; -ECANCELED, -EIO: it may
// not wait.
int pd_wait(struct pd *d, struct pd_call *c, uint64_t until_us);
// What the call has made possible happens. When it had waited, its thread's next look at the clock says when it ended: what the
// other thread does with the clock in the meantime is none of its business.
void pd_end(struct pd *d, struct pd_call *c);
// Something besides sockets has changed: those who wait look again.
void pd_news(struct pd *d);

// --- the clock and the wire; take the lock themselves ---
uint64_t pd_time(struct pd *d);                       // a microsecond later than it was, for who spins on it
void pd_sleep(struct pd *d, uint64_t us);
int pd_send(struct pd *d, const uint8_t *packet, size_t len);   // 0, or a negative errno
// The next packet into buf; its length, 0: none will come, or a negative errno.
ssize_t pd_receive(struct pd *d, uint8_t *buf, size_t cap, uint64_t *at_us);

// A packet or a bind names this address of ours.
void pd_take_ip(struct pd *d, uint32_t ip);
#endif
