// SPDX-License-Identifier: Apache-2.0
#include "conv.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/arp.h"
#include "net/eth.h"
#include "net/icmp.h"
#include "net/reass.h"

enum { LOOK_AHEAD = 1000, QUOTED_MIN = 8, STREAM_AHEAD = 4 << 20, DATAGRAMS = 64, SHORTEST_FRAME = 60 };   // the last without its FCS

const char *conv_unused_text(enum conv_unused u)
{
  static const char *const text[CONV_UNUSED] = {
      [CONV_CUT] = "its headers were not captured", [CONV_NOT_IP] = "neither IPv4 nor ARP", [CONV_OTHERS] = "between other hosts",
      [CONV_BOTH_NEAR] = "between two hosts that the NIC stands in for", [CONV_BROKEN] = "no possible TCP or IP header",
      [CONV_LONG] = "longer than the MTU (--mtu)", [CONV_NOT_SENT] = "acknowledges what the NIC never sent",
      [CONV_NOT_SEEN] = "goes beyond every window of the NIC", [CONV_RESET] = "the NIC had reset the connection",
  };
  return text[u];
}

// --- hosts -----------------------------------------------------------------------------------------------------------

enum role { ROLE_NONE, ROLE_NEAR, ROLE_FAR };

struct sender {
  struct tuple_node node;    // first; its remote address is the sender's, all else 0
  enum role role;
  unsigned packets, bad_ip, segments, bad_tcp;
};

// The pieces of a TCP datagram, until it is whole.
struct gather {
  uint32_t src, dst;
  uint16_t id;
  unsigned n;                // 0: free
  const struct capture_frame *frame[CONV_PIECES];
};

struct reading {
  struct reass *reass;
  struct gather gather[DATAGRAMS];
  struct convs *v;
  const struct conv_options *o;
  struct sender **sender;
  struct tuple_map map;      // of them
  size_t n, room;
};

static void *grown(void *p, size_t n, size_t *room, size_t size)
{
  if (n < *room) return p;
  size_t more = *room ? *room * 2 : 16;
  void *q = realloc(p, more * size);
  if (q) *room = more;
  return q;
}

static struct sender *sender_of(struct reading *r, uint32_t ip)
{
  const struct tuple t = {.remote_ip = ip};
  struct sender *s = (struct sender *)tuple_map_find(&r->map, &t);
  if (s) return s;
  struct sender **list = grown(r->sender, r->n, &r->room, sizeof *list);
  if (list) r->sender = list;
  if (!list || !(s = calloc(1, sizeof *s))) return NULL;
  s->node.tuple = t;
  s->role = !r->o->as ? ROLE_NONE : ip == r->o->as ? ROLE_NEAR : ROLE_FAR;
  tuple_map_insert(&r->map, &s->node);
  return r->sender[r->n++] = s;
}

// A packet of the capture, as far as it can be read. `ip` is NULL for what is none.
struct packet {
  const struct capture_frame *frame;
  const uint8_t *ip;
  struct ipv4_hdr h;
  const uint8_t *body;
  size_t body_len, body_captured;   // body_len may be beyond what a total length can say
  bool no_length;                   // its total length is 0: it was left to an adapter, as were its checksums
};

static bool no_address(uint32_t ip) { return ip == 0 || ip >> 28 >= 14 || ip >> 24 == 127; }

// A segment longer than any packet, for an adapter to cut or put together by one (Linux: BIG TCP; Windows: any): the total length is 0.
static bool lacks_length(const uint8_t *ip, size_t len)
{
  return len > SHORTEST_FRAME - ETH_HDR_BYTES && get_be16(ip + 2) == 0 && ip[9] == IPV4_PROTO_TCP && !(get_be16(ip + 6) & 0x3fff);
}

static bool open_header(const uint8_t *ip, size_t len, struct packet *p)
{
  uint8_t whole[IPV4_HDR_BYTES];
  p->no_length = lacks_length(ip, len);
  memcpy(whole, ip, sizeof whole);
  if (p->no_length) put_be16(whole + 2, len < UINT16_MAX ? (uint16_t)len : UINT16_MAX);
  return ipv4_parse_quoted(whole, len, &p->h) == IPV4_OK;
}

static enum conv_unused open_packet(const struct capture_frame *f, struct packet *p)
{
  *p = (struct packet){.frame = f};
  if (f->len < ETH_HDR_BYTES && f->captured == f->len) return CONV_USED;   // a runt, as it was on the wire: it goes as it is
  if (f->captured < ETH_HDR_BYTES) return CONV_CUT;
  uint16_t type = get_be16(f->data + 12);
  if (type != ETH_TYPE_IPV4) return type == ETH_TYPE_ARP || type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ ? CONV_USED : CONV_NOT_IP;
  const uint8_t *ip = f->data + ETH_HDR_BYTES;
  size_t len = f->len - ETH_HDR_BYTES, captured = f->captured - ETH_HDR_BYTES;
  if (len < IPV4_HDR_BYTES && captured == len) return CONV_USED;
  if (captured < IPV4_HDR_BYTES) return CONV_CUT;
  if (!open_header(ip, len, p)) return CONV_USED;   // it goes as it is
  if (p->h.hdr_len > captured) return CONV_CUT;
  size_t total = p->no_length ? len : (size_t)p->h.hdr_len + p->h.payload_len;
  if (total > len) return CONV_USED;
  p->ip = ip;
  p->body = ip + p->h.hdr_len;
  p->body_len = total - p->h.hdr_len;
  p->body_captured = captured - p->h.hdr_len < p->body_len ? captured - p->h.hdr_len : p->body_len;
  return CONV_USED;
}

