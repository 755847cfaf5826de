// SPDX-License-Identifier: Apache-2.0
#include "monitor_cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "check/monitor.h"
#include "net/eth.h"
#include "run.h"

struct options {
  const char *file, *json_file;
  uint32_t host, at;         // 0: none given
  bool offloads, from_start, strict, help;
};

enum { LINES_MAX = 100 };    // of violations on stdout

struct reading {
  struct options o;
  pcap_t *pcap;
  FILE *json;
  struct monitor *m;
  uint64_t told;             // violations
};

static void help(void)
{
  puts("lockwire monitor: judge the TCP endpoints in a capture (pcap or pcapng) by the RFCs alone\n\n"
       "usage: lockwire monitor FILE [OPTION]...\n"
       "  --at ADDR      the capture was taken at this host: all it sent is there, in order, and judged by every rule; what\n"
       "                 others sent may have been lost, reordered, doubled or damaged on its way (default: that of all)\n"
       "  --host ADDR    judge this host only (default: both ends of every connection)\n"
       "  --from-start   no connection is older than the capture\n"
       "  --strict       also what one only SHOULD: TSecr 0 on a SYN, a scaled window that never ends earlier by rounding;\n"
       "                 and an MSS below 48 to the letter\n"
       "  --offload      taken where an adapter computes checksums and cuts segments: judge neither checksums nor MSS\n"
       "  --json FILE    write what was found and what was checked\n"
       "  --help         this text\n\n"
       "Prints a line for each violation, and what was looked at. Status: 0 nothing wrong, 1 violations, 2 not judged.");
}

static int fail(const char *what, const char *why)
{
  fprintf(stderr, "lockwire: monitor: %s: %s\n", what, why);
  return EXIT_USAGE;
}

static bool take_value(struct options *o, const char *name, const char *val, const char **why)
{
  *why = "not an IPv4 address";
  if (!strcmp(name, "--host")) return text_parse_ipv4(val, &o->host);
  if (!strcmp(name, "--at")) return text_parse_ipv4(val, &o->at);
  o->json_file = val;
  return true;
}

// EXIT_GOOD, or what to end with, having said why.
static int parse(struct options *o, int argc, char **argv)
{
  const char *why;
  for (int i = 0; i < argc; i++) {
    const char *a = argv[i];
    if (!strcmp(a, "--help")) o->help = true;
    else if (!strcmp(a, "--offload")) o->offloads = true;
    else if (!strcmp(a, "--from-start")) o->from_start = true;
    else if (!strcmp(a, "--strict")) o->strict = true;
    else if (!strcmp(a, "--host") || !strcmp(a, "--at") || !strcmp(a, "--json")) {
      if (++i == argc) return fail(a, "needs a value");
      if (!take_value(o, a, argv[i], &why)) return fail(argv[i], why);
    } else if (a[0] == '-') return fail(a, "no such option (see lockwire monitor --help)");
    else if (o->file) return fail(a, "one file at a time");
    else o->file = a;
  }
  if (!o->file && !o->help) return fail("FILE", "missing (see lockwire monitor --help)");
  return EXIT_GOOD;
}

// --- judging ---------------------------------------------------------------------------------------------------------

static void report_json(FILE *out, bool comma, const struct monitor_violation *v)
{
  fprintf(out, "%s\n  {\"frame\": %" PRIu64 ", \"rule\": \"%s\", \"rfc\": \"%s\", \"expected\": \"%s\", \"got\": \"%s\"", comma ? "," : "",
          v->frame, monitor_rule_name(v->rule), monitor_rule_rfc(v->rule), v->expected, v->got);
  if (v->numbers) fprintf(out, ", \"expected_value\": %" PRIu32 ", \"got_value\": %" PRIu32, v->expected_value, v->got_value);
  fputc('}', out);
}

static void report(void *arg, const struct monitor_violation *v)
{
  struct reading *r = arg;
  if (r->told++ < LINES_MAX) {
    monitor_print(stdout, v);
    putchar('\n');
  }
  if (r->json) report_json(r->json, r->told > 1, v);
}

// Who sent a frame. The side called "sent" is the host at the capture or, when none is named, the lower address (of equal ones,
// the lower port), so that a connection's frames always find the same sides.
static enum monitor_way way_of(const struct options *o, const uint8_t *f, size_t len)
{
  if (len < ETH_HDR_BYTES + 20 || get_be16(f + 12) != ETH_TYPE_IPV4) return MONITOR_RECEIVED;
  uint32_t src = get_be32(f + 26), dst = get_be32(f + 30), host = o->at ? o->at : o->host;
  if (host) return src == host ? MONITOR_SENT : dst == host ? MONITOR_RECEIVED : MONITOR_NEITHER;
  if (src != dst) return src < dst ? MONITOR_SENT : MONITOR_RECEIVED;
  size_t tcp = ETH_HDR_BYTES + (size_t)(f[14] & 15) * 4;
  return len >= tcp + 4 && get_be16(f + tcp) < get_be16(f + tcp + 2) ? MONITOR_SENT : MONITOR_RECEIVED;
}

