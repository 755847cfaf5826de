// SPDX-License-Identifier: Apache-2.0
// What a frame is, by its bytes alone; what the assembler's frames must look like; rings of bytes by sequence number.
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "check/priv.h"
#include "net/eth.h"
#include "net/ipv4.h"
#include "tcp/segment.h"

enum { TCP_OFF = ETH_HDR_BYTES + IPV4_HDR_BYTES };

// TCP over IPv4 without options, as long as it says.
static enum rx_class_e tcp_class(const uint8_t *ip, uint16_t total_len)
{
  if (total_len < IPV4_HDR_BYTES + TCP_HEADER_MIN) return RX_DROP_TRUNCATED;
  const uint8_t *tcp = ip + IPV4_HDR_BYTES;
  uint16_t len = (uint16_t)(total_len - IPV4_HDR_BYTES);
  unsigned hdr = (tcp[12] >> 4) * 4u;
  if (hdr < TCP_HEADER_MIN || hdr > len) return RX_DROP_TCP_HEADER;
  uint32_t sum = ipv4_pseudo_sum(get_be32(ip + 12), get_be32(ip + 16), IPV4_PROTO_TCP, len);
  return cksum_fold(cksum_add(sum, tcp, len)) ? RX_DROP_TCP_CSUM : RX_LOOKUP;
}

static enum rx_class_e ipv4_class(const uint8_t *ip, size_t room)
{
  if (room < IPV4_HDR_BYTES) return RX_DROP_TRUNCATED;
  unsigned hdr = (ip[0] & 15) * 4u;
  uint16_t total_len = get_be16(ip + 2);
  if (ip[0] >> 4 != 4 || hdr < IPV4_HDR_BYTES) return RX_DROP_IP_HEADER;
  if (total_len < hdr || total_len > room) return RX_DROP_TRUNCATED;
  if (hdr != IPV4_HDR_BYTES) return RX_SLOW_OPTIONS;
  if (cksum_fold(cksum_add(0, ip, IPV4_HDR_BYTES))) return RX_DROP_IP_CSUM;
  if (get_be16(ip + 6) & 0x3fff) return RX_SLOW_FRAGMENT;   // offset, more fragments
  if (ip[9] != IPV4_PROTO_TCP) return RX_SLOW_PROTO;
  return tcp_class(ip, total_len);
}

static void describe_options(const uint8_t *p, size_t len, struct rx_desc *d)
{
  struct segment_options o = {0};
  struct segment_sack b[SEGMENT_SACK_MAX] = {0};
  segment_parse_options(&o, p, len);
  memcpy(b, o.sack, o.n_sack * sizeof *b);
  d->has_ts = o.has_timestamps;
  d->tsval = o.tsval;
  d->tsecr = o.tsecr;
  d->n_sack = o.n_sack;
  d->sack0_start = b[0].start, d->sack0_end = b[0].end;
  d->sack1_start = b[1].start, d->sack1_end = b[1].end;
  d->sack2_start = b[2].start, d->sack2_end = b[2].end;
  d->sack3_start = b[3].start, d->sack3_end = b[3].end;
}

static void describe(const uint8_t *frame, struct rx_desc *d)
{
  const uint8_t *ip = frame + ETH_HDR_BYTES, *tcp = frame + TCP_OFF;
  uint8_t hdr = (uint8_t)((tcp[12] >> 4) * 4);
  d->remote_ip = get_be32(ip + 12);
  d->local_ip = get_be32(ip + 16);
  d->remote_port = get_be16(tcp);
  d->local_port = get_be16(tcp + 2);
  d->seq = seq_of(get_be32(tcp + 4));
  d->ack = seq_of(get_be32(tcp + 8));
  d->flags = tcp[13] & 31;
  d->wnd = get_be16(tcp + 14);
  d->pay_off = (uint8_t)(TCP_OFF + hdr);
  d->pay_len = (uint16_t)(get_be16(ip + 2) - IPV4_HDR_BYTES - hdr);
  describe_options(tcp + TCP_HEADER_MIN, hdr - TCP_HEADER_MIN, d);
}

// The order is that in which a layer can be trusted; rx_class_e has the meanings.
static enum rx_class_e class_of(const struct check_config *c, const uint8_t *frame, size_t len)
{
  if (len > c->max_frame) return RX_DROP_OVERSIZE;
  if (len < ETH_HDR_BYTES) return RX_DROP_RUNT;
  if (memcmp(frame, c->mac, 6) != 0 && !eth_is_group(frame)) return RX_DROP_NOT_OUR_MAC;
  uint16_t type = get_be16(frame + 12);
  if (type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ) return RX_DROP_VLAN;
  if (type != ETH_TYPE_IPV4) return RX_SLOW_ETHERTYPE;
  return ipv4_class(frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES);
}

