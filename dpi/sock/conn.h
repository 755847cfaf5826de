// SPDX-License-Identifier: Apache-2.0
// A connection and the table of them. Each connection holds one flow of the engine from the first SYN on (a peer's SYN
// for which none is free is left unanswered), so the table has as many places as the engine has flows and a connection's
// place is its flow id. What outlives the flow is elsewhere: TIME-WAIT in timewait.h, unread data in the socket.
#ifndef LW_CONN_H
#define LW_CONN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seq.h"
#include "base/frames.h"
#include "base/timers.h"
#include "net/ipv4.h"
#include "net/tuple.h"
#include "tcp/engine.h"

struct stack;
struct sock;

enum conn_state {
  CONN_FREE,
  CONN_SYN_SENT,     // connect: our SYN is out
  CONN_SYN_RCVD,     // SYN-ACK sent, its ACK awaited; the flow is reserved and not opened
  CONN_OPENING,      // established for the socket; the engine was told to open, its fence is awaited, frames are held
  CONN_OPEN,         // the engine carries it, from ESTABLISHED to the end of both directions
  CONN_RELEASING     // over for everybody; the engine's `released` is awaited, then the flow is free
};

struct conn {
  struct tuple_node node;               // first: the map finds conns by it
  enum conn_state state;
  uint16_t flow;
  uint8_t remote_mac[6];
  struct ipv4_choice ip;                // of the socket, or of the listener it came through
  struct timer timer;                   // SYN_SENT, SYN_RCVD: SYN or SYN-ACK again; later: an orphan's patience
  struct conn *next_free;

  // Until accepted: the listener, and the place among the half-open ones, then in its accept queue.
  struct sock *listener;
  struct conn *queue_prev, *queue_next;
  struct sock *sock;                    // from accept or connect to close or end

  // Handshake.
  struct seq iss, irs;
  uint16_t snd_mss;                     // Eff.snd.MSS
  bool wscale_ok;                       // both sides offered window scale
  uint8_t snd_wscale, rcv_wscale;
  bool ts_ok, sack_ok;                  // both sides offered them, and the engine can
  bool ecn_echoes, ecn_marks;           // ECN likewise; the second only if no SYN or SYN-ACK, of either side, was without
  uint32_t ts_recent;                   // peer's last TSval, with ts_ok: of the SYN, then as the engine says
  uint64_t since_us;                    // when the peer's SYN came
  unsigned tries;                       // SYN or SYN-ACK sent so far

  // Hand-over.
  bool fenced;
  struct frame_list held;
  uint64_t challenge_us;                // when the last challenge ACK went out; 0: none yet
  struct flow_tuning tuning;            // as the engine was last told

  // Data, in sequence numbers.
  struct seq snd_end;                   // behind the last byte given to the engine
  struct seq tx_freed;                  // as the engine says; one past snd_end once our FIN is acknowledged
  struct seq rx_ready, rx_asked, rx_got;  // there; asked for with consume(); arrived
  bool close_given;                     // the engine has our FIN
  bool closed_first;                    // ... and had it before the peer's was seen: TIME-WAIT is ours
  bool peer_closed, fin_acked;
  bool stalled;                         // SYN_SENT, too: sent again three times in vain
  int soft_err;                         // what ICMP said of it since something was acknowledged; 0: nothing
};

struct conn_table {
  struct conn *conns;                   // by flow id
  size_t n;
  struct conn *free;
  size_t n_half_open;                   // in SYN_RCVD for a listener: a list, the oldest first
  struct conn *half_first, *half_last;
  struct tuple_map map;
  struct timers timers;
};

bool conn_table_init(struct stack *s, const uint8_t key[static 16]);          // false: no memory
void conn_table_free(struct stack *s);
// The connection of a tuple in any state but FREE, or NULL.
struct conn *conn_find(const struct stack *s, const struct tuple *t);
// A connection in SYN_RCVD with a flow of its own; NULL when none is free. There must be none of the same tuple.
struct conn *conn_take(struct stack *s, const struct tuple *t);
// Back into the table; nothing may refer to it any more.
void conn_give(struct stack *s, struct conn *c);
// Into the list of half-open connections, and out of it.
void conn_half_open(struct stack *s, struct conn *c);
void conn_not_half_open(struct stack *s, struct conn *c);
// Whether a challenge ACK may go out now; then it does. Twice a second (RFC 5961 section 7).
bool conn_may_challenge(struct conn *c, uint64_t now_us);
// Runs the timers that are due.
void conn_run_timers(struct stack *s);
#endif
