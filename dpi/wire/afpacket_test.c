// SPDX-License-Identifier: Apache-2.0
// afpacket on a veth pair, in a network namespace of the test's own: nothing of the host is touched, and all of it is
// gone when the test ends. The far end (lwt1) has no address in the kernel: the test itself plays the peer there.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants the three above first
#include <cmocka.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "wire/wire.h"

#define NEAR_IF "lwt0"  // the kernel's end: 10.9.7.1/24
#define FAR_IF "lwt1"   // ours alone
static const uint8_t near_mac[6] = {2, 0, 0, 0, 9, 1}, far_mac[6] = {2, 0, 0, 0, 9, 2}, own_mac[6] = {2, 0, 0, 0, 9, 7};
enum { NEAR_IP = 0x0a090701, FAR_IP = 0x0a090702, OTHER_IP = 0x0a090799, PATIENCE_MS = 3000 };
enum { TCP_SYN = 2, TCP_RST = 4, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP = 1, IP = 14, L4 = 34, ETHERTYPE_TEST = 0x88b5 };

// --- the namespace ---

static int write_text(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = write(fd, text, strlen(text));
  close(fd);
  return n == (ssize_t)strlen(text) ? 0 : -1;
}

// As root a network namespace; else a user namespace around it, in which we are root.
static int enter_namespace(void)
{
  char map[64];
  unsigned uid = getuid(), gid = getgid();
  if (unshare(CLONE_NEWNET) == 0) return 0;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return -1;
  snprintf(map, sizeof map, "0 %u 1", uid);
  if (write_text("/proc/self/uid_map", map) != 0 || write_text("/proc/self/setgroups", "deny") != 0) return -1;
  snprintf(map, sizeof map, "0 %u 1", gid);
  return write_text("/proc/self/gid_map", map);
}

static int set_up(void **state)
{
  (void)state;
  if (enter_namespace() != 0) {
    fprintf(stderr, "afpacket_test: cannot make a network namespace: %s. This test needs root, or unprivileged user namespaces.\n",
            strerror(errno));
    return -1;
  }
  if (system("set -e; ip link add " NEAR_IF " address 02:00:00:00:09:01 type veth peer name " FAR_IF " address 02:00:00:00:09:02;"
             "ip link add lwt2 type veth peer name lwt3;"
             "for i in lwt0 lwt1 lwt2 lwt3; do ip link set $i addrgenmode none; done;"
             "for i in lwt0 lwt1 lwt3; do ip link set $i up; done;"
             "ip addr add 10.9.7.1/24 dev " NEAR_IF ";"
             "ip neigh add 10.9.7.2 lladdr 02:00:00:00:09:02 nud permanent dev " NEAR_IF) != 0) {
    fprintf(stderr, "afpacket_test: cannot make a veth pair: this test needs the `ip` program (iproute2) and the veth module\n");
    return -1;
  }
  return 0;
}

// --- wires and frames ---

static struct wire *open_or_fail(const struct wire_afpacket_opts *o)
{
  char err[WIRE_ERR_LEN] = "";
  struct wire *w = wire_afpacket_open(o, err);
  if (!w) fail_msg("%s", err);
  return w;
}

static struct wire *open_plain(const char *ifname, const uint8_t *mac)
{
  struct wire_afpacket_opts o = {.ifname = ifname};
  memcpy(o.mac, mac, 6);
  return open_or_fail(&o);
}

static struct wire_afpacket_opts shared(uint32_t ip, const uint16_t *ports, size_t n)
{
  struct wire_afpacket_opts o = {.ifname = NEAR_IF, .shared_ip = true, .ip = ip, .ports = ports, .n_ports = n};
  memcpy(o.mac, near_mac, 6);
  return o;
}

static uint8_t rx[WIRE_FRAME_MAX];