static bool is_whole_tcp(const struct packet *p) { return p->ip && p->h.proto == IPV4_PROTO_TCP && !p->h.fragment && p->body_captured >= TCP_HEADER_MIN; }

static uint16_t tcp_sum(const struct ipv4_hdr *h, const uint8_t *tcp, size_t len)
{
  return cksum_fold(cksum_add(ipv4_pseudo_sum(h->src, h->dst, IPV4_PROTO_TCP, (uint16_t)len), tcp, len));
}

// What an adapter was to finish: the field holds the pseudo header's sum alone.
static bool unfinished(const struct ipv4_hdr *h, const uint8_t *tcp, size_t len)
{
  return (get_be16(tcp + 16) ^ cksum_fold(ipv4_pseudo_sum(h->src, h->dst, IPV4_PROTO_TCP, (uint16_t)len))) == 0xffff;
}

static bool bad_tcp_sum(const struct packet *p)
{
  return !p->no_length && p->body_captured == p->body_len && tcp_sum(&p->h, p->body, p->body_len) && !unfinished(&p->h, p->body, p->body_len);
}

static bool bad_ip_sum(const struct packet *p) { return !p->no_length && cksum_fold(cksum_add(0, p->ip, p->h.hdr_len)); }

static bool count_sums(struct reading *r, const struct packet *p)
{
  struct sender *s = sender_of(r, p->h.src);
  if (!s) return false;
  s->packets++;
  s->bad_ip += bad_ip_sum(p);
  if (!is_whole_tcp(p)) return true;
  s->segments++;
  s->bad_tcp += bad_tcp_sum(p);
  return true;
}

// Who answers a SYN is near. A host keeps the part that it was given first.
static bool give_roles(struct reading *r, uint32_t near, uint32_t far)
{
  struct sender *a = sender_of(r, near), *b = a ? sender_of(r, far) : NULL;
  if (!b) return false;
  if (a == b) a->role = ROLE_NEAR;
  else if (!a->role && b->role != ROLE_NEAR) a->role = ROLE_NEAR;
  else if (!a->role) a->role = ROLE_FAR;
  if (a != b && !b->role) b->role = a->role == ROLE_NEAR ? ROLE_FAR : ROLE_NEAR;
  return true;
}

enum pass { PASS_SYN, PASS_TCP, PASS_REST, PASSES };

static bool roles_of(struct reading *r, const struct packet *p, enum pass pass)
{
  bool tcp = is_whole_tcp(p);
  if (r->o->as || no_address(p->h.dst) || no_address(p->h.src)) return true;
  uint8_t flags = tcp ? p->body[13] : 0;
  if (pass == PASS_SYN && (flags & (TCP_RST | TCP_FIN))) return true;
  if (pass == PASS_SYN)
    return !tcp || !(flags & TCP_SYN) ? true : flags & TCP_ACK ? give_roles(r, p->h.src, p->h.dst) : give_roles(r, p->h.dst, p->h.src);
  if (pass == PASS_TCP)
    return !tcp ? true : get_be16(p->body) < get_be16(p->body + 2) ? give_roles(r, p->h.src, p->h.dst) : give_roles(r, p->h.dst, p->h.src);
  return give_roles(r, p->h.dst, p->h.src);
}

static bool shows(const struct capture *c, uint32_t ip)
{
  struct packet p;
  for (size_t i = 0; i < c->n; i++)
    if (open_packet(&c->frame[i], &p) == CONV_USED && p.ip && (p.h.src == ip || p.h.dst == ip)) return true;
  return false;
}

static bool find_hosts(struct reading *r, const struct capture *c)
{
  struct packet p;
  for (enum pass pass = PASS_SYN; pass < PASSES; pass++)
    for (size_t i = 0; i < c->n; i++) {
      if (open_packet(&c->frame[i], &p) != CONV_USED || !p.ip) continue;
      if ((pass == PASS_SYN && !count_sums(r, &p)) || !roles_of(r, &p, pass)) return false;
    }
  if (r->o->as) {   // also who is only sent to
    if (shows(c, r->o->as)) r->v->near[r->v->n_near++] = r->o->as;
    return true;
  }
  for (size_t i = 0; i < r->n; i++)
    if (r->sender[i]->role == ROLE_NEAR && r->v->n_near < CONV_NEAR_MAX) r->v->near[r->v->n_near++] = r->sender[i]->node.tuple.remote_ip;
  return true;
}

static bool is_near(const struct convs *v, uint32_t ip)
{
  for (size_t i = 0; i < v->n_near; i++)
    if (v->near[i] == ip) return true;
  return false;
}

// More than half of what a host sends is not sent wrong: somebody else was to finish it.
static bool most(unsigned bad, unsigned all) { return bad * 2 > all; }

// --- streams ---------------------------------------------------------------------------------------------------------

