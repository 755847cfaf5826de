// SPDX-License-Identifier: Apache-2.0
// Real threads over two stacks with reference engines, joined back to back. Each stack has an owner thread, which waits
// for a doorbell: frames from the other side, a call, or its deadline.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/recq.h"
#include "sock/blocking.h"
#include "sock/stack.h"
#include "tcp/ref.h"

enum { IP_0 = 0x0a090001, IP_1 = 0x0a090002, PORT = 7, RING = 32768, FRAME = 1600, CLIENTS = 4, BYTES = 300000 };

struct side {
  struct side *other;
  struct ref *ref;
  struct stack *s;
  struct blocking *b;
  pthread_t owner;
  // The doorbell.
  pthread_mutex_t mutex;
  pthread_cond_t bell;
  bool rung, stop;
  unsigned calls;              // of ring
  pthread_cond_t called;
  struct recq in;              // frames from the other side
};

struct bed {
  struct side side[2];
};

static uint64_t now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void ring(void *arg)
{
  struct side *d = arg;
  pthread_mutex_lock(&d->mutex);
  d->rung = true;
  d->calls++;
  pthread_cond_signal(&d->called);
  pthread_cond_signal(&d->bell);
  pthread_mutex_unlock(&d->mutex);
}

static void give(struct side *to, const uint8_t *frame, size_t len)
{
  pthread_mutex_lock(&to->mutex);
  recq_put(&to->in, 0, frame, len);
  to->rung = true;
  pthread_cond_signal(&to->bell);
  pthread_mutex_unlock(&to->mutex);
}

static bool take(struct side *d, uint8_t *frame, size_t *len)
{
  uint32_t tag;
  const uint8_t *p;
  pthread_mutex_lock(&d->mutex);
  bool there = recq_peek(&d->in, &tag, &p, len);
  if (there) {
    memcpy(frame, p, *len);
    recq_pop(&d->in);
  }
  pthread_mutex_unlock(&d->mutex);
  return there;
}

// One turn of the owner; returns when the next is due.
static uint64_t turn(struct side *d)
{
  uint8_t frame[FRAME];
  const uint8_t *p;
  size_t len;
  uint16_t flow;
  bool ok;
  blocking_lock(d->b);
  uint64_t now = now_us();
  while (take(d, frame, &len))
    if (!ref_input(d->ref, frame, len, now)) stack_input(d->s, frame, len, now);
  ref_run(d->ref, now);
  stack_poll(d->s, now);
  while (ref_next_fence(d->ref, &flow, &ok)) stack_fence(d->s, flow, ok, now);
  ref_run(d->ref, now);
  stack_poll(d->s, now);
  ref_run(d->ref, now);
  while ((len = stack_output(d->s, frame, sizeof frame)) > 0) give(d->other, frame, len);
  while (ref_next_frame(d->ref, &p, &len)) give(d->other, p, len);
  uint64_t a = stack_next_deadline(d->s), b = ref_next_deadline(d->ref);
  blocking_unlock(d->b);
  return a < b ? a : b;
}

static void *owner(void *arg)
{
  struct side *d = arg;
  for (bool stop = false; !stop;) {
    uint64_t due = turn(d);
    struct timespec t = {.tv_sec = (time_t)(due / 1000000), .tv_nsec = (long)(due % 1000000) * 1000};
    int timed = 0;
    pthread_mutex_lock(&d->mutex);
    while (!d->rung && !d->stop && timed == 0)
      timed = due == UINT64_MAX ? pthread_cond_wait(&d->bell, &d->mutex) : pthread_cond_timedwait(&d->bell, &d->mutex, &t);
    d->rung = false;
    stop = d->stop;
    pthread_mutex_unlock(&d->mutex);
  }
  return NULL;
}

static void side_open(struct side *d, int i)
{
  struct ref_config rc = {.num_flows = 16, .tx_ring_bytes = RING, .rx_ring_bytes = RING, .caps = core_caps_full(RING), .seed = 1};
  struct stack_config sc = {.mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)}, .ip = i ? IP_1 : IP_0, .prefix_len = 24, .mtu = 1500,
                            .seed = (uint64_t)i, .time_wait_us = 1000};
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
  pthread_mutex_init(&d->mutex, NULL);
  pthread_cond_init(&d->bell, &a);
  pthread_condattr_destroy(&a);
  pthread_cond_init(&d->called, NULL);
  d->ref = ref_open(&rc);
  assert_non_null(d->ref);
  d->s = stack_open(&sc, ref_engine(d->ref), now_us());
  assert_non_null(d->s);
  d->b = blocking_open(d->s, ring, d);
  assert_non_null(d->b);
}

