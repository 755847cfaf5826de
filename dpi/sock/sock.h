// SPDX-License-Identifier: Apache-2.0
// BSD-shaped sockets over the stack, non-blocking: the API of the programs in app/. Sockets are small integers (sid).
// Errors are negative errno values. One thread; the owner of the stack calls the program whose socket is ready.
#ifndef LW_SOCK_H
#define LW_SOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/seq.h"

struct stack;
struct rcv_ctx;   // tcp/core/core.h
struct snd_ctx;

// IN: something to read, a connection to accept, the end or an error. OUT: room to send, or an error. HUP: the peer will
// send no more (there may be data left to read). ERR: the connection failed, or a datagram did not arrive. STALL: the peer has
// answered neither data (where the engine tells) nor the SYN, though they were sent again three times (RFC 9293 section
// 3.8.3); it may come back.
enum { SOCK_IN = 1, SOCK_OUT = 2, SOCK_HUP = 4, SOCK_ERR = 8, SOCK_STALL = 16 };
enum sock_type { SOCK_TCP, SOCK_UDP, SOCK_ICMP };

// SOCK_OPT_...: values as int. Read only: the buffers and the errors. What the engine cannot do is -ENOPROTOOPT. Datagram
// sockets have REUSEADDR, DSCP, TTL, RECV_TTL, the buffers and ERROR.
enum sock_opt {
  SOCK_OPT_NODELAY,            // 1: Nagle's algorithm off
  SOCK_OPT_USER_TIMEOUT_MS,    // how long data may wait for their ACK (RFC 5482); 0: the engine's own limit
  SOCK_OPT_PACING,             // bytes a second at most, as one goes; 0: as fast as windows allow
  SOCK_OPT_KEEPALIVE,          // 1: on (RFC 9293 section 3.8.4)
  SOCK_OPT_KEEP_IDLE_MS,       // silence before the first probe; at first 2 h
  SOCK_OPT_KEEP_INTERVAL_MS,   // between probes; at first 75 s
  SOCK_OPT_KEEP_COUNT,         // unanswered ones before the connection times out; at first 9, at most 255
  SOCK_OPT_REUSEADDR,          // 1: may share its port with datagram sockets that have it too; TCP: always 1
  SOCK_OPT_DSCP,               // Diffserv field of what is sent, 0..63 (RFC 2474); also of the handshake, if set before
  SOCK_OPT_TTL,                // time to live, 1..255; at first 64
  SOCK_OPT_RCVBUF, SOCK_OPT_SNDBUF,   // bytes; SNDBUF of a datagram socket: the longest datagram
  SOCK_OPT_ERROR,              // why the connection failed, a positive errno, or 0; stays, but of datagrams is told once
  SOCK_OPT_RECV_TTL,           // read only, of a datagram socket: the time to live that the datagram received last came with; 0: none
  SOCK_OPT_SOFT_ERROR,         // what ICMP has said of a connection that goes on, a positive errno; 0: nothing since it last made way
  SOCK_OPT_N
};

struct sock_addr {
  uint32_t ip;     // host order
  uint16_t port;   // host order
};

enum sock_verdict { SOCK_LET_IN, SOCK_IGNORE, SOCK_REFUSE };   // IGNORE: by silence; REFUSE: by RST
typedef enum sock_verdict (*sock_policy)(void *arg, const struct sock_addr *peer, const struct sock_addr *local);

