// SPDX-License-Identifier: Apache-2.0
// Texts of replies are those of redis 7, so that clients recognise them.
#include "app/kv_cmd.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char OOM[] = "-OOM command not allowed when used memory > 'maxmemory'.";
static const char SYNTAX[] = "-ERR syntax error";
static const char NOT_INT[] = "-ERR value is not an integer or out of range";
static const char TOO_LONG[] = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";

static const uint8_t *arg(const struct kv_session *s, size_t i) { return kv_req_arg(&s->in.req, i); }
static size_t arg_len(const struct kv_session *s, size_t i) { return s->in.req.arg[i].len; }
static size_t argc(const struct kv_session *s) { return s->in.req.argc; }

static bool arg_is(const struct kv_session *s, size_t i, const char *word)
{
  return arg_len(s, i) == strlen(word) && strncasecmp((const char *)arg(s, i), word, arg_len(s, i)) == 0;
}

static struct kv_value *lookup(const struct kv_session *s, size_t i)
{
  return kv_db_get(s->srv->db, arg(s, i), arg_len(s, i));
}

static bool reply(struct kv_session *s, const char *line)
{
  kv_out_text(&s->out, line);
  return true;
}

static bool reply_int(struct kv_session *s, size_t n)
{
  kv_out_int(&s->out, (int64_t)n);
  return true;
}

static bool reply_value(struct kv_session *s, struct kv_value *v)
{
  if (v)
    kv_out_value(&s->out, v);
  else
    kv_out_nil(&s->out);
  return true;
}

// Sends an argument back, however long it is.
static bool reply_arg(struct kv_session *s, size_t i)
{
  struct kv_value *v = kv_value_new(&s->srv->mem, arg(s, i), arg_len(s, i));
  if (!v) return reply(s, OOM);
  reply_value(s, v);
  kv_value_unref(&s->srv->mem, v);
  return true;
}

// Copies at most cap - 1 bytes of an argument as text: up to a NUL, line ends as blanks.
static void arg_text(const struct kv_session *s, size_t i, char *text, size_t cap)
{
  size_t n = 0;
  for (; n < arg_len(s, i) && n + 1 < cap && arg(s, i)[n] != '\0'; n++) {
    char c = (char)arg(s, i)[n];
    text[n] = c == '\r' || c == '\n' ? ' ' : c;
  }
  text[n] = '\0';
}

static bool arity_error(struct kv_session *s, const char *name)
{
  char line[128];
  snprintf(line, sizeof line, "-ERR wrong number of arguments for '%s' command", name);
  return reply(s, line);
}

static bool unknown_subcommand(struct kv_session *s)
{
  char line[192], word[129];
  arg_text(s, 1, word, sizeof word);
  snprintf(line, sizeof line, "-ERR unknown subcommand '%s'.", word);
  return reply(s, line);
}

// --- connection ---

static bool cmd_ping(struct kv_session *s)
{
  if (argc(s) > 2) return arity_error(s, "ping");
  return argc(s) == 2 ? reply_arg(s, 1) : reply(s, "+PONG");
}

static bool cmd_echo(struct kv_session *s) { return reply_arg(s, 1); }

static bool cmd_select(struct kv_session *s)
{
  int64_t n;
  if (!kv_parse_int(arg(s, 1), arg_len(s, 1), &n)) return reply(s, NOT_INT);
  return reply(s, n == 0 ? "+OK" : "-ERR DB index is out of range");
}

static bool cmd_quit(struct kv_session *s)
{
  s->closing = true;
  return reply(s, "+OK");
}

static bool client_setname(struct kv_session *s)
{
  if (argc(s) != 3) return arity_error(s, "client|setname");
  if (arg_len(s, 2) >= sizeof s->name) return reply(s, "-ERR Client name is too long");
  for (size_t i = 0; i < arg_len(s, 2); i++)
    if (arg(s, 2)[i] < '!' || arg(s, 2)[i] > '~')
      return reply(s, "-ERR Client names cannot contain spaces, newlines or special characters.");
  arg_text(s, 2, s->name, sizeof s->name);
  return reply(s, "+OK");
}