static int setup(void **state)
{
  struct bed *b = calloc(1, sizeof *b);
  assert_non_null(b);
  for (int i = 0; i < 2; i++) {
    side_open(&b->side[i], i);
    b->side[i].other = &b->side[1 - i];
  }
  for (int i = 0; i < 2; i++) pthread_create(&b->side[i].owner, NULL, owner, &b->side[i]);
  *state = b;
  return 0;
}

static int teardown(void **state)
{
  struct bed *b = *state;
  for (int i = 0; i < 2; i++) {
    pthread_mutex_lock(&b->side[i].mutex);
    b->side[i].stop = true;
    pthread_cond_signal(&b->side[i].bell);
    pthread_mutex_unlock(&b->side[i].mutex);
  }
  for (int i = 0; i < 2; i++) pthread_join(b->side[i].owner, NULL);
  for (int i = 0; i < 2; i++) {
    blocking_close(b->side[i].b);
    stack_close(b->side[i].s);
    ref_close(b->side[i].ref);
    recq_free(&b->side[i].in);
  }
  free(b);
  return 0;
}

static int new_socket(struct blocking *b)
{
  int sid = sock_socket(blocking_lock(b), SOCK_TCP);
  blocking_unlock(b);
  assert_true(sid >= 0);
  return sid;
}

static int new_listener(struct blocking *b)
{
  int sid = new_socket(b);
  struct stack *s = blocking_lock(b);
  assert_int_equal(sock_bind(s, sid, 0, PORT), 0);
  assert_int_equal(sock_listen(s, sid, CLIENTS), 0);
  blocking_unlock(b);
  return sid;
}

static uint8_t byte_of(int id, size_t i) { return (uint8_t)(i * 31 + (i >> 8) + (size_t)id * 77); }

// --- an echo server with a thread a connection, and clients that write and read at the same time ---

struct job {
  struct blocking *b;
  int sid, id;
  pthread_t thread, writer;
  long result;                 // bytes that were right, or a negative errno
};

static void *echo(void *arg)
{
  struct job *j = arg;
  uint8_t buf[4096];
  ssize_t n;
  while ((n = blocking_recv(j->b, j->sid, buf, sizeof buf, -1)) > 0)
    if (blocking_send(j->b, j->sid, buf, (size_t)n, -1) != n) break;
  j->result = n;
  blocking_close_socket(j->b, j->sid);
  return NULL;
}

static void *write_all(void *arg)
{
  struct job *j = arg;
  uint8_t *data = malloc(BYTES);
  for (size_t i = 0; i < BYTES; i++) data[i] = byte_of(j->id, i);
  if (blocking_send(j->b, j->sid, data, BYTES, -1) == BYTES) blocking_shutdown(j->b, j->sid);
  free(data);
  return NULL;
}

static void *client(void *arg)
{
  struct job *j = arg;
  uint8_t buf[3000];
  j->sid = new_socket(j->b);
  j->result = blocking_connect(j->b, j->sid, IP_1, PORT, -1);
  if (j->result) return NULL;
  pthread_create(&j->writer, NULL, write_all, j);
  ssize_t n;
  while ((n = blocking_recv(j->b, j->sid, buf, sizeof buf, -1)) > 0)
    for (ssize_t i = 0; i < n; i++)
      if (buf[i] == byte_of(j->id, (size_t)j->result)) j->result++;
  pthread_join(j->writer, NULL);
  if (n < 0) j->result = n;
  blocking_close_socket(j->b, j->sid);
  return NULL;
}

static void test_threads_move_bytes_through_waiting_calls(void **state)
{
  struct bed *b = *state;
  struct job server[CLIENTS] = {{0}}, clients[CLIENTS] = {{0}};
  int listener = new_listener(b->side[1].b);
  for (int i = 0; i < CLIENTS; i++) {
    clients[i] = (struct job){.b = b->side[0].b, .id = i};
    pthread_create(&clients[i].thread, NULL, client, &clients[i]);
  }
  for (int i = 0; i < CLIENTS; i++) {
    server[i] = (struct job){.b = b->side[1].b, .sid = blocking_accept(b->side[1].b, listener, NULL, -1)};
    assert_true(server[i].sid >= 0);
    pthread_create(&server[i].thread, NULL, echo, &server[i]);
  }
  for (int i = 0; i < CLIENTS; i++) {
    pthread_join(clients[i].thread, NULL);
    pthread_join(server[i].thread, NULL);
    assert_int_equal(clients[i].result, BYTES);
    assert_int_equal(server[i].result, 0);
  }
}

