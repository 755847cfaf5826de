// SPDX-License-Identifier: Apache-2.0
// Conversations with the shared object as packetdrill's scripts have them: a line for each packet and each call, with its time. What
// TCP must do stands here as RFCs and Linux's habits have it, for both engines alike.
//
//   packetdrill_script_test build/liblockwire_packetdrill.so
//
//   +SECONDS < [ce] FLAGS SEQ:END(LEN) [ack N] [win N] [<OPTIONS>]    the peer sends this; ce: a router has marked it (RFC 3168)
//   +SECONDS > [ect0|plain] FLAGS SEQ:END(LEN) [ack N] [win N] [<OPTIONS>]    this is the next that we send, at this time to the
//                                                                    millisecond; routers may mark it, or may not
//   +SECONDS > nothing                                               nothing will come
//   +SECONDS CALL [N] = RESULT                                       -ERRNO as its number; see `calls`
//
// The time counts from the line before. FLAGS: S F R P, . for ACK, E for ECE and W for CWR, in this order. SEQ and `ack` count from where each direction
// began; ours and the peer's begin near 2^32. In what we send * stands for anything, and what is not said is not looked at. OPTIONS
// are all of them, in their order: mss N, sackOK, TS val N ecr N, nop, wscale N, sack A:B A:B (which counts as `ack` does). The peer's
// `ecr *` is our last time stamp.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/ipv4.h"
#include "packetdrill.h"

static const uint32_t US = 0xc0a80001, PEER = 0xc0000201;   // 192.168.0.1 and 192.0.2.1, as packetdrill has them
enum { PORT = 8080, PEER_PORT = 40000, PACKET = 2000, LINE = 300, TCP_HEADER = 20, LIMIT_S = 120 };

static void (*interface_init)(const char *flags, struct packetdrill_interface *out);

struct bed {
  struct packetdrill_interface p;
  long long at_us;                     // of the script
  int listener, fd;
  uint16_t our_port, peer_port;
  uint32_t our_isn, peer_isn, tsval;   // tsval: our last
  bool spoke;                          // our ISN is known
};

#define CALL(b, f, ...) ((b)->p.f((b)->p.userdata, __VA_ARGS__))

static long long now(struct bed *b)
{
  struct timeval tv;
  assert_int_equal(CALL(b, gettimeofday, &tv, NULL), 0);
  return tv.tv_sec * 1000000LL + tv.tv_usec;
}

// As packetdrill waits for an event: it sleeps up to shortly before, and then looks at the clock.
static void wait_until(struct bed *b, long long at_us)
{
  long long left = at_us - now(b);
  if (left > 2000) assert_int_equal(CALL(b, usleep, (useconds_t)(left - 2000)), 0);
  while (now(b) < at_us) {}
}

// --- what the peer sends -----------------------------------------------------------------------------------------------------

static size_t read_option(struct bed *b, const char *text, uint8_t *to)
{
  unsigned v = 0, ecr = 0, from, end;
  int used = 0;
  if (!strcmp(text, "nop")) to[0] = 1;
  if (!strcmp(text, "nop")) return 1;
  if (!strcmp(text, "sackOK")) put_be16(to, 0x0402);
  if (!strcmp(text, "sackOK")) return 2;
  if (sscanf(text, "mss %u", &v) == 1) {
    put_be16(to, 0x0204);
    put_be16(to + 2, (uint16_t)v);
    return 4;
  }
  if (sscanf(text, "wscale %u", &v) == 1) {
    put_be16(to, 0x0303);
    to[2] = (uint8_t)v;
    return 3;
  }
  if (sscanf(text, "TS val %u ecr %u", &v, &ecr) >= 1) {
    put_be16(to, 0x080a);
    put_be32(to + 2, v);
    put_be32(to + 6, strchr(text, '*') ? b->tsval : ecr);
    return 10;
  }
  size_t n = 2;
  if (strncmp(text, "sack ", 5) == 0)
    for (text += 4; sscanf(text, " %u:%u%n", &from, &end, &used) == 2; text += used, n += 8) {
      put_be32(to + n, b->our_isn + from);
      put_be32(to + n + 4, b->our_isn + end);
    }
  put_be16(to, (uint16_t)(0x0500 | n));
  assert_true(n > 2);   // else it is no option
  return n;
}

static size_t read_options(struct bed *b, char *text, uint8_t *to)
{
  size_t n = 0;
  char *save;
  for (char *o = strtok_r(text, ",>", &save); o; o = strtok_r(NULL, ",>", &save)) n += read_option(b, o, to + n);
  while (n % 4) to[n++] = 0;
  return n;
}

static uint8_t read_flags(const char *text)
{
  static const char names[] = "FSRP.UEW";
  uint8_t flags = 0;
  for (; *text; text++) {
    const char *at = strchr(names, *text);
    assert_non_null(at);
    flags |= (uint8_t)(1 << (at - names));
  }
  return flags;
}

