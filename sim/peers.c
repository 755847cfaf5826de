// SPDX-License-Identifier: Apache-2.0
#include "peers.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "base/timers.h"
#include "net/arp.h"
#include "net/eth.h"
#include "net/icmp.h"

enum { WRONG_SUM = 0x1234, OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACK_OK = 4, OPT_SACK = 5, OPT_TS = 8 };
// STALL: before the NIC's shortest retransmission timeout, but behind its longest delay of an ACK.
static const uint64_t STALL_US = 150000, PATIENCE_US = 130000000;
enum { HELP_IN_VAIN = 3, BURST = 64, FCS_BYTES = 4 };   // BURST: frames of a connection back to back, at most

struct play {
  struct timer due, turn;              // when it may go on by time alone; in this turn, by its number
  struct conv *c;
  struct play *before, *after;         // of the same addresses and ports; it comes first, next
  bool pending;                        // there is more to do
  size_t at;                           // the next item
  int64_t shift_us;                    // the connection is so much behind the capture
  bool waits;
  uint64_t waits_since_us, helped_us;
  unsigned helped, in_vain;            // frames made up; since the NIC went on
  bool hopeless;                       // the frame before was given up, and nothing has moved since
  // The NIC's side, from its frames.
  bool know_iss, scaled, fin, rst, know_edge, opened;
  struct seq iss, sent, acked, edge;   // acked: what it has acknowledged
  uint8_t scale;
  uint64_t bytes, again;
  bool has_ts;
  uint32_t ts_recent;                  // its TSval to be echoed (RFC 7323 section 4.3)
  // The far side's, from what was played.
  bool said, know_told;
  struct seq far_sent, told;           // the end of what it has sent; what it has acknowledged
  uint32_t tsval;
  uint16_t window;
  enum conv_end far_end;
  uint64_t far_acked;
};

struct peers {
  struct peers_options o;
  struct play *play;
  struct tuple_map map;
  struct node {
    struct tuple_node node;            // first; in the map once the connection has begun
    size_t conv;
  } *node;
  struct timers due, turn;
  size_t n, n_pending, ended, loose_at, sent;   // ended: all of these connections' frames have been played
  int64_t shift_us;                    // the largest of all
  uint16_t ip_id;
  uint8_t mac_seen[6];
  bool know_mac;
  uint8_t frame[WIRE_FRAME_MAX], whole[WIRE_FRAME_MAX];
};

// --- where the NIC is -------------------------------------------------------------------------------------------------

static struct seq ours(const struct play *y, struct seq recorded) { return seq_add(recorded, y->iss.v - y->c->iss.v); }

static struct play *find(struct peers *p, const struct tuple *t)
{
  struct node *n = (struct node *)tuple_map_find(&p->map, t);
  return n ? &p->play[n->conv] : NULL;
}

static void moves(struct play *y, uint64_t now_us)
{
  if (y->in_vain >= HELP_IN_VAIN) y->helped_us = now_us;
  y->in_vain = 0;
  y->hopeless = false;
}

static void hear_options(struct play *y, const struct segment *s)
{
  if (s->flags & TCP_SYN) {
    y->scaled = s->opt.has_wscale;
    y->scale = y->scaled ? s->opt.wscale : 0;
  }
  if (!s->opt.has_timestamps) return;
  if (!y->has_ts || !y->know_told || seq_leq(s->seq, y->told)) y->ts_recent = s->opt.tsval;
  y->has_ts = true;
}

static void hear_ack(struct play *y, const struct segment *s, uint64_t now_us)
{
  if (!(s->flags & TCP_ACK) || (s->flags & TCP_RST)) return;
  if (!y->know_edge || seq_lt(y->acked, s->ack)) {
    y->acked = s->ack;
    moves(y, now_us);
  }
  struct seq edge = seq_add(s->ack, (uint32_t)s->window << (s->flags & TCP_SYN ? 0 : y->scale));
  if (!y->know_edge || seq_lt(y->edge, edge)) y->edge = edge;
  y->know_edge = true;
}

