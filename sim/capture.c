// SPDX-License-Identifier: Apache-2.0
#include "capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "net/eth.h"
#include "net/ipv4.h"

enum { TAG_BYTES = 4, PORTS = 65536, IDS = 65536, OFFSET_MASK = 0x1fff, TCP_SUM_AT = 16, UDP_SUM_AT = 6, UDP_HDR_BYTES = 8 };

// --- link types: where the packet begins, and what it is ---

struct link {
  size_t header;
  uint16_t type;
};

static bool link_of(int dlt, const uint8_t *p, size_t len, struct link *l)
{
  switch (dlt) {
    case DLT_EN10MB: *l = (struct link){0, 0}; return true;
    case DLT_RAW:
    case DLT_IPV4: *l = (struct link){0, (uint16_t)(len && p[0] >> 4 == 6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4)}; return true;
    case DLT_LINUX_SLL: *l = (struct link){16, len >= 16 ? get_be16(p + 14) : 0}; return len >= 16;
#ifdef DLT_LINUX_SLL2
    case DLT_LINUX_SLL2: *l = (struct link){20, len >= 20 ? get_be16(p) : 0}; return len >= 20;
#endif
    case DLT_NULL:      // the family in the byte order of who captured
    case DLT_LOOP: *l = (struct link){4, (uint16_t)(len >= 4 && (p[0] == 2 || p[3] == 2) ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6)}; return len >= 4;
    default: return false;
  }
}

static size_t at_most(size_t n, size_t most) { return n < most ? n : most; }

static bool take_frame(struct capture_frame *f, int dlt, const struct pcap_pkthdr *h, const uint8_t *p)
{
  struct link l;
  size_t len = h->len < h->caplen || h->len > CAPTURE_FRAME_MAX ? h->caplen : h->len, head;   // some say less than they have, or nonsense
  if (!link_of(dlt, p, h->caplen, &l)) l = (struct link){h->caplen, 0};   // too short: an empty frame of no type
  head = dlt == DLT_EN10MB ? 0 : ETH_HDR_BYTES;
  f->len = at_most(len - l.header + head, CAPTURE_FRAME_MAX);
  f->captured = at_most(h->caplen - l.header + head, f->len);
  f->data = calloc(1, f->len + 1);
  if (!f->data) return false;
  if (head) put_be16(f->data + 12, l.type);
  memcpy(f->data + head, p + l.header, f->captured - head);
  return true;
}

static void take_tags_off(struct capture_frame *f)
{
  while (f->captured >= ETH_HDR_BYTES + TAG_BYTES) {
    uint16_t type = get_be16(f->data + 12);
    if (type != ETH_TYPE_VLAN && type != ETH_TYPE_QINQ) return;
    memmove(f->data + 12, f->data + 12 + TAG_BYTES, f->len - 12 - TAG_BYTES);
    f->len -= TAG_BYTES;
    f->captured -= TAG_BYTES;
    f->tagged = true;
  }
}

// --- loopback ---

struct loopback {
  bool listens[PORTS], from_near[IDS];   // by port; of the first fragment of each identification
};

static bool loopback(const struct capture_frame *f, const uint8_t **tcp)
{
  const uint8_t *ip = f->data + ETH_HDR_BYTES;
  if (f->captured < ETH_HDR_BYTES + IPV4_HDR_BYTES || get_be16(f->data + 12) != ETH_TYPE_IPV4 || ip[12] != 127 || ip[16] != 127) return false;
  size_t header = (size_t)(ip[0] & 15) * 4;
  bool first = !(get_be16(ip + 6) & OFFSET_MASK);   // of the fragments of a datagram; the others have no ports
  *tcp = first && f->captured >= ETH_HDR_BYTES + header + 14 ? ip + header : NULL;
  return true;
}

// Whose port it is when both have one address: who was sent a SYN, or answered one; else the lower.
static void find_listeners(const struct capture *c, struct loopback *l)
{
  const uint8_t *tcp;
  for (size_t i = 0; i < c->n; i++) {
    if (!loopback(&c->frame[i], &tcp) || !tcp || c->frame[i].data[ETH_HDR_BYTES + 9] != IPV4_PROTO_TCP || !(tcp[13] & 2)) continue;
    l->listens[get_be16(tcp + (tcp[13] & 16 ? 0 : 2))] = true;
  }
}

// A fragment's field is that of all its datagram, and of software, which cut it: only the addresses have changed (RFC 1624).
static void set_body_sum(const struct ipv4_hdr *h, uint8_t *body, uint32_t old_addresses)
{
  bool udp = h->proto == IPV4_PROTO_UDP;
  uint8_t *sum = body + (udp ? UDP_SUM_AT : TCP_SUM_AT);
  uint16_t was = get_be16(sum), len = udp && get_be16(body + 4) < h->payload_len ? get_be16(body + 4) : h->payload_len;
  if (udp && (!was || len < UDP_HDR_BYTES)) return;   // it has none
  put_be16(sum, 0);
  uint16_t now = h->fragment ? cksum_fold((uint32_t)(uint16_t)~was + cksum_fold(old_addresses) + ipv4_pseudo_sum(h->src, h->dst, 0, 0))
                             : cksum_fold(cksum_add(ipv4_pseudo_sum(h->src, h->dst, h->proto, len), body, len));
  put_be16(sum, udp && !now ? 0xffff : now);
}