// The next frame into rx; fails when none comes.
static size_t take(struct wire *w)
{
  for (;;) {
    int n = wire_recv(w, rx, sizeof rx);
    if (n > 0) return (size_t)n;
    if (n < 0) fail_msg("%s", w->err);
    struct pollfd p = {.fd = wire_fd(w), .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) == 0) fail_msg("no frame came");
  }
}

static size_t eth(uint8_t *f, const uint8_t *dst, const uint8_t *src, uint16_t type)
{
  memcpy(f, dst, 6);
  memcpy(f + 6, src, 6);
  put_be16(f + 12, type);
  return 14;
}

static size_t test_frame(uint8_t *f, const uint8_t *dst, const uint8_t *src, uint8_t mark, size_t len)
{
  eth(f, dst, src, ETHERTYPE_TEST);
  memset(f + 14, mark, len - 14);
  return len;
}

// An IPv4 frame from the far end with 20 bytes behind its header: a SYN from port 4000 when proto is TCP.
static size_t ip_frame(uint8_t *f, uint8_t proto, uint32_t dst, uint16_t dport, uint16_t frag)
{
  eth(f, near_mac, far_mac, 0x0800);
  memset(f + IP, 0, 40);
  f[IP] = 0x45;
  put_be16(f + IP + 2, 40);
  put_be16(f + IP + 6, frag);
  f[IP + 8] = 64;
  f[IP + 9] = proto;
  put_be32(f + IP + 12, FAR_IP);
  put_be32(f + IP + 16, dst);
  put_be16(f + IP + 10, cksum_fold(cksum_add(0, f + IP, 20)));
  put_be16(f + L4, 4000);
  put_be16(f + L4 + 2, dport);
  put_be32(f + L4 + 4, 1000);
  f[L4 + 12] = 5 << 4;
  f[L4 + 13] = TCP_SYN;
  put_be16(f + L4 + 14, 8192);
  put_be16(f + L4 + 16, cksum_fold(cksum_add(cksum_add(PROTO_TCP + 20, f + IP + 12, 8), f + L4, 20)));
  return 54;
}

static size_t arp_frame(uint8_t *f, uint16_t op)
{
  eth(f, near_mac, far_mac, 0x0806);
  static const uint8_t fixed[6] = {0, 1, 8, 0, 6, 4};
  memcpy(f + 14, fixed, 6);
  put_be16(f + 20, op);
  memcpy(f + 22, far_mac, 6);
  put_be32(f + 28, FAR_IP);
  memcpy(f + 32, near_mac, 6);
  put_be32(f + 38, NEAR_IP);
  return 42;
}

static void send_syn(struct wire *w, uint16_t dport)
{
  uint8_t f[64];
  assert_true(wire_send(w, f, ip_frame(f, PROTO_TCP, NEAR_IP, dport, 0)));
}

// The next TCP segment that the kernel sends, of whatever kind, must be a RST; its source port.
static uint16_t next_rst_port(struct wire *w)
{
  do assert_true(take(w) >= 20);
  while (get_be16(rx + 12) != 0x0800 || rx[IP + 9] != PROTO_TCP);
  assert_true(rx[L4 + 13] & TCP_RST);
  return get_be16(rx + L4);
}

// --- plain wires ---

static void test_afpacket_carries_frames_both_ways(void **state)
{
  (void)state;
  struct wire *a = open_plain(NEAR_IF, own_mac), *b = open_plain(FAR_IF, far_mac);
  uint8_t f[1514];
  static const size_t lens[] = {14, 15, 60, 61, 577, 1513, 1514};
  uint64_t bytes = 0;
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    assert_true(wire_send(a, f, test_frame(f, far_mac, own_mac, (uint8_t)i, lens[i])));
    assert_int_equal(take(b), lens[i]);
    assert_memory_equal(rx, f, lens[i]);
    assert_true(wire_send(b, f, test_frame(f, own_mac, far_mac, (uint8_t)(i + 100), lens[i])));
    assert_int_equal(take(a), lens[i]);
    assert_memory_equal(rx, f, lens[i]);
    bytes += lens[i];
  }
  assert_int_equal(a->rx_frames, 7);
  assert_int_equal(a->tx_frames, 7);
  assert_int_equal(a->rx_bytes, bytes);
  assert_int_equal(a->tx_bytes, bytes);
  assert_int_equal(a->tx_drops, 0);
  wire_close(a);
  wire_close(b);
}