static void hear_segment(struct play *y, const struct segment *s, uint64_t now_us)
{
  if (s->flags & TCP_RST) {
    bool over = y->fin && y->far_end == CONV_FIN && seq_leq(y->sent, y->told);   // for what comes behind the end
    bool stray = y->know_iss && (seq_lt(s->seq, y->iss) || seq_lt(y->sent, s->seq));   // for an ACK of what was never sent
    y->rst |= !over && !stray;
    return;
  }
  struct seq end = seq_add(s->seq, segment_seq_len(s));
  if (s->flags & TCP_SYN) {
    if (!y->know_iss || !seq_eq(y->iss, s->seq)) {   // the first, or it begins anew
      y->sent = end;
      y->bytes = 0;
    }
    y->iss = s->seq;
    y->know_iss = true;
  }
  hear_options(y, s);
  hear_ack(y, s, now_us);
  if (!y->know_iss) return;
  if (segment_seq_len(s) && seq_leq(end, y->sent) && !(s->flags & TCP_SYN)) y->again++;
  if (seq_lt(y->sent, end)) {
    y->bytes += (uint32_t)seq_diff(end, y->sent) - ((s->flags & TCP_FIN) ? 1 : 0);
    y->sent = end;
    y->waits_since_us = now_us;
    moves(y, now_us);
  }
  y->fin |= (s->flags & TCP_FIN) != 0;
}

static struct play *play_of_due(struct timer *t) { return (struct play *)((char *)t - offsetof(struct play, due)); }
static struct play *play_of_turn(struct timer *t) { return (struct play *)((char *)t - offsetof(struct play, turn)); }

// It is looked at in the next turn, or later in this.
static void wake(struct peers *p, struct play *y) { timers_set(&p->turn, &y->turn, (uint64_t)(y - p->play)); }

static void answer_arp(struct peers *p, const uint8_t *frame, size_t len)
{
  struct arp_packet a;
  if (arp_parse(frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES, &a) != ARP_OK || a.op != ARP_OP_REQUEST || a.sender_ip == a.target_ip || a.sender_ip == 0) return;
  size_t n = arp_emit_reply(p->frame, sizeof p->frame, p->o.far_mac, &a);
  wire_send(p->o.wire, p->frame, n);
}

void peers_hear(struct peers *p, const uint8_t *frame, size_t len, uint64_t now_us)
{
  struct eth_hdr e;
  struct ipv4_hdr h;
  struct segment s;
  if (eth_parse(frame, len, &e) != ETH_OK) return;
  if (e.type == ETH_TYPE_ARP) answer_arp(p, frame, len);
  const uint8_t *ip = frame + ETH_HDR_BYTES;
  if (e.type != ETH_TYPE_IPV4 || ipv4_parse(ip, len - ETH_HDR_BYTES, &h) != IPV4_OK || h.proto != IPV4_PROTO_TCP || h.fragment) return;
  if (segment_parse(&s, h.src, h.dst, ip + h.hdr_len, h.payload_len) != SEGMENT_OK) return;
  struct play *y = find(p, &(struct tuple){h.src, h.dst, s.src_port, s.dst_port});
  if (!y) return;
  hear_segment(y, &s, now_us);
  wake(p, y);
}

// --- frames ----------------------------------------------------------------------------------------------------------

static void send_packet(struct peers *p, uint8_t *ip, size_t len)
{
  struct eth_hdr e = {.type = ETH_TYPE_IPV4};
  memcpy(e.dst, p->o.near_mac, 6);
  memcpy(e.src, p->o.far_mac, 6);
  uint8_t *f = ip - ETH_HDR_BYTES;
  eth_emit(f, ETH_HDR_BYTES, &e);
  wire_send(p->o.wire, f, ETH_HDR_BYTES + len);
}

static void set_ip_sum(uint8_t *ip, bool wrong)
{
  size_t header = (size_t)(ip[0] & 15) * 4;
  put_be16(ip + 10, 0);
  put_be16(ip + 10, (uint16_t)(cksum_fold(cksum_add(0, ip, header)) ^ (wrong ? WRONG_SUM : 0)));
}

