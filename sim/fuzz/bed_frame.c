// SPDX-License-Identifier: Apache-2.0
// The peer's frames: segments that count from where the flow stands, by the model's contexts, and what is broken of them.
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "fuzz/bed_priv.h"

enum {
  IP = ETH_HDR_BYTES, TCP = IP + IPV4_HDR_BYTES, OPTIONS = TCP + TCP_HEADER_MIN, TIMES_MOST = 8, FAR = 1 << 30, FAR_AHEAD = 0x7fff0000,
  BYTES_OF_SEQ = 2654435761u >> 8
};

// Of a flow that is not open: its numbers are nobody's.
static const struct rcv_ctx no_rcv = {.nxt = {0x12345678}, .wnd_end = {0x12345678}};
static const struct snd_ctx no_snd = {.una = {0x23456789}, .max = {0x23456789}};

static void contexts(struct bed *b, const struct bed_flow *f, const struct rcv_ctx **rcv, const struct snd_ctx **snd)
{
  *rcv = &no_rcv;
  *snd = &no_snd;
  b->engine->contexts(b->engine, (uint16_t)(f - b->flow), rcv, snd);
}

// --- numbers -----------------------------------------------------------------------------------------------------------

static struct seq offset(struct seq from, unsigned base, int16_t by, uint16_t mss)
{
  return seq_add(from, (uint32_t)((int32_t)by * (base & FROM_SEGMENTS ? (int32_t)mss : 1)));
}

// Nothing may stand exactly 2^31 from where the flow stands: that is neither before nor behind it.
static struct seq sequence(const struct rcv_ctx *c, unsigned base, int16_t by, uint16_t mss)
{
  const struct seq from[8] = {c->nxt, c->wnd_end, c->ooo0_start, c->ooo0_end, c->ooo1_start, c->fin_seq, seq_add(c->nxt, FAR_AHEAD), seq_add(c->nxt, 0u - FAR)};
  return offset(from[base & 7], base, by, mss);
}

static struct seq acknowledgment(const struct snd_ctx *c, unsigned base, int16_t by, struct seq tail)
{
  const struct seq from[8] = {c->max, c->una, c->nxt, c->recover, seq_add(c->una, 0u - c->max_wnd), c->high_rxt, c->sack0_start, tail};
  return offset(from[base & 7], base, by, c->mss);
}

uint16_t bed_window(uint16_t as_before, uint8_t code)
{
  if (code == 0) return as_before;
  if (code < 3) return code == 1 ? 0 : UINT16_MAX;
  return code < 128 ? (uint16_t)(code * 11) : (uint16_t)(code << 8);
}

static uint32_t later(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0 ? a : b; }

// An honest peer's clock: that of the NIC, or what it has shown already.
static void stamp(const struct bed *b, const struct bed_flow *f, const struct rcv_ctx *c, struct segment_options *o)
{
  o->has_timestamps = f->o.ts_ok;
  o->tsval = later(core_tsval(b->now_us) + f->o.ts_recent, c->ts_recent);
  o->tsecr = f->tsval;
}

static void turn_stamp(struct segment_options *o, enum step_stamp how)
{
  switch (how) {
    case STAMP_TURNED: o->has_timestamps = !o->has_timestamps; break;
    case STAMP_OLD: o->tsval--; break;
    case STAMP_NEW: o->tsval++; break;
    case STAMP_FAR: o->tsval += FAR; break;
    case STAMP_FAR_BACK: o->tsval -= FAR; break;
    case STAMP_NO_ECHO: o->tsecr = 0; break;
    case STAMP_FAR_ECHO: o->tsecr += FAR; break;
    default: break;
  }
}

// From two half segments below SND.UNA on.
static void blocks(const struct step *s, const struct snd_ctx *c, struct segment_options *o)
{
  unsigned half = c->mss / 2u + 1, most = o->has_timestamps ? 3 : 4, n = (s->opt >> 3 & 7) % 5;
  o->n_sack = (uint8_t)(n < most ? n : most);
  for (unsigned i = 0; i < o->n_sack; i++) {
    struct seq start = seq_add(c->una, ((s->sack[i] >> 4) - 2u) * half);
    unsigned len = (s->sack[i] & 15u) * half;
    o->sack[i] = (struct segment_sack){start, seq_add(start, len ? len : 1)};
  }
}

// --- bytes -------------------------------------------------------------------------------------------------------------

