// SPDX-License-Identifier: Apache-2.0
// Socket calls that wait, for threads. A stack belongs to one thread, its owner, which runs it in turns; other threads
// make the calls below and wait on condition variables until the stack has news of their socket. Nothing sleeps or spins.
//
//   owner:   blocking_lock(b); stack_input, stack_poll, stack_output ...; blocking_unlock(b);   and waits for frames,
//            the stack's deadline or `wake`
//   others:  blocking_recv(b, sid, buf, cap, timeout_ms) ...
//
// Who uses this on a stack does not use sock_next_ready on it. Every thread may use any socket; any number may wait.
#ifndef LW_BLOCKING_H
#define LW_BLOCKING_H
#include "sock/sock.h"

struct blocking;

// `wake` is called, by whichever thread, locked or not, when a call may have given the owner something to do: it must make the
// owner's wait end, and may not call back. The stack is borrowed. NULL: out of memory.
struct blocking *blocking_open(struct stack *s, void (*wake)(void *arg), void *arg);
// Every call from now on, and every one that waits, ends with -ECANCELED.
void blocking_stop(struct blocking *b);
// No thread is in a call any more. NULL is allowed.
void blocking_close(struct blocking *b);

// The stack and all of sock.h between the two, for the owner and for calls that need not wait.
struct stack *blocking_lock(struct blocking *b);
void blocking_unlock(struct blocking *b);

// As their namesakes in sock.h, but they wait, at most timeout_ms (negative: without limit). When that is over: -EAGAIN,
// or -EINPROGRESS of connect, which may be called again to go on waiting. -EBADF: the socket was closed meanwhile.
int blocking_connect(struct blocking *b, int sid, uint32_t ip, uint16_t port, int timeout_ms);   // 0 when it stands
int blocking_accept(struct blocking *b, int sid, struct sock_addr *peer, int timeout_ms);
// All of it; fewer only when time is over or the connection fails after so many bytes (the next call says why).
ssize_t blocking_send(struct blocking *b, int sid, const void *data, size_t len, int timeout_ms);
ssize_t blocking_recv(struct blocking *b, int sid, void *buf, size_t cap, int timeout_ms);
// The same with the other end's address. Sending a datagram never waits.
ssize_t blocking_sendto(struct blocking *b, int sid, const void *data, size_t len, const struct sock_addr *to, int timeout_ms);
ssize_t blocking_recvfrom(struct blocking *b, int sid, void *buf, size_t cap, struct sock_addr *from, int timeout_ms);
// Closes, and ends what waits on it.
int blocking_close_socket(struct blocking *b, int sid);
int blocking_shutdown(struct blocking *b, int sid);
#endif