// Walks the options; what the near side did not agree to in a SYN becomes NOPs, its numbers become the NIC's.
static void rewrite_options(const struct play *y, const struct conv_item *it, uint8_t *o, size_t len)
{
  const struct conv *c = y->c;
  for (size_t i = 0; i < len && o[i] != 0;) {
    if (o[i] == 1) {
      i++;
      continue;
    }
    if (i + 2 > len || o[i + 1] < 2 || i + o[i + 1] > len) return;
    uint8_t kind = o[i], size = o[i + 1];
    bool syn = it->seg.flags & TCP_SYN, first = syn && !(it->seg.flags & TCP_ACK) && c->near_seen && !c->midway;
    bool refused = first && ((kind == OPT_WSCALE && size == 3 && c->no_wscale) || (kind == OPT_SACK_OK && size == 2 && c->no_sack) || (kind == OPT_TS && size == 10 && c->no_timestamps));
    if (refused) memset(o + i, 1, size);
    if (kind == OPT_SACK && (size - 2) % 8 == 0)
      for (size_t k = i + 2; k < i + size; k += 4) put_be32(o + k, ours(y, seq_of(get_be32(o + k))).v);
    if (kind == OPT_TS && size == 10 && !refused && y->has_ts && (it->seg.flags & TCP_ACK)) put_be32(o + i + 6, y->ts_recent);
    i += size;
  }
}

static void rewrite_segment(const struct play *y, const struct conv_item *it, uint8_t *ip)
{
  size_t header = (size_t)(ip[0] & 15) * 4, len = it->ip_len - header, options = (size_t)(ip[header + 12] >> 4) * 4 - TCP_HEADER_MIN;
  uint8_t *tcp = ip + header;
  uint32_t src = get_be32(ip + 12), dst = get_be32(ip + 16);
  put_be16(ip + 2, (uint16_t)it->ip_len);   // it may have been left to an adapter
  if (it->seg.flags & TCP_ACK) put_be32(tcp + 8, ours(y, it->seg.ack).v);
  rewrite_options(y, it, tcp + TCP_HEADER_MIN, options);
  put_be16(tcp + 16, 0);
  uint16_t sum = cksum_fold(cksum_add(ipv4_pseudo_sum(src, dst, IPV4_PROTO_TCP, (uint16_t)len), tcp, len));
  put_be16(tcp + 16, (uint16_t)(sum ^ (it->bad_sum ? WRONG_SUM : 0)));
}

static void rewrite_icmp(const struct play *y, const struct conv_item *it, uint8_t *ip)
{
  size_t header = (size_t)(ip[0] & 15) * 4, len = it->ip_len - header;
  uint8_t *icmp = ip + header, *quoted = icmp + ICMP_HDR_BYTES, *tcp = quoted + (size_t)(quoted[0] & 15) * 4;
  uint16_t before = cksum_fold(cksum_add(0, icmp, len));
  put_be32(tcp + 4, ours(y, it->seg.seq).v);
  put_be16(icmp + 2, 0);
  put_be16(icmp + 2, (uint16_t)(cksum_fold(cksum_add(0, icmp, len)) ^ (before ? WRONG_SUM : 0)));
}

// A datagram that came in pieces goes in the same.
static void send_pieces(struct peers *p, const struct conv_item *it)
{
  const uint8_t *whole = p->whole;
  size_t header = (size_t)(whole[0] & 15) * 4;
  for (unsigned i = 0; i < it->n_pieces; i++) {
    uint8_t *ip = p->frame + ETH_HDR_BYTES;
    size_t off = it->piece[i].offset, n = it->piece[i].len;
    memcpy(ip, whole, header);
    memcpy(ip + header, whole + header + off, n);
    put_be16(ip + 2, (uint16_t)(header + n));
    put_be16(ip + 6, (uint16_t)(off / 8 | (header + off + n < it->ip_len ? 0x2000 : 0)));
    set_ip_sum(ip, it->bad_ip_sum);
    send_packet(p, ip, header + n);
  }
}

static void note_played(struct play *y, const struct conv_item *it)
{
  const struct segment *s = &it->seg;
  if (it->bad_sum || it->bad_ip_sum) return;
  struct seq end = seq_add(s->seq, segment_seq_len(s));
  bool inside = !it->knew_edge || seq_leq(end, it->edge);
  if (!y->said || (inside && !(s->flags & TCP_RST) && seq_lt(y->far_sent, end))) y->far_sent = end;
  if ((s->flags & TCP_ACK) && !(s->flags & TCP_RST)) {
    struct seq ack = ours(y, s->ack);
    if (!y->know_told || seq_lt(y->told, ack)) y->told = ack;
    y->know_told = true;
    if (!(s->flags & TCP_SYN)) y->opened = true;
  }
  y->said = true;
  y->window = s->window;
  if (s->opt.has_timestamps) y->tsval = s->opt.tsval;
  if (s->flags & TCP_FIN && y->far_end == CONV_OPEN) y->far_end = CONV_FIN;
  if (s->flags & TCP_RST) y->far_end = CONV_RST;
}