// An octet of the peer's stream follows from where it stands, unless somebody wants to confuse.
static void fill(uint8_t *p, size_t len, struct seq at, uint8_t other)
{
  for (size_t i = 0; i < len; i++) p[i] = (uint8_t)(((at.v + (uint32_t)i) * BYTES_OF_SEQ >> 16) + other);
}

static void sum_ip(uint8_t *frame)
{
  put_be16(frame + IP + 10, 0);
  put_be16(frame + IP + 10, cksum_fold(cksum_add(0, frame + IP, IPV4_HDR_BYTES)));
}

// By the length in the IP header, as far as it is there.
static void sum_tcp(uint8_t *frame, size_t len)
{
  size_t n = get_be16(frame + IP + 2) - (size_t)IPV4_HDR_BYTES;
  if (get_be16(frame + IP + 2) < IPV4_HDR_BYTES + TCP_HEADER_MIN || TCP + n > len) return;
  put_be16(frame + TCP + 16, 0);
  uint32_t sum = ipv4_pseudo_sum(get_be32(frame + IP + 12), get_be32(frame + IP + 16), IPV4_PROTO_TCP, (uint16_t)n);
  put_be16(frame + TCP + 16, cksum_fold(cksum_add(sum, frame + TCP, n)));
}

// n bytes come in at `at`, of the IP header when it grows by words, else of TCP's.
static size_t insert(uint8_t *frame, size_t len, size_t at, const uint8_t *bytes, size_t n)
{
  memmove(frame + at + n, frame + at, len - at);
  memcpy(frame + at, bytes, n);
  return len + n;
}

static size_t put32(uint8_t *p, uint32_t v)
{
  put_be32(p, v);
  return 4;
}

// The same options as segment_emit has them, without a NOP, or with more, or with lengths that lie. Returns their bytes, a whole number of words.
static size_t write_options(const struct segment_options *o, enum step_layout how, uint8_t x, uint8_t y, uint8_t out[static 40])
{
  size_t n = 0;
  if (how == LAYOUT_STRANGE) {
    for (unsigned i = x & 3; i; i--) out[n++] = 1;
    out[n++] = (uint8_t)(y | 32);   // nobody's
    out[n++] = (uint8_t)(2 + (x >> 2 & 3));
    while (n % 8 != (x >> 4 & 7)) out[n++] = 1;
  }
  if (o->has_timestamps && n <= 30) {
    out[n++] = 8, out[n++] = 10;
    n += put32(out + n, o->tsval);
    n += put32(out + n, o->tsecr);
  }
  if (o->n_sack) {
    unsigned fit = (unsigned)(38 - n) / 8, blocks_n = o->n_sack < fit ? o->n_sack : fit;
    out[n++] = 5, out[n++] = (uint8_t)(2 + 8 * blocks_n);
    for (unsigned i = 0; i < blocks_n; i++) {
      n += put32(out + n, o->sack[i].start.v);
      n += put32(out + n, o->sack[i].end.v);
    }
  }
  while (n % 4) out[n++] = (uint8_t)(y & 1);
  if (how == LAYOUT_BROKEN && n) out[x % n] = y;
  return n;
}

static size_t lay_out(uint8_t *frame, size_t len, const struct segment_options *o, const struct step *s)
{
  uint8_t options[48] = {0};
  size_t n = write_options(o, (enum step_layout)(s->opt >> 6), s->x, s->y, options);
  len = insert(frame, len, OPTIONS, options, n);
  frame[TCP + 12] = (uint8_t)((TCP_HEADER_MIN + n) / 4 << 4);
  put_be16(frame + IP + 2, (uint16_t)(len - IP));
  sum_ip(frame);
  sum_tcp(frame, len);
  return len;
}

static size_t ip_options(uint8_t *frame, size_t len, uint8_t words)
{
  uint8_t options[40];
  size_t n = 4u * (1 + words % 10u);
  memset(options, 1, sizeof options);
  len = insert(frame, len, TCP, options, n);
  frame[IP] = (uint8_t)(0x45 + n / 4);
  put_be16(frame + IP + 2, (uint16_t)(len - IP));
  put_be16(frame + IP + 10, 0);
  put_be16(frame + IP + 10, cksum_fold(cksum_add(0, frame + IP, IPV4_HDR_BYTES + n)));
  return len;
}

static size_t pad(uint8_t *frame, size_t len, size_t n)
{
  memset(frame + len, 0xa5, n);
  return len + n;
}