// All calls: -EBADF when sid is no socket. Those of a connection: -ENOTCONN on a socket that has none; once it has failed
// (-ECONNRESET, -ETIMEDOUT) send and recv keep saying so, and data that was not read is discarded.
//
// Datagram sockets (SOCK_UDP): below, "datagrams:" says where they differ. One that is not bound gets a port when it
// connects or sends. A datagram goes to the socket connected to its sender, else to the one bound last that is not
// connected. What finds the receive buffer full is dropped. When a connected one's datagram is known not to have arrived,
// the next send or recv says so, once: -ECONNREFUSED (nobody has the port), -EHOSTUNREACH, -ENETUNREACH, -EMSGSIZE (too
// big for the way there).
//
// Echo sockets (SOCK_ICMP) are datagram sockets for ping: sendto sends an echo request with data of up to 65507 bytes, recvfrom gives
// the answer's. Their port is the identifier, the other one's (`to`, *from) is the sequence number, where 0 is as good as any.
// When an error comes in place of an answer, recvfrom says so in its turn, as above (too far for its time to live:
// -EHOSTUNREACH); *from is then who says so, with the request's sequence number. What comes that answers nobody is dropped.
int sock_socket(struct stack *s, enum sock_type type);   // sid, or -ENOMEM, -EMFILE, -EPROTONOSUPPORT (datagrams on a shared address)
// 0, or -EADDRINUSE, -EINVAL (port 0, bound already, an address not ours); ip 0 = any of ours. Datagrams: port 0 chooses
// one, or -EADDRNOTAVAIL (none is free).
int sock_bind(struct stack *s, int sid, uint32_t ip, uint16_t port);
// 0, or -EINVAL (not bound, or connected), -EOPNOTSUPP (datagrams). Connections half open and not yet accepted together are at most backlog
// (at least 1); a SYN beyond is answered by a cookie, which costs no memory, and left unanswered while backlog
// connections wait to be accepted. May be called again to change the backlog.
int sock_listen(struct stack *s, int sid, int backlog);
// Asked at each SYN for this listener, before anything is remembered of it. Must not call the stack. NULL: let all in.
int sock_set_policy(struct stack *s, int sid, sock_policy policy, void *arg);   // 0, or -EINVAL (connection's or datagrams)
// Begins a connection; a socket that is not bound gets a port. -EINPROGRESS: sock_poll then shows SOCK_OUT when it stands,
// or SOCK_ERR, and send, recv and a further connect say why: -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH. At once: -EALREADY
// (on its way), -EISCONN, -EINVAL (listens, port 0), -EADDRINUSE (this pair of addresses is), -EADDRNOTAVAIL (no port
// free), -ENETUNREACH (no way there), -ENOBUFS (no flow of the engine free), -ENOMEM.
// Datagrams: 0 at once, and again for another peer; from then on only that peer's datagrams come. ip 0 with port 0 lets
// all come again.
int sock_connect(struct stack *s, int sid, uint32_t ip, uint16_t port);
// New sid, or -EAGAIN, -EINVAL (does not listen), -EOPNOTSUPP (datagrams), -ENOMEM, -EMFILE (the connection stays queued);
// peer may be NULL.
int sock_accept(struct stack *s, int sid, struct sock_addr *peer);
// Takes as many bytes as there is room for; -EAGAIN when none, -EPIPE after shutdown of our side, -ECONNRESET, -ETIMEDOUT.
// Datagrams: one, of all len bytes (0 is allowed), to where the socket is connected; or as sock_sendto says.
ssize_t sock_send(struct stack *s, int sid, const void *data, size_t len);
// 0 at the peer's FIN, -EAGAIN when nothing is there, -ECONNRESET, -ETIMEDOUT. Datagrams: the next one, of which what
// exceeds cap is lost; 0 is an empty one.
ssize_t sock_recv(struct stack *s, int sid, void *buf, size_t cap);
// The same with the other end's address. sendto: `to` goes before the connected address; NULL: that one. -EDESTADDRREQ
// (neither), -EINVAL (port 0), -EMSGSIZE (longer than 65507 bytes), -ENETUNREACH (no way there,
// or no single host's address), -ENOBUFS (the output queue is full). A connection's socket looks at neither: `to` is
// ignored, and *from stays as it was; from may be NULL.
ssize_t sock_sendto(struct stack *s, int sid, const void *data, size_t len, const struct sock_addr *to);
ssize_t sock_recvfrom(struct stack *s, int sid, void *buf, size_t cap, struct sock_addr *from);
// 0, or -EINVAL (value out of range), -ENOPROTOOPT. Accepted sockets begin with their listener's options; a listener's
// changes hold for connections established later.
int sock_setsockopt(struct stack *s, int sid, enum sock_opt opt, int value);
int sock_getsockopt(struct stack *s, int sid, enum sock_opt opt, int *value);
int sock_getsockname(struct stack *s, int sid, struct sock_addr *a);    // port 0 when not bound; ip 0: any of ours
int sock_getpeername(struct stack *s, int sid, struct sock_addr *a);    // or -ENOTCONN
int sock_shutdown(struct stack *s, int sid);                            // our side only (FIN); reading goes on; datagrams: -ENOTCONN when not connected
// The sid is gone at once; unsent data and FIN still go out. When data of the peer was not read, or more comes later,
// the connection is reset instead (RFC 1122 section 4.2.2.13). Closing a listener resets what was not accepted.
int sock_close(struct stack *s, int sid);
int sock_abort(struct stack *s, int sid);                               // RST; the sid is gone at once
unsigned sock_poll(struct stack *s, int sid);                           // SOCK_* that hold now
void sock_set_user(struct stack *s, int sid, void *user);               // accepted sockets inherit the listener's
void *sock_user(struct stack *s, int sid);
size_t sock_room(struct stack *s, int sid);                             // bytes sock_send would take now

// What is known of a socket. States of RFC 9293 section 3.3.2; a datagram socket is established once connected.
enum sock_state {
  SOCK_CLOSED, SOCK_LISTENS, SOCK_SYN_SENT, SOCK_SYN_RECEIVED, SOCK_ESTABLISHED, SOCK_FIN_WAIT_1, SOCK_FIN_WAIT_2, SOCK_CLOSE_WAIT,
  SOCK_CLOSING, SOCK_LAST_ACK, SOCK_TIME_WAIT
};
const char *sock_state_name(enum sock_state s);   // "FIN-WAIT-1"

struct sock_info {
  enum sock_type type;
  enum sock_state state;
  struct sock_addr local, peer;   // port 0: none
  int err;                     // why it ended, a positive errno; 0: in order, or not
  bool shut;                   // our side is closed
  uint32_t unread, unacked;    // bytes that recv would give in all (of datagrams 10 more for each); that were sent, and are not acknowledged
  unsigned waiting;            // of a listener: connections to be accepted
  // Of a connection, from the end of its handshake until it is over; zeros otherwise.
  uint16_t flow;               // of the engine
  struct seq iss, irs;
  uint16_t mss, rcv_mss;       // largest payload to the peer, of segments with time stamps where agreed; and that we announced
  bool wscale, sack, timestamps;
  uint8_t snd_wscale, rcv_wscale;
  // What carries it, as of now: NULL where there is none, or where it cannot be looked into. Valid until the stack is next called.
  const struct rcv_ctx *rcv;
  const struct snd_ctx *snd;
};
int sock_info(struct stack *s, int sid, struct sock_info *i);
int sock_info_next(const struct stack *s, int sid);   // the first socket behind sid, -1 to begin; -1: there are no more

// The event loop: the next socket whose readiness changed (new data, new room, new connection, end, error) since it was
// last returned. Edge-triggered: the program does what it can until -EAGAIN. False when there is none.
bool sock_next_ready(struct stack *s, int *sid, unsigned *events);
#endif