// What stood behind the packet in its frame: padding of a short one, a trailer. A checksum that makes the frame longer than the MTU allows is left off.
static size_t put_trailer(struct peers *p, const struct conv_item *it)
{
  const struct capture_frame *f = it->frame;
  size_t at = ETH_HDR_BYTES + it->ip_len;
  if (!p->o.ethernet || it->own || f->captured < f->len || f->len <= at || f->len > sizeof p->frame) return 0;
  if (f->len > ETH_HDR_BYTES + p->o.mtu && f->len <= ETH_HDR_BYTES + p->o.mtu + FCS_BYTES) return 0;
  memcpy(p->frame + at, f->data + at, f->len - at);
  return f->len - at;
}

static void play_item(struct peers *p, struct play *y, const struct conv_item *it)
{
  uint8_t *ip = it->n_pieces ? p->whole : p->frame + ETH_HDR_BYTES;
  memcpy(ip, it->ip, it->ip_len);
  if (it->kind == CONV_SEGMENT) rewrite_segment(y, it, ip);
  else rewrite_icmp(y, it, ip);
  set_ip_sum(ip, it->bad_ip_sum);
  if (it->n_pieces) send_pieces(p, it);
  else send_packet(p, ip, it->ip_len + put_trailer(p, it));
  if (it->kind == CONV_SEGMENT) note_played(y, it);
  p->sent++;
}

// The MAC addresses of the capture say whether a frame was meant for the near side at all.
static void play_plain(struct peers *p, const struct conv_item *it)
{
  const struct capture_frame *f = it->frame;
  static const uint8_t stranger[6] = {0x02, 0x4c, 0x57, 0, 0, 0x99};
  memcpy(p->frame, f->data, f->len);
  if (!p->o.ethernet) memcpy(p->frame, p->o.near_mac, 6);
  else if (!eth_is_group(p->frame)) memcpy(p->frame, !p->know_mac || !memcmp(p->frame, p->mac_seen, 6) ? p->o.near_mac : stranger, 6);
  if (!p->o.ethernet || !eth_is_group(p->frame + 6)) memcpy(p->frame + 6, p->o.far_mac, 6);
  wire_send(p->o.wire, p->frame, f->len);
  p->sent++;
}

// --- frames that are made up ---------------------------------------------------------------------------------------------

static void make_up(struct peers *p, struct play *y, struct segment *s)
{
  const struct tuple *t = &y->c->node.tuple;
  uint8_t *ip = p->frame + ETH_HDR_BYTES;
  s->src_port = t->remote_port;
  s->dst_port = t->local_port;
  size_t n = segment_emit(s, t->remote_ip, t->local_ip, ip + IPV4_HDR_BYTES, sizeof p->frame - ETH_HDR_BYTES - IPV4_HDR_BYTES);
  ipv4_emit(ip, IPV4_HDR_BYTES, t->remote_ip, t->local_ip, IPV4_PROTO_TCP, ++p->ip_id, n);
  send_packet(p, ip, IPV4_HDR_BYTES + n);
  y->helped++;
}

static void make_up_ack(struct peers *p, struct play *y, uint8_t flags, struct seq seq, struct seq ack, const uint8_t *data, size_t len)
{
  struct segment s = {.seq = seq, .ack = ack, .flags = TCP_ACK | flags, .window = y->window, .payload = data, .payload_len = len};
  if (y->has_ts) s.opt = (struct segment_options){.has_timestamps = true, .tsval = y->tsval, .tsecr = y->ts_recent};
  make_up(p, y, &s);
  y->told = ack;
  y->know_told = y->opened = true;
}

// What the NIC lacks of what the far side has sent, a segment of it.
static bool send_again(struct peers *p, struct play *y)
{
  const struct conv *c = y->c;
  if (!y->know_edge || !y->know_iss || !y->said || !seq_lt(y->acked, y->far_sent) || seq_leq(y->edge, y->acked)) return false;
  struct seq first = seq_add(c->irs, 1);
  int32_t off = seq_diff(y->acked, first);
  size_t n = 0, most = p->o.mtu - IPV4_HDR_BYTES - TCP_HEADER_MIN - (y->has_ts ? TCP_TIMESTAMPS_BYTES : 0), room = (uint32_t)seq_diff(y->edge, y->acked);
  if (off < 0) return false;
  if (most > room) most = room;
  while (n < most && (size_t)off + n < c->in_len && c->have[(size_t)off + n] && seq_lt(seq_add(y->acked, (uint32_t)n), y->far_sent)) n++;
  bool fin = y->far_end == CONV_FIN && (size_t)off + n == c->far.bytes && n < most;
  if (!n && !fin) return false;
  make_up_ack(p, y, fin ? TCP_FIN : 0, y->acked, y->know_told ? y->told : y->sent, c->in + off, n);
  return true;
}

