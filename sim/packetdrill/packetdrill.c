// SPDX-License-Identifier: Apache-2.0
// What the shared object exports: flags in, the table out.
#include "packetdrill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "pd.h"
#include "pd_calls.h"

static bool set_flag(struct pd_flags *f, const char *key, const char *val)
{
  uint64_t v;
  bool minimal = !strcmp(val, "minimal"), rtl = !strcmp(val, "rtl"), on = !strcmp(val, "on"), off = !strcmp(val, "off");
  if (!strcmp(key, "engine")) f->rtl = rtl;
  if (!strcmp(key, "engine")) return rtl || !strcmp(val, "ref");
  if (!strcmp(key, "options")) f->options = minimal ? STACK_OPTIONS_MINIMAL : STACK_OPTIONS_LINUX;
  if (!strcmp(key, "options")) return minimal || !strcmp(val, "linux");
  if (!strcmp(key, "ecn")) f->ecn = on;
  if (!strcmp(key, "ecn")) return on || off;
  if (!strcmp(key, "check")) f->no_check = off;
  if (!strcmp(key, "check")) return on || off;
  if (!strcmp(key, "seed")) return text_parse_uint(val, 0, UINT64_MAX, &f->seed);
  if (!strcmp(key, "ip")) return text_parse_ipv4(val, &f->ip);
  if (strcmp(key, "mtu") != 0 || !text_parse_uint(val, 576, 9000, &v)) return false;
  f->mtu = (unsigned)v;
  return true;
}

#define SEPARATORS ", \t\n"

// KEY=VALUE, or as options of a command line are written: --KEY VALUE. An engine's name is enough.
static bool parse(struct pd_flags *f, const char *flags, char err[static PD_ERR_LEN])
{
  char *text = strdup(flags ? flags : ""), *save = NULL;
  bool good = text;
  *f = (struct pd_flags){.mtu = 1500, .seed = 1};
  for (char *item = text ? strtok_r(text, SEPARATORS, &save) : NULL; item && good; item = strtok_r(NULL, SEPARATORS, &save)) {
    item += strspn(item, "-");
    char *val = strchr(item, '=');
    bool engine = !strcmp(item, "ref") || !strcmp(item, "rtl");
    if (val) *val++ = '\0';
    else val = engine ? item : strtok_r(NULL, SEPARATORS, &save);
    good = val && set_flag(f, engine ? "engine" : item, val);
    if (!good) snprintf(err, PD_ERR_LEN, "flag %.60s%s%.60s: not one of engine=ref|rtl, options=linux|minimal, seed=N, mtu=576..9000, ip=ADDR, ecn=on|off, check=on|off", item, val ? "=" : "", val ? val : "");
  }
  free(text);
  if (!good || !f->ecn || !f->rtl) return good;
  snprintf(err, PD_ERR_LEN, "ecn=on goes with engine=ref: the NIC has none of it");
  return false;
}

__attribute__((visibility("default"))) void packetdrill_interface_init(const char *flags, struct packetdrill_interface *out)
{
  struct pd_flags f;
  char err[PD_ERR_LEN] = "out of memory";
  *out = pd_calls;
  if (parse(&f, flags, err)) out->userdata = pd_open(&f, err);
  if (!out->userdata) fprintf(stderr, "lockwire: packetdrill: %s\n", err);
}