static size_t mangle(uint8_t *frame, size_t len, const struct step *s)
{
  static const uint8_t vlan[4] = {0x81, 0, 0, 5};
  size_t at = IP + (s->x + 256u * (s->y >> 6)) % (len - IP);
  switch ((enum step_mangle)s->mangle) {
    case MANGLE_TCP_SUM: frame[TCP + 16 + (s->x & 1)] ^= (uint8_t)(s->y | 1); break;
    case MANGLE_IP_SUM: frame[IP + 10 + (s->x & 1)] ^= (uint8_t)(s->y | 1); break;
    case MANGLE_BYTE: frame[at] = s->y; break;
    case MANGLE_BYTE_SUMMED: frame[at] = s->y; sum_ip(frame); sum_tcp(frame, len); break;
    case MANGLE_CUT: return len - (s->x + 256u * (s->y & 3)) % len;
    case MANGLE_PAD: return pad(frame, len, s->x % 64u);
    case MANGLE_MAC: frame[s->x % 6] ^= s->y; break;
    case MANGLE_VLAN: return insert(frame, len, 12, vlan, sizeof vlan);
    case MANGLE_IP_OPTIONS: return ip_options(frame, len, s->x);
    case MANGLE_FRAGMENT: put_be16(frame + IP + 6, (uint16_t)(s->x << 8 | s->y)); sum_ip(frame); break;
    case MANGLE_OFFSET: frame[TCP + 12] = s->y; sum_tcp(frame, len); break;
    case MANGLE_LENGTH: put_be16(frame + IP + 2, (uint16_t)(s->x | (s->y & 7) << 8)); sum_ip(frame); sum_tcp(frame, len); break;
    case MANGLE_ECN: frame[IP + 1] = s->y; frame[TCP + 12] |= s->x & 15; sum_ip(frame); sum_tcp(frame, len); break;
    default: break;
  }
  return len;
}

// --- whole frames ------------------------------------------------------------------------------------------------------

size_t bed_segment(struct bed *b, const struct step *s, uint8_t out[static BED_FRAME], unsigned *times)
{
  struct bed_flow *f = &b->flow[s->flow];
  const struct rcv_ctx *rcv;
  const struct snd_ctx *snd;
  uint8_t payload[2048], usual[HAND_FRAME];
  contexts(b, f, &rcv, &snd);
  uint16_t mss = rcv->mss ? rcv->mss : TCP_DEFAULT_MSS;
  struct segment seg = {.seq = sequence(rcv, s->base & 15, s->a, mss), .ack = acknowledgment(snd, s->base >> 4, s->b, f->written), .flags = s->flags,
                        .window = f->wnd = bed_window(f->wnd, s->wnd), .payload = payload, .payload_len = s->len % 2048u};
  stamp(b, f, rcv, &seg.opt);
  turn_stamp(&seg.opt, (enum step_stamp)(s->opt & 7));
  blocks(s, snd, &seg.opt);
  const struct segment_options options = seg.opt;
  bool by_hand = s->opt >> 6 != LAYOUT_USUAL;
  if (by_hand) seg.opt = (struct segment_options){0};
  if (seg.payload_len > 1400) seg.payload_len = 1400;
  fill(payload, seg.payload_len, seg.seq, s->mangle == MANGLE_OTHER_BYTES ? (uint8_t)(s->y | 1) : 0);
  size_t len = hand_frame(usual, f->port, &seg);
  memcpy(out, usual, len);
  if (by_hand) len = lay_out(out, len, &options, s);
  *times = s->mangle == MANGLE_AGAIN ? 2 + s->x % (TIMES_MOST - 1u) : 1;
  return mangle(out, len, s);
}

static size_t in_ip(uint8_t *out, uint8_t proto, size_t len, uint8_t x)
{
  ipv4_emit(out + IP, IPV4_HDR_BYTES, HAND_PEER_IP, HAND_NIC_IP, proto, x, len);
  fill(out + TCP, len, seq_of(x), 0);
  return TCP + len;
}