static void peer_sends(struct bed *b, const char *text)
{
  static uint8_t packet[PACKET];
  uint8_t *tcp = packet + IPV4_HDR_BYTES;
  char flags[8], options[LINE] = "";
  unsigned seq, end, len, ack = 0, win = 65535;
  bool marked = !strncmp(text, "ce ", 3);
  if (marked) text += 3;
  assert_int_equal(sscanf(text, "%7s %u:%u(%u)", flags, &seq, &end, &len), 4);
  const char *at = strstr(text, " ack ");
  if (at) sscanf(at, " ack %u", &ack);
  if ((at = strstr(text, " win "))) sscanf(at, " win %u", &win);
  if ((at = strchr(text, '<'))) snprintf(options, sizeof options, "%s", at + 1);
  size_t hdr = TCP_HEADER + read_options(b, options, tcp + TCP_HEADER);
  put_be16(tcp, b->peer_port);
  put_be16(tcp + 2, b->our_port);
  put_be32(tcp + 4, b->peer_isn + seq);
  put_be32(tcp + 8, read_flags(flags) & 16 ? b->our_isn + ack : 0);
  tcp[12] = (uint8_t)(hdr / 4 << 4);
  tcp[13] = read_flags(flags);
  put_be16(tcp + 14, (uint16_t)win);
  put_be32(tcp + 16, 0);
  for (unsigned i = 0; i < len; i++) tcp[hdr + i] = (uint8_t)(seq + i);
  put_be16(tcp + 16, cksum_fold(cksum_add(ipv4_pseudo_sum(PEER, US, IPV4_PROTO_TCP, (uint16_t)(hdr + len)), tcp, hdr + len)));
  ipv4_emit(packet, IPV4_HDR_BYTES, PEER, US, IPV4_PROTO_TCP, 1, hdr + len);
  packet[1] = marked ? 3 : 0;
  put_be16(packet + 10, 0);
  put_be16(packet + 10, cksum_fold(cksum_add(0, packet, IPV4_HDR_BYTES)));
  assert_int_equal(CALL(b, netdev_send, packet, IPV4_HDR_BYTES + hdr + len), 0);
}

// --- what we send ------------------------------------------------------------------------------------------------------------

