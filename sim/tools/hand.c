// SPDX-License-Identifier: Apache-2.0
#include "tools/hand.h"

#include <limits.h>
#include <string.h>

static const uint8_t nic_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

struct nic *hand_nic(void) { return hand_nic_recorded(NULL); }

struct nic *hand_nic_recorded(struct recording *r)
{
  char err[STIM_ERR_LEN];
  struct nic_options o = {.mtu = HAND_MTU, .seed = 1, .check = true, .recording = r};
  memcpy(o.mac, nic_mac, 6);
  return nic_open(&o, err);
}

void hand_open(struct nic *n, const struct flow_open *f)
{
  struct flow_open o = *f;
  o.local_ip = HAND_NIC_IP;
  o.remote_ip = HAND_PEER_IP;
  o.local_port = HAND_PORT;
  if (!o.remote_port) o.remote_port = (uint16_t)(HAND_PEER_PORT + f->flow);
  memcpy(o.local_mac, nic_mac, 6);
  memcpy(o.remote_mac, peer_mac, 6);
  n->base.engine->ops->open(n->base.engine, &o);
}

static size_t frame_of(uint8_t *frame, const uint8_t *from, const uint8_t *to, uint32_t src, uint32_t dst, const struct segment *s)
{
  enum { AT = ETH_HDR_BYTES + IPV4_HDR_BYTES };
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  memcpy(eth.dst, to, 6);
  memcpy(eth.src, from, 6);
  eth_emit(frame, ETH_HDR_BYTES, &eth);
  size_t n = segment_emit(s, src, dst, frame + AT, HAND_FRAME - AT);
  ipv4_emit(frame + ETH_HDR_BYTES, IPV4_HDR_BYTES, src, dst, IPV4_PROTO_TCP, 0, n);
  return AT + n;
}

size_t hand_frame(uint8_t frame[static HAND_FRAME], unsigned flow, const struct segment *s)
{
  struct segment out = *s;
  out.src_port = (uint16_t)(HAND_PEER_PORT + flow);
  out.dst_port = HAND_PORT;
  return frame_of(frame, peer_mac, nic_mac, HAND_PEER_IP, HAND_NIC_IP, &out);
}

size_t hand_answer(uint8_t frame[static HAND_FRAME], unsigned flow, const struct segment *s)
{
  struct segment out = *s;
  out.src_port = HAND_PORT;
  out.dst_port = (uint16_t)(HAND_PEER_PORT + flow);
  return frame_of(frame, nic_mac, peer_mac, HAND_NIC_IP, HAND_PEER_IP, &out);
}

void hand_input(struct nic *n, const uint8_t *frame, size_t len) { n->base.ops->input(&n->base, frame, len, n->now_us); }
bool hand_run(struct nic *n, uint64_t now_us, unsigned *budget) { return n->base.ops->run(&n->base, now_us, budget); }
struct check *hand_failed(struct nic *n) { return n->base.ops->failed(&n->base); }

unsigned hand_flow_of(const uint8_t *frame, size_t len, struct segment *s)
{
  enum { AT = ETH_HDR_BYTES + IPV4_HDR_BYTES };
  bool is = len > AT && segment_parse(s, HAND_NIC_IP, HAND_PEER_IP, frame + AT, len - AT) == SEGMENT_OK && s->src_port == HAND_PORT;
  return is ? s->dst_port - (unsigned)HAND_PEER_PORT : UINT_MAX;
}

bool hand_hear(struct nic *n, unsigned *flow, struct segment *s)
{
  const uint8_t *frame;
  size_t len;
  if (!n->base.ops->next_frame(&n->base, &frame, &len)) return false;
  *flow = hand_flow_of(frame, len, s);
  return true;
}