static bool cmd_client(struct kv_session *s)
{
  if (arg_is(s, 1, "setname")) return client_setname(s);
  if (arg_is(s, 1, "setinfo")) return argc(s) == 4 ? reply(s, "+OK") : arity_error(s, "client|setinfo");
  if (arg_is(s, 1, "id")) return argc(s) == 2 ? reply_int(s, (size_t)s->id) : arity_error(s, "client|id");
  if (!arg_is(s, 1, "getname")) return unknown_subcommand(s);
  if (argc(s) != 2) return arity_error(s, "client|getname");
  if (s->name[0])
    kv_out_bulk(&s->out, s->name, strlen(s->name));
  else
    kv_out_nil(&s->out);
  return true;
}

// --- keys ---

// SET's options. False after an -ERR.
static bool set_options(struct kv_session *s, bool *nx, bool *xx)
{
  *nx = *xx = false;
  for (size_t i = 3; i < argc(s); i++) {
    if (arg_is(s, i, "nx")) {
      *nx = true;
    } else if (arg_is(s, i, "xx")) {
      *xx = true;
    } else {
      static const char *const known[] = {"ex", "px", "exat", "pxat", "keepttl", "get"};
      for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (!arg_is(s, i, known[k])) continue;
        char line[64];
        snprintf(line, sizeof line, "-ERR SET option '%s' is not supported", known[k]);
        reply(s, line);
        return false;
      }
      reply(s, SYNTAX);
      return false;
    }
  }
  if (*nx && *xx) {
    reply(s, SYNTAX);
    return false;
  }
  return true;
}

static bool cmd_set(struct kv_session *s)
{
  bool nx, xx;
  if (!set_options(s, &nx, &xx)) return true;
  if (nx || xx) {
    bool there = lookup(s, 1) != NULL;
    if ((nx && there) || (xx && !there)) return reply_value(s, NULL);
  }
  bool ok = kv_db_set(s->srv->db, arg(s, 1), arg_len(s, 1), arg(s, 2), arg_len(s, 2));
  return reply(s, ok ? "+OK" : OOM);
}

static bool cmd_get(struct kv_session *s) { return reply_value(s, lookup(s, 1)); }

static bool cmd_strlen(struct kv_session *s)
{
  const struct kv_value *v = lookup(s, 1);
  return reply_int(s, v ? v->len : 0);
}

static bool cmd_append(struct kv_session *s)
{
  const struct kv_value *v = lookup(s, 1);
  size_t len = arg_len(s, 2);
  if (v && len > KV_VALUE_MAX - v->len) return reply(s, TOO_LONG);
  if (!kv_db_append(s->srv->db, arg(s, 1), arg_len(s, 1), arg(s, 2), len, &len)) return reply(s, OOM);
  return reply_int(s, len);
}

static bool cmd_incr(struct kv_session *s)
{
  const struct kv_value *v = lookup(s, 1);
  int64_t n = 0;
  if (v && !kv_parse_int(v->data, v->len, &n)) return reply(s, NOT_INT);
  if (n == INT64_MAX) return reply(s, "-ERR increment or decrement would overflow");
  char text[24];
  int len = snprintf(text, sizeof text, "%" PRId64, ++n);
  if (!kv_db_set(s->srv->db, arg(s, 1), arg_len(s, 1), text, (size_t)len)) return reply(s, OOM);
  kv_out_int(&s->out, n);
  return true;
}

static bool cmd_del(struct kv_session *s)
{
  size_t n = 0;
  for (size_t i = 1; i < argc(s); i++) n += kv_db_del(s->srv->db, arg(s, i), arg_len(s, i));
  return reply_int(s, n);
}

static bool cmd_exists(struct kv_session *s)
{
  size_t n = 0;
  for (size_t i = 1; i < argc(s); i++) n += lookup(s, i) != NULL;
  return reply_int(s, n);
}

// All or nothing: what is not surely within the budget is refused before the first key is set.
static bool cmd_mset(struct kv_session *s)
{
  if (argc(s) % 2 == 0) return arity_error(s, "mset");
  size_t cost = 0, left = kv_mem_left(&s->srv->mem);
  for (size_t i = 1; i < argc(s) && cost <= left; i += 2) cost += kv_db_cost(arg_len(s, i), arg_len(s, i + 1));
  bool ok = cost <= left;
  for (size_t i = 1; i < argc(s) && ok; i += 2) {
    kv_db_reserve(s->srv->db, cost -= kv_db_cost(arg_len(s, i), arg_len(s, i + 1)));
    ok = kv_db_set(s->srv->db, arg(s, i), arg_len(s, i), arg(s, i + 1), arg_len(s, i + 1));
  }
  kv_db_reserve(s->srv->db, 0);    // also when the machine had no memory
  return reply(s, ok ? "+OK" : OOM);
}

