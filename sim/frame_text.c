// SPDX-License-Identifier: Apache-2.0
#include "frame_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/text.h"
#include "net/arp.h"
#include "net/eth.h"
#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/tuple.h"
#include "net/udp.h"
#include "tcp/segment.h"

enum { PADDED_BYTES = 46 };    // what Ethernet makes of less, which says nothing

struct known {
  struct tuple_node node;      // first; local is the lower of the two ends
  bool has[2];                 // from the local end, from the remote
  struct seq isn[2];
};

struct frame_text {
  FILE *out;
  bool relative;
  struct tuple_map map;
  struct known **known;
  size_t n, room;
};

struct frame_text *frame_text_open(FILE *out, bool relative)
{
  static const uint8_t key[16] = {2};
  struct frame_text *t = calloc(1, sizeof *t);
  if (!t || !tuple_map_init(&t->map, 256, key)) {
    free(t);
    return NULL;
  }
  t->out = out;
  t->relative = relative;
  return t;
}

void frame_text_close(struct frame_text *t)
{
  if (!t) return;
  for (size_t i = 0; i < t->n; i++) free(t->known[i]);
  free(t->known);
  tuple_map_free(&t->map);
  free(t);
}

static struct known *known_of(struct frame_text *t, const struct ipv4_hdr *h, const struct segment *s, unsigned *from)
{
  bool swap = h->src > h->dst || (h->src == h->dst && s->src_port > s->dst_port);
  struct tuple name = swap ? (struct tuple){h->dst, h->src, s->dst_port, s->src_port} : (struct tuple){h->src, h->dst, s->src_port, s->dst_port};
  *from = swap;
  if (!t->relative) return NULL;
  struct known *k = (struct known *)tuple_map_find(&t->map, &name);
  if (k || !(s->flags & TCP_SYN)) return k;
  if (t->n == t->room) {
    size_t more = t->room ? t->room * 2 : 16;
    struct known **list = realloc(t->known, more * sizeof *list);
    if (!list) return NULL;
    t->known = list;
    t->room = more;
  }
  k = calloc(1, sizeof *k);
  if (!k) return NULL;
  k->node.tuple = name;
  tuple_map_insert(&t->map, &k->node);
  return t->known[t->n++] = k;
}

static uint32_t relative(const struct known *k, unsigned side, struct seq s) { return k && k->has[side] ? s.v - k->isn[side].v : s.v; }

// What the NIC says in a SYN counts: another number begins another connection. Of what it is sent only the first does.
static void note_syn(struct known *k, const struct segment *s, unsigned from, char way)
{
  if (way == '>' && k->has[from]) return;
  if (way == '<' && !(s->flags & TCP_ACK)) k->has[!from] &= k->has[from] && seq_eq(k->isn[from], s->seq);
  k->isn[from] = s->seq;
  k->has[from] = true;
  if (way == '>' || !(s->flags & TCP_ACK)) return;
  k->isn[!from] = seq_add(s->ack, UINT32_MAX);
  k->has[!from] = true;
}

static void put_options(FILE *out, const struct segment *s, const struct known *k, unsigned from)
{
  const struct segment_options *o = &s->opt;
  const char *sep = " <";
  if (o->has_mss) sep = fprintf(out, "%smss %u", sep, o->mss) ? "," : sep;
  if (o->has_wscale) sep = fprintf(out, "%swscale %u", sep, o->wscale) ? "," : sep;
  if (o->sack_permitted) sep = fprintf(out, "%ssackOK", sep) ? "," : sep;
  if (o->has_timestamps) sep = fprintf(out, "%sTS %u:%u", sep, o->tsval, o->tsecr) ? "," : sep;
  for (unsigned i = 0; i < o->n_sack; i++)
    sep = fprintf(out, "%ssack %u:%u", sep, relative(k, !from, o->sack[i].start), relative(k, !from, o->sack[i].end)) ? "," : sep;
  if (sep[0] == ',') fputc('>', out);
}

static void put_segment(struct frame_text *t, char way, const struct ipv4_hdr *h, const struct segment *s)
{
  static const char letter[] = "FSRP.UEW";
  unsigned from;
  struct known *k = known_of(t, h, s, &from);
  if (k && (s->flags & TCP_SYN)) note_syn(k, s, from, way);
  fputs(" [", t->out);
  for (unsigned i = 0; i < 8; i++)
    if (s->flags & 1u << i) fputc(letter[i], t->out);
  uint32_t seq = relative(k, from, s->seq);
  fprintf(t->out, "] %u:%u(%zu)", seq, seq + (uint32_t)s->payload_len, s->payload_len);
  if (s->flags & TCP_ACK) fprintf(t->out, " ack %u", relative(k, !from, s->ack));
  fprintf(t->out, " win %u", s->window);
  if (s->flags & TCP_URG) fprintf(t->out, " urg %u", s->urgent);
  put_options(t->out, s, k, from);
}