size_t bed_frame(struct bed *b, const struct step *s, uint8_t out[static BED_FRAME])
{
  struct step seg = *s;
  unsigned times;
  size_t n = s->len % 1460u + 8;
  uint16_t type = ETH_TYPE_IPV4;
  size_t len = hand_frame(out, 0, &(struct segment){0});   // for the Ethernet header
  switch ((enum step_frame)(s->x % FRAMES)) {
    case FRAME_ARP: type = ETH_TYPE_ARP; len = IP + 28; break;
    case FRAME_UDP: len = in_ip(out, IPV4_PROTO_UDP, n, s->y); break;
    case FRAME_ICMP: len = in_ip(out, IPV4_PROTO_ICMP, n, s->y); break;
    case FRAME_FRAGMENT: len = in_ip(out, IPV4_PROTO_TCP, n, s->y); put_be16(out + IP + 6, 0x2000 | s->y); sum_ip(out); break;
    case FRAME_IPV6: type = 0x86dd; len = in_ip(out, IPV4_PROTO_TCP, n, s->y); break;
    case FRAME_NOISE: fill(out + IP, n, seq_of(s->y), s->y); len = IP + n; break;
    case FRAME_RUNT: return 1 + s->y % (ETH_HDR_BYTES - 1u);
    case FRAME_SYN: seg = (struct step){.flow = s->flow, .flags = TCP_SYN, .a = s->a}; len = bed_segment(b, &seg, out, &times); break;
    case FRAME_STRANGER: len = hand_frame(out, 30000u + s->y, &(struct segment){.seq = seq_of((uint32_t)s->a), .flags = TCP_ACK}); break;
    default: len = pad(out, len, HAND_FRAME - len + s->y); break;
  }
  put_be16(out + 12, type);
  if (s->y >> 5 == 7) memset(out, 0xff, 6);
  return len;
}

size_t bed_honest(struct bed *b, const struct bed_flow *f, struct segment *seg, uint8_t out[static HAND_FRAME])
{
  static uint8_t payload[BED_MSS_MOST];
  const struct rcv_ctx *rcv;
  const struct snd_ctx *snd;
  contexts(b, f, &rcv, &snd);
  stamp(b, f, rcv, &seg->opt);
  if (seg->payload_len > rcv->mss) seg->payload_len = rcv->mss;
  if (seg->payload_len > 1400) seg->payload_len = 1400;
  seg->payload = payload;
  fill(payload, seg->payload_len, seg->seq, 0);
  return hand_frame(out, f->port, seg);
}

// --- the handshake -----------------------------------------------------------------------------------------------------

static void show(struct bed *b, enum monitor_way way, const uint8_t *frame, size_t len)
{
  if (b->monitor) monitor_frame(b->monitor, way, frame, len, b->now_us);
  if (b->watch->frame) b->watch->frame(b->watch->user, way, frame, len, b->now_us);
}

void bed_handshake(struct bed *b, const struct bed_flow *f, bool scaled)
{
  const struct flow_open *o = &f->o;
  uint8_t frame[HAND_FRAME];
  const uint32_t own = core_tsval(b->now_us), ring = nic_build().rx_ring_bytes;
  struct segment_options agreed = {.has_mss = true, .has_wscale = scaled, .sack_permitted = o->sack_ok, .has_timestamps = o->ts_ok};
  struct segment syn = {.seq = seq_add(o->rcv_nxt, UINT32_MAX), .flags = TCP_SYN, .window = UINT16_MAX, .opt = agreed};
  syn.opt.mss = (uint16_t)((o->mss + (o->ts_ok ? TCP_TIMESTAMPS_BYTES : 0)) >> b->lies);
  syn.opt.wscale = o->snd_wscale;
  syn.opt.tsval = o->ts_ok ? o->ts_recent : 0;
  show(b, MONITOR_RECEIVED, frame, hand_frame(frame, f->port, &syn));
  struct segment answer = {.seq = seq_add(o->snd_nxt, UINT32_MAX), .ack = o->rcv_nxt, .flags = TCP_SYN | TCP_ACK, .opt = agreed,
                           .window = (uint16_t)(ring < UINT16_MAX ? ring : UINT16_MAX)};
  answer.opt.mss = o->rcv_mss;
  answer.opt.wscale = o->rcv_wscale;
  answer.opt.tsval = o->ts_ok ? own : 0;
  answer.opt.tsecr = o->ts_ok ? o->ts_recent : 0;
  show(b, MONITOR_SENT, frame, hand_answer(frame, f->port, &answer));
  struct segment last = {.seq = o->rcv_nxt, .ack = o->snd_nxt, .flags = TCP_ACK, .window = f->wnd,
                         .opt = {.has_timestamps = o->ts_ok, .tsval = o->ts_ok ? o->ts_recent : 0, .tsecr = o->ts_ok ? own : 0}};
  show(b, MONITOR_RECEIVED, frame, hand_frame(frame, f->port, &last));
}