// Bytes from the one behind isn to s, which lies within 2 GiB of `about` such bytes.
static int64_t offset_of(struct seq isn, struct seq s, uint64_t about)
{
  return (int64_t)about + seq_diff(s, seq_add(isn, (uint32_t)(about + 1)));
}

static bool make_room(uint8_t **p, size_t n, size_t *room)
{
  size_t more = *room ? *room : 4096;
  while (more < n) more *= 2;
  if (more == *room) return true;
  uint8_t *q = realloc(*p, more);
  if (!q) return false;
  memset(q + *room, 0, more - *room);
  *p = q;
  *room = more;
  return true;
}

static bool keep_far_bytes(struct conv *c, const struct segment *s)
{
  struct seq first = s->flags & TCP_SYN ? seq_add(s->seq, 1) : s->seq;
  int64_t off = offset_of(c->irs, first, c->far.bytes);
  size_t room = c->in_room;
  if (off < 0 || (!s->payload_len && !(s->flags & TCP_FIN))) return true;
  uint64_t end = (uint64_t)off + s->payload_len;
  if (end > c->far.bytes + STREAM_AHEAD) return true;
  if ((s->flags & TCP_FIN) && !c->far_fin_seen) {
    c->far_fin_seen = true;
    c->far_fin = end;
  }
  if (c->far_fin_seen && end > c->far_fin) return true;   // behind its FIN
  if (!make_room(&c->in, end, &c->in_room) || !make_room(&c->have, end, &room)) return false;
  for (size_t i = 0; i < s->payload_len; i++) {
    size_t at = (size_t)off + i;
    if (c->have[at]) continue;
    c->have[at] = 1;
    c->in[at] = s->payload[i];
  }
  if (end > c->in_len) c->in_len = end;
  while (c->far.bytes < c->in_len && c->have[c->far.bytes]) c->far.bytes++;
  return true;
}

// What the near side's program does now: it has read all that is acknowledged (an octet less when that is a FIN).
static struct conv_write act_of(const struct conv *c, uint64_t us, uint64_t to)
{
  int64_t after = c->knew_acked && c->know_irs ? offset_of(c->irs, c->acked, c->far.bytes) : 0;
  return (struct conv_write){us, to, after < 0 ? 0 : (uint64_t)after > c->far.bytes ? c->far.bytes : (uint64_t)after};
}

static bool add_write(struct conv *c, struct conv_write act)
{
  struct conv_write *w = grown(c->write, c->n_writes, &c->write_room, sizeof *w);
  if (!w) return false;
  c->write = w;
  w[c->n_writes++] = act;
  return true;
}

// Bytes of the near side that the capture missed: zeros, sent at the latest when the far side knew of them.
static bool fill_near(struct conv *c, uint64_t to, uint64_t us)
{
  for (size_t i = c->n_items; i-- > 0;) {
    struct conv_item *it = &c->item[i];
    if (it->kind != CONV_SEGMENT || !(it->seg.flags & TCP_ACK)) continue;
    int64_t ack = offset_of(c->iss, it->seg.ack, to);
    if (ack <= (int64_t)c->near.bytes) break;
    if (ack > (int64_t)to) continue;
    it->sent = it->seg.ack;
    us = it->us;
  }
  if (!make_room(&c->out, to, &c->out_room) || !add_write(c, act_of(c, us, to))) return false;
  c->near.bytes = to;
  return true;
}

static bool keep_near_bytes(struct conv *c, const struct segment *s, uint64_t us)
{
  struct seq first = s->flags & TCP_SYN ? seq_add(s->seq, 1) : s->seq;
  int64_t off = offset_of(c->iss, first, c->near.bytes), end = off + (int64_t)s->payload_len;
  if (c->near.end == CONV_FIN && off >= (int64_t)c->near.bytes) return true;   // behind its FIN
  if (off > (int64_t)c->near.bytes && off < (int64_t)c->near.bytes + STREAM_AHEAD && !fill_near(c, (uint64_t)off, us)) return false;
  if (s->payload_len && end <= (int64_t)c->near.bytes) c->near.again++;
  if (off < 0 || off > (int64_t)c->near.bytes || end <= (int64_t)c->near.bytes) return true;
  if (!make_room(&c->out, (size_t)end, &c->out_room)) return false;
  size_t skip = (size_t)((int64_t)c->near.bytes - off);
  memcpy(c->out + c->near.bytes, s->payload + skip, s->payload_len - skip);
  c->near.bytes = (uint64_t)end;
  return add_write(c, act_of(c, us, c->near.bytes));
}

// --- connections -----------------------------------------------------------------------------------------------------

static struct conv *new_conv(struct reading *r, const struct tuple *t)
{
  struct convs *v = r->v;
  struct conv **list = grown(v->conv, v->n, &v->room, sizeof *list);
  if (!list) return NULL;
  v->conv = list;
  struct conv *c = calloc(1, sizeof *c);
  struct tuple_node *old = tuple_map_find(&v->map, t);
  if (!c) return NULL;
  if (old) tuple_map_remove(&v->map, old);
  c->node.tuple = *t;
  tuple_map_insert(&v->map, &c->node);
  return v->conv[v->n++] = c;
}