// --- datagrams ---

static void *echo_datagrams(void *arg)
{
  struct job *j = arg;
  struct sock_addr from;
  uint8_t buf[2000];
  ssize_t n;
  while ((n = blocking_recvfrom(j->b, j->sid, buf, sizeof buf, &from, -1)) >= 0)
    if (blocking_sendto(j->b, j->sid, buf, (size_t)n, &from, -1) != n) break;
  j->result = n;
  return NULL;
}

static int new_datagram_socket(struct blocking *b, uint16_t port)
{
  struct stack *s = blocking_lock(b);
  int sid = sock_socket(s, SOCK_UDP);
  assert_int_equal(sock_bind(s, sid, 0, port), 0);
  blocking_unlock(b);
  return sid;
}

static void test_threads_exchange_datagrams_of_every_length(void **state)
{
  struct bed *b = *state;
  struct blocking *c = b->side[0].b;
  struct job j = {.b = b->side[1].b, .sid = new_datagram_socket(b->side[1].b, PORT)};
  int sid = new_datagram_socket(c, 0);
  uint8_t data[1472], buf[1472];
  const struct sock_addr to = {IP_1, PORT};
  struct sock_addr from;
  pthread_create(&j.thread, NULL, echo_datagrams, &j);
  for (size_t len = 0; len <= sizeof data; len += 64) {
    for (size_t i = 0; i < len; i++) data[i] = byte_of((int)len, i);
    assert_int_equal(blocking_sendto(c, sid, data, len, &to, -1), len);
    assert_int_equal(blocking_recvfrom(c, sid, buf, sizeof buf, &from, -1), len);
    assert_memory_equal(buf, data, len);
    assert_true(from.ip == IP_1 && from.port == PORT);
  }
  assert_int_equal(blocking_recvfrom(c, sid, buf, sizeof buf, &from, 20), -EAGAIN);
  assert_int_equal(blocking_sendto(c, sid, data, 1, NULL, -1), -EDESTADDRREQ);
  blocking_close_socket(j.b, j.sid);
  pthread_join(j.thread, NULL);
  assert_int_equal(j.result, -EBADF);
  assert_int_equal(blocking_connect(c, sid, IP_1, PORT, -1), 0);
  assert_int_equal(blocking_send(c, sid, NULL, 0, -1), 0);   // nobody is there any more
  assert_int_equal(blocking_recv(c, sid, buf, sizeof buf, -1), -ECONNREFUSED);
}

// --- what ends a wait ---

static void connect_pair(struct bed *b, int sid[2])
{
  int listener = new_listener(b->side[1].b);
  sid[0] = new_socket(b->side[0].b);
  assert_int_equal(blocking_connect(b->side[0].b, sid[0], IP_1, PORT, -1), 0);
  sid[1] = blocking_accept(b->side[1].b, listener, NULL, -1);
  assert_true(sid[1] >= 0);
}

static void test_waits_end_when_their_time_is_over(void **state)
{
  struct bed *b = *state;
  struct blocking *c = b->side[0].b, *s = b->side[1].b;
  uint8_t data[4096] = {0};
  int sid[2], other = new_socket(s);
  blocking_lock(s);
  assert_int_equal(sock_bind(b->side[1].s, other, 0, PORT + 1), 0);
  assert_int_equal(sock_listen(b->side[1].s, other, 1), 0);
  blocking_unlock(s);
  uint64_t begin = now_us();
  assert_int_equal(blocking_accept(s, other, NULL, 20), -EAGAIN);
  assert_true(now_us() - begin >= 20000);
  connect_pair(b, sid);
  begin = now_us();
  assert_int_equal(blocking_recv(c, sid[0], data, sizeof data, 20), -EAGAIN);
  assert_true(now_us() - begin >= 20000);
  assert_int_equal(blocking_recv(c, sid[0], data, sizeof data, 0), -EAGAIN);
  size_t sent = 0;
  ssize_t n;
  while ((n = blocking_send(c, sid[0], data, sizeof data, 50)) > 0) sent += (size_t)n;   // nobody reads
  assert_int_equal(n, -EAGAIN);
  assert_true(sent >= RING);
  int nobody = new_socket(c);
  assert_int_equal(blocking_connect(c, nobody, IP_1 + 1, PORT, 20), -EINPROGRESS);
}

