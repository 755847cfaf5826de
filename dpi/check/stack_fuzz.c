// SPDX-License-Identifier: Apache-2.0
// Any frames, at any times, into a whole endpoint: the stack over the reference, with programs that echo TCP and UDP and one
// that connects. It stays alive, and the wire monitor finds nothing wrong with what it sends.
//
//   byte 0: the options, whether sequence numbers begin near 2^32, whether it can do ECN
//   then records: flags (below) | time that passes | length, 16 bits | that much of a frame
#include "base/fuzz.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "check/monitor.h"
#include "net/arp.h"
#include "net/eth.h"
#include "net/ipv4.h"
#include "sock/sock.h"
#include "sock/stack.h"
#include "tcp/ref.h"
#include "tcp/segment.h"

enum {   // flags of a record
  FUZZ_IP = 1,        // length and checksum of the IP header put right
  FUZZ_SUM = 2,       // checksum of TCP, UDP, ICMP put right
  FUZZ_RELATIVE = 4,  // TCP's numbers count from what the stack last sent on this connection
};
enum { IP = 0x0a090001, PEER_IP = 0x0a090002, RING = 4096, FLOWS = 4, FRAME = 1514, TALKS = 16, ECHO = 7, UDP_ECHO = 9, AWAY = 80 };
static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

struct bed {
  struct ref *ref;
  struct stack *s;
  struct monitor *monitor;
  uint64_t now_us;
  int listener, datagrams;
  struct { struct seq next, ack; } said[TALKS];   // by the stack, by both ports
};

static unsigned talk(uint16_t ours, uint16_t theirs) { return (ours ^ theirs) % TALKS; }

// --- out -------------------------------------------------------------------------------------------------------------

static void answer_arp(struct bed *b, const uint8_t *frame, size_t len);

static void leaves(struct bed *b, const uint8_t *frame, size_t len)
{
  struct eth_hdr eth;
  struct ipv4_hdr ip;
  struct segment seg;
  assert(len <= FRAME && eth_parse(frame, len, &eth) == ETH_OK);
  monitor_frame(b->monitor, MONITOR_SENT, frame, len, b->now_us);
  const struct monitor_violation *v = monitor_verdict(b->monitor);
  if (v) {
    monitor_print(stderr, v);
    fputc('\n', stderr);
    abort();
  }
  if (eth.type == ETH_TYPE_ARP) {
    answer_arp(b, frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES);
    return;
  }
  assert(ipv4_parse(frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES, &ip) == IPV4_OK && ip.src == IP);
  if (ip.proto != IPV4_PROTO_TCP || segment_parse(&seg, ip.src, ip.dst, frame + ETH_HDR_BYTES + ip.hdr_len, ip.payload_len) != SEGMENT_OK) return;
  unsigned t = talk(seg.src_port, seg.dst_port);
  b->said[t].next = seq_add(seg.seq, segment_seq_len(&seg));
  if (seg.flags & TCP_ACK) b->said[t].ack = seg.ack;
}

static void serve(struct bed *b)
{
  int sid;
  unsigned events;
  char buf[2048];
  struct sock_addr from;
  while (sock_next_ready(b->s, &sid, &events)) {
    if (sid == b->listener)
      while (sock_accept(b->s, sid, NULL) >= 0) {}
    ssize_t n;
    while ((n = sock_recvfrom(b->s, sid, buf, sizeof buf, &from)) > 0) sock_sendto(b->s, sid, buf, (size_t)n, sid == b->datagrams ? &from : NULL);
    if (n != -EAGAIN && sid != b->listener && sid != b->datagrams) sock_close(b->s, sid);
  }
}

static void turn(struct bed *b)
{
  uint8_t frame[FRAME];
  const uint8_t *p;
  size_t len;
  uint16_t flow;
  bool ok, more = true;
  for (unsigned n = 0; more; n++) {
    assert(n < 10000);   // it goes round in circles
    ref_run(b->ref, b->now_us);
    stack_poll(b->s, b->now_us);
    serve(b);
    for (more = false; ref_next_fence(b->ref, &flow, &ok); more = true) stack_fence(b->s, flow, ok, b->now_us);
    for (; (len = stack_output(b->s, frame, sizeof frame)) > 0; more = true) leaves(b, frame, len);
    for (; ref_next_frame(b->ref, &p, &len); more = true) leaves(b, p, len);
    more |= ref_pending(b->ref);
  }
}

// --- in --------------------------------------------------------------------------------------------------------------

static void enters(struct bed *b, const uint8_t *frame, size_t len)
{
  monitor_frame(b->monitor, MONITOR_RECEIVED, frame, len, b->now_us);
  if (!ref_input(b->ref, frame, len, b->now_us)) stack_input(b->s, frame, len, b->now_us);
}

static void answer_arp(struct bed *b, const uint8_t *packet, size_t len)
{
  struct arp_packet a;
  uint8_t frame[ARP_FRAME_BYTES];
  if (arp_parse(packet, len, &a) != ARP_OK || a.op != ARP_OP_REQUEST) return;
  enters(b, frame, arp_emit_reply(frame, sizeof frame, peer_mac, &a));
}