// A SYN of another sequence number begins another connection, when the one before had come to an end.
static bool begins_anew(const struct conv *c, const struct segment *s, bool from_near)
{
  bool over = c->near.end == CONV_RST || c->far.end == CONV_RST || (c->near.end == CONV_FIN && c->far.end == CONV_FIN);
  bool same = from_near ? c->know_iss && seq_eq(s->seq, c->iss) : c->know_irs && seq_eq(s->seq, c->irs);
  return (s->flags & TCP_SYN) && !(s->flags & TCP_ACK) && over && !same;
}

static void note_syn(struct conv *c, const struct segment *s, bool from_near, uint64_t us)
{
  bool first = from_near ? !c->syn_near : !c->syn_far;
  if (!first) return;
  if (from_near) {
    c->syn_near = c->know_iss = true;
    c->iss = s->seq;
    c->open_us = us;
    c->active = !(s->flags & TCP_ACK);
    c->syn_scale_near = s->opt.wscale;
    c->has_scale_near = s->opt.has_wscale;
    c->no_wscale = !s->opt.has_wscale;
    c->no_sack = !s->opt.sack_permitted;
    c->no_timestamps = !s->opt.has_timestamps;
  } else {
    c->syn_far = c->know_irs = true;
    c->irs = s->seq;
    c->has_scale_far = s->opt.has_wscale;
  }
}

// What must have been, where the capture begins later.
static void guess(struct conv *c, const struct segment *s, bool from_near)
{
  bool *know_own = from_near ? &c->know_iss : &c->know_irs, *know_other = from_near ? &c->know_irs : &c->know_iss;
  struct seq *own = from_near ? &c->iss : &c->irs, *other = from_near ? &c->irs : &c->iss;
  if (!*know_own && !(s->flags & TCP_RST)) {
    *own = seq_add(s->seq, (uint32_t)-1);
    *know_own = true;
  }
  if (!*know_other && (s->flags & TCP_ACK) && !(s->flags & TCP_RST)) {
    *other = seq_add(s->ack, (uint32_t)-1);
    *know_other = true;
  }
}

static void agree(struct conv *c)
{
  bool both = c->has_scale_near && c->has_scale_far;
  c->near_scale = !both ? 0 : c->syn_scale_near > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : c->syn_scale_near;
}

static void note_end(struct conv_side *side, const struct segment *s)
{
  if (s->flags & TCP_RST) side->end = CONV_RST;
  else if ((s->flags & TCP_FIN) && side->end == CONV_OPEN) side->end = CONV_FIN;
}

static void note_near_end(struct conv *c, const struct segment *s, uint64_t us)
{
  if ((s->flags & TCP_FIN) && !c->closes) {
    c->close = act_of(c, us, 0);
    c->closes = true;
  }
  if ((s->flags & TCP_RST) && !c->resets) {
    c->reset = act_of(c, us, 0);
    c->resets = true;
  }
  note_end(&c->near, s);
}

static void note_ack(struct conv_side *acked, bool know, struct seq isn, const struct segment *s)
{
  if (!know || !(s->flags & TCP_ACK) || (s->flags & (TCP_SYN | TCP_RST))) return;
  int64_t off = offset_of(isn, s->ack, acked->bytes);
  if (off < 0) return;
  uint64_t bytes = (uint64_t)off > acked->bytes ? acked->bytes : (uint64_t)off;
  if (bytes > acked->acked) acked->acked = bytes;
}

static bool near_segment(struct conv *c, const struct segment *s, uint64_t us)
{
  c->near_seen = true;
  if (s->flags & TCP_SYN) note_syn(c, s, true, us);
  guess(c, s, true);
  agree(c);
  if ((s->flags & TCP_ACK) && !(s->flags & TCP_RST)) {
    if (!c->knew_acked || seq_lt(c->acked, s->ack)) c->acked = s->ack;
    struct seq edge = seq_add(s->ack, (uint32_t)s->window << (s->flags & TCP_SYN ? 0 : c->near_scale));
    if (!c->knew_edge || seq_lt(c->edge, edge)) c->edge = edge;
    c->knew_acked = c->knew_edge = true;
    note_ack(&c->far, c->know_irs, c->irs, s);
  }
  if (s->flags & TCP_RST) {
    if (!(s->flags & TCP_SYN) && !c->syn_near && c->syn_far) c->answered = false;
    note_near_end(c, s, us);
    return true;
  }
  if (c->near.end == CONV_RST) {   // it goes on: that one was not its own
    c->near.end = c->closes ? CONV_FIN : CONV_OPEN;
    c->resets = false;
  }
  if (c->far.end == CONV_RST && c->far_rst_missed && !s->payload_len) c->far.end = c->far_fin_seen ? CONV_FIN : CONV_OPEN;   // so it was challenged
  if (s->flags & TCP_SYN) c->answered = true;
  struct seq end = seq_add(s->seq, segment_seq_len(s));
  if (!c->knew_sent || seq_lt(c->sent, end)) c->sent = end;
  c->knew_sent = true;
  bool ok = keep_near_bytes(c, s, us);
  note_near_end(c, s, us);
  return ok;
}