static void say(char out[static LINE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(char out[static LINE], const char *format, ...)
{
  va_list ap;
  size_t n = strlen(out);
  va_start(ap, format);
  vsnprintf(out + n, LINE - n, format, ap);
  va_end(ap);
}

static void say_option(struct bed *b, char out[static LINE], const uint8_t *p, size_t len)
{
  say(out, "%s", strchr(out, '<') ? "," : " <");
  switch (p[0]) {
    case 0: say(out, "eol"); break;
    case 1: say(out, "nop"); break;
    case 2: say(out, "mss %u", get_be16(p + 2)); break;
    case 3: say(out, "wscale %u", p[2]); break;
    case 4: say(out, "sackOK"); break;
    case 5:
      say(out, "sack");
      for (size_t i = 2; i + 8 <= len; i += 8) say(out, " %u:%u", get_be32(p + i) - b->peer_isn, get_be32(p + i + 4) - b->peer_isn);
      break;
    case 8:
      b->tsval = get_be32(p + 2);
      say(out, "TS val %u ecr %u", b->tsval, get_be32(p + 6));
      break;
    default: say(out, "option %u", p[0]);
  }
}

static void say_options(struct bed *b, char out[static LINE], const uint8_t *p, size_t n)
{
  static const uint8_t fixed[] = {1, 1, 4, 3, 2};   // lengths of the first kinds
  for (size_t i = 0, len; i < n; i += len) {
    len = p[i] < 2 ? 1 : i + 1 < n ? p[i + 1] : 0;
    assert_true(len && i + len <= n && (p[i] >= sizeof fixed || len == fixed[p[i]]));
    say_option(b, out, p + i, len);
  }
  if (n) say(out, ">");
}

// The packet as a script's line, with as much in it as `like` has.
static void say_packet(struct bed *b, const char *like, const uint8_t *packet, size_t n, char out[static LINE])
{
  struct ipv4_hdr ip;
  assert_int_equal(ipv4_parse(packet, n, &ip), IPV4_OK);
  assert_true(ip.src == US && ip.dst == PEER && ip.proto == IPV4_PROTO_TCP && ip.hdr_len + (size_t)ip.payload_len == n);
  const uint8_t *tcp = packet + ip.hdr_len;
  size_t hdr = (size_t)(tcp[12] >> 4) * 4, len = ip.payload_len - hdr;
  uint8_t flags = tcp[13];
  assert_true(hdr >= TCP_HEADER && hdr <= ip.payload_len);
  assert_int_equal(cksum_fold(cksum_add(ipv4_pseudo_sum(US, PEER, IPV4_PROTO_TCP, ip.payload_len), tcp, ip.payload_len)), 0);
  assert_int_equal(get_be16(tcp + 2), b->peer_port);
  if (!b->spoke && flags & 2) {
    b->our_isn = get_be32(tcp + 4);
    b->our_port = get_be16(tcp);
    b->spoke = true;
  }
  uint32_t seq = get_be32(tcp + 4) - (b->spoke ? b->our_isn : 0);
  out[0] = '\0';
  if (!strncmp(like, "ect0 ", 5) || !strncmp(like, "plain ", 6)) say(out, "%s ", ip.tos == 2 ? "ect0" : ip.tos == 0 ? "plain" : "odd");
  for (const char *f = "S\2F\1R\4P\10.\20E\100W\200"; *f; f += 2)
    if (flags & (uint8_t)f[1]) say(out, "%c", *f);
  say(out, " %u:%u(%zu)", seq, seq + (uint32_t)len, len);
  if (flags & 16) say(out, " ack %u", get_be32(tcp + 8) - b->peer_isn);
  if (strstr(like, " win ")) say(out, " win %u", get_be16(tcp + 14));
  char options[LINE] = "";
  say_options(b, options, tcp + TCP_HEADER, hdr - TCP_HEADER);
  if (strchr(like, '<')) say(out, "%s", n > ip.hdr_len + len + TCP_HEADER ? options : " <>");
}

static void we_send(struct bed *b, const char *line, const char *want)
{
  static uint8_t packet[PACKET];
  char got[LINE] = "nothing";
  size_t n = sizeof packet;
  long long at;
  assert_int_equal(CALL(b, netdev_receive, packet, &n, &at), 0);
  if (n) say_packet(b, want, packet, n, got);
  if (fnmatch(want, got, 0) != 0) fail_msg("%s\n  came: %+.6f > %s", line, (double)(at - b->at_us) / 1e6, got);
  if (n && llabs(at - b->at_us) > 1000) fail_msg("%s\n  came %+.6f s from there", line, (double)(at - b->at_us) / 1e6);
}

// --- calls -------------------------------------------------------------------------------------------------------------------

static struct sockaddr_in address(uint32_t ip, uint16_t port)
{
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(ip)}};
}
#define SA(a) ((struct sockaddr *)(void *)&(a)), sizeof(a)

