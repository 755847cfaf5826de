// SPDX-License-Identifier: Apache-2.0
#include "check/monitor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cksum.h"
#include "base/text.h"
#include "check/monitor_priv.h"
#include "net/eth.h"
#include "net/ipv4.h"

enum { DEFAULT_FLOWS = 1024, DEFAULT_STORE = 64 << 20, SHORTEST_FRAME = 60 };

// --- the rules -------------------------------------------------------------------------------------------------------

static const struct {
  const char *name, *rfc, *text;
  bool near_only;
} rules[MONITOR_RULES] = {
    [MONITOR_ETHERNET] = {"ethernet", "RFC 894", "a frame holds its packet and, up to 60 bytes, padding", true},
    [MONITOR_IP] = {"ip", "RFC 791 section 3.1", "version, lengths and checksum are right, TTL is not 0, the reserved flag is 0", true},
    [MONITOR_HEADER] = {"header", "RFC 9293 section 3.1",
                        "the data offset is right, reserved bits are 0, a RST is neither SYN nor FIN (3.5.2)", false},
    [MONITOR_CHECKSUM] = {"checksum", "RFC 9293 section 3.1, MUST-2", "the sender computes the checksum", true},
    [MONITOR_OPTION_FORM] = {"option-form", "RFC 9293 sections 3.1 and 3.2, MUST-68, MUST-69",
                             "options have their lengths, and zeros behind their end", false},
    [MONITOR_OPTION_PLACE] = {"option-place", "RFC 9293 section 3.7.1, RFC 7323 section 2.2, RFC 2018 section 2",
                              "MSS, window scale and SACK-permitted stand in SYNs only", false},
    [MONITOR_OPTION_AGREED] = {"option-agreed", "RFC 7323 sections 2.2 and 3.2, RFC 2018 section 2",
                               "a SYN-ACK answers only what was offered; no option is used that was not agreed", false},
    [MONITOR_WINDOW_SCALE] = {"window-scale", "RFC 7323 section 2.3", "a window is scaled by 14 at most", false},
    [MONITOR_TS_PRESENT] = {"ts-present", "RFC 7323 section 3.2", "once agreed, every segment but a RST has time stamps", false},
    [MONITOR_TS_VALUE] = {"ts-value", "RFC 7323 section 5.4", "the clock of the time stamps does not go back", true},
    [MONITOR_TS_ECHO] = {"ts-echo", "RFC 7323 sections 3.2 and 4.3", "the echo is of a time stamp that came, and should be 0 without ACK", false},
    [MONITOR_ECN] = {"ecn", "RFC 3168 section 6.1.1", "ECN is used only where both SYNs agreed to it", false},
    [MONITOR_HANDSHAKE] = {"handshake", "RFC 9293 section 3.5",
                           "a SYN sent again is the same; a SYN-ACK acknowledges a SYN; data wait for the handshake's end (3.10.2)", false},
    [MONITOR_STRAY] = {"stray", "RFC 9293 section 3.10.7.1", "where there is no connection nothing is sent but RST", false},
    [MONITOR_SEQUENCE] = {"sequence", "RFC 9293 section 3.4", "new data follow the last without a gap; nothing lies before the ISN", false},
    [MONITOR_MSS] = {"mss", "RFC 9293 section 3.7.1, MUST-15, MUST-16", "payload and options stay within the peer's MSS, or 536", false},
    [MONITOR_WINDOW] = {"window", "RFC 9293 sections 3.8.6 and 3.8.6.1",
                        "nothing lies beyond the window ever offered, but one octet to probe a closed one", false},
    [MONITOR_BYTES] = {"bytes", "RFC 9293 section 3.4", "a sequence number stands for one octet, however often it is sent", false},
    [MONITOR_FIN] = {"fin", "RFC 9293 section 3.6", "a FIN has one place, behind everything", false},
    [MONITOR_ACK_FLAG] = {"ack-flag", "RFC 9293 section 3.1", "every segment but the first SYN and some RSTs has ACK", false},
    [MONITOR_ACK_TRUTH] = {"ack-truth", "RFC 9293 section 3.4", "only what came, and all before it, is acknowledged", false},
    [MONITOR_ACK_BACK] = {"ack-back", "RFC 9293 section 3.4", "an acknowledgment is not taken back: each has the current RCV.NXT", true},
    [MONITOR_EDGE] = {"edge", "RFC 9293 section 3.8.6, SHLD-14", "the right edge of the offered window does not go back", true},
    [MONITOR_SACK_FORM] = {"sack-form", "RFC 2018 sections 3 and 4, RFC 2883 section 4",
                           "a block is not empty and lies behind the ACK, or as a first one (D-SACK) before it", false},
    [MONITOR_SACK_TRUTH] = {"sack-truth", "RFC 2018 section 4", "a block holds only what came", false},
    [MONITOR_DSACK] = {"dsack", "RFC 2883 section 4", "a D-SACK block holds only what came twice", false},
    [MONITOR_RST] = {"rst", "RFC 9293 sections 3.10.7.1 and 3.10.5",
                     "a RST has the ACK of what it answers as its sequence number, 0 and an ACK where there was none, or the stream's own", false},
    [MONITOR_AFTER_RST] = {"after-rst", "RFC 9293 section 3.10.5", "who has reset a connection sends nothing more on it", true},
};