// Where nothing of the near side was captured, all that the far side acknowledges was sent.
static bool infer_near(struct conv *c, const struct segment *s, uint64_t us)
{
  if (c->near_seen || !(s->flags & TCP_ACK) || (s->flags & (TCP_SYN | TCP_RST)) || !c->know_iss) return true;
  int64_t off = offset_of(c->iss, s->ack, c->near.bytes);
  if (off <= (int64_t)c->near.bytes || off > (int64_t)c->near.bytes + STREAM_AHEAD) return true;
  if (!make_room(&c->out, (size_t)off, &c->out_room) || !add_write(c, (struct conv_write){us, (uint64_t)off, c->far.bytes})) return false;
  c->near.bytes = (uint64_t)off;
  return true;
}

static bool far_segment(struct conv *c, const struct conv_item *item)
{
  const struct segment *s = &item->seg;
  if (s->flags & TCP_SYN) note_syn(c, s, false, item->us);
  guess(c, s, false);
  agree(c);
  if (!infer_near(c, s, item->us)) return false;
  note_ack(&c->near, c->know_iss, c->iss, s);
  struct conv_item *list = grown(c->item, c->n_items, &c->item_room, sizeof *list);
  if (!list) return false;
  c->item = list;
  struct conv_item *it = &list[c->n_items++];
  *it = *item;
  it->knew_sent = c->knew_sent || !c->near_seen;
  it->sent = c->near_seen ? c->sent : s->ack;
  it->knew_edge = c->knew_edge;
  it->edge = c->edge;
  if (it->bad_sum || it->bad_ip_sum) return true;
  if (c->know_irs) {
    struct seq first = s->flags & TCP_SYN ? seq_add(s->seq, 1) : s->seq;
    if (s->payload_len && offset_of(c->irs, first, c->far.bytes) + (int64_t)s->payload_len <= (int64_t)c->far.bytes) c->far.again++;
    if (!keep_far_bytes(c, s)) return false;
  }
  if ((s->flags & TCP_RST) && c->far.end != CONV_RST) c->far_rst_missed = c->knew_acked && !seq_eq(s->seq, c->acked);   // RFC 5961 section 3.2
  note_end(&c->far, s);
  return true;
}

// --- what a packet is -----------------------------------------------------------------------------------------------

static void leave_out(struct convs *v, const struct capture_frame *f, enum conv_unused why)
{
  if (!v->unused[why]++) v->first_unused[why] = f->number;
}

static bool add_loose(struct convs *v, const struct conv_item *it)
{
  struct conv_item *list = grown(v->loose, v->n_loose, &v->loose_room, sizeof *list);
  if (!list) return false;
  v->loose = list;
  list[v->n_loose++] = *it;
  return true;
}

static bool loose_frame(struct reading *r, const struct packet *p)
{
  struct convs *v = r->v;
  if (p->frame->len > r->o->mtu + ETH_HDR_BYTES) {
    leave_out(v, p->frame, CONV_LONG);
    return true;
  }
  return add_loose(v, &(struct conv_item){.kind = CONV_PLAIN, .frame = p->frame, .us = p->frame->us});
}

// A connection is begun by a SYN, or by what only one that stands can send: two sides that acknowledge, or data.
static bool begins(const struct segment *s)
{
  if (s->flags & TCP_RST) return false;
  if (s->flags & TCP_SYN) return !(s->flags & (TCP_ACK | TCP_FIN));
  return (s->flags & TCP_ACK) && s->payload_len;
}

// Whether somebody answers this stray segment from the other end as one does on a connection.
static bool goes_on(const struct capture *c, const struct packet *p)
{
  struct packet q;
  for (size_t i = p->frame->number; i < c->n && i < p->frame->number + LOOK_AHEAD; i++) {
    if (open_packet(&c->frame[i], &q) != CONV_USED || !is_whole_tcp(&q)) continue;
    bool back = q.h.src == p->h.dst && q.h.dst == p->h.src && get_be16(q.body) == get_be16(p->body + 2) && get_be16(q.body + 2) == get_be16(p->body);
    if (back) return !(q.body[13] & TCP_RST) && (q.body[13] & TCP_ACK);
  }
  return false;
}

static bool parse_tcp(const struct packet *p, struct segment *s)
{
  size_t header = (size_t)(p->body[12] >> 4) * 4;
  if (header < TCP_HEADER_MIN || header > p->body_len) return false;   // options that were not captured are none
  *s = (struct segment){.src_port = get_be16(p->body), .dst_port = get_be16(p->body + 2), .seq = seq_of(get_be32(p->body + 4)),
                        .ack = seq_of(get_be32(p->body + 8)), .flags = p->body[13], .window = get_be16(p->body + 14),
                        .payload = p->body + header, .payload_len = p->body_len - header};
  segment_parse_options(&s->opt, p->body + TCP_HEADER_MIN, header - TCP_HEADER_MIN);
  return true;
}