static void test_afpacket_does_not_hear_its_own_frames(void **state)
{
  (void)state;
  struct wire *a = open_plain(NEAR_IF, own_mac), *b = open_plain(FAR_IF, far_mac);
  uint8_t f[60];
  assert_int_equal(wire_recv(a, rx, sizeof rx), 0);  // and does not wait when there is nothing
  assert_true(wire_send(a, f, test_frame(f, far_mac, own_mac, 1, sizeof f)));
  take(b);
  assert_int_equal(wire_recv(a, rx, sizeof rx), 0);
  wire_close(a);
  wire_close(b);
}

static void test_afpacket_counts_drop_when_frame_too_long_or_too_short(void **state)
{
  (void)state;
  struct wire *a = open_plain(NEAR_IF, near_mac);
  uint8_t f[2000];
  test_frame(f, far_mac, near_mac, 1, sizeof f);
  assert_false(wire_send(a, f, 1515));
  assert_false(wire_send(a, f, 13));
  assert_int_equal(a->tx_drops, 2);
  assert_int_equal(a->tx_frames, 0);
  assert_false(a->dead);
  assert_true(wire_send(a, f, 1514));
  wire_close(a);
}

static void test_afpacket_cuts_frame_to_capacity(void **state)
{
  (void)state;
  struct wire *a = open_plain(NEAR_IF, own_mac), *b = open_plain(FAR_IF, far_mac);
  uint8_t f[100], small[70];
  assert_true(wire_send(b, f, test_frame(f, own_mac, far_mac, 1, sizeof f)));
  struct pollfd p = {.fd = wire_fd(a), .events = POLLIN};
  assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
  assert_int_equal(wire_recv(a, small, sizeof small), sizeof small);
  assert_memory_equal(small, f, sizeof small);
  wire_close(a);
  wire_close(b);
}

static void test_afpacket_puts_vlan_tag_back(void **state)
{
  (void)state;
  struct wire *a = open_plain(NEAR_IF, own_mac), *b = open_plain(FAR_IF, far_mac);
  uint8_t f[80], small[70];
  test_frame(f, own_mac, far_mac, 7, sizeof f);
  put_be16(f + 12, 0x8100);
  put_be16(f + 14, 3 << 13 | 42);
  put_be16(f + 16, ETHERTYPE_TEST);
  assert_true(wire_send(b, f, sizeof f));
  assert_int_equal(take(a), sizeof f);
  assert_memory_equal(rx, f, sizeof f);

  assert_true(wire_send(b, f, sizeof f));
  struct pollfd p = {.fd = wire_fd(a), .events = POLLIN};
  assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
  assert_int_equal(wire_recv(a, small, sizeof small), sizeof small);  // room for the tag and no more than cap
  assert_memory_equal(small, f, sizeof small);
  wire_close(a);
  wire_close(b);
}