// All values are taken at once, then sent as there is room; step counts the replies, the array's head being the first.
static bool cmd_mget(struct kv_session *s)
{
  struct kv_arg *a = s->in.req.arg;
  if (s->step == 0) {
    for (size_t i = 1; i < argc(s); i++) {
      struct kv_value *v = lookup(s, i);
      a[i].val = v ? kv_value_ref(v) : NULL;
    }
    kv_out_array(&s->out, argc(s) - 1);
  } else {
    struct kv_value **v = &a[s->step].val;
    reply_value(s, *v);
    kv_value_unref(&s->srv->mem, *v);
    *v = NULL;
  }
  return ++s->step == argc(s);
}

static bool cmd_dbsize(struct kv_session *s) { return reply_int(s, kv_db_count(s->srv->db)); }

static bool cmd_flushall(struct kv_session *s)
{
  if (argc(s) > 2 || (argc(s) == 2 && !arg_is(s, 1, "async") && !arg_is(s, 1, "sync"))) return reply(s, SYNTAX);
  kv_db_clear(s->srv->db);
  return reply(s, "+OK");
}

// --- about the server ---

static bool config_get(struct kv_session *s)
{
  char max[24];
  snprintf(max, sizeof max, "%zu", s->srv->mem.max);
  const struct {
    const char *name, *value;
  } config[] = {{"appendonly", "no"}, {"databases", "1"}, {"maxmemory", max}, {"save", ""}};
  enum { N = sizeof config / sizeof config[0] };

  bool wanted[N] = {false};
  size_t n = 0;
  for (size_t i = 2; i < argc(s); i++) {
    char pattern[64];
    arg_text(s, i, pattern, sizeof pattern);
    for (size_t k = 0; k < N; k++)
      if (!wanted[k] && fnmatch(pattern, config[k].name, FNM_CASEFOLD) == 0) {
        wanted[k] = true;
        n += 2;
      }
  }
  kv_out_array(&s->out, n);
  for (size_t k = 0; k < N; k++)
    if (wanted[k]) {
      kv_out_bulk(&s->out, config[k].name, strlen(config[k].name));
      kv_out_bulk(&s->out, config[k].value, strlen(config[k].value));
    }
  return true;
}

static bool cmd_config(struct kv_session *s)
{
  if (!arg_is(s, 1, "get")) return unknown_subcommand(s);
  return argc(s) < 3 ? arity_error(s, "config|get") : config_get(s);
}

static bool cmd_command(struct kv_session *s);

// clang-format off
static const struct kv_command table[] = {
  // name     arity  function      flags                    keys       summary
  {"append",    3, cmd_append,   KV_F_WRITE | KV_F_FAST,  1,  1, 1, "Appends a string to the value of a key"},
  {"client",   -2, cmd_client,   0,                       0,  0, 0, "Names and tells the connection: SETNAME, GETNAME, SETINFO, ID"},
  {"command",  -1, cmd_command,  0,                       0,  0, 0, "Lists the commands; COUNT, DOCS"},
  {"config",   -2, cmd_config,   0,                       0,  0, 0, "Tells the configuration: GET"},
  {"dbsize",    1, cmd_dbsize,   KV_F_FAST,               0,  0, 0, "Counts the keys"},
  {"del",      -2, cmd_del,      KV_F_WRITE,              1, -1, 1, "Deletes keys"},
  {"echo",      2, cmd_echo,     KV_F_FAST,               0,  0, 0, "Sends back a string"},
  {"exists",   -2, cmd_exists,   KV_F_FAST,               1, -1, 1, "Counts those of the keys that exist"},
  {"flushall", -1, cmd_flushall, KV_F_WRITE,              0,  0, 0, "Deletes all keys"},
  {"get",       2, cmd_get,      KV_F_FAST,               1,  1, 1, "Gets the value of a key"},
  {"incr",      2, cmd_incr,     KV_F_WRITE | KV_F_FAST,  1,  1, 1, "Adds one to the number in a key"},
  {"mget",     -2, cmd_mget,     KV_F_FAST,               1, -1, 1, "Gets the values of keys"},
  {"mset",     -3, cmd_mset,     KV_F_WRITE,              1, -1, 2, "Sets keys, all or none"},
  {"ping",     -1, cmd_ping,     KV_F_FAST,               0,  0, 0, "Answers PONG, or the argument"},
  {"quit",     -1, cmd_quit,     KV_F_FAST,               0,  0, 0, "Closes the connection"},
  {"select",    2, cmd_select,   KV_F_FAST,               0,  0, 0, "Chooses the database: there is only 0"},
  {"set",      -3, cmd_set,      KV_F_WRITE,              1,  1, 1, "Sets the value of a key; NX, XX"},
  {"strlen",    2, cmd_strlen,   KV_F_FAST,               1,  1, 1, "Tells the length of a value"},
};
// clang-format on
enum { N_COMMANDS = sizeof table / sizeof table[0] };