const char *monitor_rule_name(enum monitor_rule r) { return rules[r].name; }
const char *monitor_rule_rfc(enum monitor_rule r) { return rules[r].rfc; }
const char *monitor_rule_text(enum monitor_rule r) { return rules[r].text; }
bool monitor_rule_near_only(enum monitor_rule r) { return rules[r].near_only; }

static void violated(const struct look *l, struct monitor_violation v)
{
  struct monitor *m = l->m;
  v.frame = m->counts.frames;
  v.at_us = m->now_us;
  v.way = l->way;
  v.tuple = l->tuple;
  if (!m->counts.all_wrong++) m->first = v;
  m->counts.wrong[v.rule]++;
  if (m->cfg.report) m->cfg.report(m->cfg.arg, &v);
}

static void count_check(struct monitor *m, enum monitor_rule rule)
{
  m->counts.checks[rule]++;
  m->counts.all_checks++;
}

bool judge(const struct look *l, enum monitor_rule rule, bool good, const char *expected, uint32_t expected_value, const char *got,
           uint32_t got_value)
{
  count_check(l->m, rule);
  if (!good) violated(l, (struct monitor_violation){.rule = rule, .expected = expected, .got = got, .numbers = true,
                                                    .expected_value = expected_value, .got_value = got_value});
  return good;
}

bool judge_text(const struct look *l, enum monitor_rule rule, bool good, const char *expected, const char *got)
{
  count_check(l->m, rule);
  if (!good) violated(l, (struct monitor_violation){.rule = rule, .expected = expected, .got = got});
  return good;
}

void monitor_print(FILE *out, const struct monitor_violation *v)
{
  const struct tuple *t = &v->tuple;
  char local[TEXT_IPV4_LEN], remote[TEXT_IPV4_LEN];
  bool sent = v->way == MONITOR_SENT;
  text_format_ipv4(local, t->local_ip);
  text_format_ipv4(remote, t->remote_ip);
  fprintf(out, "frame %" PRIu64 " at %" PRIu64 ".%06u s, ", v->frame, v->at_us / 1000000, (unsigned)(v->at_us % 1000000));
  if (t->local_ip)
    fprintf(out, "%s:%u > %s:%u, ", sent ? local : remote, sent ? t->local_port : t->remote_port, sent ? remote : local,
            sent ? t->remote_port : t->local_port);
  fprintf(out, "%s: expected %s", rules[v->rule].name, v->expected);
  if (v->numbers) fprintf(out, " %" PRIu32, v->expected_value);
  fprintf(out, ", got %s", v->got);
  if (v->numbers) fprintf(out, " %" PRIu32, v->got_value);
  fprintf(out, " (%s: %s)", rules[v->rule].rfc, rules[v->rule].text);
}

// --- flows -----------------------------------------------------------------------------------------------------------