static void test_afpacket_counts_frame_with_unfinished_checksum(void **state)
{
  (void)state;
  struct wire *b = open_plain(FAR_IF, far_mac);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(FAR_IP)};
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);  // the kernel leaves a UDP checksum to the veth's offload
  assert_int_equal(sendto(s, "hello", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
  do take(b);
  while (get_be16(rx + 12) != 0x0800 || rx[IP + 9] != PROTO_UDP);
  assert_int_equal(b->rx_unfinished_csum, 1);
  close(s);
  wire_close(b);
}

static void test_afpacket_dies_with_text_when_interface_goes_down(void **state)
{
  (void)state;
  uint8_t f[60];
  assert_int_equal(system("ip link set lwt2 up"), 0);
  struct wire *w = open_plain("lwt2", own_mac);
  assert_int_equal(wire_recv(w, rx, sizeof rx), 0);
  assert_int_equal(system("ip link set lwt2 down"), 0);
  assert_int_equal(wire_recv(w, rx, sizeof rx), -1);
  assert_true(w->dead);
  assert_non_null(strstr(w->err, "afpacket:lwt2: "));
  assert_non_null(strstr(w->err, "down"));
  assert_int_equal(wire_recv(w, rx, sizeof rx), -1);  // and stays so, though the kernel tells only once
  assert_false(wire_send(w, f, test_frame(f, far_mac, own_mac, 1, sizeof f)));
  wire_close(w);
}

static void test_afpacket_send_dies_with_text_when_interface_is_gone(void **state)
{
  (void)state;
  uint8_t f[60];
  assert_int_equal(system("ip link add lwt8 type veth peer name lwt9 && ip link set lwt8 up"), 0);
  struct wire *w = open_plain("lwt8", own_mac);
  assert_int_equal(system("ip link del lwt8"), 0);
  assert_false(wire_send(w, f, test_frame(f, far_mac, own_mac, 1, sizeof f)));
  assert_true(w->dead);
  assert_non_null(strstr(w->err, "afpacket:lwt8: sending: "));
  wire_close(w);
}

static void test_afpacket_close_gives_descriptors_back(void **state)
{
  (void)state;
  static const uint16_t ports[] = {7001, 7002};
  struct wire_afpacket_opts o = shared(NEAR_IP, ports, 2);
  int before = dup(0), after;
  close(before);
  wire_close(open_or_fail(&o));
  after = dup(0);  // the lowest free one: the same when none was left open
  close(after);
  assert_int_equal(after, before);
}

// --- what open refuses ---

static void refuses(const struct wire_afpacket_opts *o, const char *want)
{
  char err[WIRE_ERR_LEN] = "";
  assert_null(wire_afpacket_open(o, err));
  assert_string_equal(err, want);
}

static void test_afpacket_refuses_missing_or_down_interface(void **state)
{
  (void)state;
  refuses(&(struct wire_afpacket_opts){.ifname = "veth9"}, "afpacket:veth9: no such interface");
  refuses(&(struct wire_afpacket_opts){.ifname = ""}, "afpacket:: no such interface");
  refuses(&(struct wire_afpacket_opts){.ifname = "a-name-too-long-for-any-interface-that-a-kernel-has"},
          "afpacket:a-name-too-long-for-any-interfac: no such interface");
  refuses(&(struct wire_afpacket_opts){.ifname = "lwt2"}, "afpacket:lwt2: the interface is down: ip link set lwt2 up");
}

static void test_wire_if_info_gives_mac_and_mtu(void **state)
{
  (void)state;
  uint8_t mac[6];
  unsigned mtu;
  char err[WIRE_ERR_LEN];
  assert_true(wire_if_info(NEAR_IF, mac, &mtu, err));
  assert_memory_equal(mac, near_mac, 6);
  assert_int_equal(mtu, 1500);
  assert_false(wire_if_info("veth9", mac, &mtu, err));
  assert_string_equal(err, "afpacket:veth9: no such interface");
}

static void test_wire_if_has_ip_knows_addresses_of_just_that_interface(void **state)
{
  (void)state;
  assert_true(wire_if_has_ip(NEAR_IF, NEAR_IP));
  assert_false(wire_if_has_ip(NEAR_IF, FAR_IP));
  assert_false(wire_if_has_ip(FAR_IF, NEAR_IP));
  assert_false(wire_if_has_ip("lwt", NEAR_IP));
}

// --- shared address ---

static void test_shared_ip_keeps_kernel_quiet_on_just_its_ports(void **state)
{
  (void)state;
  static const uint16_t ports[] = {7001, 7002};
  struct wire_afpacket_opts o = shared(NEAR_IP, ports, 2);
  struct wire *peer = open_plain(FAR_IF, far_mac);
  send_syn(peer, 7001);
  assert_int_equal(next_rst_port(peer), 7001);  // without us: RST

  struct wire *w = open_or_fail(&o);
  send_syn(peer, 7001);
  send_syn(peer, 7002);
  send_syn(peer, 7003);
  assert_int_equal(next_rst_port(peer), 7003);  // the others came first, and nothing came back
  take(w);
  assert_int_equal(get_be16(rx + L4 + 2), 7001);  // but we saw them
  take(w);
  assert_int_equal(get_be16(rx + L4 + 2), 7002);
  assert_int_equal(wire_recv(w, rx, sizeof rx), 0);  // and not the kernel's

  wire_close(w);
  send_syn(peer, 7002);
  assert_int_equal(next_rst_port(peer), 7002);  // as it was before
  wire_close(peer);
}

static void test_shared_ip_sees_just_tcp_to_its_ports_and_arp_replies(void **state)
{
  (void)state;
  static const uint16_t ports[] = {7001, 7002};
  struct wire_afpacket_opts o = shared(NEAR_IP, ports, 2);
  struct wire *peer = open_plain(FAR_IF, far_mac), *w = open_or_fail(&o);
  uint8_t f[64];
  enum { MORE = 0x2000, OFFSET_100 = 0x2064 };
  wire_send(peer, f, ip_frame(f, PROTO_TCP, NEAR_IP, 7003, 0));
  wire_send(peer, f, ip_frame(f, PROTO_UDP, NEAR_IP, 7001, 0));
  wire_send(peer, f, ip_frame(f, PROTO_TCP, OTHER_IP, 7001, 0));
  wire_send(peer, f, ip_frame(f, PROTO_TCP, NEAR_IP, 7001, OFFSET_100));
  wire_send(peer, f, ip_frame(f, PROTO_TCP, NEAR_IP, 7001, 0) - 18);  // ends before the port
  wire_send(peer, f, arp_frame(f, 1));
  wire_send(peer, f, test_frame(f, near_mac, far_mac, 0, 60));
  size_t n = ip_frame(f, PROTO_TCP, NEAR_IP, 7001, 0);  // the same in a VLAN
  memmove(f + 16, f + 12, n - 12);
  put_be32(f + 12, 0x81000005);
  wire_send(peer, f, n + 4);
  // Of all these none; of the next three each.
  wire_send(peer, f, ip_frame(f, PROTO_TCP, NEAR_IP, 7001, MORE));
  assert_int_equal(take(w), 54);
  assert_int_equal(get_be16(rx + IP + 6), MORE);
  wire_send(peer, f, arp_frame(f, 2));
  assert_int_equal(take(w), 42);
  assert_int_equal(get_be16(rx + 20), 2);
  wire_send(peer, f, ip_frame(f, PROTO_TCP, NEAR_IP, 7002, 0));
  assert_int_equal(take(w), 54);
  assert_int_equal(get_be16(rx + L4 + 2), 7002);
  assert_int_equal(wire_recv(w, rx, sizeof rx), 0);
  wire_close(w);
  wire_close(peer);
}

// A smaller path, and what cannot be reached, is told by ICMP alone (RFC 1191, RFC 1122 section 4.2.3.9).
static void test_shared_ip_sees_icmp_errors_and_no_other_icmp(void **state)
{
  (void)state;
  static const uint16_t port = 7001;
  static const uint8_t others[] = {0, 4, 5, 8, 13}, errors[] = {3, 11, 12};
  struct wire_afpacket_opts o = shared(NEAR_IP, &port, 1);
  struct wire *peer = open_plain(FAR_IF, far_mac), *w = open_or_fail(&o);
  uint8_t f[64];
  for (size_t i = 0; i < sizeof others; i++) {
    size_t n = ip_frame(f, PROTO_ICMP, NEAR_IP, 7001, 0);
    f[L4] = others[i];
    wire_send(peer, f, n);
  }
  size_t n = ip_frame(f, PROTO_ICMP, OTHER_IP, 7001, 0);
  f[L4] = errors[0];
  wire_send(peer, f, n);
  for (size_t i = 0; i < sizeof errors; i++) {   // of all these none; of these each
    n = ip_frame(f, PROTO_ICMP, NEAR_IP, 7001, 0);
    f[L4] = errors[i];
    wire_send(peer, f, n);
    assert_int_equal(take(w), 54);
    assert_int_equal(rx[L4], errors[i]);
  }
  assert_int_equal(wire_recv(w, rx, sizeof rx), 0);
  wire_close(w);
  wire_close(peer);
}

static void test_shared_ip_finds_port_behind_ip_options(void **state)
{
  (void)state;
  static const uint16_t port = 7001;
  struct wire_afpacket_opts o = shared(NEAR_IP, &port, 1);
  struct wire *peer = open_plain(FAR_IF, far_mac), *w = open_or_fail(&o);
  uint8_t f[64];
  size_t n = ip_frame(f, PROTO_TCP, NEAR_IP, 7001, 0);
  memmove(f + L4 + 4, f + L4, 20);
  memset(f + L4, 1, 4);  // four no-operation options
  f[IP] = 0x46;
  wire_send(peer, f, n + 4);
  assert_int_equal(take(w), 58);
  wire_close(w);
  wire_close(peer);
}

static void test_shared_ip_refuses_port_taken_by_another(void **state)
{
  (void)state;
  static const uint16_t ports[] = {7010, 7011};
  struct wire_afpacket_opts o = shared(NEAR_IP, ports, 2);
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7011)};
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(s, (struct sockaddr *)&any, sizeof any), 0);
  assert_int_equal(listen(s, 1), 0);
  refuses(&o, "afpacket:lwt0: shared address: TCP port 7011 of 10.9.7.1 is taken by another process");
  close(s);
  wire_close(open_or_fail(&o));  // 7010 was let go, and 7011 is free now
}