// TCP's numbers in p, relative ones made absolute, then its checksum.
static void repair_payload(const struct bed *b, unsigned flags, uint8_t proto, uint32_t src, uint32_t dst, uint8_t *p, size_t len)
{
  size_t at = proto == IPV4_PROTO_TCP ? 16 : proto == IPV4_PROTO_UDP ? 6 : 2;
  if (flags & FUZZ_RELATIVE && proto == IPV4_PROTO_TCP && len >= TCP_HEADER_MIN) {
    unsigned t = talk(get_be16(p + 2), get_be16(p));
    put_be32(p + 4, get_be32(p + 4) + b->said[t].ack.v);
    put_be32(p + 8, get_be32(p + 8) + b->said[t].next.v);
  }
  if (!(flags & FUZZ_SUM) || len < at + 2) return;
  put_be16(p + at, 0);
  uint32_t sum = proto == IPV4_PROTO_ICMP ? 0 : ipv4_pseudo_sum(src, dst, proto, (uint16_t)len);
  uint16_t right = cksum_fold(cksum_add(sum, p, len));
  put_be16(p + at, proto == IPV4_PROTO_UDP && !right ? UINT16_MAX : right);
}

static void repair(const struct bed *b, unsigned flags, uint8_t *frame, size_t len)
{
  uint8_t *ip = frame + ETH_HDR_BYTES;
  if (len < ETH_HDR_BYTES + IPV4_HDR_BYTES || get_be16(frame + 12) != ETH_TYPE_IPV4) return;
  size_t hdr = (size_t)(ip[0] & 15) * 4, n = len - ETH_HDR_BYTES;
  if (hdr < IPV4_HDR_BYTES || hdr > n) return;
  repair_payload(b, flags, ip[9], get_be32(ip + 12), get_be32(ip + 16), ip + hdr, n - hdr);
  if (!(flags & FUZZ_IP)) return;
  put_be16(ip + 2, (uint16_t)n);
  put_be16(ip + 10, 0);
  put_be16(ip + 10, cksum_fold(cksum_add(0, ip, hdr)));
}

static uint64_t next_deadline(const struct bed *b)
{
  uint64_t s = stack_next_deadline(b->s), r = ref_next_deadline(b->ref);
  return s < r ? s : r;
}

static void pass(struct bed *b, uint64_t us)
{
  uint64_t end = b->now_us + us, at;
  for (unsigned n = 0; (at = next_deadline(b)) <= end; n++) {
    assert(n < 100000);   // nothing asks for so much time
    if (at > b->now_us) b->now_us = at;
    turn(b);
  }
  b->now_us = end;
}

// --- a run -----------------------------------------------------------------------------------------------------------

static void open_bed(struct bed *b, uint8_t choice)
{
  struct ref_config rc = {.num_flows = FLOWS, .tx_ring_bytes = RING, .rx_ring_bytes = RING, .caps = core_caps_full(RING), .seed = 1};
  struct stack_config sc = {.ip = IP, .prefix_len = 24, .mtu = 1500, .seed = 1, .options = choice & 1 ? STACK_OPTIONS_MINIMAL : STACK_OPTIONS_LINUX,
                            .isn_near = choice & 2, .isn_base = UINT32_MAX - 65536};
  rc.caps.ecn = choice & 4;
  *b = (struct bed){.now_us = 1000000};
  memcpy(sc.mac, our_mac, 6);
  b->ref = ref_open(&rc);
  b->s = stack_open(&sc, ref_engine(b->ref), b->now_us);
  b->monitor = monitor_open(&(struct monitor_config){.sent = MONITOR_NEAR, .received = MONITOR_IGNORED, .from_start = true, .max_flows = 64,
                                                    .store_bytes = 1 << 20});
  assert(b->s && b->monitor);
  b->listener = sock_socket(b->s, SOCK_TCP);
  b->datagrams = sock_socket(b->s, SOCK_UDP);
  int client = sock_socket(b->s, SOCK_TCP);
  assert(!sock_bind(b->s, b->listener, 0, ECHO) && !sock_listen(b->s, b->listener, 2) && !sock_bind(b->s, b->datagrams, 0, UDP_ECHO));
  assert(!sock_bind(b->s, client, 0, 1000) && sock_connect(b->s, client, PEER_IP, AWAY) == -EINPROGRESS);
  turn(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bed b;
  if (size < 1) return 0;
  open_bed(&b, data[0]);
  for (data++, size--; size >= 4;) {
    size_t len = get_be16(data + 2) < size - 4 ? get_be16(data + 2) : size - 4;
    uint8_t *frame = fuzz_copy(data + 4, len);
    repair(&b, data[0], frame, len);
    pass(&b, data[1] < 128 ? data[1] * 100u : (data[1] - 127u) * 100000u);
    enters(&b, frame, len);
    free(frame);
    turn(&b);
    data += 4 + len;
    size -= 4 + len;
  }
  pass(&b, 200000000);
  stack_close(b.s);
  ref_close(b.ref);
  monitor_close(b.monitor);
  return 0;
}