static void unlink_flow(struct monitor *m, struct flow *f)
{
  *(f->older ? &f->older->younger : &m->oldest) = f->younger;
  *(f->younger ? &f->younger->older : &m->youngest) = f->older;
}

static void link_youngest(struct monitor *m, struct flow *f)
{
  f->older = m->youngest;
  f->younger = NULL;
  *(m->youngest ? &m->youngest->younger : &m->oldest) = f;
  m->youngest = f;
}

static struct flow *new_flow(struct monitor *m, const struct tuple *t)
{
  struct flow *f;
  if (m->n_flows < m->cfg.max_flows) {
    f = &m->flows[m->n_flows++];
  } else {
    f = m->oldest;
    unlink_flow(m, f);
    tuple_map_remove(&m->map, &f->node);
    flow_clear(m, f);
    m->counts.forgotten++;
  }
  f->node.tuple = *t;
  tuple_map_insert(&m->map, &f->node);
  link_youngest(m, f);
  return f;
}

static struct flow *flow_of(struct monitor *m, const struct tuple *t)
{
  struct flow *f = (struct flow *)tuple_map_find(&m->map, t);
  if (!f) return new_flow(m, t);
  unlink_flow(m, f);
  link_youngest(m, f);
  return f;
}

static struct tuple tuple_of(enum monitor_way way, const struct ipv4_hdr *ip, uint16_t src_port, uint16_t dst_port)
{
  if (way == MONITOR_SENT) return (struct tuple){ip->src, ip->dst, src_port, dst_port};
  return (struct tuple){ip->dst, ip->src, dst_port, src_port};
}

// --- frames ----------------------------------------------------------------------------------------------------------

static void find_flow(struct look *l)
{
  l->f = flow_of(l->m, &l->tuple);
  l->x = &l->f->half[l->way];
  l->y = &l->f->half[!l->way];
}

// Fragments are not put together: what they carry may arrive unseen. What the header in the first says counts as heard.
static void fragment(struct look *l, const struct ipv4_hdr *ip, const uint8_t *p)
{
  struct mseg s;
  l->m->counts.fragments++;
  if (ip->proto != IPV4_PROTO_TCP || ip->frag_offset != 0 || ip->payload_len < 4) return;
  l->tuple = tuple_of(l->way, ip, get_be16(p), get_be16(p + 2));
  find_flow(l);
  l->y->torn = true;
  if (mseg_parse(&s, p, ip->payload_len)) {
    l->y->beheaded = true;
  } else if (open_flow(l)) {
    l->s = &s;
    options_feed(l);
    ack_feed(l);
  }
}

// False when nothing of the segment can be relied on.
static bool checksum(const struct look *l, const struct ipv4_hdr *ip, const uint8_t *p)
{
  uint32_t pseudo = ipv4_pseudo_sum(ip->src, ip->dst, IPV4_PROTO_TCP, ip->payload_len);
  uint16_t field = ip->payload_len < 20 ? 0 : get_be16(p + 16), sum = cksum_fold(cksum_add(pseudo, p, ip->payload_len));
  bool unfinished = sum && field + cksum_fold(pseudo) == 0xffff;   // the pseudo header's sum, not complemented, is all there is
  if (unfinished) l->m->counts.unfinished++;
  if (l->m->cfg.offloads) return true;
  if (near(l))
    judge(l, MONITOR_CHECKSUM, sum == 0, unfinished ? "a finished checksum, over all adding up to" : "a checksum over all adding up to", 0,
          "a sum of", sum);
  return sum == 0 || unfinished;
}

static void tcp(struct look *l, const struct ipv4_hdr *ip, const uint8_t *p)
{
  struct mseg s;
  const char *wrong = mseg_parse(&s, p, ip->payload_len);
  l->m->counts.tcp++;
  if (!wrong) l->tuple = tuple_of(l->way, ip, s.src_port, s.dst_port);
  bool whole = checksum(l, ip, p);
  if (near(l)) judge_text(l, MONITOR_HEADER, !wrong, "a good TCP header", wrong);
  if (wrong || !whole) {
    l->m->counts.damaged++;
    return;
  }
  l->s = &s;
  find_flow(l);
  bool clash = s.flags & MSEG_RST && s.flags & (MSEG_SYN | MSEG_FIN);
  if (l->role != MONITOR_IGNORED)
    judge(l, MONITOR_HEADER, !(s.flags & MSEG_RESERVED) && !clash, "no reserved bits and no RST with SYN or FIN; flags", 0, "flags", s.flags);
  flow_segment(l);
}