static void test_shared_ip_refuses_foreign_address_and_bad_port_lists(void **state)
{
  (void)state;
  static const uint16_t ports[1025] = {7001};
  struct wire_afpacket_opts o = shared(OTHER_IP, ports, 1);
  refuses(&o, "afpacket:lwt0: shared address: the interface does not hold 10.9.7.153");
  o = shared(NEAR_IP, ports, 0);
  refuses(&o, "afpacket:lwt0: shared address: wants 1 to 1024 TCP ports, not 0");
  o.n_ports = 1025;
  refuses(&o, "afpacket:lwt0: shared address: wants 1 to 1024 TCP ports, not 1025");
}

static void test_shared_ip_takes_hundreds_of_ports(void **state)
{
  (void)state;
  uint16_t ports[600];  // more than a jump offset of a filter can span
  for (uint16_t i = 0; i < 600; i++) ports[i] = (uint16_t)(20000 + i);
  struct wire_afpacket_opts o = shared(NEAR_IP, ports, 600);
  struct wire *peer = open_plain(FAR_IF, far_mac), *w = open_or_fail(&o);
  send_syn(peer, 20599);
  take(w);
  assert_int_equal(get_be16(rx + L4 + 2), 20599);
  wire_close(w);
  wire_close(peer);
}

// --- privileges: in a child, since they do not come back ---