static struct monitor_config config_of(struct reading *r)
{
  const struct options *o = &r->o;
  bool sent = !o->host || !o->at || o->at == o->host, received = !o->host || (o->at && o->at != o->host);
  return (struct monitor_config){.sent = !sent ? MONITOR_IGNORED : o->at ? MONITOR_NEAR : MONITOR_FAR,
                                 .received = received ? MONITOR_FAR : MONITOR_IGNORED,
                                 .offloads = o->offloads, .from_start = o->from_start, .strict = o->strict, .report = report, .arg = r};
}

// Hands every frame to the monitor. EXIT_GOOD, or EXIT_USAGE having said why not all could be read.
static int read_all(struct reading *r)
{
  struct pcap_pkthdr *h;
  const u_char *frame;
  uint64_t begin_us = 0, n = 0;
  int got;
  while ((got = pcap_next_ex(r->pcap, &h, &frame)) == 1) {
    uint64_t at_us = (uint64_t)h->ts.tv_sec * 1000000 + (uint64_t)h->ts.tv_usec;
    if (!n++) begin_us = at_us;
    if (h->caplen < h->len) return fail(r->o.file, "its frames are cut short (captured with a snap length)");
    monitor_frame(r->m, way_of(&r->o, frame, h->caplen), frame, h->caplen, at_us - begin_us);
  }
  return got == PCAP_ERROR_BREAK ? EXIT_GOOD : fail(r->o.file, pcap_geterr(r->pcap));
}

// --- telling ---------------------------------------------------------------------------------------------------------

static void tell(const struct reading *r)
{
  const struct monitor_counts *c = monitor_counts(r->m);
  printf("%" PRIu64 " frames, %" PRIu64 " connections, %" PRIu64 " checks: ", c->frames, c->connections, c->all_checks);
  if (c->all_wrong) printf("%" PRIu64 " violations\n", c->all_wrong);
  else puts("nothing wrong");
  if (r->told > LINES_MAX) printf("%" PRIu64 " of them are not shown here (--json FILE has all)\n", r->told - LINES_MAX);
  if (c->midway) printf("%" PRIu64 " connections without their handshake, judged by what can be known\n", c->midway);
  if (!r->o.at) puts("order and completeness of what was sent were not judged: say where it was captured, --at ADDR");
}

static void json_end(const struct reading *r)
{
  const struct monitor_counts *c = monitor_counts(r->m);
  const struct {
    const char *name;
    uint64_t value;
  } figures[] = {
      {"frames", c->frames}, {"tcp", c->tcp}, {"neither", c->neither}, {"arp", c->arp}, {"udp", c->udp}, {"icmp", c->icmp},
      {"vlan", c->vlan}, {"fragments", c->fragments}, {"other", c->other}, {"damaged", c->damaged}, {"unfinished", c->unfinished},
      {"connections", c->connections}, {"midway", c->midway}, {"forgotten", c->forgotten}, {"compared_bytes", c->compared_bytes},
      {"unstored_bytes", c->unstored_bytes}, {"all_checks", c->all_checks}, {"all_wrong", c->all_wrong},
  };
  fputs("],\n \"checks\": {", r->json);
  for (enum monitor_rule i = 0; i < MONITOR_RULES; i++)
    fprintf(r->json, "%s\"%s\": %" PRIu64, i ? ", " : "", monitor_rule_name(i), c->checks[i]);
  fputc('}', r->json);
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
    fprintf(r->json, ",\n \"%s\": %" PRIu64, figures[i].name, figures[i].value);
  fputs("}\n", r->json);
}

// --- opening ---------------------------------------------------------------------------------------------------------

static int judge_file(struct reading *r)
{
  struct monitor_config c = config_of(r);
  if (pcap_datalink(r->pcap) != DLT_EN10MB) return fail(r->o.file, "not a capture of Ethernet frames");
  if (r->o.json_file && !(r->json = fopen(r->o.json_file, "w"))) return fail(r->o.json_file, strerror(errno));
  if (!(r->m = monitor_open(&c))) return fail(r->o.file, "out of memory");
  if (r->json) fputs("{\"violations\": [", r->json);
  int status = read_all(r);
  tell(r);
  if (r->json) json_end(r);
  if (r->json && (fflush(r->json) || ferror(r->json))) return fail(r->o.json_file, "could not be written in full");
  return status == EXIT_GOOD && monitor_verdict(r->m) ? EXIT_DIFFERENCE : status;
}

int monitor_cmd(int argc, char **argv)
{
  struct reading r = {0};
  char err[PCAP_ERRBUF_SIZE];
  int status = parse(&r.o, argc, argv);
  if (status != EXIT_GOOD) return status;
  if (r.o.help) {
    help();
    return EXIT_GOOD;
  }
  r.pcap = pcap_open_offline(r.o.file, err);
  if (!r.pcap) return fail(r.o.file, err);
  status = judge_file(&r);
  if (r.json) fclose(r.json);
  monitor_close(r.m);
  pcap_close(r.pcap);
  return status;
}