// The NIC waits for an ACK that in the capture said more at once.
static bool acknowledge(struct peers *p, struct play *y)
{
  if (!y->know_iss || !y->said || (y->know_told && !seq_lt(y->told, y->sent))) return false;
  make_up_ack(p, y, 0, y->far_sent, y->sent, NULL, 0);
  return true;
}

// A connection whose handshake the capture does not have: the SYN that must have been.
static void make_up_syn(struct peers *p, struct play *y)
{
  const struct segment *first = &y->c->item[0].seg;
  struct segment s = {.seq = y->c->irs, .flags = TCP_SYN, .window = first->window,
                      .opt = {.has_mss = true, .mss = (uint16_t)(p->o.mtu - IPV4_HDR_BYTES - TCP_HEADER_MIN), .sack_permitted = true,
                              .has_timestamps = first->opt.has_timestamps, .tsval = first->opt.tsval}};
  make_up(p, y, &s);
  y->said = true;
  y->far_sent = seq_add(y->c->irs, 1);
  y->tsval = first->opt.tsval;
  y->window = first->window;
}

// --- waiting -----------------------------------------------------------------------------------------------------------

static uint64_t time_of(const struct peers *p, int64_t shift_us, uint64_t us)
{
  return (uint64_t)((int64_t)(p->o.start_us + us) + shift_us);
}

uint64_t peers_time(const struct peers *p, size_t conv, uint64_t us) { return time_of(p, p->play[conv].shift_us, us); }

// What of a segment rests on the NIC is not there yet.
static enum conv_unused lacks(const struct play *y, const struct conv_item *it)
{
  const struct segment *s = &it->seg;
  if (it->kind == CONV_ICMP_ERROR) return y->know_iss && seq_lt(ours(y, s->seq), y->sent) ? CONV_USED : CONV_NOT_SENT;
  if ((s->flags & TCP_ACK) && y->c->know_iss) {
    if (!y->know_iss) return CONV_NOT_SENT;
    struct seq need = it->knew_sent ? seq_min(s->ack, it->sent) : s->ack;
    if (seq_lt(y->sent, ours(y, need))) return CONV_NOT_SENT;
    for (unsigned i = 0; i < s->opt.n_sack; i++)
      if (it->knew_sent && seq_leq(s->opt.sack[i].end, it->sent) && seq_lt(y->sent, ours(y, s->opt.sack[i].end))) return CONV_NOT_SENT;
  }
  struct seq end = seq_add(s->seq, segment_seq_len(s));
  bool was_inside = !it->knew_edge || seq_leq(end, it->edge);
  bool data = segment_seq_len(s) && !(s->flags & (TCP_SYN | TCP_RST));
  if (data && !y->know_edge) return CONV_NOT_SEEN;
  return data && was_inside && !seq_leq(end, y->edge) ? CONV_NOT_SEEN : CONV_USED;
}

static bool more(const struct play *y) { return y->at < y->c->n_items; }

void peers_begin(struct peers *p, size_t conv)
{
  struct node *n = &p->node[conv];
  struct tuple_node *old = tuple_map_find(&p->map, &n->node.tuple);
  if (n->node.linked) return;
  if (old) tuple_map_remove(&p->map, old);
  tuple_map_insert(&p->map, &n->node);
}

static bool may_begin(const struct play *y) { return !y->before || !more(y->before); }

bool peers_may_begin(const struct peers *p, size_t conv) { return may_begin(&p->play[conv]); }

size_t peers_ended(const struct peers *p) { return p->ended; }

static void go_on(struct peers *p, struct play *y, uint64_t now_us)
{
  int64_t late = (int64_t)(now_us - time_of(p, y->shift_us, y->c->item[y->at].us));
  if (late > 0) y->shift_us += late;
  if (y->shift_us > p->shift_us) p->shift_us = y->shift_us;
  y->waits = false;
  if (++y->at < y->c->n_items) return;
  p->ended++;
  if (y->after) wake(p, y->after);
}