// One segment too long for the MTU (cut by an adapter behind the capture): as many as it takes.
static bool far_pieces(struct conv *c, const struct conv_item *whole, const struct packet *p, unsigned mtu)
{
  size_t headers = p->h.hdr_len + (size_t)(whole->seg.payload - p->body), room = mtu - headers, done = 0;
  do {
    struct conv_item it = *whole;
    size_t n = whole->seg.payload_len - done < room ? whole->seg.payload_len - done : room;
    bool last = done + n == whole->seg.payload_len;
    it.ip = malloc(headers + n);
    if (!it.ip) return false;
    it.own = true;
    it.ip_len = headers + n;
    memcpy(it.ip, p->ip, headers);
    memcpy(it.ip + headers, whole->seg.payload + done, n);
    it.seg.seq = seq_add(whole->seg.seq, (uint32_t)done);
    if (!last) it.seg.flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
    it.seg.payload = it.ip + headers;
    it.seg.payload_len = n;
    put_be16(it.ip + 2, (uint16_t)it.ip_len);
    put_be32(it.ip + p->h.hdr_len + 4, it.seg.seq.v);
    it.ip[p->h.hdr_len + 13] = it.seg.flags;
    if (!far_segment(c, &it)) return false;
    done += n;
  } while (done < whole->seg.payload_len);
  return true;
}

static struct conv *conv_of(struct reading *r, const struct capture *cap, const struct packet *p, const struct segment *s, bool from_near)
{
  struct tuple t = from_near ? (struct tuple){p->h.src, p->h.dst, s->src_port, s->dst_port} : (struct tuple){p->h.dst, p->h.src, s->dst_port, s->src_port};
  struct conv *c = (struct conv *)tuple_map_find(&r->v->map, &t);
  if (c && !begins_anew(c, s, from_near)) return c;
  bool syn_ack = (s->flags & TCP_SYN) && (s->flags & TCP_ACK) && !(s->flags & TCP_RST);
  if (!begins(s) && !((s->flags & TCP_ACK) && !(s->flags & TCP_RST) && goes_on(cap, p))) return NULL;
  c = new_conv(r, &t);
  if (!c) return NULL;
  c->answered = true;
  c->midway = !(s->flags & TCP_SYN);
  c->active = syn_ack ? !from_near : (s->flags & TCP_SYN) && from_near;
  return c;
}

static bool tcp_packet(struct reading *r, const struct capture *cap, const struct packet *p, struct conv_item *it, bool from_near)
{
  struct convs *v = r->v;
  struct sender *who = sender_of(r, p->h.src);
  struct segment s;
  if (!parse_tcp(p, &s)) {
    if (from_near) leave_out(v, p->frame, CONV_BROKEN);
    else if (p->body_captured < p->body_len) leave_out(v, p->frame, CONV_CUT);
    else return loose_frame(r, p);
    return true;
  }
  bool bad = bad_tcp_sum(p), left = who && most(who->bad_tcp, who->segments), bad_ip = bad_ip_sum(p), ip_left = who && most(who->bad_ip, who->packets);
  v->mended += (bad && left) || (bad_ip && ip_left) || (!p->no_length && p->body_captured == p->body_len && unfinished(&p->h, p->body, p->body_len));
  v->lengthened += p->no_length;
  it->seg = s;
  it->bad_sum = bad && !left;
  it->bad_ip_sum = bad_ip && !ip_left;
  size_t n = v->n;
  struct conv *c = conv_of(r, cap, p, &s, from_near);
  if (!c && v->n != n) return false;
  if (from_near) return !c || it->bad_sum || near_segment(c, &s, p->frame->us);
  if (!c) return loose_frame(r, p);
  if (it->ip_len > r->o->mtu && !it->n_pieces) return far_pieces(c, it, p, r->o->mtu);
  return far_segment(c, it);
}

static bool icmp_error(struct reading *r, const struct packet *p)
{
  struct conv_item it = {.kind = CONV_ICMP_ERROR, .frame = p->frame, .us = p->frame->us, .ip = p->frame->data + ETH_HDR_BYTES,
                         .ip_len = (size_t)p->h.hdr_len + p->body_len};
  struct ipv4_hdr q;
  const uint8_t *quoted = p->body + ICMP_HDR_BYTES;
  if (p->body_captured < p->body_len || p->body_len < ICMP_HDR_BYTES + IPV4_HDR_BYTES + QUOTED_MIN) return loose_frame(r, p);
  uint8_t type = p->body[0];
  if ((type != ICMP_TYPE_UNREACHABLE && type != ICMP_TYPE_TIME_EXCEEDED && type != ICMP_TYPE_PARAMETER)
      || ipv4_parse_quoted(quoted, p->body_len - ICMP_HDR_BYTES, &q) != IPV4_OK || q.proto != IPV4_PROTO_TCP
      || p->body_len < (size_t)ICMP_HDR_BYTES + q.hdr_len + QUOTED_MIN) return loose_frame(r, p);
  const uint8_t *tcp = quoted + q.hdr_len;
  struct conv *c = (struct conv *)tuple_map_find(&r->v->map, &(struct tuple){q.src, q.dst, get_be16(tcp), get_be16(tcp + 2)});
  if (!c || !c->know_iss) return loose_frame(r, p);
  it.seg.seq = seq_of(get_be32(tcp + 4));
  struct conv_item *list = grown(c->item, c->n_items, &c->item_room, sizeof *list);
  if (!list) return false;
  c->item = list;
  list[c->n_items++] = it;
  return true;
}

// --- fragments of segments ----------------------------------------------------------------------------------------------

