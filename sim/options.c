// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "net/route.h"

typedef bool setter(struct run_options *o, char *val, char *err);

static bool fail(char *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fail(char *err, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(err, OPT_ERR_LEN, fmt, ap);
  va_end(ap);
  return false;
}

static bool set_wire(struct run_options *o, char *val, char *err)
{
  const char *kind = "afpacket:";
  o->pair = !strcmp(val, "pair");
  if (o->pair) return true;
  if (strncmp(val, kind, strlen(kind)) != 0 || !val[strlen(kind)])
    return fail(err, "--wire %s: not a wire; afpacket:INTERFACE and pair are", val);
  o->ifname = val + strlen(kind);
  return true;
}

static bool set_ip(struct run_options *o, char *val, char *err)
{
  if (text_parse_cidr(val, &o->ip, &o->prefix_len) && o->ip && o->ip >> 28 != 0xe && o->prefix_len) return true;
  return fail(err, "--ip %s: not a host address with prefix length, as 10.0.0.2/24", val);
}

static bool set_gw(struct run_options *o, char *val, char *err)
{
  return text_parse_ipv4(val, &o->gateway) || fail(err, "--gw %s: not an IPv4 address", val);
}

static bool set_mac(struct run_options *o, char *val, char *err)
{
  o->have_mac = text_parse_mac(val, o->mac) && !(o->mac[0] & 1);
  return o->have_mac || fail(err, "--mac %s: not a station's address, as 02:00:5e:10:00:01", val);
}

static bool set_shared(struct run_options *o, char *val, char *err)
{
  (void)val;
  (void)err;
  return o->shared_ip = true;
}

static bool set_engine(struct run_options *o, char *val, char *err)
{
  o->engine_ref = !strcmp(val, "ref");
  o->engine_rtl = !strcmp(val, "rtl");
  return o->engine_ref || o->engine_rtl || fail(err, "--engine %s: not an engine; rtl and ref are", val);
}

static bool set_check(struct run_options *o, char *val, char *err)
{
  o->no_check = !strcmp(val, "off");
  return o->no_check || !strcmp(val, "on") || fail(err, "--check %s: on or off", val);
}

static bool set_flows(struct run_options *o, char *val, char *err)
{
  uint64_t v;
  if (!text_parse_uint(val, 1, 4096, &v)) return fail(err, "--flows %s: not a number from 1 to 4096", val);
  o->flows = (unsigned)v;
  return true;
}

static bool set_mtu(struct run_options *o, char *val, char *err)
{
  uint64_t v;
  if (!text_parse_uint(val, 576, 9000, &v)) return fail(err, "--mtu %s: not a number from 576 to 9000", val);
  o->mtu = (unsigned)v;
  return true;
}

static bool set_options(struct run_options *o, char *val, char *err)
{
  o->options = strcmp(val, "minimal") ? STACK_OPTIONS_LINUX : STACK_OPTIONS_MINIMAL;
  return o->options || !strcmp(val, "linux") || fail(err, "--options %s: linux or minimal", val);
}

static bool set_ecn(struct run_options *o, char *val, char *err)
{
  (void)val;
  (void)err;
  return o->ecn = true;
}

static bool set_seed(struct run_options *o, char *val, char *err)
{
  o->have_seed = text_parse_uint(val, 0, UINT64_MAX, &o->seed);
  return o->have_seed || fail(err, "--seed %s: not a whole number", val);
}

static bool set_for(struct run_options *o, char *val, char *err)
{
  char *end;
  o->for_seconds = strtod(val, &end);
  if (end != val && !*end && o->for_seconds > 0 && o->for_seconds < 1e9) return true;
  return fail(err, "--for %s: not a number of seconds", val);
}

static bool set_record(struct run_options *o, char *val, char *err)
{
  o->record_dir = val;
  return *val || fail(err, "--record: the directory's name is empty");
}

static bool set_record_limit(struct run_options *o, char *val, char *err)
{
  uint64_t mib;
  if (!text_parse_uint(val, 1, UINT64_MAX >> 20, &mib)) return fail(err, "--record-limit %s: not a number of MiB", val);
  o->record_limit = mib << 20;
  return true;
}

static bool set_record_errors(struct run_options *o, char *val, char *err)
{
  o->record_go_on = !strcmp(val, "go-on");
  return o->record_go_on || !strcmp(val, "stop") || fail(err, "--record-errors %s: stop or go-on", val);
}

static bool set_fault(struct run_options *o, char *val, char *err)
{
  char why[WIRE_ERR_LEN];
  o->have_fault = true;
  return wire_fault_parse(&o->fault, val, why) || fail(err, "--fault %s", why);
}

static bool set_stats(struct run_options *o, char *val, char *err)
{
  o->stats_file = val;
  return *val || fail(err, "--stats: the file's name is empty");
}

static bool add_app_opt(struct app_spec *a, const char *key, const char *val, char *err)
{
  if (a->n_opts == OPT_MAX_APP_OPTS) return fail(err, "%s: more than %d options", a->ops->name, OPT_MAX_APP_OPTS);
  a->opts[a->n_opts++] = (struct app_opt){.key = key, .val = val};
  return true;
}

static bool add_app_item(struct app_spec *a, char *item, char *err)
{
  char *eq = strchr(item, '=');
  if (eq) *eq = '\0';
  return add_app_opt(a, item, eq ? eq + 1 : "", err);
}

// NAME:PORT[=TARGET][,OPT[=VAL]]...; a client needs no port.
static bool set_app(struct run_options *o, char *val, char *err)
{
  if (o->n_apps == OPT_MAX_APPS) return fail(err, "--app: more than %d", OPT_MAX_APPS);
  struct app_spec *a = &o->apps[o->n_apps];
  char *opts = strchr(val, ',');
  if (opts) *opts++ = '\0';
  char *target = strchr(val, '=');
  if (target) *target++ = '\0';
  char *colon = strchr(val, ':');
  uint64_t port = 0;
  if (colon) *colon = '\0';
  a->ops = app_find(val);
  if (colon ? !text_parse_uint(colon + 1, 1, 65535, &port) : !a->ops || !a->ops->ends)
    return fail(err, "--app %s%s%s: not NAME:PORT", val, colon ? ":" : "", colon ? colon + 1 : "");
  if (!a->ops) return fail(err, "--app %s: no such program (see --help)", val);
  a->port = (uint16_t)port;
  for (size_t i = 0; i < o->n_apps; i++)
    if (a->port && o->apps[i].port == a->port) return fail(err, "--app %s:%u: the port is given twice", val, a->port);
  o->n_apps++;
  if (target && !add_app_opt(a, "to", target, err)) return false;
  for (char *save = NULL, *item = opts ? strtok_r(opts, ",", &save) : NULL; item; item = strtok_r(NULL, ",", &save))
    if (!add_app_item(a, item, err)) return false;
  return true;
}

static bool set_port(struct run_options *o, char *val, char *err)
{
  uint64_t v;
  if (!text_parse_uint(val, 1, 65535, &v)) return fail(err, "--port %s: not a number from 1 to 65535", val);
  o->port = (uint16_t)v;
  return true;
}

static bool set_help(struct run_options *o, char *val, char *err)
{
  (void)val;
  (void)err;
  return o->help = true;
}

enum of_whom { ALL, RUN, CLIENT };

static const struct {
  const char *name, *arg, *text;   // arg NULL: takes none
  setter *set;
  enum of_whom of;                 // whose option it is
} table[] = {
    {"wire", "afpacket:IF|pair", "the network interface the NIC is attached to; or the NIC and the software reference against each other in\n"
     "        virtual time, all drawn from --seed (goes with --engine, --fault, --record, --record-limit and --stats)", set_wire, RUN},
    {"wire", "afpacket:IF", "the network interface the NIC is attached to", set_wire, CLIENT},
    {"ip", "ADDR/LEN", "the NIC's IPv4 address and its network's prefix length", set_ip, ALL},
    {"gw", "ADDR", "gateway for what is outside that network", set_gw, ALL},
    {"mac", "MAC", "the NIC's Ethernet address (default: made from the IP address)", set_mac, ALL},
    {"shared-ip", NULL, "ADDR is the host's own: serve only the --app ports of it", set_shared, RUN},
    {"shared-ip", NULL, "ADDR is the host's own: use only --port of it", set_shared, CLIENT},
    {"engine", "rtl|ref", "what carries the data: the simulated NIC (default), or the software reference", set_engine, ALL},
    {"check", "on|off", "the checker that follows every step of the NIC (default: on; off is for measuring what it costs)", set_check, ALL},
    {"flows", "N", "connections at once with --engine ref (default 1024; the NIC's are built in)", set_flows, ALL},
    {"mtu", "N", "largest IP packet, 576 to 9000 (default: the interface's)", set_mtu, ALL},
    {"options", "linux|minimal", "of our SYNs, as far as the engine can do them: MSS, SACK permitted, time stamps and window scale as Linux\n"
     "        has them (default), or MSS alone", set_options, ALL},
    {"ecn", NULL, "ask for explicit congestion notification (RFC 3168) and agree to it, with --engine ref", set_ecn, ALL},
    {"app", "NAME:PORT[=TARGET][,OPT[=VAL]...]", "serve a port with a program, =TARGET is its option `to`; may be given again", set_app, RUN},
    {"port", "N", "the client's own port (default: any)", set_port, CLIENT},
    {"record", "DIR", "write DIR: wire.pcapng has every frame with cycle and flow, stimulus.bin all that lockwire replay needs;\n"
     "        in numbered segments with --record-limit", set_record, ALL},
    {"record-limit", "MIB", "keep the last part of a long run: DIR stays below so many MiB, at least half of them are there (default: all is kept)", set_record_limit, ALL},
    {"record-errors", "stop|go-on", "when the recording cannot be written (default: stop the run)", set_record_errors, ALL},
    {"fault", "[rx:|tx:]loss=P,dup=P,reorder=P,corrupt=P,delay=US,seed=N",
     "do harm to the frames in (rx), out (tx) or both, P from 0 to 1; may be given again; with --record told in DIR/faults.log", set_fault, ALL},
    {"stats", "FILE", "write the summary as JSON", set_stats, ALL},
    {"seed", "N", "what all randomness is made from (default: random, told at the end)", set_seed, ALL},
    {"for", "SECONDS", "end the run by itself (default: on SIGINT or SIGTERM)", set_for, ALL},
    {"help", NULL, "this text", set_help, ALL},
};
enum { N_OPTIONS = sizeof table / sizeof *table };

static bool applies(const struct run_options *o, size_t i) { return table[i].of == ALL || (table[i].of == CLIENT) == (o->client != NULL); }

static const char *command(const struct run_options *o) { return o->client ? o->client->name : "run"; }

static bool set_one(struct run_options *o, const char *name, char *val, bool *took, char *err)
{
  for (size_t i = 0; i < N_OPTIONS; i++) {
    if (strcmp(table[i].name, name) != 0 || !applies(o, i)) continue;
    if (table[i].arg && !val) return fail(err, "--%s needs %s", name, table[i].arg);
    *took = table[i].arg != NULL;
    return table[i].set(o, val, err);
  }
  return fail(err, "--%s: no such option (see lockwire %s --help)", name, command(o));
}

// Everything of a pair comes from its seed.
static bool check_pair(const struct run_options *o, char *err)
{
  bool alien = o->ip || o->gateway || o->shared_ip || o->have_mac || o->mtu || o->options || o->ecn || o->flows || o->n_apps || o->for_seconds > 0 || o->no_check || o->record_go_on;
  if (alien) return fail(err, "--wire pair goes with --seed, --engine, --fault, --record, --record-limit and --stats alone");
  return o->have_seed || fail(err, "--wire pair needs its --seed");
}

static bool check_network(const struct run_options *o, char *err)
{
  struct route_table t = {0};
  char text[TEXT_IPV4_LEN];
  if (route_addr_add(&t, (struct route_addr){o->ip, o->prefix_len}) != 0)
    return fail(err, "--ip %s/%u: not an address of a host", text_format_ipv4(text, o->ip), o->prefix_len);
  return !o->gateway || route_add(&t, (struct route){0, 0, o->gateway}) == 0
         || fail(err, "--gw %s: not another host on the network of --ip", text_format_ipv4(text, o->gateway));
}

// What only the whole command line can show.
static bool check(const struct run_options *o, char *err)
{
  if (o->pair && o->client) return fail(err, "--wire pair runs by itself, as lockwire run");
  if (o->pair) return check_pair(o, err);
  if (!o->ifname) return fail(err, "--wire is missing, as --wire afpacket:eth0");
  if (!o->ip) return fail(err, "--ip is missing, as --ip 10.0.0.2/24");
  if (o->shared_ip && !o->n_apps) return fail(err, "--shared-ip needs an --app: only its port is served");
  if (o->shared_ip && o->client && !o->port) return fail(err, "--shared-ip needs a --port: only that is taken from the host");
  if (o->flows && !o->engine_ref) return fail(err, "--flows goes with --engine ref: the NIC's are built in");
  if (o->ecn && !o->engine_ref) return fail(err, "--ecn goes with --engine ref: the NIC has none of it");
  if (o->shared_ip && o->have_mac) return fail(err, "--mac does not go with --shared-ip: the address is the host's own");
  return check_network(o, err);
}

static void keep_command(struct run_options *o, int argc, char **argv)
{
  size_t n = (size_t)snprintf(o->command, sizeof o->command, "lockwire %s", command(o));
  for (int i = 0; i < argc && n < sizeof o->command; i++) n += (size_t)snprintf(o->command + n, sizeof o->command - n, " %s", argv[i]);
}

// Takes argv[*i], an option, and its value if it has one.
static bool parse_option(struct run_options *o, int argc, char **argv, int *i, char *err)
{
  char *arg = argv[*i], *eq = strchr(arg, '=');
  char *val = eq ? eq + 1 : *i + 1 < argc ? argv[*i + 1] : NULL;
  if (eq) *eq = '\0';
  bool took = false;
  if (!set_one(o, arg + 2, val, &took, err)) return false;
  if (eq && !took && !o->help) return fail(err, "%s takes no value", arg);
  if (took && !eq) ++*i;
  return true;
}

static bool is_option(const char *arg) { return strncmp(arg, "--", 2) == 0 && arg[2]; }

bool options_parse_run(struct run_options *o, int argc, char **argv, char err[static OPT_ERR_LEN])
{
  *o = (struct run_options){0};
  keep_command(o, argc, argv);
  for (int i = 0; i < argc && !o->help; i++) {
    if (!is_option(argv[i])) return fail(err, "%s: not an option (see lockwire run --help)", argv[i]);
    if (!parse_option(o, argc, argv, &i, err)) return false;
  }
  return o->help || check(o, err);
}

bool options_parse_client(struct run_options *o, const struct app_ops *client, int argc, char **argv, char err[static OPT_ERR_LEN])
{
  *o = (struct run_options){.client = client, .n_apps = 1};
  struct app_spec *a = &o->apps[0];
  a->ops = client;
  keep_command(o, argc, argv);
  bool has_target = client->no_target;
  for (int i = 0; i < argc && !o->help; i++) {
    bool option = is_option(argv[i]), target = !option && !has_target;
    if (!(option ? parse_option(o, argc, argv, &i, err) : target ? add_app_opt(a, "to", argv[i], err) : add_app_item(a, argv[i], err))) return false;
    has_target |= target;
  }
  a->port = o->port;
  return o->help || check(o, err);
}

void options_help(const struct run_options *o)
{
  if (o->client) printf("usage: lockwire %s OPTION... %s\n%s\n\n", o->client->name, o->client->usage, o->client->summary);
  else puts("lockwire run: put the simulated NIC on a network and serve it\n");
  for (size_t i = 0; i < N_OPTIONS; i++)
    if (applies(o, i)) printf("  --%s %s\n        %s\n", table[i].name, table[i].arg ? table[i].arg : "", table[i].text);
  if (!o->client) puts("\nprograms for --app:");
  for (size_t i = 0; app_table[i] && !o->client; i++) printf("  %-8s %s\n", app_table[i]->name, app_table[i]->summary);
  printf("%s %s\n", o->client ? "\nit also takes" : "  each takes", app_common_help);
}
