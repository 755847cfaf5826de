// SPDX-License-Identifier: Apache-2.0
#include "tools/hand.h"

#include <limits.h>
#include <string.h>

static const uint8_t nic_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint32_t nic_ip = 0x0a000001, peer_ip = 0x0a000002;

struct nic *hand_nic(void)
{
  char err[STIM_ERR_LEN];
  struct nic_options o = {.mtu = HAND_MTU, .seed = 1, .check = true};
  memcpy(o.mac, nic_mac, 6);
  return nic_open(&o, err);
}

void hand_open(struct nic *n, const struct flow_open *f)
{
  struct flow_open o = *f;
  o.local_ip = nic_ip;
  o.remote_ip = peer_ip;
  o.local_port = HAND_PORT;
  o.remote_port = (uint16_t)(HAND_PEER_PORT + f->flow);
  memcpy(o.local_mac, nic_mac, 6);
  memcpy(o.remote_mac, peer_mac, 6);
  n->base.engine->ops->open(n->base.engine, &o);
}

size_t hand_frame(uint8_t frame[static HAND_FRAME], unsigned flow, const struct segment *s)
{
  enum { AT = ETH_HDR_BYTES + IPV4_HDR_BYTES };
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  struct segment out = *s;
  out.src_port = (uint16_t)(HAND_PEER_PORT + flow);
  out.dst_port = HAND_PORT;
  memcpy(eth.dst, nic_mac, 6);
  memcpy(eth.src, peer_mac, 6);
  eth_emit(frame, ETH_HDR_BYTES, &eth);
  size_t n = segment_emit(&out, peer_ip, nic_ip, frame + AT, HAND_FRAME - AT);
  ipv4_emit(frame + ETH_HDR_BYTES, IPV4_HDR_BYTES, peer_ip, nic_ip, IPV4_PROTO_TCP, 0, n);
  return AT + n;
}

void hand_input(struct nic *n, const uint8_t *frame, size_t len) { n->base.ops->input(&n->base, frame, len, n->now_us); }
bool hand_run(struct nic *n, uint64_t now_us, unsigned *budget) { return n->base.ops->run(&n->base, now_us, budget); }
struct check *hand_failed(struct nic *n) { return n->base.ops->failed(&n->base); }

bool hand_hear(struct nic *n, unsigned *flow, struct segment *s)
{
  enum { AT = ETH_HDR_BYTES + IPV4_HDR_BYTES };
  const uint8_t *frame;
  size_t len;
  if (!n->base.ops->next_frame(&n->base, &frame, &len)) return false;
  *flow = UINT_MAX;
  if (len > AT && segment_parse(s, nic_ip, peer_ip, frame + AT, len - AT) == SEGMENT_OK && s->src_port == HAND_PORT)
    *flow = s->dst_port - (unsigned)HAND_PEER_PORT;
  return true;
}