static bool scatter(struct reading *r, struct gather *g)
{
  bool ok = true;
  for (unsigned i = 0; i < g->n; i++) ok = ok && loose_frame(r, &(struct packet){.frame = g->frame[i]});
  g->n = 0;
  return ok;
}

static struct gather *gather_of(struct reading *r, const struct packet *p, bool *ok)
{
  struct gather *none = NULL;
  for (unsigned i = 0; i < DATAGRAMS; i++) {
    struct gather *g = &r->gather[i];
    if (g->n && g->src == p->h.src && g->dst == p->h.dst && g->id == p->h.id) return g;
    if (!g->n && !none) none = g;
  }
  if (!none) {
    none = &r->gather[0];
    *ok = scatter(r, none);
  }
  none->src = p->h.src;
  none->dst = p->h.dst;
  none->id = p->h.id;
  return none;
}

static bool whole_again(struct reading *r, const struct capture *cap, struct gather *g, const struct packet *last, const struct reass_result *whole)
{
  struct packet p;
  struct capture_frame f = *last->frame;
  struct conv_item it = {.frame = last->frame, .us = last->frame->us, .own = true, .n_pieces = (uint8_t)g->n, .ip_len = whole->len - ETH_HDR_BYTES};
  f.data = malloc(whole->len);
  if (!f.data) return false;
  memcpy(f.data, whole->frame, whole->len);
  f.len = f.captured = whole->len;
  for (unsigned i = 0; i < g->n; i++) {
    struct packet piece;
    open_packet(g->frame[i], &piece);
    it.piece[i].offset = piece.h.frag_offset;
    it.piece[i].len = piece.h.payload_len;
  }
  it.ip = malloc(it.ip_len);
  if (it.ip) memcpy(it.ip, f.data + ETH_HDR_BYTES, it.ip_len);
  size_t n = r->v->n;
  bool ok = it.ip && open_packet(&f, &p) == CONV_USED;
  struct conv *c = ok && is_whole_tcp(&p) && parse_tcp(&p, &it.seg) ? conv_of(r, cap, &p, &it.seg, false) : NULL;
  if (c) {   // else it may be too short for a header
    it.seg.payload = it.ip + (it.seg.payload - (f.data + ETH_HDR_BYTES));
    it.bad_sum = bad_tcp_sum(&p);
  }
  ok = ok && (c || r->v->n == n) && (c ? far_segment(c, &it) : scatter(r, g));
  if (!c) free(it.ip);
  free(f.data);
  g->n = 0;
  return ok;
}

static bool far_fragment(struct reading *r, const struct capture *cap, const struct packet *p)
{
  bool ok = true;
  struct gather *g = gather_of(r, p, &ok);
  bool beyond = (size_t)p->h.frag_offset + p->h.payload_len > UINT16_MAX;
  if (!ok || beyond || p->body_captured < p->body_len || g->n == CONV_PIECES) return ok && loose_frame(r, p);
  g->frame[g->n++] = p->frame;
  struct reass_result whole = reass_input(r->reass, p->frame->data, &p->h, p->frame->us);
  return whole.kind != REASS_WHOLE || whole_again(r, cap, g, p, &whole);
}

// What has not become whole goes in the order of the capture.
static int by_number(const void *a, const void *b)
{
  const struct conv_item *x = a, *y = b;
  return (x->frame->number > y->frame->number) - (x->frame->number < y->frame->number);
}

static bool scatter_all(struct reading *r)
{
  bool ok = true;
  for (unsigned i = 0; i < DATAGRAMS; i++) ok &= scatter(r, &r->gather[i]);
  if (r->v->n_loose) qsort(r->v->loose, r->v->n_loose, sizeof *r->v->loose, by_number);
  return ok;
}

static bool take_packet(struct reading *r, const struct capture *cap, const struct packet *p, struct conv_item *it)
{
  struct convs *v = r->v;
  bool from = is_near(v, p->h.src), to = is_near(v, p->h.dst);
  if (from && to && p->h.src != p->h.dst) leave_out(v, p->frame, CONV_BOTH_NEAR);
  else if (from && !to) v->near_frames++;
  if ((from && to && p->h.src != p->h.dst) || (from && !to && p->h.proto != IPV4_PROTO_TCP)) return true;
  if (!from && !to && !no_address(p->h.dst) && v->n_near) {
    leave_out(v, p->frame, CONV_OTHERS);
    return true;
  }
  if (is_whole_tcp(p)) return tcp_packet(r, cap, p, it, from && !to);
  if (from && !to) return true;
  if (p->h.proto == IPV4_PROTO_ICMP && !p->h.fragment) return icmp_error(r, p);
  if (p->h.proto == IPV4_PROTO_TCP && p->h.fragment) return far_fragment(r, cap, p);
  return loose_frame(r, p);
}

// The near side's own station, NULL where none of its packets shows.
static const uint8_t *near_mac(const struct convs *v, const struct capture *c)
{
  struct packet p;
  for (size_t i = 0; c->ethernet && i < c->n; i++)
    if (open_packet(&c->frame[i], &p) == CONV_USED && p.ip && is_near(v, p.h.src)) return c->frame[i].data + 6;
  return NULL;
}