// One element of the plain COMMAND reply.
static void describe(struct kv_session *s, const struct kv_command *c)
{
  kv_out_array(&s->out, 6);
  kv_out_bulk(&s->out, c->name, strlen(c->name));
  kv_out_int(&s->out, c->arity);
  kv_out_array(&s->out, c->flags & KV_F_FAST ? 2 : 1);
  kv_out_text(&s->out, c->flags & KV_F_WRITE ? "+write" : "+readonly");
  if (c->flags & KV_F_FAST) kv_out_text(&s->out, "+fast");
  kv_out_int(&s->out, c->first_key);
  kv_out_int(&s->out, c->last_key);
  kv_out_int(&s->out, c->key_step);
}

// One element of COMMAND DOCS, a map flattened as RESP2 does.
static void document(struct kv_session *s, const struct kv_command *c)
{
  const char *const text[] = {c->name, "summary", c->summary, "since", "1.0.0", "group", c->first_key ? "string" : "server"};
  for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
    if (i == 1) kv_out_array(&s->out, 6);
    kv_out_bulk(&s->out, text[i], strlen(text[i]));
  }
}

// COMMAND, COMMAND COUNT, COMMAND DOCS: a long list, one command at a time.
static bool cmd_command(struct kv_session *s)
{
  bool docs = argc(s) > 1 && arg_is(s, 1, "docs");
  if (argc(s) > 1 && arg_is(s, 1, "count"))
    return argc(s) == 2 ? reply_int(s, N_COMMANDS) : arity_error(s, "command|count");
  if (argc(s) > 1 && !docs) return unknown_subcommand(s);
  if (docs && argc(s) > 2) {  // of some commands only: none has more to say
    kv_out_array(&s->out, 0);
    return true;
  }
  if (s->step == 0)
    kv_out_array(&s->out, docs ? 2 * N_COMMANDS : N_COMMANDS);
  else if (docs)
    document(s, &table[s->step - 1]);
  else
    describe(s, &table[s->step - 1]);
  return s->step++ == N_COMMANDS;
}

// --- dispatch ---

static void unknown_command(struct kv_session *s)
{
  char line[512], word[129];
  arg_text(s, 0, word, sizeof word);
  int n = snprintf(line, sizeof line, "-ERR unknown command '%s', with args beginning with: ", word);
  for (size_t i = 1, room = 128; i < argc(s) && room > 0; i++) {
    arg_text(s, i, word, room + 1);
    n += snprintf(line + n, sizeof line - (size_t)n, "'%s' ", word);
    size_t took = strlen(word) + 3;
    room = took < room ? room - took : 0;
  }
  reply(s, line);
}

const struct kv_command *kv_command_of(struct kv_session *s)
{
  for (size_t i = 0; i < N_COMMANDS; i++) {
    const struct kv_command *c = &table[i];
    if (!arg_is(s, 0, c->name)) continue;
    if (c->arity < 0 ? argc(s) >= (size_t)-c->arity : argc(s) == (size_t)c->arity) return c;
    arity_error(s, c->name);
    return NULL;
  }
  unknown_command(s);
  return NULL;
}