// Runs f in a child; fails unless it returns 0 (else the number of the check that failed).
static void in_child(int (*f)(void))
{
  int status;
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) _exit(f());
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static int child_drops_and_is_refused(void)
{
  char err[WIRE_ERR_LEN] = "";
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct d[2];
  struct wire_afpacket_opts o = {.ifname = NEAR_IF};
  uid_t uid = getuid();
  if (!wire_drop_privileges(err)) return 1;
  if (syscall(SYS_capget, &head, d) != 0) return 2;
  for (int i = 0; i < 2; i++)
    if (d[i].effective || d[i].permitted || d[i].inheritable) return 3;
  for (unsigned long c = 0; c <= CAP_LAST_CAP; c++)
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1) return 4;
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 5;
  if (getuid() != uid) return 6;
  if (wire_afpacket_open(&o, err)) return 7;
  if (strcmp(err, "afpacket:lwt0: raw sockets need CAP_NET_RAW: run as root, or inside `unshare -Urn`") != 0) return 8;
  if (system("ip link add lwt7 type veth peer name lwt6 2>/dev/null") == 0) return 9;  // exec gives nothing back
  return wire_drop_privileges(err) ? 0 : 10;  // a second time does no harm
}

static int child_sends_after_drop(void)
{
  char err[WIRE_ERR_LEN];
  uint8_t f[60];
  struct wire_afpacket_opts o = {.ifname = FAR_IF};
  memcpy(o.mac, far_mac, 6);
  struct wire *w = wire_afpacket_open(&o, err);
  if (!w) return 1;
  if (!wire_drop_privileges(err)) return 2;
  return wire_send(w, f, test_frame(f, near_mac, far_mac, 77, sizeof f)) ? 0 : 3;
}