static void set_sums(struct capture_frame *f, uint32_t old_addresses)
{
  uint8_t *ip = f->data + ETH_HDR_BYTES;
  size_t len = f->len - ETH_HDR_BYTES, least;
  struct ipv4_hdr h;
  if (ipv4_parse_quoted(ip, len, &h) != IPV4_OK || (size_t)h.hdr_len + h.payload_len > len) return;
  put_be16(ip + 10, 0);
  put_be16(ip + 10, cksum_fold(cksum_add(0, ip, h.hdr_len)));
  least = h.proto == IPV4_PROTO_TCP ? TCP_SUM_AT + 2 : UDP_HDR_BYTES;
  if ((h.proto == IPV4_PROTO_TCP || h.proto == IPV4_PROTO_UDP) && !h.frag_offset && h.payload_len >= least) set_body_sum(&h, ip + h.hdr_len, old_addresses);
}

static void rename_loopback(struct capture_frame *f, struct loopback *l)
{
  const uint8_t *tcp;
  if (!loopback(f, &tcp)) return;
  uint8_t *ip = f->data + ETH_HDR_BYTES;
  uint16_t src = tcp ? get_be16(tcp) : 0, dst = tcp ? get_be16(tcp + 2) : 0, id = get_be16(ip + 4);
  if (tcp) l->from_near[id] = l->listens[src] != l->listens[dst] ? l->listens[src] : src < dst;
  bool later = get_be16(ip + 6) & OFFSET_MASK, from_near = (tcp || later) && l->from_near[id];
  uint32_t old_addresses = ipv4_pseudo_sum(get_be32(ip + 12), get_be32(ip + 16), 0, 0);
  put_be32(ip + 12, from_near ? CAPTURE_LOOPBACK_NEAR : CAPTURE_LOOPBACK_FAR);
  put_be32(ip + 16, from_near ? CAPTURE_LOOPBACK_FAR : CAPTURE_LOOPBACK_NEAR);
  set_sums(f, old_addresses);
}

static bool rename_all(struct capture *c)
{
  struct loopback *l = calloc(1, sizeof *l);
  if (!l) return false;
  find_listeners(c, l);
  for (size_t i = 0; i < c->n; i++) rename_loopback(&c->frame[i], l);
  free(l);
  return true;
}

// --- reading ---

static struct capture_frame *next_place(struct capture *c, size_t *room)
{
  if (c->n == *room) {
    size_t more = *room ? *room * 2 : 1024;
    struct capture_frame *f = realloc(c->frame, more * sizeof *f);
    if (!f) return NULL;
    c->frame = f;
    *room = more;
  }
  c->frame[c->n] = (struct capture_frame){0};
  return &c->frame[c->n];
}

static bool read_all(struct capture *c, pcap_t *pcap, bool keep_tags, const char *path, char err[static CAPTURE_ERR_LEN])
{
  struct pcap_pkthdr *h;
  const u_char *p;
  size_t room = 0;
  int got, dlt = pcap_datalink(pcap);
  uint64_t last_us = 0;
  while ((got = pcap_next_ex(pcap, &h, &p)) == 1) {
    struct capture_frame *f = next_place(c, &room);
    if (!f || !take_frame(f, dlt, h, p)) {
      snprintf(err, CAPTURE_ERR_LEN, "out of memory");
      return false;
    }
    uint64_t at_us = (uint64_t)h->ts.tv_sec * 1000000 + (uint64_t)h->ts.tv_usec;
    if (c->n == 0) c->epoch_us = at_us;
    if (at_us > c->epoch_us + last_us) last_us = at_us - c->epoch_us;
    f->us = last_us;
    f->number = (unsigned)++c->n;
    if (!keep_tags) take_tags_off(f);
  }
  if (got != PCAP_ERROR_BREAK) snprintf(err, CAPTURE_ERR_LEN, "%.90s: after frame %zu: %.80s", path, c->n, pcap_geterr(pcap));
  return got == PCAP_ERROR_BREAK;
}

bool capture_read(struct capture *c, const char *path, bool keep_tags, char err[static CAPTURE_ERR_LEN])
{
  char why[PCAP_ERRBUF_SIZE];
  struct link l;
  *c = (struct capture){0};
  pcap_t *pcap = pcap_open_offline(path, why);
  if (!pcap) {
    snprintf(err, CAPTURE_ERR_LEN, "%.190s", why);
    return false;
  }
  int dlt = pcap_datalink(pcap);
  const uint8_t none[32] = {0};
  c->ethernet = dlt == DLT_EN10MB;
  bool known = link_of(dlt, none, sizeof none, &l);
  if (!known) snprintf(err, CAPTURE_ERR_LEN, "%.90s: a capture of %.60s, which is not understood", path, pcap_datalink_val_to_description_or_dlt(dlt));
  bool ok = known && read_all(c, pcap, keep_tags, path, err);
  pcap_close(pcap);
  if (ok && !rename_all(c)) {
    snprintf(err, CAPTURE_ERR_LEN, "out of memory");
    ok = false;
  }
  if (!ok) capture_free(c);
  return ok;
}

void capture_free(struct capture *c)
{
  for (size_t i = 0; i < c->n; i++) free(c->frame[i].data);
  free(c->frame);
  *c = (struct capture){0};
}
