// SPDX-License-Identifier: Apache-2.0
// The shared object as packetdrill uses it: loaded by dlopen, every pointer of its table called, on both engines; a peer of
// hand-written packets; calls that wait in a thread of their own. What has a time has it to the millisecond of virtual time.
//
//   packetdrill_test build/liblockwire_packetdrill.so
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/udp.h"
#include "packetdrill.h"
#include "tcp/segment.h"

static const uint32_t US = 0xc0a80001, PEER = 0xc0000201;   // 192.168.0.1 and 192.0.2.1, as packetdrill has them
enum { PORT = 8080, PEER_PORT = 40000, SECOND = 1000000, MS = 1000, PACKET = 9000, MSS = 1460, PIPE = 65536, LIMIT_S = 120 };

static void (*interface_init)(const char *flags, struct packetdrill_interface *out);

struct bed {
  const char *engine;
  struct packetdrill_interface p;
  struct seq snd, rcv;         // the peer's next, and what it has seen
  int listener, fd;
  uint8_t packet[PACKET];      // the last that came
  struct ipv4_hdr ip;
  long long at_us;             // when it was sent
};

#define CALL(b, f, ...) ((b)->p.f((b)->p.userdata, __VA_ARGS__))
#define EXPECT_ERRNO(call, e)  \
  do {                         \
    errno = 0;                 \
    assert_int_equal(call, -1); \
    assert_int_equal(errno, e); \
  } while (0)

static struct bed *open_with(const char *engine, const char *more)
{
  struct bed *b = calloc(1, sizeof *b);
  char flags[100];
  assert_non_null(b);
  snprintf(flags, sizeof flags, "engine=%s,ip=192.168.0.1%s", engine, more);
  b->engine = engine;
  interface_init(flags, &b->p);
  assert_non_null(b->p.userdata);
  b->snd = seq_of(0xfffff000u);
  return b;
}

static void close_bed(struct bed *b)
{
  b->p.free(b->p.userdata);
  free(b);
}

static int setup(void **state)
{
  *state = open_with(*state, "");
  return 0;
}

static int teardown(void **state)
{
  close_bed(*state);
  return 0;
}

static bool is_rtl(const struct bed *b) { return !strcmp(b->engine, "rtl"); }

static long long now(struct bed *b)
{
  struct timeval tv;
  assert_int_equal(CALL(b, gettimeofday, &tv, NULL), 0);
  return tv.tv_sec * 1000000LL + tv.tv_usec;
}

static void expect_time(long long got, long long want) { assert_in_range(got, want - MS, want + MS); }

// --- the peer ------------------------------------------------------------------------------------------------------------

static void inject(struct bed *b, uint8_t proto, const uint8_t *payload, size_t len)
{
  uint8_t packet[PACKET];
  memcpy(packet + IPV4_HDR_BYTES, payload, len);
  ipv4_emit(packet, IPV4_HDR_BYTES, PEER, US, proto, 1, len);
  assert_int_equal(CALL(b, netdev_send, packet, IPV4_HDR_BYTES + len), 0);
}

static void inject_segment(struct bed *b, struct segment s)
{
  uint8_t bytes[PACKET];
  if (!s.src_port) s.src_port = PEER_PORT;
  if (!s.dst_port) s.dst_port = PORT;
  if (!s.window) s.window = 60000;
  inject(b, IPV4_PROTO_TCP, bytes, segment_emit(&s, PEER, US, bytes, sizeof bytes));
}

// The peer's next, of which it keeps count.
static void peer_sends(struct bed *b, uint8_t flags, const void *data, size_t len)
{
  struct segment s = {.seq = b->snd, .ack = b->rcv, .flags = flags, .payload = data, .payload_len = len};
  b->snd = seq_add(b->snd, segment_seq_len(&s));
  inject_segment(b, s);
}

static bool packet_comes(struct bed *b)
{
  size_t n = sizeof b->packet;
  assert_int_equal(CALL(b, netdev_receive, b->packet, &n, &b->at_us), 0);
  if (!n) return false;
  assert_int_equal(ipv4_parse(b->packet, n, &b->ip), IPV4_OK);
  assert_int_equal(b->ip.hdr_len + b->ip.payload_len, n);
  assert_int_equal(b->ip.src, US);
  return true;
}

static struct segment segment_comes(struct bed *b)
{
  struct segment s;
  assert_true(packet_comes(b));
  assert_int_equal(b->ip.proto, IPV4_PROTO_TCP);
  assert_int_equal(segment_parse(&s, b->ip.src, b->ip.dst, b->packet + b->ip.hdr_len, b->ip.payload_len), SEGMENT_OK);
  return s;
}

// The next segment is this one; what it takes of the sequence space counts as seen.
static struct segment expect_segment(struct bed *b, uint8_t flags, size_t len)
{
  struct segment s = segment_comes(b);
  assert_int_equal(s.flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK), flags);
  assert_int_equal(s.payload_len, len);
  b->rcv = seq_add(s.seq, segment_seq_len(&s));
  return s;
}

static struct sockaddr_in address(uint32_t ip, uint16_t port)
{
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(ip)}};
}
#define SA(a) ((struct sockaddr *)(void *)&(a)), sizeof(a)