// How long a frame waits for what it rests on.
static uint64_t patience(const struct play *y) { return y->hopeless ? STALL_US : PATIENCE_US; }

// It stands still: what a real peer would do. False: nothing helps.
static bool help(struct peers *p, struct play *y, uint64_t now_us)
{
  y->helped_us = now_us;
  return y->in_vain++ < HELP_IN_VAIN && (send_again(p, y) || acknowledge(p, y));
}

// All is played, and the NIC does not have, or has not heard of, what the recorded host had by then.
static bool unfinished(const struct play *y)
{
  const struct conv *c = y->c;
  if (more(y) || !y->opened || !y->know_edge || y->rst || y->far_end == CONV_RST || c->near.end == CONV_RST || y->in_vain >= HELP_IN_VAIN) return false;
  return seq_diff(y->acked, seq_add(c->irs, 1)) < (int64_t)c->far.acked
         || (y->know_told && seq_lt(y->told, y->sent) && seq_diff(y->told, seq_add(y->iss, 1)) < (int64_t)c->near.acked);
}

static bool finish(struct peers *p, struct play *y, uint64_t now_us)
{
  if (!y->waits) {
    y->waits = true;
    y->waits_since_us = y->helped_us = now_us;
  }
  return now_us >= y->waits_since_us + STALL_US && now_us >= y->helped_us + STALL_US && help(p, y, now_us);
}

// One item of a connection: true when something was sent.
static bool play_next(struct peers *p, struct play *y, uint64_t now_us)
{
  const struct conv_item *it = &y->c->item[y->at];
  if (now_us < time_of(p, y->shift_us, it->us)) return false;
  if (y->c->midway && !y->said && !y->c->active) {
    make_up_syn(p, y);
    return true;
  }
  enum conv_unused why = y->rst && y->c->near.end != CONV_RST ? CONV_RESET : lacks(y, it);
  if (why == CONV_USED) {
    play_item(p, y, it);
    go_on(p, y, now_us);
    return true;
  }
  if (!y->waits) {
    y->waits = true;
    y->waits_since_us = y->helped_us = now_us;
  }
  bool stands = now_us >= y->waits_since_us + STALL_US && now_us >= y->helped_us + STALL_US;
  if (why != CONV_RESET && stands && help(p, y, now_us)) return true;
  if (why != CONV_RESET && now_us < y->waits_since_us + patience(y)) return false;
  y->c->item[y->at].unused = why;
  y->hopeless = true;
  go_on(p, y, now_us);
  return true;
}

// The next item came in the same microsecond as the one before: back to back, unless it has to wait for what the NIC makes of that one.
static bool at_once(const struct play *y)
{
  const struct conv_item *it = &y->c->item[y->at];
  return more(y) && y->at && it->us == it[-1].us && !y->waits && !y->rst && lacks(y, it) == CONV_USED;
}

static bool play_loose(struct peers *p, uint64_t now_us)
{
  const struct convs *v = p->o.convs;
  bool any = false;
  for (unsigned n = 0; n < BURST && p->loose_at < v->n_loose && now_us >= time_of(p, p->shift_us, v->loose[p->loose_at].us); n++, any = true)
    play_plain(p, &v->loose[p->loose_at++]);
  return any;
}

// When it may go on without a frame of the NIC.
static uint64_t next_of(const struct peers *p, const struct play *y, uint64_t now_us)
{
  if (!y->waits) return more(y) ? time_of(p, y->shift_us, y->c->item[y->at].us) : now_us + 1;
  if (more(y) && y->in_vain >= HELP_IN_VAIN) return y->waits_since_us + patience(y);
  return (y->waits_since_us > y->helped_us ? y->waits_since_us : y->helped_us) + STALL_US;
}

static void schedule(struct peers *p, struct play *y, uint64_t now_us)
{
  bool end = unfinished(y), was = y->pending;
  y->pending = end || more(y);
  if (y->pending != was) p->n_pending += y->pending ? 1 : (size_t)-1;
  if (end || (more(y) && may_begin(y))) timers_set(&p->due, &y->due, next_of(p, y, now_us));
  else timers_cancel(&p->due, &y->due);
}