static void put_tcp(struct frame_text *t, char way, const struct ipv4_hdr *h, const uint8_t *p)
{
  struct segment s;
  enum segment_result r = segment_parse(&s, h->src, h->dst, p, h->payload_len);
  if (r == SEGMENT_OK) put_segment(t, way, h, &s);
  else fprintf(t->out, " %zu bytes: %s", (size_t)h->payload_len, segment_result_text(r));
}

static void put_icmp(FILE *out, const struct ipv4_hdr *h, const uint8_t *p)
{
  struct icmp_msg m;
  enum icmp_result r = icmp_parse(p, h->payload_len, &m);
  if (r != ICMP_OK) fprintf(out, " icmp: %s", icmp_result_text(r));
  else if (m.type == ICMP_TYPE_ECHO_REPLY || m.type == ICMP_TYPE_ECHO_REQUEST) fprintf(out, " icmp echo %s %zu bytes", m.type ? "request" : "reply", m.data_len);
  else fprintf(out, " icmp type %u code %u", m.type, m.code);
}

static void put_packet(struct frame_text *t, char way, const uint8_t *ip, size_t len)
{
  struct ipv4_hdr h;
  char src[TEXT_IPV4_LEN], dst[TEXT_IPV4_LEN];
  enum ipv4_result r = ipv4_parse(ip, len, &h);
  if (r != IPV4_OK) {
    fprintf(t->out, "ip %zu bytes: %s", len, ipv4_result_text(r));
    return;
  }
  const uint8_t *p = ip + h.hdr_len;
  bool ports = (h.proto == IPV4_PROTO_TCP || h.proto == IPV4_PROTO_UDP) && !h.fragment && h.payload_len >= 4;
  fprintf(t->out, "%s", text_format_ipv4(src, h.src));
  if (ports) fprintf(t->out, ".%u", get_be16(p));
  fprintf(t->out, " > %s", text_format_ipv4(dst, h.dst));
  if (ports) fprintf(t->out, ".%u", get_be16(p + 2));
  if (h.options_len) fprintf(t->out, " (%u bytes of ip options)", h.options_len);
  if (h.tos & IPV4_ECN_MASK) fprintf(t->out, " (ecn %u)", h.tos & IPV4_ECN_MASK);
  if (h.fragment) fprintf(t->out, " fragment of %u: %u:%u%s", h.proto, h.frag_offset, h.frag_offset + h.payload_len, h.more_fragments ? "+" : "");
  else if (h.proto == IPV4_PROTO_TCP) put_tcp(t, way, &h, p);
  else if (h.proto == IPV4_PROTO_ICMP) put_icmp(t->out, &h, p);
  else if (h.proto == IPV4_PROTO_UDP) fprintf(t->out, " udp %u bytes", h.payload_len < 8 ? 0 : h.payload_len - 8);
  else fprintf(t->out, " protocol %u", h.proto);
  if (len > PADDED_BYTES && len > (size_t)h.hdr_len + h.payload_len) fprintf(t->out, " + %zu bytes", len - h.hdr_len - h.payload_len);
}

static void put_arp(FILE *out, const uint8_t *p, size_t len)
{
  struct arp_packet a;
  char who[TEXT_IPV4_LEN], whom[TEXT_IPV4_LEN];
  enum arp_result r = arp_parse(p, len, &a);
  if (r != ARP_OK) fprintf(out, "arp: %s", arp_result_text(r));
  else fprintf(out, "arp %s %s to %s", a.op == ARP_OP_REQUEST ? "asks" : "answers", text_format_ipv4(who, a.sender_ip), text_format_ipv4(whom, a.target_ip));
}

static void put_frame(struct frame_text *t, char way, const uint8_t *frame, size_t len)
{
  struct eth_hdr e;
  enum eth_result r = eth_parse(frame, len, &e);
  if (r != ETH_OK) fprintf(t->out, "%zu bytes: %s", len, eth_result_text(r));
  else if (e.type == ETH_TYPE_IPV4) put_packet(t, way, frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES);
  else if (e.type == ETH_TYPE_ARP) put_arp(t->out, frame + ETH_HDR_BYTES, len - ETH_HDR_BYTES);
  else fprintf(t->out, "ethertype %04x, %zu bytes", e.type, len);
}

void frame_text_put(struct frame_text *t, char way, const uint8_t *frame, size_t len, uint64_t us)
{
  fprintf(t->out, "%" PRIu64 ".%06" PRIu64 " %c ", us / 1000000, us % 1000000, way);
  put_frame(t, way, frame, len);
  fputc('\n', t->out);
}

void frame_text_line(FILE *out, const uint8_t *frame, size_t len)
{
  put_frame(&(struct frame_text){.out = out}, '<', frame, len);
}