static void ipv4(struct look *l, const uint8_t *frame, size_t len)
{
  struct ipv4_hdr ip;
  const uint8_t *p = frame + ETH_HDR_BYTES;
  enum ipv4_result r = ipv4_parse(p, len - ETH_HDR_BYTES, &ip);
  if (near(l)) judge_text(l, MONITOR_IP, r == IPV4_OK, "a good IP header", ipv4_result_text(r));
  if (r != IPV4_OK) {
    l->m->counts.damaged++;
    return;
  }
  if (near(l)) {
    size_t longest = (size_t)ETH_HDR_BYTES + ip.hdr_len + ip.payload_len;
    if (longest < SHORTEST_FRAME) longest = SHORTEST_FRAME;
    judge_text(l, MONITOR_IP, ip.ttl != 0, "a TTL of at least 1", "TTL 0");
    judge_text(l, MONITOR_IP, !(p[6] & 0x80), "the reserved flag 0", "1");
    judge(l, MONITOR_ETHERNET, len <= longest, "a frame, without FCS, of at most", (uint32_t)longest, "one of", (uint32_t)len);
    judge_text(l, MONITOR_ETHERNET, !eth_is_group(frame + 6), "a station's address as source", "a group's");
  }
  if (ip.fragment) fragment(l, &ip, p + ip.hdr_len);
  else if (ip.proto == IPV4_PROTO_TCP) tcp(l, &ip, p + ip.hdr_len);
  else if (ip.proto == IPV4_PROTO_UDP) l->m->counts.udp++;
  else if (ip.proto == IPV4_PROTO_ICMP) l->m->counts.icmp++;
  else l->m->counts.other++;
}

void monitor_frame(struct monitor *m, enum monitor_way way, const uint8_t *frame, size_t len, uint64_t now_us)
{
  struct eth_hdr e;
  m->now_us = now_us;
  m->counts.frames++;
  if (way == MONITOR_NEITHER) {
    m->counts.neither++;
    return;
  }
  struct look l = {.m = m, .way = way, .role = m->role[way]};
  if (eth_parse(frame, len, &e) != ETH_OK) m->counts.other++;
  else if (e.type == ETH_TYPE_IPV4) ipv4(&l, frame, len);
  else if (e.type == ETH_TYPE_ARP) m->counts.arp++;
  else if (e.type == ETH_TYPE_VLAN || e.type == ETH_TYPE_QINQ) m->counts.vlan++;
  else m->counts.other++;
}

// --- opening ---------------------------------------------------------------------------------------------------------

struct monitor *monitor_open(const struct monitor_config *c)
{
  static const uint8_t key[16] = "wire monitor key";   // nobody is attacked here
  struct monitor *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  m->cfg = *c;
  m->role[MONITOR_SENT] = c->sent;
  m->role[MONITOR_RECEIVED] = c->received;
  if (!m->cfg.max_flows) m->cfg.max_flows = DEFAULT_FLOWS;
  m->flows = calloc(m->cfg.max_flows, sizeof m->flows[0]);
  m->store = store_open(c->store_bytes ? c->store_bytes : DEFAULT_STORE);
  if (m->flows && m->store && tuple_map_init(&m->map, m->cfg.max_flows, key)) return m;
  monitor_close(m);
  return NULL;
}

void monitor_close(struct monitor *m)
{
  if (!m) return;
  tuple_map_free(&m->map);
  store_close(m->store);
  free(m->flows);
  free(m);
}

const struct monitor_violation *monitor_verdict(const struct monitor *m) { return m->counts.all_wrong ? &m->first : NULL; }

const struct monitor_counts *monitor_counts(const struct monitor *m) { return &m->counts; }