static bool take_turn(struct peers *p, struct play *y, uint64_t now_us)
{
  bool any = unfinished(y) && finish(p, y, now_us);
  if (more(y) && may_begin(y)) {
    if (!y->c->active) peers_begin(p, (size_t)(y - p->play));
    for (unsigned n = 0; n < BURST && (n == 0 || at_once(y)) && play_next(p, y, now_us); n++) any = true;
  }
  schedule(p, y, now_us);
  return any;
}

// Only those for which time or the NIC have done something since, in the order in which they began.
bool peers_play(struct peers *p, uint64_t now_us)
{
  bool any = play_loose(p, now_us);
  while (timers_deadline(&p->due) <= now_us) {
    struct timer *t = timers_first(&p->due);
    timers_cancel(&p->due, t);
    wake(p, play_of_due(t));
  }
  for (struct timer *t; (t = timers_first(&p->turn));) {
    timers_cancel(&p->turn, t);
    any |= take_turn(p, play_of_turn(t), now_us);
  }
  return any;
}

static uint64_t earliest_after(uint64_t now_us, uint64_t a, uint64_t b) { return b > now_us && b < a ? b : a; }

uint64_t peers_deadline(const struct peers *p, uint64_t now_us)
{
  const struct convs *v = p->o.convs;
  uint64_t at = UINT64_MAX;
  if (p->loose_at < v->n_loose) at = earliest_after(now_us, at, time_of(p, p->shift_us, v->loose[p->loose_at].us));
  return earliest_after(now_us, at, timers_deadline(&p->due));
}

bool peers_over(const struct peers *p) { return p->n_pending == 0 && p->loose_at == p->o.convs->n_loose; }

// --- opening, telling --------------------------------------------------------------------------------------------------

// The MAC to which most of what goes to the near side goes: the first of a packet that is one.
static void find_mac(struct peers *p)
{
  const struct convs *v = p->o.convs;
  for (size_t i = 0; i < v->n && !p->know_mac; i++)
    if (v->conv[i]->n_items) {
      memcpy(p->mac_seen, v->conv[i]->item[0].frame->data, 6);
      p->know_mac = true;
    }
}

struct peers *peers_open(const struct peers_options *o)
{
  static const uint8_t key[16] = {1};
  struct peers *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->o = *o;
  p->n = o->convs->n;
  p->play = calloc(p->n + 1, sizeof *p->play);
  p->node = calloc(p->n + 1, sizeof *p->node);
  if (!p->play || !p->node || !tuple_map_init(&p->map, 1024 + p->n, key) || !timers_init(&p->due, p->n + 1) || !timers_init(&p->turn, p->n + 1)) {
    peers_close(p);
    return NULL;
  }
  for (size_t i = 0; i < p->n; i++) {
    p->play[i].c = o->convs->conv[i];
    p->node[i] = (struct node){.node.tuple = p->play[i].c->node.tuple, .conv = i};
    struct node *before = (struct node *)tuple_map_find(&p->map, &p->node[i].node.tuple);
    if (before) {
      p->play[i].before = &p->play[before->conv];
      p->play[before->conv].after = &p->play[i];
    }
    peers_begin(p, i);
    schedule(p, &p->play[i], 0);
    wake(p, &p->play[i]);
  }
  for (size_t i = 0; i < p->n; i++) tuple_map_remove(&p->map, &p->node[i].node);
  find_mac(p);
  return p;
}

void peers_close(struct peers *p)
{
  if (!p) return;
  tuple_map_free(&p->map);
  timers_free(&p->due);
  timers_free(&p->turn);
  free(p->play);
  free(p->node);
  free(p);
}

struct peers_result peers_result(const struct peers *p, size_t conv)
{
  const struct play *y = &p->play[conv];
  struct peers_result r = {.made_up = y->helped, .opened = y->opened && y->know_iss};
  if (!r.opened) return r;
  int32_t acked = seq_diff(y->told, seq_add(y->iss, 1)), taken = seq_diff(y->acked, seq_add(y->c->irs, 1));
  r.near = (struct peers_side){y->bytes, acked < 0 ? 0 : (uint32_t)acked, y->again, y->rst ? CONV_RST : y->fin ? CONV_FIN : CONV_OPEN};
  if (r.near.acked > y->bytes) r.near.acked = y->bytes;
  r.far = (struct peers_side){y->c->far.bytes, taken < 0 ? 0 : (uint32_t)taken, y->c->far.again, y->far_end};
  if (r.far.acked > r.far.bytes) r.far.acked = r.far.bytes;
  return r;
}

size_t peers_sent(const struct peers *p) { return p->sent; }
