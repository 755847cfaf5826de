// SPDX-License-Identifier: Apache-2.0
// The table of programs, and what their options mean.
#include "app/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app_opt.h"
#include "app/apps.h"
#include "base/text.h"

const struct app_ops *const app_table[] = {&echo_ops, &echo_client_ops, &forward_ops, &httpd_ops, &kv_ops, &nc_ops, &ping_ops, &shell_ops, &sink_ops, &source_ops, &udpecho_ops, &wget_ops, NULL};

const char app_common_help[] = "user-timeout=SECONDS  a peer that acknowledges nothing for so long is given up";

const struct app_ops *app_find(const char *name)
{
  for (size_t i = 0; app_table[i]; i++)
    if (strcmp(app_table[i]->name, name) == 0) return app_table[i];
  return NULL;
}

// Digits only: strtoull would also take signs and blanks.
static bool parse_number(const char *text, const char **end, uint64_t *out)
{
  if (*text < '0' || *text > '9') return false;
  char *stop;
  errno = 0;
  *out = strtoull(text, &stop, 10);
  *end = stop;
  return errno == 0;
}

static const struct app_opt_desc *find_opt(const struct app_opt_desc *table, size_t n, const char *key)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(table[i].key, key) == 0) return &table[i];
  return NULL;
}

static bool fail_unknown_opt(const char *app, const struct app_opt_desc *table, size_t n_table, const char *common, const char *key,
                             char err[static APP_ERR_LEN])
{
  int n = snprintf(err, APP_ERR_LEN, "%s: unknown option '%.40s' (it has ", app, key);
  for (size_t i = 0; i < n_table && n < APP_ERR_LEN; i++)
    n += snprintf(err + n, (size_t)(APP_ERR_LEN - n), "%s, ", table[i].key);
  if (n < APP_ERR_LEN) snprintf(err + n, (size_t)(APP_ERR_LEN - n), "%s)", common);
  return false;
}

static bool parse_value(const struct app_opt_desc *d, const char *text, uint64_t *out)
{
  const char *end;
  if (!parse_number(text, &end, out)) return false;
  unsigned shift = 0;
  if (d->kind == APP_OPT_BYTES && *end != '\0') {
    switch (*end++) {
      case 'k': case 'K': shift = 10; break;
      case 'm': case 'M': shift = 20; break;
      case 'g': case 'G': shift = 30; break;
      default: return false;
    }
  }
  if (*end != '\0' || *out > UINT64_MAX >> shift) return false;
  *out <<= shift;
  return *out >= d->min && *out <= d->max;
}

bool app_parse_addr(const char *text, uint64_t *out)
{
  char ip_text[TEXT_IPV4_LEN];
  const char *colon = strchr(text, ':');
  uint32_t ip;
  uint64_t port;
  if (!colon || (size_t)(colon - text) >= sizeof ip_text) return false;
  snprintf(ip_text, sizeof ip_text, "%.*s", (int)(colon - text), text);
  if (!text_parse_ipv4(ip_text, &ip) || !text_parse_uint(colon + 1, 1, 65535, &port)) return false;
  *out = (uint64_t)ip << 16 | port;
  return true;
}

static bool parse_ip(const char *text, uint64_t *out)
{
  uint32_t ip;
  if (!text_parse_ipv4(text, &ip)) return false;
  *out = (uint64_t)ip << 16;
  return true;
}

// NULL, or what the option wants; its value is stored then.
static const char *wanted(const struct app_opt_desc *d, const char *val, char buf[static APP_ERR_LEN])
{
  switch (d->kind) {
    case APP_OPT_FLAG:
      *(uint64_t *)d->dst = 1;
      return val[0] == '\0' ? NULL : "no value";
    case APP_OPT_TEXT:
      if (val[0] == '\0') return "a value";
      *(const char **)d->dst = val;
      return NULL;
    case APP_OPT_ADDR:
      return app_parse_addr(val, d->dst) ? NULL : "an address and port, as 10.0.0.1:80";
    case APP_OPT_IP: return parse_ip(val, d->dst) ? NULL : "an address, as 10.0.0.1";
    case APP_OPT_NUMBER: case APP_OPT_BYTES: break;
  }
  if (parse_value(d, val, d->dst)) return NULL;
  snprintf(buf, APP_ERR_LEN, "a number%s from %llu to %llu", d->kind == APP_OPT_BYTES ? " of bytes (k, M, G allowed)" : "",
           (unsigned long long)d->min, (unsigned long long)d->max);
  return buf;
}

static bool apply_one(const char *app, const struct app_opt_desc *d, const char *val, char err[static APP_ERR_LEN])
{
  char buf[APP_ERR_LEN];
  const char *want = wanted(d, val, buf);
  if (!want) return true;
  snprintf(err, APP_ERR_LEN, "%s: %s=%.40s: wants %.90s", app, d->key, val, want);
  return false;
}

bool app_opts_apply(const char *app, struct app_common *common, const struct app_opt_desc *table, size_t n_table,
                    const struct app_opt *opts, size_t n_opts, char err[static APP_ERR_LEN])
{
  *common = (struct app_common){0};
  const struct app_opt_desc all = {"user-timeout", APP_OPT_NUMBER, 1, INT32_MAX / 1000, &common->user_timeout_s};
  for (size_t i = 0; i < n_opts; i++) {
    const struct app_opt_desc *d = find_opt(table, n_table, opts[i].key);
    if (!d) d = find_opt(&all, 1, opts[i].key);
    if (!d) return fail_unknown_opt(app, table, n_table, all.key, opts[i].key, err);
    for (size_t j = 0; j < i; j++)
      if (strcmp(opts[j].key, opts[i].key) == 0) {
        snprintf(err, APP_ERR_LEN, "%s: option '%s' is given twice", app, d->key);
        return false;
      }
    if (!apply_one(app, d, opts[i].val, err)) return false;
  }
  return true;
}

bool app_tune(const struct app *a, int sid, char err[static APP_ERR_LEN])
{
  int ms = (int)a->common.user_timeout_s * 1000;
  if (!ms || sock_setsockopt(a->stack, sid, SOCK_OPT_USER_TIMEOUT_MS, ms) == 0) return true;
  snprintf(err, APP_ERR_LEN, "%s: user-timeout: not with this engine", a->ops->name);
  return false;
}