static void test_connect_tells_of_refusal(void **state)
{
  struct bed *b = *state;
  int sid = new_socket(b->side[0].b);
  assert_int_equal(blocking_connect(b->side[0].b, sid, IP_1, 99, -1), -ECONNREFUSED);
}

static void *recv_byte(void *arg)
{
  struct job *j = arg;
  uint8_t byte;
  j->result = blocking_recv(j->b, j->sid, &byte, 1, -1);
  return NULL;
}

static unsigned calls_so_far(struct side *d)
{
  pthread_mutex_lock(&d->mutex);
  unsigned n = d->calls;
  pthread_mutex_unlock(&d->mutex);
  return n;
}

// A call that finds nothing wakes the owner, under the stack's lock, just before it waits.
static void await_waiters(struct side *d, unsigned before, unsigned n)
{
  pthread_mutex_lock(&d->mutex);
  while (d->calls - before < n) pthread_cond_wait(&d->called, &d->mutex);
  pthread_mutex_unlock(&d->mutex);
}

static void test_close_by_another_thread_ends_all_that_waits(void **state)
{
  struct bed *b = *state;
  int sid[2];
  connect_pair(b, sid);
  struct job j[3];
  unsigned before = calls_so_far(&b->side[0]);
  for (int i = 0; i < 3; i++) {
    j[i] = (struct job){.b = b->side[0].b, .sid = sid[0]};
    pthread_create(&j[i].thread, NULL, recv_byte, &j[i]);
  }
  await_waiters(&b->side[0], before, 3);
  assert_int_equal(blocking_close_socket(b->side[0].b, sid[0]), 0);
  for (int i = 0; i < 3; i++) {
    pthread_join(j[i].thread, NULL);
    assert_int_equal(j[i].result, -EBADF);
  }
  assert_int_equal(blocking_close_socket(b->side[0].b, sid[0]), -EBADF);
}

static void test_abort_by_the_peer_ends_the_wait(void **state)
{
  struct bed *b = *state;
  int sid[2];
  connect_pair(b, sid);
  struct job j = {.b = b->side[0].b, .sid = sid[0]};
  unsigned before = calls_so_far(&b->side[0]);
  pthread_create(&j.thread, NULL, recv_byte, &j);
  await_waiters(&b->side[0], before, 1);
  blocking_lock(b->side[1].b);
  assert_int_equal(sock_abort(b->side[1].s, sid[1]), 0);
  blocking_unlock(b->side[1].b);
  ring(&b->side[1]);
  pthread_join(j.thread, NULL);
  assert_int_equal(j.result, -ECONNRESET);
}

static void test_stop_ends_every_wait_and_call(void **state)
{
  struct bed *b = *state;
  int sid[2];
  uint8_t byte = 0;
  connect_pair(b, sid);
  struct job j = {.b = b->side[0].b, .sid = sid[0]};
  unsigned before = calls_so_far(&b->side[0]);
  pthread_create(&j.thread, NULL, recv_byte, &j);
  await_waiters(&b->side[0], before, 1);
  blocking_stop(b->side[0].b);
  pthread_join(j.thread, NULL);
  assert_int_equal(j.result, -ECANCELED);
  assert_int_equal(blocking_recv(b->side[0].b, sid[0], &byte, 1, -1), -ECANCELED);
  assert_int_equal(blocking_send(b->side[0].b, sid[0], &byte, 1, -1), -ECANCELED);
  assert_int_equal(blocking_connect(b->side[0].b, sid[0], IP_1, PORT, -1), -ECANCELED);
  assert_int_equal(blocking_accept(b->side[0].b, sid[0], NULL, -1), -ECANCELED);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_threads_move_bytes_through_waiting_calls, setup, teardown),
    cmocka_unit_test_setup_teardown(test_threads_exchange_datagrams_of_every_length, setup, teardown),
    cmocka_unit_test_setup_teardown(test_waits_end_when_their_time_is_over, setup, teardown),
    cmocka_unit_test_setup_teardown(test_connect_tells_of_refusal, setup, teardown),
    cmocka_unit_test_setup_teardown(test_close_by_another_thread_ends_all_that_waits, setup, teardown),
    cmocka_unit_test_setup_teardown(test_abort_by_the_peer_ends_the_wait, setup, teardown),
    cmocka_unit_test_setup_teardown(test_stop_ends_every_wait_and_call, setup, teardown),
  };
  return cmocka_run_group_tests_name("sock/blocking", tests, NULL, NULL);
}
