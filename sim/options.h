// SPDX-License-Identifier: Apache-2.0
// The command line of `lockwire run`, and of the clients that are commands of their own, parsed and checked.
#ifndef LW_OPTIONS_H
#define LW_OPTIONS_H
#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"
#include "sock/stack.h"
#include "wire/wire.h"

enum { OPT_MAX_APPS = 16, OPT_MAX_APP_OPTS = 8, OPT_ERR_LEN = 200 };

struct app_spec {
  const struct app_ops *ops;
  uint16_t port;
  struct app_opt opts[OPT_MAX_APP_OPTS];
  size_t n_opts;
};

struct run_options {
  const char *ifname;        // of --wire afpacket:IF
  bool pair;                 // --wire pair: two endpoints in virtual time
  uint32_t ip, gateway;      // host order; gateway 0 for none
  uint8_t prefix_len;
  bool shared_ip, have_mac, have_seed, engine_ref, engine_rtl;   // as given, if at all
  uint8_t mac[6];
  unsigned mtu;              // 0: the interface's
  enum stack_options options;   // of our SYNs
  bool ecn;
  unsigned flows;            // of the reference; 0: its default
  uint64_t seed;
  double for_seconds;        // 0: until a signal
  const char *record_dir, *stats_file;
  uint64_t record_limit;     // bytes; 0: any
  bool record_go_on;         // when the recording cannot be written, the run goes on without
  char command[400];         // as it was typed, cut off if need be
  struct wire_fault_opts fault;
  bool have_fault;
  bool no_check;             // --check off
  struct app_spec apps[OPT_MAX_APPS];
  size_t n_apps;
  const struct app_ops *client;   // `lockwire NAME`: apps[0] alone, and what is said is its own; NULL: `lockwire run`
  uint16_t port;             // of the client, 0: any
  bool help;
};

// Parses argv (after the subcommand; the strings are borrowed and split in place). False with one line in err.
bool options_parse_run(struct run_options *o, int argc, char **argv, char err[static OPT_ERR_LEN]);
// The same for `lockwire NAME [OPTION]... [TARGET] [OPT[=VAL]]...`, NAME being a program that ends by itself.
bool options_parse_client(struct run_options *o, const struct app_ops *client, int argc, char **argv, char err[static OPT_ERR_LEN]);
void options_help(const struct run_options *o);   // to stdout
#endif