enum rx_class_e frame_class(const struct check_config *c, const uint8_t *frame, size_t len, struct rx_desc *d)
{
  enum rx_class_e class_id = class_of(c, frame, len);
  *d = (struct rx_desc){.class_id = class_id, .frame_len = (uint16_t)len, .beats = (uint16_t)((len + c->beat_bytes - 1) / c->beat_bytes)};
  if (class_id == RX_LOOKUP) describe(frame, d);
  return class_id;
}

static void put_mac(uint8_t out[static 6], uint64_t mac)
{
  put_be16(out, (uint16_t)(mac >> 32));
  put_be32(out + 2, (uint32_t)mac);
}

size_t frame_make(const struct check *k, const struct check_flow *f, const struct tx_desc *d, const struct rcv_header *h, uint8_t *out)
{
  const struct host_cmd *o = &f->open;
  uint8_t payload[1 << 14];
  struct eth_hdr eth = {.type = ETH_TYPE_IPV4};
  put_mac(eth.dst, o->remote_mac);
  put_mac(eth.src, o->local_mac);
  ring_load(f->tx, k->cfg.tx_ring_bytes, d->seq, payload, d->len);
  struct segment s = {
      .src_port = o->local_port, .dst_port = o->remote_port, .seq = d->seq, .ack = h->ack, .window = h->wnd,
      .flags = (uint8_t)(TCP_ACK | (d->fin ? TCP_FIN : 0) | (d->psh ? TCP_PSH : 0) | (d->kind == TX_RST ? TCP_RST : 0)),
      .payload = payload, .payload_len = d->len,
      .opt = {.has_timestamps = h->has_ts, .tsval = core_tsval(k->now_us), .tsecr = h->tsecr, .n_sack = h->n_sack},
  };
  for (unsigned i = 0; i < h->n_sack; i++) s.opt.sack[i] = (struct segment_sack){h->sack[i].start, h->sack[i].end};
  size_t len = segment_emit(&s, o->local_ip, o->remote_ip, out + TCP_OFF, (1u << 14) + TCP_HEADER_MAX);
  eth_emit(out, ETH_HDR_BYTES, &eth);
  ipv4_emit(out + ETH_HDR_BYTES, IPV4_HDR_BYTES, o->local_ip, o->remote_ip, IPV4_PROTO_TCP, k->ip_id, len);
  return TCP_OFF + len;
}

static const struct {
  unsigned off, len;
  const char *name;
} part[] = {
    {0, 6, "destination MAC"}, {6, 6, "source MAC"}, {12, 2, "EtherType"}, {14, 2, "IP version, TOS"}, {16, 2, "IP length"}, {18, 2, "IP id"},
    {20, 2, "IP fragment"}, {22, 2, "TTL, protocol"}, {24, 2, "IP checksum"}, {26, 4, "source IP"}, {30, 4, "destination IP"},
    {34, 2, "source port"}, {36, 2, "destination port"}, {38, 4, "sequence number"}, {42, 4, "acknowledgment"},
    {46, 2, "offset, flags"}, {48, 2, "window"}, {50, 2, "TCP checksum"}, {52, 2, "urgent pointer"},
};

static uint64_t number(const uint8_t *p, unsigned len)
{
  uint64_t v = 0;
  while (len--) v = v << 8 | *p++;
  return v;
}

bool frame_same(struct check *k, int flow, const char *rule, const uint8_t *want, size_t want_len, const uint8_t *got, size_t got_len)
{
  size_t n = want_len < got_len ? want_len : got_len, at = 0;
  if (want_len == got_len && memcmp(want, got, n) == 0) return true;
  while (at < n && want[at] == got[at]) at++;
  diff(k, flow, rule, "A frame of %zu bytes differs from what it must be (%zu bytes), from byte %zu on.", got_len, want_len, at);
  diff_row(k, "length", want_len, got_len, false);
  for (size_t i = 0; i < N_FIELDS(part); i++)
    if (part[i].off + part[i].len <= n && memcmp(want + part[i].off, got + part[i].off, part[i].len) != 0)
      diff_row(k, part[i].name, number(want + part[i].off, part[i].len), number(got + part[i].off, part[i].len), true);
  if (at >= 54 && at < n) diff_row(k, "first byte", want[at], got[at], true);
  return false;
}

// The low bits of a sequence number are a byte's place (DESIGN section 4).
void ring_store(uint8_t *ring, uint32_t bytes, struct seq at, const uint8_t *data, size_t len)
{
  size_t off = at.v & (bytes - 1), head = bytes - off < len ? bytes - off : len;
  memcpy(ring + off, data, head);
  memcpy(ring, data + head, len - head);
}

void ring_load(const uint8_t *ring, uint32_t bytes, struct seq at, uint8_t *out, size_t len)
{
  size_t off = at.v & (bytes - 1), head = bytes - off < len ? bytes - off : len;
  memcpy(out, ring + off, head);
  memcpy(out + head, ring, len - head);
}