static void test_drop_privileges_leaves_no_capability_and_no_way_back(void **state)
{
  (void)state;
  in_child(child_drops_and_is_refused);
}

static void test_drop_privileges_keeps_open_wire_usable(void **state)
{
  (void)state;
  struct wire *a = open_plain(NEAR_IF, near_mac);
  in_child(child_sends_after_drop);
  assert_int_equal(take(a), 60);
  assert_int_equal(rx[20], 77);
  wire_close(a);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_afpacket_carries_frames_both_ways),
    cmocka_unit_test(test_afpacket_does_not_hear_its_own_frames),
    cmocka_unit_test(test_afpacket_counts_drop_when_frame_too_long_or_too_short),
    cmocka_unit_test(test_afpacket_cuts_frame_to_capacity),
    cmocka_unit_test(test_afpacket_puts_vlan_tag_back),
    cmocka_unit_test(test_afpacket_counts_frame_with_unfinished_checksum),
    cmocka_unit_test(test_afpacket_dies_with_text_when_interface_goes_down),
    cmocka_unit_test(test_afpacket_send_dies_with_text_when_interface_is_gone),
    cmocka_unit_test(test_afpacket_close_gives_descriptors_back),
    cmocka_unit_test(test_afpacket_refuses_missing_or_down_interface),
    cmocka_unit_test(test_wire_if_info_gives_mac_and_mtu),
    cmocka_unit_test(test_wire_if_has_ip_knows_addresses_of_just_that_interface),
    cmocka_unit_test(test_shared_ip_keeps_kernel_quiet_on_just_its_ports),
    cmocka_unit_test(test_shared_ip_sees_just_tcp_to_its_ports_and_arp_replies),
    cmocka_unit_test(test_shared_ip_sees_icmp_errors_and_no_other_icmp),
    cmocka_unit_test(test_shared_ip_finds_port_behind_ip_options),
    cmocka_unit_test(test_shared_ip_refuses_port_taken_by_another),
    cmocka_unit_test(test_shared_ip_refuses_foreign_address_and_bad_port_lists),
    cmocka_unit_test(test_shared_ip_takes_hundreds_of_ports),
    cmocka_unit_test(test_drop_privileges_leaves_no_capability_and_no_way_back),
    cmocka_unit_test(test_drop_privileges_keeps_open_wire_usable),
  };
  return cmocka_run_group_tests_name("afpacket", tests, set_up, NULL);
}