static ssize_t call_listen(struct bed *b, unsigned backlog)
{
  struct sockaddr_in a = address(US, PORT);
  int one = 1;
  b->listener = CALL(b, socket, AF_INET, SOCK_STREAM, IPPROTO_TCP);
  assert_int_equal(CALL(b, setsockopt, b->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
  assert_int_equal(CALL(b, bind, b->listener, SA(a)), 0);
  return CALL(b, listen, b->listener, (int)backlog);
}

static ssize_t call_accept(struct bed *b, unsigned n)
{
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  (void)n;
  b->fd = CALL(b, accept, b->listener, (struct sockaddr *)&from, &len);
  if (b->fd < 0) return -1;
  assert_true(ntohl(from.sin_addr.s_addr) == PEER && ntohs(from.sin_port) == PEER_PORT);
  return CALL(b, fcntl, b->fd, F_SETFL, O_RDWR | O_NONBLOCK);
}

// Without waiting.
static ssize_t call_connect(struct bed *b, unsigned port)
{
  struct sockaddr_in a = address(PEER, (uint16_t)port);
  b->peer_port = (uint16_t)port;
  if (!b->fd) b->fd = CALL(b, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
  return CALL(b, connect, b->fd, SA(a));
}

static ssize_t call_write(struct bed *b, unsigned n)
{
  static const char data[65536];
  return CALL(b, write, b->fd, data, n);
}

static ssize_t call_read(struct bed *b, unsigned n)
{
  static char data[65536];
  return CALL(b, read, b->fd, data, n);
}

static ssize_t call_close(struct bed *b, unsigned n) { return (void)n, CALL(b, close, b->fd); }
static ssize_t call_shutdown(struct bed *b, unsigned how) { return CALL(b, shutdown, b->fd, (int)how); }
static ssize_t call_nodelay(struct bed *b, unsigned on) { return CALL(b, setsockopt, b->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); }

// close will reset.
static ssize_t call_linger(struct bed *b, unsigned on)
{
  const struct linger l = {(int)on, 0};
  return CALL(b, setsockopt, b->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

static ssize_t call_error(struct bed *b, unsigned n)
{
  int err = -1;
  socklen_t len = sizeof err;
  (void)n;
  assert_int_equal(CALL(b, getsockopt, b->fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
  return err;
}

static struct tcp_info info(struct bed *b)
{
  struct tcp_info t;
  socklen_t len = sizeof t;
  assert_int_equal(CALL(b, getsockopt, b->fd, IPPROTO_TCP, TCP_INFO, &t, &len), 0);
  return t;
}

static ssize_t call_cwnd(struct bed *b, unsigned n) { return (void)n, info(b).tcpi_snd_cwnd; }
static ssize_t call_ssthresh(struct bed *b, unsigned n) { return (void)n, info(b).tcpi_snd_ssthresh; }
static ssize_t call_state(struct bed *b, unsigned n) { return (void)n, info(b).tcpi_state; }
static ssize_t call_rto_ms(struct bed *b, unsigned n) { return (void)n, (info(b).tcpi_rto + 500) / 1000; }

static const struct { const char *name; ssize_t (*run)(struct bed *b, unsigned n); } calls[] = {
    {"listen", call_listen}, {"accept", call_accept}, {"connect", call_connect}, {"write", call_write}, {"read", call_read},
    {"close", call_close}, {"shutdown", call_shutdown}, {"nodelay", call_nodelay}, {"linger", call_linger}, {"error", call_error},
    {"cwnd", call_cwnd}, {"ssthresh", call_ssthresh}, {"state", call_state}, {"rto_ms", call_rto_ms},
};

static void run_call(struct bed *b, const char *line, const char *text)
{
  char name[20];
  unsigned n = 0;
  long want = 0;
  const char *at = strchr(text, '=');
  assert_true(sscanf(text, "%19[a-z_] %u", name, &n) >= 1 && at && sscanf(at + 1, "%ld", &want) == 1);
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    if (strcmp(calls[i].name, name) != 0) continue;
    ssize_t r = calls[i].run(b, n);
    if (r < 0) r = -errno;
    if (r != want) fail_msg("%s\n  gave: %zd", line, r);
    return;
  }
  fail_msg("%s\n  there is no such call", line);
}

#define ECN ",ecn=on"

// --- scripts -----------------------------------------------------------------------------------------------------------------

struct script {
  const char *name, *flags;
  const char *const *line;   // up to NULL
};

static void run_line(struct bed *b, const char *line)
{
  char *rest;
  b->at_us += (long long)(strtod(line, &rest) * 1e6 + 0.5);
  rest += strspn(rest, " ");
  if (rest[0] == '>') {
    we_send(b, line, rest + 2);
    return;
  }
  wait_until(b, b->at_us);
  if (rest[0] == '<') peer_sends(b, rest + 2);
  else run_call(b, line, rest);
}

static void run_script(const struct script *s, const char *engine)
{
  char flags[100];
  struct bed b = {.our_port = PORT, .peer_port = PEER_PORT, .peer_isn = 0xfffff800};
  snprintf(flags, sizeof flags, "engine=%s%s", engine, s->flags);
  interface_init(flags, &b.p);
  if (!strcmp(s->flags, ECN) && !strcmp(engine, "rtl")) {   // it has none of it
    assert_null(b.p.userdata);
    return;
  }
  assert_non_null(b.p.userdata);
  b.at_us = now(&b);
  for (size_t i = 0; s->line[i]; i++) run_line(&b, s->line[i]);
  b.p.free(b.p.userdata);
}

static void test_ref(void **state) { run_script(*state, "ref"); }
static void test_rtl(void **state) { run_script(*state, "rtl"); }

#define SCRIPT(...) (const char *const[]){__VA_ARGS__, NULL}
#define OPENED "+0 listen 1 = 0", "+0 < S 0:0(0) win 65535 <mss 1000>", "+0 > S. 0:0(0) ack 1 <mss 1460>", "+.01 < . 1:1(0) ack 1", "+0 accept = 0"
#define OPENED_SACK \
  "+0 listen 1 = 0", "+0 < S 0:0(0) win 65535 <mss 1000,sackOK>", "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>", "+.01 < . 1:1(0) ack 1", "+0 accept = 0"
#define TEN_SEGMENTS                                                                                                                  \
  "+0 > . 1:1001(1000) ack 1", "+0 > . 1001:2001(1000) ack 1", "+0 > . 2001:3001(1000) ack 1", "+0 > . 3001:4001(1000) ack 1",         \
  "+0 > . 4001:5001(1000) ack 1", "+0 > . 5001:6001(1000) ack 1", "+0 > . 6001:7001(1000) ack 1", "+0 > . 7001:8001(1000) ack 1",      \
  "+0 > . 8001:9001(1000) ack 1", "+0 > P. 9001:10001(1000) ack 1"

static const struct script scripts[] = {
    // Point by point what the profile `linux` says of SYNs: the order in which Linux has them, and only what was offered.
    {"a SYN with everything gets Linux's options in Linux's order", "", SCRIPT(
        "+0 listen 1 = 0", "+0 < S 0:0(0) win 64240 <mss 1460,sackOK,TS val 700 ecr 0,nop,wscale 7>",
        "+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val * ecr 700,nop,wscale *>", "+.02 < . 1:1(0) ack 1 win 502 <nop,nop,TS val 710 ecr *>", "+0 accept = 0",
        "+0 write 100 = 100", "+0 > P. 1:101(100) ack 1 <nop,nop,TS val * ecr 710>", "+.02 < . 1:1(0) ack 101 win 502 <nop,nop,TS val 730 ecr *>",
        "+0 rto_ms = 200")},
    {"a SYN with time stamps alone", "", SCRIPT(
        "+0 listen 1 = 0", "+0 < S 0:0(0) win 64240 <mss 1460,nop,nop,TS val 700 ecr 0>", "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val * ecr 700>")},
    {"a SYN with SACK alone", "", SCRIPT("+0 listen 1 = 0", "+0 < S 0:0(0) win 64240 <mss 1460,sackOK>", "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>")},
    {"a SYN with a window scale alone", "", SCRIPT("+0 listen 1 = 0", "+0 < S 0:0(0) win 64240 <mss 1460,nop,wscale 3>", "+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale *>")},
    {"a SYN without options", "", SCRIPT(
        "+0 listen 1 = 0", "+0 < S 0:0(0) win 64240", "+0 > S. 0:0(0) ack 1 <mss 1460>", "+0 < . 1:1(0) ack 1", "+0 accept = 0", "+0 write 1000 = 1000",
        "+0 > . 1:537(536) ack 1", "+.02 < . 1:1(0) ack 537", "+0 > P. 537:1001(464) ack 1")},
    {"with the minimal profile a SYN with everything gets the MSS", ",options=minimal", SCRIPT(
        "+0 listen 1 = 0", "+0 < S 0:0(0) win 64240 <mss 1460,sackOK,TS val 700 ecr 0,nop,wscale 7>", "+0 > S. 0:0(0) ack 1 <mss 1460>",
        "+0 < . 1:1(0) ack 1 win 64240", "+0 accept = 0", "+0 write 2 = 2", "+0 > P. 1:3(2) ack 1 <>")},
    {"we connect", "", SCRIPT(
        "+0 connect 80 = -115", "+0 > S 0:0(0) <mss 1460,sackOK,TS val * ecr 0,nop,wscale *>", "+.05 < S. 0:0(0) ack 1 win 5000 <mss 1000,sackOK,TS val 9 ecr *,nop,wscale 2>",
        "+0 > . 1:1(0) ack 1 <nop,nop,TS val * ecr 9>", "+0 error = 0", "+0 state = 1", "+0 nodelay 1 = 0", "+.01 write 1500 = 1500", "+0 > . 1:989(988) ack 1", "+0 > P. 989:1501(512) ack 1")},
    {"we connect, and the SYN gets lost", "", SCRIPT(
        "+0 connect 80 = -115", "+0 > S 0:0(0)", "+1 > S 0:0(0)", "+2 > S 0:0(0)", "+.1 < S. 0:0(0) ack 1", "+0 > . 1:1(0) ack 1", "+0 state = 1")},
    {"we connect, and are refused", "", SCRIPT("+0 connect 80 = -115", "+0 > S 0:0(0)", "+.1 < R. 0:0(0) ack 1", "+0 connect 80 = -111", "+0 > nothing")},
    // RFC 9293 section 3.10.7.3: an ACK of what we have not sent is answered by RST, and changes nothing.
    {"we connect, and somebody acknowledges something else", "", SCRIPT(
        "+0 connect 80 = -115", "+0 > S 0:0(0)", "+.1 < . 1:1(0) ack 77", "+0 > R 77:77(0)", "+.1 < S. 0:0(0) ack 1", "+0 > . 1:1(0) ack 1")},
    {"both connect at once", "", SCRIPT(
        "+0 connect 80 = -115", "+0 > S 0:0(0)", "+.1 < S 0:0(0) win 65535 <mss 1000>", "+0 > S. 0:0(0) ack 1 <mss 1460*>", "+.1 < S. 0:0(0) ack 1 <mss 1000>", "+0 > . 1:1(0) ack 1",
        "+0 state = 1", "+0 write 10 = 10", "+0 > P. 1:11(10) ack 1")},
    // RFC 6298: the first measured time is R, the timer R + 4 * R / 2; it doubles; Karn keeps it so after a retransmission.
    {"the timer of 100 ms there and back, to the millisecond", "", SCRIPT(
        OPENED, "+0 write 1000 = 1000", "+0 > P. 1:1001(1000) ack 1", "+.1 < . 1:1(0) ack 1001", "+0 rto_ms = 300", "+0 write 1000 = 1000", "+0 > P. 1001:2001(1000) ack 1",
        "+.3 > P. 1001:2001(1000) ack 1", "+.6 > P. 1001:2001(1000) ack 1", "+0 cwnd = 1", "+1.2 > P. 1001:2001(1000) ack 1", "+.1 < . 1:1(0) ack 2001", "+0 write 1 = 1",
        "+0 > P. 2001:2002(1) ack 1")},
    {"the timer of 10 ms is 200 ms", "", SCRIPT(
        OPENED, "+0 write 1000 = 1000", "+0 > P. 1:1001(1000) ack 1", "+.01 < . 1:1(0) ack 1001", "+0 write 1000 = 1000", "+0 > P. 1001:2001(1000) ack 1", "+.2 > P. 1001:2001(1000) ack 1",
        "+.4 > P. 1001:2001(1000) ack 1", "+.8 > P. 1001:2001(1000) ack 1")},
    // RFC 9293 section 3.8.6.1: a window of zero is probed after the RTO, at growing intervals, and nothing else goes.
    {"a window of zero is probed", "", SCRIPT(
        OPENED, "+0 write 100 = 100", "+0 > P. 1:101(100) ack 1", "+.1 < . 1:1(0) ack 101 win 0", "+0 write 500 = 500", "+.3 > *. 101:102(1) ack 1", "+.01 < . 1:1(0) ack 101 win 0",
        "+.59 > *. 101:102(1) ack 1", "+.01 < . 1:1(0) ack 101 win 0", "+1.19 > *. 101:102(1) ack 1", "+.01 < . 1:1(0) ack 102 win 0", "+.5 < . 1:1(0) ack 102 win 1000",
        "+0 > P. 102:601(499) ack 1")},
    {"three duplicate ACKs, without SACK", "", SCRIPT(
        OPENED, "+0 write 10000 = 10000", TEN_SEGMENTS, "+.05 < . 1:1(0) ack 2001", "+0 < . 1:1(0) ack 2001", "+0 < . 1:1(0) ack 2001", "+.01 < . 1:1(0) ack 2001", "+0 > . 2001:3001(1000) ack 1",
        "+0 ssthresh = 4", "+.05 < . 1:1(0) ack 10001", "+0 state = 1")},
    // RFC 6675: the third SACK block beyond a hole, not the third ACK, says that it is lost; what is known to have arrived does not go again.
    {"SACK says what is lost", "", SCRIPT(
        OPENED_SACK, "+0 write 10000 = 10000", TEN_SEGMENTS, "+.05 < . 1:1(0) ack 1001 <nop,nop,sack 2001:3001>",
        "+0 < . 1:1(0) ack 1001 <nop,nop,sack 4001:5001 2001:3001>", "+0 < . 1:1(0) ack 1001 <nop,nop,sack 4001:6001 2001:3001>", "+0 > . 1001:2001(1000) ack 1",
        "+.01 < . 1:1(0) ack 1001 <nop,nop,sack 4001:9001 2001:3001>", "+0 > . 3001:4001(1000) ack 1", "+.05 < . 1:1(0) ack 10001", "+0 state = 1")},
    {"what comes out of order is told by SACK, the newest first, and what comes twice", "", SCRIPT(
        OPENED_SACK, "+0 < . 1001:2001(1000) ack 1", "+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>", "+0 < . 3001:4001(1000) ack 1",
        "+0 > . 1:1(0) ack 1 <nop,nop,sack 3001:4001 1001:2001>", "+0 < . 1:1001(1000) ack 1", "+0 > . 1:1(0) ack 2001 <nop,nop,sack 3001:4001>", "+0 < . 1:1001(1000) ack 1",
        "+0 > . 1:1(0) ack 2001 <nop,nop,sack 1:1001 3001:4001>", "+0 read 9000 = 2000", "+0 < . 2001:3001(1000) ack 1", "+0 > . 1:1(0) ack 4001 <>", "+0 read 9000 = 2000")},
    {"an ACK waits 40 ms, or for a second full segment, or goes with data", "", SCRIPT(
        OPENED, "+0 < . 1:1001(1000) ack 1", "+.04 > . 1:1(0) ack 1001", "+0 < . 1001:2001(1000) ack 1", "+.01 < . 2001:3001(1000) ack 1", "+0 > . 1:1(0) ack 3001",
        "+0 < P. 3001:3011(10) ack 1", "+.02 write 5 = 5", "+0 > P. 1:6(5) ack 3011", "+.01 < . 3011:3011(0) ack 6", "+0 > nothing")},
    {"a segment out of the window, an old one and an empty one before it are answered at once", "", SCRIPT(
        OPENED, "+0 < P. 1:11(10) ack 1", "+.04 > . 1:1(0) ack 11", "+0 < P. 1:11(10) ack 1", "+0 > . 1:1(0) ack 11", "+0 < . 4000011:4000021(10) ack 1", "+0 > . 1:1(0) ack 11",
        "+0 < . 10:10(0) ack 1", "+0 > . 1:1(0) ack 11", "+0 < . 11:11(0) ack 500", "+0 > . 1:1(0) ack 11", "+0 read 100 = 10", "+0 read 100 = -11")},
    {"old time stamps", "", SCRIPT(
        "+0 listen 1 = 0", "+0 < S 0:0(0) win 64240 <mss 1460,nop,nop,TS val 700 ecr 0>", "+0 > S. 0:0(0) ack 1", "+.02 < . 1:1(0) ack 1 <nop,nop,TS val 710 ecr *>", "+0 accept = 0",
        "+0 < P. 1:11(10) ack 1 <nop,nop,TS val 705 ecr *>", "+0 > . 1:1(0) ack 1 <nop,nop,TS val * ecr 710>", "+0 read 10 = -11")},
    {"a short write waits for what is out", "", SCRIPT(
        OPENED, "+0 write 10 = 10", "+0 > P. 1:11(10) ack 1", "+.01 write 10 = 10", "+.01 write 10 = 10", "+.01 < . 1:1(0) ack 11", "+0 > P. 11:31(20) ack 1", "+0 nodelay 1 = 0",
        "+0 write 5 = 5", "+0 > P. 31:36(5) ack 1")},
    // RFC 9293 section 3.10.7.1.
    {"nobody has that port", "", SCRIPT(
        "+0 < S 7:7(0) <mss 1000>", "+0 > R. 0:0(0) ack 8", "+0 < . 5:15(10) ack 20", "+0 > R 20:20(0)", "+0 < F 5:6(1)", "+0 > R. 0:0(0) ack 7", "+0 < R 0:0(0)", "+0 > nothing")},
    {"a listener wants SYNs", "", SCRIPT(
        "+0 listen 1 = 0", "+0 < . 5:15(10) ack 20", "+0 > R 20:20(0)", "+0 < F. 5:5(0) ack 20", "+0 > R 20:20(0)", "+0 < R 0:0(0)", "+0 < SF 0:0(0)", "+0 > nothing")},
    // RFC 5961: only a reset with exactly the next number is believed, and a SYN never is.
    {"a reset that misses, a SYN, and one that does not miss", "", SCRIPT(
        OPENED, "+0 < R 11:11(0)", "+0 > . 1:1(0) ack 1", "+.1 < S 1:1(0)", "+0 > . 1:1(0) ack 1", "+.1 < R 9000000:9000000(0)", "+.1 < R 1:1(0)", "+0 read 10 = -104", "+0 read 10 = 0",
        "+0 write 1 = -32", "+0 < . 1:1(0) ack 1", "+0 > R 1:1(0)", "+0 close = 0")},
    {"we close first", "", SCRIPT(
        OPENED, "+0 close = 0", "+0 > F. 1:1(0) ack 1", "+.01 < . 1:1(0) ack 2", "+5 < P. 1:1(0) ack 2", "+1 < F. 1:1(0) ack 2", "+0 > . 2:2(0) ack 2", "+0 > nothing", "+1 < F. 1:1(0) ack 2",
        "+0 > . 2:2(0) ack 2", "+59 < F. 1:1(0) ack 2", "+0 > . 2:2(0) ack 2", "+60.1 < F. 1:1(0) ack 2", "+0 > R 2:2(0)", "+0 > nothing")},
    {"the peer closes first", "", SCRIPT(
        OPENED, "+0 < FP. 1:11(10) ack 1", "+0 > . 1:1(0) ack 12", "+0 state = 8", "+0 read 100 = 10", "+0 read 100 = 0", "+.1 write 10 = 10", "+0 > P. 1:11(10) ack 12",
        "+.01 < . 12:12(0) ack 11", "+0 close = 0", "+0 > F. 11:11(0) ack 12", "+.01 < . 12:12(0) ack 12", "+.1 < . 12:12(0) ack 12", "+0 > R 12:12(0)", "+0 > nothing")},
    {"both close at once", "", SCRIPT(
        OPENED, "+0 shutdown 1 = 0", "+0 > F. 1:1(0) ack 1", "+0 state = 4", "+.01 < F. 1:1(0) ack 1", "+0 > . 2:2(0) ack 2", "+0 state = 11", "+.01 < . 2:2(0) ack 2",
        "+0 state = 6", "+0 read 1 = 0", "+0 close = 0", "+0 > nothing")},
    {"we say no more, the peer goes on", "", SCRIPT(
        OPENED, "+0 write 5 = 5", "+0 > P. 1:6(5) ack 1", "+0 shutdown 1 = 0", "+0 > F. 6:6(0) ack 1", "+.1 < . 1:1(0) ack 7", "+0 state = 5", "+0 < P. 1:11(10) ack 7",
        "+.04 > . 7:7(0) ack 11", "+0 read 100 = 10", "+0 < F. 11:11(0) ack 7", "+0 > . 7:7(0) ack 12", "+0 read 100 = 0", "+0 state = 6")},
    {"a FIN goes again", "", SCRIPT(
        OPENED, "+0 write 5 = 5", "+0 > P. 1:6(5) ack 1", "+.1 < . 1:1(0) ack 6", "+0 close = 0", "+0 > F. 6:6(0) ack 1", "+.3 > F. 6:6(0) ack 1", "+.6 > F. 6:6(0) ack 1",
        "+.01 < . 1:1(0) ack 7", "+0 < F. 1:1(0) ack 7", "+0 > . 7:7(0) ack 2", "+0 > nothing")},
    {"closing without lingering resets", "", SCRIPT(OPENED, "+0 write 5 = 5", "+0 > P. 1:6(5) ack 1", "+0 linger 1 = 0", "+0 close = 0", "+0 > R. 6:6(0) ack 1", "+0 > nothing")},
    {"notification of congestion is not agreed to unasked", "", SCRIPT(
        "+0 listen 1 = 0", "+0 < SEW 0:0(0) win 65535 <mss 1000>", "+0 > plain S. 0:0(0) ack 1", "+.01 < . 1:1(0) ack 1", "+0 accept = 0", "+0 < ce P. 1:1001(1000) ack 1",
        "+.04 > plain . 1:1(0) ack 1001", "+0 write 5 = 5", "+0 > plain P. 1:6(5) ack 1001")},
    // RFC 3168 section 6.1.
    {"notification of congestion, told and heard", ECN, SCRIPT(
        "+0 listen 1 = 0", "+0 < SEW 0:0(0) win 65535 <mss 1000>", "+0 > plain S.E 0:0(0) ack 1", "+.01 < . 1:1(0) ack 1", "+0 accept = 0", "+0 < ce P. 1:1001(1000) ack 1",
        "+.04 > plain .E 1:1(0) ack 1001", "+0 < . 1001:2001(1000) ack 1", "+.04 > plain .E 1:1(0) ack 2001", "+0 < .W 2001:3001(1000) ack 1", "+.04 > plain . 1:1(0) ack 3001",
        "+0 write 5000 = 5000", "+0 > ect0 . 1:1001(1000) ack 3001", "+0 > ect0 . 1001:2001(1000) ack 3001", "+0 > ect0 . 2001:3001(1000) ack 3001",
        "+0 > ect0 . 3001:4001(1000) ack 3001", "+0 > ect0 P. 4001:5001(1000) ack 3001", "+.05 < .E 3001:3001(0) ack 5001", "+0 cwnd = 2", "+0 write 1000 = 1000",
        "+0 > ect0 P.W 5001:6001(1000) ack 3001", "+.01 < . 3001:3001(0) ack 6001", "+0 write 1000 = 1000", "+0 > ect0 P. 6001:7001(1000) ack 3001")},
    {"we ask for notification of congestion, the second time no more", ECN, SCRIPT(
        "+0 connect 80 = -115", "+0 > plain SEW 0:0(0)", "+1 > plain S 0:0(0)", "+.1 < S. 0:0(0) ack 1", "+0 > plain . 1:1(0) ack 1")},
    {"closing with something unread resets", "", SCRIPT(OPENED, "+0 < P. 1:6(5) ack 1", "+0 close = 0", "+0 > R. 1:1(0) ack 6", "+0 > nothing")},
};
enum { N_SCRIPTS = sizeof scripts / sizeof scripts[0] };

int main(int argc, char **argv)
{
  alarm(LIMIT_S);   // a call that never ends is told, too
  static struct CMUnitTest tests[2 * N_SCRIPTS];
  static char names[2 * N_SCRIPTS][100];
  void *so = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) : NULL;
  if (so) *(void **)&interface_init = dlsym(so, "packetdrill_interface_init");
  if (!so || !interface_init) {
    fprintf(stderr, "packetdrill_script_test: %s\n", argc == 2 ? dlerror() : "the shared object is its argument");
    return 2;
  }
  for (size_t i = 0; i < 2 * N_SCRIPTS; i++) {
    const struct script *s = &scripts[i / 2];
    snprintf(names[i], sizeof names[i], "script: %s (%s)", s->name, i % 2 ? "rtl" : "ref");
    tests[i] = (struct CMUnitTest){.name = names[i], .test_func = i % 2 ? test_rtl : test_ref, .initial_state = (void *)(uintptr_t)s};
  }
  return cmocka_run_group_tests_name("packetdrill scripts", tests, NULL, NULL);
}