// Others send as the same: a loopback interface, or it forwards for them.
static bool shared_mac(const struct convs *v, const struct capture *c, const uint8_t *mac)
{
  struct packet p;
  for (size_t i = 0; mac && i < c->n; i++) {
    bool other = open_packet(&c->frame[i], &p) == CONV_USED && p.ip && !is_near(v, p.h.src) && !no_address(p.h.src);
    if (other && !memcmp(c->frame[i].data + 6, mac, 6)) return true;
  }
  return false;
}

// What the near side itself asks and answers by ARP is not for it to hear.
static bool own_arp(const struct convs *v, const struct packet *p, const uint8_t *mac)
{
  const uint8_t *f = p->frame->data, *arp = f + ETH_HDR_BYTES;
  if (!mac || p->frame->captured < ARP_FRAME_BYTES || get_be16(f + 12) != ETH_TYPE_ARP || memcmp(f + 6, mac, 6) != 0) return false;
  uint32_t sender = get_be32(arp + 14), target = get_be32(arp + 24);
  return is_near(v, sender ? sender : target);   // of nobody: a probe for its own address (RFC 5227)
}

static uint16_t type_of(const struct capture_frame *f) { return f->captured >= ETH_HDR_BYTES ? get_be16(f->data + 12) : 0; }

// A frame in which there is no packet to be read: whether the near side sent it, by its station, unless others share that, or by the address in its place.
static bool near_sent(const struct convs *v, const struct packet *p, const uint8_t *mac, bool shared)
{
  const struct capture_frame *f = p->frame;
  uint16_t type = type_of(f);
  if (type == ETH_TYPE_ARP) return own_arp(v, p, mac);
  if (mac && !shared && f->captured >= 12 && !memcmp(f->data + 6, mac, 6)) return true;
  const uint8_t *ip = f->data + ETH_HDR_BYTES;
  return type == ETH_TYPE_IPV4 && f->captured >= ETH_HDR_BYTES + IPV4_HDR_BYTES && is_near(v, get_be32(ip + 12)) && !is_near(v, get_be32(ip + 16));
}

static bool read_frames(struct reading *r, const struct capture *c)
{
  struct packet p;
  const uint8_t *mac = near_mac(r->v, c);
  bool shared = shared_mac(r->v, c, mac);
  for (size_t i = 0; i < c->n; i++) {
    enum conv_unused why = open_packet(&c->frame[i], &p);
    if (why != CONV_USED) {
      leave_out(r->v, &c->frame[i], why);
    } else if (p.ip) {
      struct conv_item it = {.frame = &c->frame[i], .us = c->frame[i].us, .ip = c->frame[i].data + ETH_HDR_BYTES, .ip_len = p.h.hdr_len + p.body_len};
      if (!take_packet(r, c, &p, &it)) return false;
    } else if (near_sent(r->v, &p, mac, shared)) {
      if (type_of(p.frame) == ETH_TYPE_IPV4) leave_out(r->v, p.frame, CONV_BROKEN);
      else r->v->near_frames++;
    } else if (!loose_frame(r, &p)) {
      return false;
    }
  }
  return true;
}

static void end_reading(struct reading *r)
{
  reass_close(r->reass);
  for (size_t i = 0; i < r->n; i++) free(r->sender[i]);
  free(r->sender);
  tuple_map_free(&r->map);
  free(r);
}

static bool read_as(struct convs *v, const struct capture *c, const struct conv_options *o)
{
  static const uint8_t key[16] = {0};
  struct reading *r = calloc(1, sizeof *r);
  *v = (struct convs){0};
  if (!r) return false;
  r->v = v;
  r->o = o;
  r->reass = reass_open(DATAGRAMS);
  size_t many = 1024 + c->n / 4;
  bool ok = r->reass && tuple_map_init(&v->map, many, key) && tuple_map_init(&r->map, many, key) && find_hosts(r, c) && read_frames(r, c) && scatter_all(r);
  end_reading(r);
  if (!ok) convs_free(v);
  return ok;
}

static bool plays(const struct convs *v)
{
  for (size_t i = 0; i < v->n; i++)
    if (v->conv[i]->n_items) return true;
  return v->n_loose;
}

// A capture of one side alone: then the other is the NIC's.
bool convs_read(struct convs *v, const struct capture *c, const struct conv_options *o)
{
  struct packet p;
  struct conv_options other = *o;
  if (!read_as(v, c, o)) return false;
  if (o->as || plays(v)) return true;
  for (size_t i = 0; i < c->n && !other.as; i++)
    if (open_packet(&c->frame[i], &p) == CONV_USED && p.ip && !no_address(p.h.dst)) other.as = p.h.dst;
  if (!other.as) return true;
  convs_free(v);
  return read_as(v, c, &other);
}

void convs_free(struct convs *v)
{
  for (size_t i = 0; i < v->n; i++) {
    struct conv *c = v->conv[i];
    for (size_t k = 0; k < c->n_items; k++)
      if (c->item[k].own) free(c->item[k].ip);
    free(c->item);
    free(c->out);
    free(c->in);
    free(c->have);
    free(c->write);
    free(c);
  }
  free(v->conv);
  free(v->loose);
  tuple_map_free(&v->map);
  *v = (struct convs){0};
}