static int open_listener(struct bed *b)
{
  struct sockaddr_in a = address(US, PORT);
  int fd = CALL(b, socket, AF_INET, SOCK_STREAM, IPPROTO_TCP), one = 1;
  assert_true(fd >= 0);
  assert_int_equal(CALL(b, setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
  assert_int_equal(CALL(b, bind, fd, SA(a)), 0);
  assert_int_equal(CALL(b, listen, fd, 1), 0);
  return fd;
}

static void shake_hands(struct bed *b)
{
  inject_segment(b, (struct segment){.seq = b->snd, .flags = TCP_SYN, .opt = {.has_mss = true, .mss = MSS}});
  b->snd = seq_add(b->snd, 1);
  struct segment s = expect_segment(b, TCP_SYN | TCP_ACK, 0);
  assert_int_equal(s.ack.v, b->snd.v);
  peer_sends(b, TCP_ACK, NULL, 0);
}

static void established(struct bed *b)
{
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  b->listener = open_listener(b);
  shake_hands(b);
  b->fd = CALL(b, accept, b->listener, (struct sockaddr *)&from, &len);
  assert_true(b->fd >= 0);
  assert_int_equal(len, sizeof from);
  assert_int_equal(ntohl(from.sin_addr.s_addr), PEER);
  assert_int_equal(ntohs(from.sin_port), PEER_PORT);
}

static int connected_setup(void **state)
{
  setup(state);
  established(*state);
  return 0;
}

static void set_nonblock(struct bed *b, int fd) { assert_int_equal(CALL(b, fcntl, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0); }

// --- calls that wait -------------------------------------------------------------------------------------------------------

struct waiting {
  struct bed *b;
  ssize_t (*call)(struct bed *b, struct waiting *w);
  ssize_t result;
  int err;
  long long ended_us;          // by its own look at the clock
  char buf[600000];
  size_t len;
  pthread_t thread;
  pid_t tid;
  sem_t look;                  // it may look at the clock
};

static void *wait_in_thread(void *arg)
{
  struct waiting *w = arg;
  struct timeval tv;
  __atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
  w->result = w->call(w->b, w);
  w->err = errno;
  sem_wait(&w->look);
  if (!w->b) return NULL;      // it is gone
  w->b->p.gettimeofday(w->b->p.userdata, &tv, NULL);
  w->ended_us = tv.tv_sec * 1000000LL + tv.tv_usec;
  return NULL;
}

static bool sleeps(pid_t tid)
{
  char path[64], text[256] = "";
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  FILE *f = fopen(path, "r");
  if (!f) return true;   // it is through
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  const char *state = n ? strrchr(text, ')') : NULL;
  return state && state[2] == 'S';
}

// The call has begun, and waits (or is through), as packetdrill finds out.
static struct waiting *begin_waiting(struct bed *b, ssize_t (*call)(struct bed *b, struct waiting *w), size_t len)
{
  struct waiting *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->b = b;
  w->call = call;
  w->len = len;
  sem_init(&w->look, 0, 0);
  assert_int_equal(pthread_create(&w->thread, NULL, wait_in_thread, w), 0);
  while (!__atomic_load_n(&w->tid, __ATOMIC_ACQUIRE) || !sleeps(w->tid)) sched_yield();
  return w;
}

// What came of it. The call is through long before its thread looks at the clock.
static ssize_t end_waiting(struct waiting *w, int *err, long long *ended_us)
{
  if (w->b) CALL(w->b, usleep, 10 * MS);
  sem_post(&w->look);
  pthread_join(w->thread, NULL);
  ssize_t r = w->result;
  if (err) *err = w->err;
  if (ended_us) *ended_us = w->ended_us;
  free(w);
  return r;
}

static ssize_t call_accept(struct bed *b, struct waiting *w)
{
  (void)w;
  return CALL(b, accept, b->listener, NULL, NULL);
}

static ssize_t call_read(struct bed *b, struct waiting *w) { return CALL(b, read, b->fd, w->buf, w->len); }
static ssize_t call_recv_all(struct bed *b, struct waiting *w) { return CALL(b, recv, b->fd, w->buf, w->len, MSG_WAITALL); }
static ssize_t call_write(struct bed *b, struct waiting *w) { return CALL(b, write, b->fd, w->buf, w->len); }

static ssize_t call_connect(struct bed *b, struct waiting *w)
{
  struct sockaddr_in a = address(PEER, PEER_PORT);
  (void)w;
  return CALL(b, connect, b->fd, SA(a));
}

static ssize_t call_poll(struct bed *b, struct waiting *w)
{
  struct pollfd p = {.fd = b->fd, .events = POLLIN};
  int r = CALL(b, poll, &p, 1, (int)w->len);
  w->buf[0] = (char)p.revents;
  return r;
}

static ssize_t call_epoll(struct bed *b, struct waiting *w)
{
  struct epoll_event ev;
  return CALL(b, epoll_wait, b->listener, &ev, 1, (int)w->len);
}

// --- the clock and the wire ------------------------------------------------------------------------------------------------

static void test_clock_goes_on_by_itself_and_by_usleep(void **state)
{
  struct bed *b = *state;
  struct timezone tz;
  long long t = now(b);
  for (int i = 1; i <= 20; i++) assert_int_equal(now(b), t + i);
  assert_int_equal(CALL(b, usleep, 5000), 0);
  assert_int_equal(now(b), t + 20 + 5000 + 1);
  assert_int_equal(CALL(b, gettimeofday, NULL, &tz), 0);
  long long end = now(b) + 100 * MS;
  while (now(b) < end) {}
  assert_int_equal(now(b), end + 1);
}

static void test_receive_gives_up_when_nothing_will_come(void **state)
{
  struct bed *b = *state;
  long long t = now(b);
  assert_false(packet_comes(b));
  assert_int_equal(b->at_us, t);
}

static void test_packet_that_is_too_long_for_the_buffer_is_told(void **state)
{
  struct bed *b = *state;
  uint8_t small[20];
  size_t n = sizeof small;
  open_listener(b);
  peer_sends(b, TCP_SYN, NULL, 0);
  EXPECT_ERRNO(CALL(b, netdev_receive, small, &n, &b->at_us), EMSGSIZE);
  assert_int_equal(n, 0);
}

static void test_packets_that_are_none_are_refused(void **state)
{
  struct bed *b = *state;
  static const uint8_t six[40] = {0x60}, four[19] = {0x45}, vast[9001] = {0x45};
  EXPECT_ERRNO(CALL(b, netdev_send, six, sizeof six), EPFNOSUPPORT);
  EXPECT_ERRNO(CALL(b, netdev_send, four, sizeof four), EINVAL);
  EXPECT_ERRNO(CALL(b, netdev_send, vast, sizeof vast), EMSGSIZE);
  assert_false(packet_comes(b));
}

static void test_ping_is_answered(void **state)
{
  struct bed *b = *state;
  uint8_t bytes[64];
  struct icmp_msg m = {.type = ICMP_TYPE_ECHO_REQUEST, .id = 7, .seq = 9, .data = (const uint8_t *)"hello", .data_len = 5};
  long long t = now(b);
  inject(b, IPV4_PROTO_ICMP, bytes, icmp_emit(bytes, sizeof bytes, &m));
  assert_true(packet_comes(b));
  assert_int_equal(icmp_parse(b->packet + b->ip.hdr_len, b->ip.payload_len, &m), ICMP_OK);
  assert_int_equal(m.type, ICMP_TYPE_ECHO_REPLY);
  assert_int_equal(m.seq, 9);
  expect_time(b->at_us, t);
}

// --- handshakes --------------------------------------------------------------------------------------------------------------

static void test_accept_waits_for_the_handshake(void **state)
{
  struct bed *b = *state;
  long long t, ended;
  b->listener = open_listener(b);
  struct waiting *w = begin_waiting(b, call_accept, 0);
  CALL(b, usleep, 100 * MS);
  peer_sends(b, TCP_SYN, NULL, 0);
  expect_segment(b, TCP_SYN | TCP_ACK, 0);
  CALL(b, usleep, 50 * MS);
  t = now(b);
  peer_sends(b, TCP_ACK, NULL, 0);
  CALL(b, usleep, SECOND);   // the other thread's call ended long before
  int fd = (int)end_waiting(w, NULL, &ended);
  assert_true(fd > b->listener);
  expect_time(ended, t);
  set_nonblock(b, b->listener);
  EXPECT_ERRNO(CALL(b, accept, b->listener, NULL, NULL), EAGAIN);
  EXPECT_ERRNO(CALL(b, accept, fd, NULL, NULL), EINVAL);
}

static void test_syn_ack_goes_again_at_its_times(void **state)
{
  struct bed *b = *state;
  open_listener(b);
  peer_sends(b, TCP_SYN, NULL, 0);
  long long t = now(b);
  for (int i = 0, after = 0; i < 4; i++, after = 2 * after + SECOND) {
    expect_segment(b, TCP_SYN | TCP_ACK, 0);
    expect_time(b->at_us, t + after);
  }
}

static void test_connect_waits_for_the_answer(void **state)
{
  struct bed *b = *state;
  long long ended;
  b->fd = CALL(b, socket, AF_INET, SOCK_STREAM, 0);
  struct waiting *w = begin_waiting(b, call_connect, 0);
  struct segment syn = expect_segment(b, TCP_SYN, 0);
  expect_time(b->at_us, now(b));
  assert_int_equal(syn.dst_port, PEER_PORT);
  assert_true(syn.opt.has_mss && syn.opt.mss == MSS);
  expect_segment(b, TCP_SYN, 0);
  expect_time(now(b), b->at_us);
  CALL(b, usleep, 20 * MS);
  long long t = now(b);
  inject_segment(b, (struct segment){.src_port = PEER_PORT, .dst_port = syn.src_port, .seq = b->snd, .ack = b->rcv, .flags = TCP_SYN | TCP_ACK});
  assert_int_equal(end_waiting(w, NULL, &ended), 0);
  expect_time(ended, t);
  struct segment ack = expect_segment(b, TCP_ACK, 0);
  assert_int_equal(ack.ack.v, b->snd.v + 1);
  struct sockaddr_in a = address(PEER, PEER_PORT);
  EXPECT_ERRNO(CALL(b, connect, b->fd, SA(a)), EISCONN);
}

static void test_connect_without_waiting(void **state)
{
  struct bed *b = *state;
  struct sockaddr_in a = address(PEER, PEER_PORT);
  int fd = CALL(b, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), err = -1;
  socklen_t len = sizeof err;
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  EXPECT_ERRNO(CALL(b, connect, fd, SA(a)), EINPROGRESS);
  EXPECT_ERRNO(CALL(b, connect, fd, SA(a)), EALREADY);
  assert_int_equal(CALL(b, poll, &p, 1, 0), 0);
  struct segment syn = expect_segment(b, TCP_SYN, 0);
  inject_segment(b, (struct segment){.src_port = PEER_PORT, .dst_port = syn.src_port, .seq = b->snd, .ack = b->rcv, .flags = TCP_SYN | TCP_ACK});
  assert_int_equal(CALL(b, poll, &p, 1, 0), 1);
  assert_int_equal(p.revents, POLLOUT);
  assert_int_equal(CALL(b, getsockopt, fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
  assert_int_equal(err, 0);
  assert_int_equal(CALL(b, connect, fd, SA(a)), 0);
  EXPECT_ERRNO(CALL(b, connect, fd, SA(a)), EISCONN);
}

static void test_connect_that_is_refused(void **state)
{
  struct bed *b = *state;
  int err;
  b->fd = CALL(b, socket, AF_INET, SOCK_STREAM, 0);
  struct waiting *w = begin_waiting(b, call_connect, 0);
  struct segment syn = expect_segment(b, TCP_SYN, 0);
  inject_segment(b, (struct segment){.src_port = PEER_PORT, .dst_port = syn.src_port, .ack = b->rcv, .flags = TCP_RST | TCP_ACK});
  assert_int_equal(end_waiting(w, &err, NULL), -1);
  assert_int_equal(err, ECONNREFUSED);
}

static void test_connect_that_nobody_answers(void **state)
{
  struct bed *b = *state;
  struct timeval limit = {2, 500000};
  long long t = now(b), ended;
  int err;
  b->fd = CALL(b, socket, AF_INET, SOCK_STREAM, 0);
  assert_int_equal(CALL(b, setsockopt, b->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
  struct waiting *w = begin_waiting(b, call_connect, 0);
  for (int i = 0, after = 0; i < 3; i++, after = 2 * after + SECOND) {
    expect_segment(b, TCP_SYN, 0);
    expect_time(b->at_us, t + after);
  }
  assert_int_equal(end_waiting(w, &err, &ended), -1);
  assert_int_equal(err, EINPROGRESS);
  expect_time(ended, t + 2500 * MS);
}

// --- bytes in ----------------------------------------------------------------------------------------------------------------

static void test_every_way_of_reading(void **state)
{
  struct bed *b = *state;
  char x[8] = "", y[8] = "";
  struct iovec iov[2] = {{x, 2}, {y, 4}};
  struct sockaddr_in from;
  struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2, .msg_name = &from, .msg_namelen = sizeof from};
  socklen_t len = sizeof from;
  peer_sends(b, TCP_ACK, "abcdefghijklmnopqr", 18);
  assert_int_equal(CALL(b, read, b->fd, x, 3), 3);
  assert_memory_equal(x, "abc", 3);
  assert_int_equal(CALL(b, readv, b->fd, iov, 2), 6);
  assert_memory_equal(x, "de", 2);
  assert_memory_equal(y, "fghi", 4);
  assert_int_equal(CALL(b, recv, b->fd, x, 1, 0), 1);
  assert_int_equal(CALL(b, recvfrom, b->fd, x, 1, 0, (struct sockaddr *)&from, &len), 1);
  assert_int_equal(CALL(b, recvmsg, b->fd, &msg, 0), 6);
  assert_memory_equal(x, "lm", 2);
  assert_memory_equal(y, "nopq", 4);
  assert_int_equal(CALL(b, recv, b->fd, x, 8, MSG_DONTWAIT), 1);
  EXPECT_ERRNO(CALL(b, recv, b->fd, x, 8, MSG_DONTWAIT), EAGAIN);
  EXPECT_ERRNO(CALL(b, recv, b->fd, x, 8, MSG_OOB), EOPNOTSUPP);
  EXPECT_ERRNO(CALL(b, recv, b->fd, x, 8, MSG_ERRQUEUE), EAGAIN);
  set_nonblock(b, b->fd);
  EXPECT_ERRNO(CALL(b, read, b->fd, x, 8), EAGAIN);
  peer_sends(b, TCP_FIN | TCP_ACK, NULL, 0);
  assert_int_equal(CALL(b, read, b->fd, x, 8), 0);
}

static void test_read_waits_for_data(void **state)
{
  struct bed *b = *state;
  long long ended, t;
  struct waiting *w = begin_waiting(b, call_read, 100);
  CALL(b, usleep, 300 * MS);
  t = now(b);
  peer_sends(b, TCP_ACK, "data", 4);
  CALL(b, usleep, 5 * SECOND);
  assert_int_equal(end_waiting(w, NULL, &ended), 4);
  expect_time(ended, t);
}

static void test_read_of_everything_waits_for_the_last_byte(void **state)
{
  struct bed *b = *state;
  long long ended;
  struct waiting *w = begin_waiting(b, call_recv_all, 10);
  peer_sends(b, TCP_ACK, "first", 5);
  CALL(b, usleep, 70 * MS);
  long long t = now(b);
  peer_sends(b, TCP_ACK, "then.", 5);
  assert_int_equal(end_waiting(w, NULL, &ended), 10);
  expect_time(ended, t);
}

static void test_read_ends_when_its_time_is_over(void **state)
{
  struct bed *b = *state;
  struct timeval limit = {0, 250000};
  long long t = now(b), ended;
  int err;
  assert_int_equal(CALL(b, setsockopt, b->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  struct waiting *w = begin_waiting(b, call_read, 10);
  CALL(b, usleep, SECOND);
  assert_int_equal(end_waiting(w, &err, &ended), -1);
  assert_int_equal(err, EAGAIN);
  expect_time(ended, t + 250 * MS);
}

static void test_read_ends_when_its_descriptor_is_closed(void **state)
{
  struct bed *b = *state;
  int err;
  struct waiting *w = begin_waiting(b, call_read, 10);
  assert_int_equal(CALL(b, close, b->fd), 0);
  assert_int_equal(end_waiting(w, &err, NULL), -1);
  assert_int_equal(err, EBADF);
}

static void test_reset_is_told_once(void **state)
{
  struct bed *b = *state;
  char x;
  int err;
  socklen_t len = sizeof err;
  struct waiting *w = begin_waiting(b, call_read, 10);
  peer_sends(b, TCP_RST, NULL, 0);
  assert_int_equal(end_waiting(w, &err, NULL), -1);
  assert_int_equal(err, ECONNRESET);
  assert_int_equal(CALL(b, read, b->fd, &x, 1), 0);
  EXPECT_ERRNO(CALL(b, write, b->fd, &x, 1), EPIPE);
  assert_int_equal(CALL(b, getsockopt, b->fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
  assert_int_equal(err, 0);
}

static void test_acks_are_delayed_by_40_ms_but_for_every_second_full_segment(void **state)
{
  struct bed *b = *state;
  static const char full[MSS];
  long long t = now(b);
  peer_sends(b, TCP_ACK, full, MSS);
  expect_segment(b, TCP_ACK, 0);
  expect_time(b->at_us, t + 40 * MS);
  peer_sends(b, TCP_ACK, full, MSS);
  peer_sends(b, TCP_ACK, full, MSS);
  t = now(b);
  struct segment s = expect_segment(b, TCP_ACK, 0);
  assert_int_equal(s.ack.v, b->snd.v);
  expect_time(b->at_us, t);
}

// --- bytes out ---------------------------------------------------------------------------------------------------------------

static void expect_data(struct bed *b, const char *text)
{
  struct segment s = expect_segment(b, TCP_ACK, strlen(text));
  assert_memory_equal(s.payload, text, strlen(text));
  peer_sends(b, TCP_ACK, NULL, 0);
}

static void test_every_way_of_writing(void **state)
{
  struct bed *b = *state;
  char x[] = "gather", y[] = "ed";
  struct iovec iov[2] = {{x, 6}, {y, 2}};
  const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
  struct msghdr odd = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = x, .msg_controllen = 4};
  assert_int_equal(CALL(b, write, b->fd, "one", 3), 3);
  expect_data(b, "one");
  assert_int_equal(CALL(b, writev, b->fd, iov, 2), 8);
  expect_data(b, "gathered");
  assert_int_equal(CALL(b, send, b->fd, "two", 3, MSG_NOSIGNAL), 3);
  expect_data(b, "two");
  assert_int_equal(CALL(b, sendto, b->fd, "three", 5, 0, NULL, 0), 5);
  expect_data(b, "three");
  assert_int_equal(CALL(b, sendmsg, b->fd, &msg, 0), 8);
  expect_data(b, "gathered");
  EXPECT_ERRNO(CALL(b, send, b->fd, x, 1, MSG_OOB), EOPNOTSUPP);
  EXPECT_ERRNO(CALL(b, send, b->fd, x, 1, MSG_MORE), EOPNOTSUPP);
  EXPECT_ERRNO(CALL(b, sendmsg, b->fd, &odd, 0), EOPNOTSUPP);
  assert_int_equal(CALL(b, write, b->fd, x, 0), 0);
}

static void test_data_goes_again_at_its_times(void **state)
{
  struct bed *b = *state;
  assert_int_equal(CALL(b, write, b->fd, "again", 5), 5);
  struct segment first = expect_segment(b, TCP_ACK, 5);
  long long t = b->at_us;
  expect_time(t, now(b));
  for (int i = 1, after = SECOND; i < 4; i++, after = 2 * after + SECOND) {
    struct segment s = expect_segment(b, TCP_ACK, 5);
    assert_int_equal(s.seq.v, first.seq.v);
    expect_time(b->at_us, t + after);
  }
}

static void test_initial_window_is_ten_segments(void **state)
{
  struct bed *b = *state;
  static const char data[12 * MSS];
  long long t = now(b);
  assert_int_equal(CALL(b, write, b->fd, data, sizeof data), sizeof data);
  for (int i = 0; i < 10; i++) {
    expect_segment(b, TCP_ACK, MSS);
    expect_time(b->at_us, t);
  }
  peer_sends(b, TCP_ACK, NULL, 0);
  expect_segment(b, TCP_ACK, MSS);
  expect_time(b->at_us, t);
}

static void test_write_waits_for_room(void **state)
{
  struct bed *b = *state;
  long long ended;
  enum { ALL = 500000 };      // more than either engine holds
  struct waiting *w = begin_waiting(b, call_write, ALL);
  CALL(b, usleep, 30 * MS);
  struct seq end = seq_add(b->rcv, ALL);
  long long t = 0;
  while (!seq_eq(b->rcv, end)) {
    struct segment s = segment_comes(b);
    assert_int_equal(s.seq.v, b->rcv.v);   // nothing is late enough to go again
    b->rcv = seq_add(b->rcv, (uint32_t)s.payload_len);
    t = now(b);
    peer_sends(b, TCP_ACK, NULL, 0);
  }
  assert_int_equal(end_waiting(w, NULL, &ended), ALL);
  assert_in_range(ended, t - SECOND, t);
  set_nonblock(b, b->fd);
  static const char more[ALL];
  ssize_t n = CALL(b, write, b->fd, more, ALL);
  assert_in_range(n, 1, ALL - 1);
  EXPECT_ERRNO(CALL(b, write, b->fd, more, ALL), EAGAIN);
}

// --- ends --------------------------------------------------------------------------------------------------------------------

static void test_shutdown_of_each_side(void **state)
{
  struct bed *b = *state;
  char x;
  EXPECT_ERRNO(CALL(b, shutdown, b->listener, SHUT_WR), ENOTCONN);
  EXPECT_ERRNO(CALL(b, shutdown, b->fd, 77), EINVAL);
  assert_int_equal(CALL(b, shutdown, b->fd, SHUT_RD), 0);
  assert_int_equal(CALL(b, read, b->fd, &x, 1), 0);
  assert_int_equal(CALL(b, shutdown, b->fd, SHUT_WR), 0);
  expect_segment(b, TCP_FIN | TCP_ACK, 0);
  EXPECT_ERRNO(CALL(b, write, b->fd, "x", 1), EPIPE);
  peer_sends(b, TCP_ACK, NULL, 0);
  peer_sends(b, TCP_FIN | TCP_ACK, NULL, 0);
  struct segment s = expect_segment(b, TCP_ACK, 0);
  assert_int_equal(s.ack.v, b->snd.v);
}

static void test_close_sends_fin_or_rst(void **state)
{
  struct bed *b = *state;
  const struct linger now_or_never = {1, 0};
  assert_int_equal(CALL(b, close, b->fd), 0);
  expect_segment(b, TCP_FIN | TCP_ACK, 0);
  EXPECT_ERRNO(CALL(b, close, b->fd), EBADF);
  peer_sends(b, TCP_RST, NULL, 0);
  shake_hands(b);
  b->fd = CALL(b, accept, b->listener, NULL, NULL);
  peer_sends(b, TCP_ACK, "unread", 6);
  assert_int_equal(CALL(b, close, b->fd), 0);
  assert_true(segment_comes(b).flags & TCP_RST);
  shake_hands(b);
  b->fd = CALL(b, accept, b->listener, NULL, NULL);
  assert_int_equal(CALL(b, setsockopt, b->fd, SOL_SOCKET, SO_LINGER, &now_or_never, sizeof now_or_never), 0);
  assert_int_equal(CALL(b, close, b->fd), 0);
  assert_true(segment_comes(b).flags & TCP_RST);
}

static ssize_t call_close(struct bed *b, struct waiting *w)
{
  (void)w;
  return CALL(b, close, b->fd);
}

static void test_close_lingers_until_the_fin_is_acknowledged(void **state)
{
  struct bed *b = *state;
  struct linger two = {1, 2}, got;
  socklen_t len = sizeof got;
  long long ended, t;
  assert_int_equal(CALL(b, setsockopt, b->fd, SOL_SOCKET, SO_LINGER, &two, sizeof two), 0);
  assert_int_equal(CALL(b, getsockopt, b->fd, SOL_SOCKET, SO_LINGER, &got, &len), 0);
  assert_true(got.l_onoff && got.l_linger == 2);
  struct waiting *w = begin_waiting(b, call_close, 0);
  expect_segment(b, TCP_FIN | TCP_ACK, 0);
  CALL(b, usleep, 300 * MS);
  t = now(b);
  peer_sends(b, TCP_ACK, NULL, 0);
  assert_int_equal(end_waiting(w, NULL, &ended), 0);
  expect_time(ended, t);
  peer_sends(b, TCP_FIN | TCP_ACK, NULL, 0);
  expect_segment(b, TCP_ACK, 0);
}

static void test_close_lingers_no_longer_than_its_time(void **state)
{
  struct bed *b = *state;
  const struct linger two = {1, 2};
  long long ended, t = now(b);
  assert_int_equal(CALL(b, setsockopt, b->fd, SOL_SOCKET, SO_LINGER, &two, sizeof two), 0);
  struct waiting *w = begin_waiting(b, call_close, 0);
  expect_segment(b, TCP_FIN | TCP_ACK, 0);
  expect_segment(b, TCP_FIN | TCP_ACK, 0);
  CALL(b, usleep, 1500 * MS);
  assert_int_equal(end_waiting(w, NULL, &ended), 0);
  expect_time(ended, t + 2 * SECOND);
  EXPECT_ERRNO(CALL(b, close, b->fd), EBADF);
}

static void test_free_ends_what_waits(void **state)
{
  struct bed *b = open_with(((struct bed *)*state)->engine, "");
  int err;
  established(b);
  struct waiting *w = begin_waiting(b, call_accept, 0);
  w->b = NULL;
  close_bed(b);
  assert_int_equal(end_waiting(w, &err, NULL), -1);
  assert_int_equal(err, ECANCELED);
}

// --- descriptors ---------------------------------------------------------------------------------------------------------------

static void test_fcntl_and_ioctl(void **state)
{
  struct bed *b = *state;
  int n = -1, on = 1;
  assert_int_equal(CALL(b, fcntl, b->fd, F_GETFL), O_RDWR);
  assert_int_equal(CALL(b, ioctl, b->fd, FIONBIO, &on), 0);
  assert_int_equal(CALL(b, fcntl, b->fd, F_GETFL), O_RDWR | O_NONBLOCK);
  EXPECT_ERRNO(CALL(b, fcntl, b->fd, F_GETLK), EINVAL);
  peer_sends(b, TCP_ACK, "seven b", 7);
  assert_int_equal(CALL(b, ioctl, b->fd, FIONREAD, &n), 0);
  assert_int_equal(n, 7);
  assert_int_equal(CALL(b, write, b->fd, "five.", 5), 5);
  assert_int_equal(CALL(b, ioctl, b->fd, SIOCOUTQ, &n), 0);
  assert_int_equal(n, 5);
  assert_int_equal(CALL(b, ioctl, b->fd, SIOCOUTQNSD, &n), 0);
  assert_int_equal(n, 0);
  EXPECT_ERRNO(CALL(b, ioctl, b->listener, SIOCINQ, &n), EINVAL);
  EXPECT_ERRNO(CALL(b, ioctl, b->fd, SIOCGIFINDEX, &n), ENOTTY);
}

static void test_poll_tells_what_holds(void **state)
{
  struct bed *b = *state;
  struct pollfd p[3] = {{.fd = b->fd, .events = POLLIN | POLLOUT | POLLRDHUP}, {.fd = -1}, {.fd = 5, .events = POLLIN}};
  assert_int_equal(CALL(b, poll, p, 3, 0), 2);
  assert_int_equal(p[0].revents, POLLOUT);
  assert_int_equal(p[1].revents, 0);
  assert_int_equal(p[2].revents, POLLNVAL);
  peer_sends(b, TCP_ACK, "x", 1);
  CALL(b, poll, p, 1, 0);
  assert_int_equal(p[0].revents, POLLIN | POLLOUT);
  peer_sends(b, TCP_FIN | TCP_ACK, NULL, 0);
  CALL(b, poll, p, 1, 0);
  assert_int_equal(p[0].revents, POLLIN | POLLOUT | POLLRDHUP);
  CALL(b, shutdown, b->fd, SHUT_WR);
  CALL(b, poll, p, 1, 0);
  assert_int_equal(p[0].revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

static void test_poll_waits_for_news_or_its_time(void **state)
{
  struct bed *b = *state;
  long long t = now(b), ended;
  struct waiting *w = begin_waiting(b, call_poll, 400);
  CALL(b, usleep, SECOND);
  assert_int_equal(end_waiting(w, NULL, &ended), 0);
  expect_time(ended, t + 400 * MS);
  w = begin_waiting(b, call_poll, 5000);
  CALL(b, usleep, 700 * MS);
  t = now(b);
  peer_sends(b, TCP_ACK, "x", 1);
  assert_int_equal(end_waiting(w, NULL, &ended), 1);
  expect_time(ended, t);
}

static uint32_t epoll_now(struct bed *b, int ep)
{
  struct epoll_event ev[4];
  int n = CALL(b, epoll_wait, ep, ev, 4, 0);
  assert_in_range(n, 0, 1);
  if (n) assert_int_equal(ev[0].data.u64, 42);
  return n ? ev[0].events : 0;
}

static void watch(struct bed *b, int ep, int op, uint32_t events)
{
  struct epoll_event ev = {.events = events, .data.u64 = 42};
  assert_int_equal(CALL(b, epoll_ctl, ep, op, b->fd, &ev), 0);
}

static void test_epoll_by_level_by_edge_and_once(void **state)
{
  struct bed *b = *state;
  char x[4];
  int ep = CALL(b, epoll_create, 1);
  struct epoll_event ev = {.events = EPOLLIN};
  EXPECT_ERRNO(CALL(b, epoll_create, 0), EINVAL);
  watch(b, ep, EPOLL_CTL_ADD, EPOLLIN);
  EXPECT_ERRNO(CALL(b, epoll_ctl, ep, EPOLL_CTL_ADD, b->fd, &ev), EEXIST);
  EXPECT_ERRNO(CALL(b, epoll_ctl, ep, EPOLL_CTL_MOD, b->listener, &ev), ENOENT);
  EXPECT_ERRNO(CALL(b, epoll_ctl, ep, EPOLL_CTL_ADD, 5, &ev), EBADF);
  EXPECT_ERRNO(CALL(b, epoll_wait, ep, &ev, 0, 0), EINVAL);
  assert_int_equal(epoll_now(b, ep), 0);
  peer_sends(b, TCP_ACK, "ab", 2);
  assert_int_equal(epoll_now(b, ep), EPOLLIN);
  assert_int_equal(epoll_now(b, ep), EPOLLIN);
  watch(b, ep, EPOLL_CTL_MOD, EPOLLIN | EPOLLET);
  assert_int_equal(epoll_now(b, ep), EPOLLIN);
  assert_int_equal(epoll_now(b, ep), 0);
  peer_sends(b, TCP_ACK, "cd", 2);
  assert_int_equal(epoll_now(b, ep), EPOLLIN);
  assert_int_equal(epoll_now(b, ep), 0);
  watch(b, ep, EPOLL_CTL_MOD, EPOLLIN | EPOLLONESHOT);
  assert_int_equal(epoll_now(b, ep), EPOLLIN);
  assert_int_equal(epoll_now(b, ep), 0);
  watch(b, ep, EPOLL_CTL_MOD, EPOLLIN);
  assert_int_equal(CALL(b, read, b->fd, x, 4), 4);
  assert_int_equal(epoll_now(b, ep), 0);
  peer_sends(b, TCP_RST, NULL, 0);
  assert_int_equal(epoll_now(b, ep), EPOLLIN | EPOLLERR | EPOLLHUP);
  assert_int_equal(CALL(b, epoll_ctl, ep, EPOLL_CTL_DEL, b->fd, NULL), 0);
  assert_int_equal(epoll_now(b, ep), 0);
  watch(b, ep, EPOLL_CTL_ADD, EPOLLIN);
  assert_int_equal(CALL(b, close, b->fd), 0);
  while (packet_comes(b)) {}
  shake_hands(b);
  assert_int_equal(CALL(b, accept, b->listener, NULL, NULL), b->fd);   // the same number is not the same descriptor
  peer_sends(b, TCP_ACK, "x", 1);
  assert_int_equal(epoll_now(b, ep), 0);
}

static void test_epoll_waits_for_news_or_its_time(void **state)
{
  struct bed *b = *state;
  long long ended;
  int ep = CALL(b, epoll_create, 1);
  watch(b, ep, EPOLL_CTL_ADD, EPOLLIN);
  b->listener = ep;          // what call_epoll asks
  long long t = now(b);
  struct waiting *w = begin_waiting(b, call_epoll, 300);
  CALL(b, usleep, SECOND);
  assert_int_equal(end_waiting(w, NULL, &ended), 0);
  expect_time(ended, t + 300 * MS);
  w = begin_waiting(b, call_epoll, (size_t)-1);
  CALL(b, usleep, SECOND);
  t = now(b);
  peer_sends(b, TCP_ACK, "x", 1);
  assert_int_equal(end_waiting(w, NULL, &ended), 1);
  expect_time(ended, t);
}

static ssize_t call_read_pipe(struct bed *b, struct waiting *w) { return CALL(b, read, b->listener, w->buf, w->len); }

static void test_pipe_carries_bytes(void **state)
{
  struct bed *b = *state;
  static char x[70000], y[70000];
  int fds[2], n;
  for (size_t i = 0; i < sizeof x; i++) x[i] = (char)(i * 7 + (i >> 8));
  assert_int_equal(CALL(b, pipe, fds), 0);
  EXPECT_ERRNO(CALL(b, read, fds[1], y, 1), EBADF);
  EXPECT_ERRNO(CALL(b, recv, fds[0], y, 1, 0), ENOTSOCK);
  EXPECT_ERRNO(CALL(b, listen, fds[0], 1), ENOTSOCK);
  b->listener = fds[0];
  struct waiting *w = begin_waiting(b, call_read_pipe, 100);
  assert_int_equal(CALL(b, write, fds[1], x, 11), 11);
  assert_int_equal(end_waiting(w, NULL, NULL), 11);
  set_nonblock(b, fds[1]);
  assert_int_equal(CALL(b, write, fds[1], x, sizeof x), PIPE);   // beyond its end and on from its beginning
  EXPECT_ERRNO(CALL(b, write, fds[1], x, 1), EAGAIN);
  assert_int_equal(CALL(b, ioctl, fds[0], FIONREAD, &n), 0);
  assert_int_equal(n, PIPE);
  assert_int_equal(CALL(b, read, fds[0], y, sizeof y), PIPE);
  assert_memory_equal(y, x, PIPE);
  assert_int_equal(CALL(b, close, fds[1]), 0);
  assert_int_equal(CALL(b, read, fds[0], y, 1), 0);
  assert_int_equal(CALL(b, close, fds[0]), 0);
}

static void test_pipe_that_loses_its_reader(void **state)
{
  struct bed *b = *state;
  char x = 0;
  int fds[2], err;
  assert_int_equal(CALL(b, pipe, fds), 0);
  b->listener = fds[0];
  struct waiting *w = begin_waiting(b, call_read_pipe, 100);
  assert_int_equal(CALL(b, close, fds[0]), 0);
  assert_int_equal(end_waiting(w, &err, NULL), -1);
  assert_int_equal(err, EBADF);
  EXPECT_ERRNO(CALL(b, write, fds[1], &x, 1), EPIPE);
}

static void test_splice_between_socket_and_pipe(void **state)
{
  struct bed *b = *state;
  char x[16];
  int fds[2];
  loff_t zero = 0, one = 1;
  assert_int_equal(CALL(b, pipe, fds), 0);
  peer_sends(b, TCP_ACK, "by way of it", 12);
  EXPECT_ERRNO(CALL(b, splice, b->fd, &one, fds[1], NULL, 12, 0), ESPIPE);
  EXPECT_ERRNO(CALL(b, splice, b->fd, NULL, b->fd, NULL, 12, 0), EINVAL);
  assert_int_equal(CALL(b, splice, b->fd, &zero, fds[1], &zero, 100, 0), 12);
  EXPECT_ERRNO(CALL(b, splice, b->fd, NULL, fds[1], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
  assert_int_equal(CALL(b, splice, fds[0], NULL, b->fd, NULL, 9, 0), 9);
  expect_data(b, "by way of");
  assert_int_equal(CALL(b, read, fds[0], x, sizeof x), 3);
  assert_memory_equal(x, " it", 3);
  EXPECT_ERRNO(CALL(b, splice, fds[0], NULL, b->fd, NULL, 9, SPLICE_F_NONBLOCK), EAGAIN);
  peer_sends(b, TCP_FIN | TCP_ACK, NULL, 0);
  assert_int_equal(CALL(b, splice, b->fd, NULL, fds[1], NULL, 100, 0), 0);
}

// --- options -----------------------------------------------------------------------------------------------------------------

static int get_int(struct bed *b, int fd, int level, int name)
{
  int v = -1;
  socklen_t len = sizeof v;
  assert_int_equal(CALL(b, getsockopt, fd, level, name, &v, &len), 0);
  assert_int_equal(len, sizeof v);
  return v;
}

static int set_int(struct bed *b, int fd, int level, int name, int v) { return CALL(b, setsockopt, fd, level, name, &v, sizeof v); }

static void test_socket_options(void **state)
{
  struct bed *b = *state;
  char cc[16];
  socklen_t len = sizeof cc;
  static const struct { int level, name, value; bool ref_only; } both_ways[] = {
      {IPPROTO_TCP, TCP_NODELAY, 1, false},        {IPPROTO_TCP, TCP_USER_TIMEOUT, 4000, false}, {SOL_SOCKET, SO_MAX_PACING_RATE, 100000, false},
      {SOL_SOCKET, SO_KEEPALIVE, 1, true},         {IPPROTO_TCP, TCP_KEEPIDLE, 7, true},         {IPPROTO_TCP, TCP_KEEPINTVL, 3, true},
      {IPPROTO_TCP, TCP_KEEPCNT, 5, true},         {IPPROTO_IP, IP_TTL, 33, true},               {IPPROTO_IP, IP_TOS, 0xb8, true},
  };
  for (size_t i = 0; i < sizeof both_ways / sizeof both_ways[0]; i++) {
    if (both_ways[i].ref_only && is_rtl(b)) {
      EXPECT_ERRNO(set_int(b, b->fd, both_ways[i].level, both_ways[i].name, both_ways[i].value), ENOPROTOOPT);
      continue;
    }
    assert_int_equal(set_int(b, b->fd, both_ways[i].level, both_ways[i].name, both_ways[i].value), 0);
    assert_int_equal(get_int(b, b->fd, both_ways[i].level, both_ways[i].name), both_ways[i].value);
  }
  assert_int_equal(get_int(b, b->fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
  assert_int_equal(get_int(b, b->fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
  assert_int_equal(get_int(b, b->fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
  assert_int_equal(get_int(b, b->fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
  assert_int_equal(get_int(b, b->listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
  assert_int_equal(get_int(b, b->fd, IPPROTO_TCP, TCP_MAXSEG), MSS);
  assert_int_equal(get_int(b, b->listener, IPPROTO_TCP, TCP_MAXSEG), 536);
  int size = get_int(b, b->fd, SOL_SOCKET, SO_RCVBUF);
  assert_in_range(size, 32768, INT32_MAX);
  assert_int_equal(set_int(b, b->fd, SOL_SOCKET, SO_RCVBUF, 4096), 0);
  assert_int_equal(get_int(b, b->fd, SOL_SOCKET, SO_RCVBUF), size);
  assert_int_equal(CALL(b, getsockopt, b->fd, IPPROTO_TCP, TCP_CONGESTION, cc, &len), 0);
  assert_string_equal(cc, "reno");
  EXPECT_ERRNO(set_int(b, b->fd, IPPROTO_TCP, TCP_CORK, 1), ENOPROTOOPT);
  EXPECT_ERRNO(set_int(b, b->fd, IPPROTO_TCP, TCP_QUICKACK, 1), ENOPROTOOPT);
  EXPECT_ERRNO(set_int(b, b->fd, IPPROTO_IPV6, 1, 1), ENOPROTOOPT);
  EXPECT_ERRNO(CALL(b, setsockopt, b->fd, IPPROTO_TCP, TCP_NODELAY, cc, 1), EINVAL);
}

static void test_tcp_info(void **state)
{
  struct bed *b = *state;
  struct tcp_info t;
  uint8_t piece[8];
  socklen_t len = sizeof t;
  assert_int_equal(CALL(b, write, b->fd, "x", 1), 1);
  assert_int_equal(CALL(b, getsockopt, b->fd, IPPROTO_TCP, TCP_INFO, &t, &len), 0);
  assert_int_equal(len, sizeof t);
  assert_int_equal(t.tcpi_state, 1);
  assert_int_equal(t.tcpi_ca_state, TCP_CA_Open);
  assert_int_equal(t.tcpi_options, 0);
  assert_int_equal(t.tcpi_snd_mss, MSS);
  assert_int_equal(t.tcpi_advmss, MSS);
  assert_int_equal(t.tcpi_snd_cwnd, 10);
  assert_int_equal(t.tcpi_snd_ssthresh, INT32_MAX);
  assert_int_equal(t.tcpi_unacked, 1);
  assert_int_equal(t.tcpi_snd_wnd, 60000);
  expect_segment(b, TCP_ACK, 1);
  CALL(b, usleep, 100 * MS);
  peer_sends(b, TCP_ACK, NULL, 0);
  len = sizeof t;
  assert_int_equal(CALL(b, getsockopt, b->fd, IPPROTO_TCP, TCP_INFO, &t, &len), 0);
  assert_int_equal(t.tcpi_unacked, 0);
  expect_time(t.tcpi_rtt, 100 * MS);
  expect_time(t.tcpi_rttvar, 50 * MS);
  expect_time(t.tcpi_rto, 300 * MS);
  len = sizeof piece;
  assert_int_equal(CALL(b, getsockopt, b->fd, IPPROTO_TCP, TCP_INFO, piece, &len), 0);
  assert_int_equal(len, sizeof piece);
  len = sizeof t;
  assert_int_equal(CALL(b, getsockopt, b->listener, IPPROTO_TCP, TCP_INFO, &t, &len), 0);
  assert_int_equal(t.tcpi_state, 10);
}

static void test_option_profiles(void **state)
{
  struct bed *first = *state;
  static const struct { const char *flags; bool all; uint16_t mss; } rows[] = {
      {",options=linux", true, MSS}, {",options=minimal", false, MSS}, {" --options minimal --mtu=576", false, 536}};
  for (size_t i = 0; i < 3; i++) {
    struct bed *b = open_with(first->engine, rows[i].flags);
    struct sockaddr_in a = address(PEER, PEER_PORT);
    int fd = CALL(b, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    EXPECT_ERRNO(CALL(b, connect, fd, SA(a)), EINPROGRESS);
    struct segment s = expect_segment(b, TCP_SYN, 0);
    assert_int_equal(s.opt.mss, rows[i].mss);
    assert_int_equal(s.opt.has_timestamps, rows[i].all);
    assert_int_equal(s.opt.sack_permitted, rows[i].all);
    assert_int_equal(s.opt.has_wscale, rows[i].all);
    static const uint8_t linux_order[] = {2, 4, 5, 0xb4, 4, 2, 8, 10};
    if (rows[i].all) assert_memory_equal(b->packet + b->ip.hdr_len + TCP_HEADER_MIN, linux_order, sizeof linux_order);
    else assert_int_equal(b->ip.payload_len, TCP_HEADER_MIN + 4);
    close_bed(b);
  }
}

static void test_flags_may_be_written_in_other_ways(void **state)
{
  static const char *const ways[] = {"", "engine=", "--engine=", "--engine ", "seed=4,mtu=600 "};
  const struct bed *first = *state;
  struct packetdrill_interface p;
  char flags[100];
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    snprintf(flags, sizeof flags, "%s%s", ways[i], first->engine);
    interface_init(flags, &p);
    assert_non_null(p.userdata);
    p.free(p.userdata);
  }
}

static uint32_t isn_of(const char *engine, const char *flags)
{
  struct bed *b = open_with(engine, flags);
  open_listener(b);
  peer_sends(b, TCP_SYN, NULL, 0);
  uint32_t isn = expect_segment(b, TCP_SYN | TCP_ACK, 0).seq.v;
  close_bed(b);
  return isn;
}

static void test_addresses_are_taken_as_they_are_used(void **state)
{
  const struct bed *first = *state;
  struct bed *b = calloc(1, sizeof *b);
  char flags[40];
  uint8_t packet[PACKET];
  struct icmp_msg m = {.type = ICMP_TYPE_ECHO_REQUEST};
  snprintf(flags, sizeof flags, "engine=%s", first->engine);
  interface_init(flags, &b->p);
  // 192.168.0.1 goes without saying.
  struct sockaddr_in a = address(PEER, PEER_PORT), usual = address(US, 1000), other = address(0x0a010203, 1000), nobody = address(0xe0000001, 1000);
  int fd = CALL(b, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  EXPECT_ERRNO(CALL(b, connect, fd, SA(a)), EINPROGRESS);
  expect_segment(b, TCP_SYN, 0);
  // Another when it is bound, and one when it is sent to.
  fd = CALL(b, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  EXPECT_ERRNO(CALL(b, bind, fd, SA(nobody)), EADDRNOTAVAIL);
  assert_int_equal(CALL(b, bind, fd, SA(other)), 0);
  EXPECT_ERRNO(CALL(b, connect, fd, SA(a)), EINPROGRESS);
  size_t n = sizeof packet;
  assert_int_equal(CALL(b, netdev_receive, packet, &n, &b->at_us), 0);
  assert_int_equal(get_be32(packet + 12), 0x0a010203);
  n = icmp_emit(packet + IPV4_HDR_BYTES, 8, &m);
  ipv4_emit(packet, IPV4_HDR_BYTES, PEER, 0xac100005, IPV4_PROTO_ICMP, 1, n);
  assert_int_equal(CALL(b, netdev_send, packet, IPV4_HDR_BYTES + n), 0);
  n = sizeof packet;
  assert_int_equal(CALL(b, netdev_receive, packet, &n, &b->at_us), 0);
  assert_int_equal(get_be32(packet + 12), 0xac100005);
  close_bed(b);
  // With the flag it is just that one.
  b = *state;
  fd = CALL(b, socket, AF_INET, SOCK_DGRAM, 0);
  EXPECT_ERRNO(CALL(b, bind, fd, SA(other)), EADDRNOTAVAIL);
  assert_int_equal(CALL(b, bind, fd, SA(usual)), 0);
}

static void test_seed_decides(void **state)
{
  struct bed *b = *state;
  assert_int_equal(isn_of(b->engine, ",seed=7"), isn_of(b->engine, ",seed=7"));
  assert_int_not_equal(isn_of(b->engine, ",seed=7"), isn_of(b->engine, ",seed=8"));
}

// --- datagrams ---------------------------------------------------------------------------------------------------------------

static void test_datagrams_both_ways(void **state)
{
  struct bed *b = *state;
  struct sockaddr_in a = address(US, 53), peer = address(PEER, 5353), from;
  socklen_t len = sizeof from;
  uint8_t bytes[64];
  char x[8] = "", y[8] = "";
  struct iovec iov[2] = {{x, 4}, {y, 8}};
  struct udp_datagram u = {.src_port = 5353, .dst_port = 53, .data = (const uint8_t *)"question", .data_len = 8};
  int fd = CALL(b, socket, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP);
  assert_int_equal(CALL(b, bind, fd, SA(a)), 0);
  EXPECT_ERRNO(CALL(b, recv, fd, x, 4, 0), EAGAIN);
  inject(b, IPV4_PROTO_UDP, bytes, udp_emit(bytes, sizeof bytes, PEER, US, &u));
  assert_int_equal(CALL(b, recvfrom, fd, x, 4, 0, (struct sockaddr *)&from, &len), 4);   // the rest is lost
  assert_int_equal(ntohs(from.sin_port), 5353);
  inject(b, IPV4_PROTO_UDP, bytes, udp_emit(bytes, sizeof bytes, PEER, US, &u));
  assert_int_equal(CALL(b, readv, fd, iov, 2), 8);
  assert_memory_equal(y, "tion", 4);
  EXPECT_ERRNO(CALL(b, write, fd, "x", 1), EDESTADDRREQ);
  assert_int_equal(CALL(b, sendto, fd, "answer", 6, 0, SA(peer)), 6);
  assert_true(packet_comes(b));
  assert_int_equal(udp_parse(b->packet + b->ip.hdr_len, b->ip.payload_len, US, PEER, &u), UDP_OK);
  assert_int_equal(u.dst_port, 5353);
  assert_memory_equal(u.data, "answer", 6);
  assert_int_equal(CALL(b, connect, fd, SA(peer)), 0);
  assert_int_equal(CALL(b, writev, fd, iov, 2), 12);
  assert_true(packet_comes(b));
  EXPECT_ERRNO(CALL(b, listen, fd, 1), EOPNOTSUPP);
}

static int open_datagrams(struct bed *b, uint16_t port)
{
  struct sockaddr_in a = address(US, port), peer = address(PEER, 5353);
  int fd = CALL(b, socket, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP);
  assert_int_equal(CALL(b, bind, fd, SA(a)), 0);
  assert_int_equal(CALL(b, connect, fd, SA(peer)), 0);
  return fd;
}

static void test_port_unreachable_both_ways(void **state)
{
  struct bed *b = *state;
  uint8_t bytes[100];
  int err = -1;
  socklen_t len = sizeof err;
  struct udp_datagram u = {.src_port = 5353, .dst_port = 54, .data = (const uint8_t *)"lost", .data_len = 4};
  struct icmp_msg m;
  size_t n = udp_emit(bytes, sizeof bytes, PEER, US, &u);
  inject(b, IPV4_PROTO_UDP, bytes, n);
  assert_true(packet_comes(b));
  assert_int_equal(icmp_parse(b->packet + b->ip.hdr_len, b->ip.payload_len, &m), ICMP_OK);
  assert_int_equal(m.type, 3);
  assert_int_equal(m.code, 3);
  assert_true(m.data_len >= IPV4_HDR_BYTES + 8);
  assert_memory_equal(m.data + IPV4_HDR_BYTES, bytes, 8);
  int fd = open_datagrams(b, 53);
  assert_int_equal(CALL(b, send, fd, "hello", 5, 0), 5);
  assert_true(packet_comes(b));
  m = (struct icmp_msg){.type = 3, .code = 3, .data = b->packet, .data_len = IPV4_HDR_BYTES + 8};
  n = icmp_emit(bytes, sizeof bytes, &m);
  struct pollfd p = {.fd = fd, .events = POLLIN};
  assert_int_equal(CALL(b, poll, &p, 1, 0), 0);
  inject(b, IPV4_PROTO_ICMP, bytes, n);
  assert_int_equal(CALL(b, poll, &p, 1, 0), 1);
  assert_true(p.revents & POLLERR);
  assert_int_equal(CALL(b, getsockopt, fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
  assert_int_equal(err, ECONNREFUSED);
  EXPECT_ERRNO(CALL(b, recv, fd, bytes, 5, 0), EAGAIN);
  assert_int_equal(CALL(b, send, fd, "hello", 5, 0), 5);
  assert_true(packet_comes(b));
  inject(b, IPV4_PROTO_ICMP, bytes, n);
  EXPECT_ERRNO(CALL(b, recv, fd, bytes, 5, 0), ECONNREFUSED);
}

// So much of a packet's payload in a fragment.
static void inject_fragment(struct bed *b, uint8_t proto, const uint8_t *payload, size_t from, size_t end, bool more)
{
  uint8_t packet[PACKET];
  memcpy(packet + IPV4_HDR_BYTES, payload + from, end - from);
  ipv4_emit(packet, IPV4_HDR_BYTES, PEER, US, proto, 99, end - from);
  put_be16(packet + 6, (uint16_t)((more ? 0x2000 : 0) | from / 8));
  put_be16(packet + 10, 0);
  put_be16(packet + 10, cksum_fold(cksum_add(0, packet, IPV4_HDR_BYTES)));
  assert_int_equal(CALL(b, netdev_send, packet, IPV4_HDR_BYTES + end - from), 0);
}

static void test_datagram_in_fragments_both_ways(void **state)
{
  struct bed *b = *state;
  enum { ALL = 4000 };
  static uint8_t data[ALL], bytes[ALL + 8], back[ALL + 8];
  for (size_t i = 0; i < ALL; i++) data[i] = (uint8_t)(i * 7 + i / 256);
  struct udp_datagram u = {.src_port = 5353, .dst_port = 53, .data = data, .data_len = ALL};
  size_t n = udp_emit(bytes, sizeof bytes, PEER, US, &u), got = 0;
  int fd = open_datagrams(b, 53);
  inject_fragment(b, IPV4_PROTO_UDP, bytes, 2960, n, false);
  inject_fragment(b, IPV4_PROTO_UDP, bytes, 0, 1480, true);
  EXPECT_ERRNO(CALL(b, recv, fd, back, ALL, 0), EAGAIN);
  inject_fragment(b, IPV4_PROTO_UDP, bytes, 1480, 2960, true);
  assert_int_equal(CALL(b, recv, fd, back, sizeof back, 0), ALL);
  assert_memory_equal(back, data, ALL);
  assert_int_equal(CALL(b, send, fd, data, ALL, 0), ALL);
  for (bool more = true; more; got += b->ip.payload_len, more = b->ip.more_fragments) {
    assert_true(packet_comes(b));
    assert_int_equal(b->ip.frag_offset, got);
    assert_true(got + b->ip.payload_len <= sizeof back);
    memcpy(back + got, b->packet + b->ip.hdr_len, b->ip.payload_len);
  }
  assert_int_equal(udp_parse(back, got, US, PEER, &u), UDP_OK);
  assert_int_equal(u.data_len, ALL);
  assert_memory_equal(u.data, data, ALL);
}

static void test_fragments_that_stay_alone_are_told_after_30_s(void **state)
{
  struct bed *b = *state;
  static const uint8_t bytes[64];
  struct icmp_msg m;
  inject_fragment(b, IPV4_PROTO_UDP, bytes, 0, 64, true);
  long long t = now(b);
  assert_true(packet_comes(b));
  assert_int_equal(icmp_parse(b->packet + b->ip.hdr_len, b->ip.payload_len, &m), ICMP_OK);
  assert_int_equal(m.type, 11);
  assert_int_equal(m.code, 1);
  expect_time(b->at_us, t + 30 * SECOND);
}

static void test_segment_in_fragments_reaches_its_connection(void **state)
{
  struct bed *b = *state;
  static uint8_t data[1200], bytes[1300], back[1200];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 5);
  struct segment s = {.src_port = PEER_PORT, .dst_port = PORT, .seq = b->snd, .ack = b->rcv, .flags = TCP_ACK, .window = 60000, .payload = data, .payload_len = sizeof data};
  size_t n = segment_emit(&s, PEER, US, bytes, sizeof bytes);
  inject_fragment(b, IPV4_PROTO_TCP, bytes, 800, n, false);
  inject_fragment(b, IPV4_PROTO_TCP, bytes, 0, 800, true);
  long long t = now(b);
  s = expect_segment(b, TCP_ACK, 0);
  assert_int_equal(s.ack.v, seq_add(b->snd, sizeof data).v);
  expect_time(b->at_us, t + 40 * MS);
  assert_int_equal(CALL(b, read, b->fd, back, sizeof back), sizeof back);
  assert_memory_equal(back, data, sizeof data);
}

static void test_path_mtu_cuts_what_is_out(void **state)
{
  struct bed *b = *state;
  static const char data[MSS];
  uint8_t bytes[100];
  assert_int_equal(CALL(b, write, b->fd, data, MSS), MSS);
  struct segment s = expect_segment(b, TCP_ACK, MSS);
  assert_true(get_be16(b->packet + 6) & 0x4000);   // don't fragment
  struct icmp_msg m = {.type = 3, .code = 4, .seq = 1000, .data = b->packet, .data_len = IPV4_HDR_BYTES + 8};
  size_t n = icmp_emit(bytes, sizeof bytes, &m);
  CALL(b, usleep, 20 * MS);
  long long t = now(b);
  inject(b, IPV4_PROTO_ICMP, bytes, n);
  struct segment again = expect_segment(b, TCP_ACK, 960);
  assert_int_equal(again.seq.v, s.seq.v);
  expect_time(b->at_us, t);
}

// --- wrong use -----------------------------------------------------------------------------------------------------------------

static void test_wrong_arguments(void **state)
{
  struct bed *b = *state;
  struct sockaddr_in a = address(US, PORT);
  struct sockaddr_in6 six = {.sin6_family = AF_INET6};
  char x;
  int fd = CALL(b, socket, AF_INET, SOCK_STREAM, 0), other = CALL(b, socket, AF_INET, SOCK_STREAM, 0), n;
  EXPECT_ERRNO(CALL(b, socket, AF_INET6, SOCK_STREAM, 0), EAFNOSUPPORT);
  EXPECT_ERRNO(CALL(b, socket, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
  EXPECT_ERRNO(CALL(b, socket, AF_INET, SOCK_RAW, 0), ESOCKTNOSUPPORT);
  EXPECT_ERRNO(CALL(b, bind, fd, SA(six)), EAFNOSUPPORT);
  EXPECT_ERRNO(CALL(b, bind, fd, (struct sockaddr *)&a, 3), EINVAL);
  EXPECT_ERRNO(CALL(b, connect, fd, NULL, 0), EFAULT);
  EXPECT_ERRNO(CALL(b, read, fd, &x, 1), ENOTCONN);
  EXPECT_ERRNO(CALL(b, write, fd, &x, 1), ENOTCONN);
  EXPECT_ERRNO(CALL(b, listen, fd, 1), EINVAL);
  assert_int_equal(CALL(b, bind, fd, SA(a)), 0);
  EXPECT_ERRNO(CALL(b, bind, fd, SA(a)), EINVAL);
  EXPECT_ERRNO(CALL(b, bind, other, SA(a)), EADDRINUSE);
  a = address(US, 0);
  assert_int_equal(CALL(b, bind, other, SA(a)), 0);
  for (int bad = -1; bad < 5000; bad += 3000) {
    EXPECT_ERRNO(CALL(b, read, bad, &x, 1), EBADF);
    EXPECT_ERRNO(CALL(b, close, bad), EBADF);
    EXPECT_ERRNO(CALL(b, fcntl, bad, F_GETFL), EBADF);
    EXPECT_ERRNO(CALL(b, ioctl, bad, FIONREAD, &n), EBADF);
    EXPECT_ERRNO(CALL(b, getsockopt, bad, SOL_SOCKET, SO_TYPE, &n, NULL), EBADF);
    EXPECT_ERRNO(CALL(b, epoll_wait, bad, NULL, 1, 0), EBADF);
    EXPECT_ERRNO(CALL(b, splice, bad, NULL, bad, NULL, 1, 0), EBADF);
  }
}

static void test_wrong_flags_leave_a_table_that_fails(void **state)
{
  static const char *const wrong[] = {"engine=fpga", "options=most", "seed=x", "mtu=70", "ip=here", "check=maybe", "speed=1", "engine", "ecn=yes", "engine=rtl,ecn=on"};
  struct packetdrill_interface p;
  int fds[2];
  size_t n = 10;
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    interface_init(wrong[i], &p);
    assert_null(p.userdata);
  }
  EXPECT_ERRNO(p.socket(NULL, AF_INET, SOCK_STREAM, 0), ENODEV);
  EXPECT_ERRNO(p.close(NULL, 3), ENODEV);
  EXPECT_ERRNO(p.pipe(NULL, fds), ENODEV);
  EXPECT_ERRNO(p.poll(NULL, NULL, 0, 0), ENODEV);
  EXPECT_ERRNO((int)p.read(NULL, 3, fds, 1), ENODEV);
  EXPECT_ERRNO(p.netdev_send(NULL, fds, 1), ENODEV);
  EXPECT_ERRNO(p.netdev_receive(NULL, fds, &n, NULL), ENODEV);
  EXPECT_ERRNO(p.usleep(NULL, 1), ENODEV);
  EXPECT_ERRNO(p.gettimeofday(NULL, NULL, NULL), ENODEV);
  p.free(NULL);
  interface_init(NULL, &p);
  assert_non_null(p.userdata);
  p.free(p.userdata);
}

static void test_two_at_once_know_nothing_of_each_other(void **state)
{
  struct bed *a = *state, *b = open_with(a->engine, "");
  b->listener = open_listener(b);
  long long t = now(b);
  CALL(a, usleep, 10 * SECOND);
  assert_int_equal(now(b), t + 1);
  shake_hands(b);
  assert_false(packet_comes(a));
  close_bed(b);
}

#define ON(engine, setup, f) {#f " (" engine ")", f, setup, teardown, (void *)(uintptr_t)engine}
#define BOTH(f) ON("ref", setup, f), ON("rtl", setup, f)
#define CONNECTED(f) ON("ref", connected_setup, f), ON("rtl", connected_setup, f)

int main(int argc, char **argv)
{
  alarm(LIMIT_S);   // a call that never ends is told, too
  const struct CMUnitTest tests[] = {
      BOTH(test_clock_goes_on_by_itself_and_by_usleep),
      BOTH(test_receive_gives_up_when_nothing_will_come),
      BOTH(test_packet_that_is_too_long_for_the_buffer_is_told),
      BOTH(test_packets_that_are_none_are_refused),
      BOTH(test_ping_is_answered),
      BOTH(test_accept_waits_for_the_handshake),
      BOTH(test_syn_ack_goes_again_at_its_times),
      BOTH(test_connect_waits_for_the_answer),
      BOTH(test_connect_without_waiting),
      BOTH(test_connect_that_is_refused),
      BOTH(test_connect_that_nobody_answers),
      CONNECTED(test_every_way_of_reading),
      CONNECTED(test_read_waits_for_data),
      CONNECTED(test_read_of_everything_waits_for_the_last_byte),
      CONNECTED(test_read_ends_when_its_time_is_over),
      CONNECTED(test_read_ends_when_its_descriptor_is_closed),
      CONNECTED(test_reset_is_told_once),
      CONNECTED(test_acks_are_delayed_by_40_ms_but_for_every_second_full_segment),
      CONNECTED(test_every_way_of_writing),
      CONNECTED(test_data_goes_again_at_its_times),
      CONNECTED(test_initial_window_is_ten_segments),
      CONNECTED(test_write_waits_for_room),
      CONNECTED(test_shutdown_of_each_side),
      CONNECTED(test_close_sends_fin_or_rst),
      CONNECTED(test_close_lingers_until_the_fin_is_acknowledged),
      CONNECTED(test_close_lingers_no_longer_than_its_time),
      BOTH(test_free_ends_what_waits),
      CONNECTED(test_fcntl_and_ioctl),
      CONNECTED(test_poll_tells_what_holds),
      CONNECTED(test_poll_waits_for_news_or_its_time),
      CONNECTED(test_epoll_by_level_by_edge_and_once),
      CONNECTED(test_epoll_waits_for_news_or_its_time),
      BOTH(test_pipe_carries_bytes),
      BOTH(test_pipe_that_loses_its_reader),
      CONNECTED(test_splice_between_socket_and_pipe),
      CONNECTED(test_socket_options),
      CONNECTED(test_tcp_info),
      BOTH(test_option_profiles),
      BOTH(test_addresses_are_taken_as_they_are_used),
      BOTH(test_flags_may_be_written_in_other_ways),
      BOTH(test_seed_decides),
      BOTH(test_datagrams_both_ways),
      BOTH(test_port_unreachable_both_ways),
      BOTH(test_datagram_in_fragments_both_ways),
      BOTH(test_fragments_that_stay_alone_are_told_after_30_s),
      CONNECTED(test_segment_in_fragments_reaches_its_connection),
      CONNECTED(test_path_mtu_cuts_what_is_out),
      BOTH(test_wrong_arguments),
      cmocka_unit_test(test_wrong_flags_leave_a_table_that_fails),
      BOTH(test_two_at_once_know_nothing_of_each_other),
  };
  void *so = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) : NULL;
  if (!so) {
    fprintf(stderr, "packetdrill_test: %s\n", argc == 2 ? dlerror() : "the shared object is its argument");
    return 2;
  }
  *(void **)&interface_init = dlsym(so, "packetdrill_interface_init");
  if (!interface_init) {
    fprintf(stderr, "packetdrill_test: %s\n", dlerror());
    return 2;
  }
  return cmocka_run_group_tests_name("packetdrill", tests, NULL, NULL);
}
