// SPDX-License-Identifier: Apache-2.0
// Every command, good and bad, as bytes in and bytes out of a session; limits, back-pressure, binary safety.
#include "app/kv_cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t HASH_KEY[16] = {9};
enum { GOT_MAX = 1 << 20 };

struct fixture {
  struct kv_server srv;
  struct kv_session s;
  size_t got_len;
  char got[GOT_MAX];
};
static struct fixture fix;

static int setup_with(size_t max_bytes)
{
  fix.got_len = 0;
  if (!kv_server_init(&fix.srv, max_bytes, HASH_KEY)) return -1;
  kv_session_init(&fix.s, &fix.srv);
  return 0;
}

static int setup(void **state)
{
  *state = &fix;
  return setup_with(1 << 20);
}

static int setup_small(void **state)
{
  *state = &fix;
  return setup_with(64 << 10);
}

static int teardown(void **state)
{
  struct fixture *f = *state;
  kv_session_free(&f->s);
  kv_server_free(&f->srv);
  return f->srv.mem.used == 0 ? 0 : -1;
}

// Takes away up to max bytes of replies.
static size_t take(struct fixture *f, size_t max)
{
  size_t sum = 0, n;
  const uint8_t *data;
  while (sum < max && (n = kv_out_peek(&f->s.out, &data)) > 0) {
    if (n > max - sum) n = max - sum;
    assert_true(f->got_len + n < GOT_MAX);
    memcpy(f->got + f->got_len, data, n);
    f->got_len += n;
    kv_out_sent(&f->s.out, n);
    sum += n;
  }
  return sum;
}

// Sends all, taking the replies as they come.
static void talk(struct fixture *f, const void *data, size_t len)
{
  size_t at = 0;
  f->got_len = 0;
  do {
    at += kv_session_feed(&f->s, (const uint8_t *)data + at, len - at);
    take(f, SIZE_MAX);
  } while (!f->s.closing && (at < len || kv_session_busy(&f->s)));
}

static void expect(const struct fixture *f, const void *want, size_t len)
{
  if (f->got_len != len || memcmp(f->got, want, len) != 0)
    print_error("got %zu bytes: %.*s", f->got_len, (int)f->got_len, f->got);
  assert_int_equal(f->got_len, len);
  assert_memory_equal(f->got, want, len);
}

#define TALK(f, in, want)              \
  do {                                 \
    talk(f, in, sizeof(in) - 1);       \
    expect(f, want, sizeof(want) - 1); \
  } while (0)

#define OOM "-OOM command not allowed when used memory > 'maxmemory'.\r\n"

// Each line is one inline request and its whole answer, in order, on one connection.
static void test_commands_answer_as_redis_does(void **state)
{
  static const struct {
    const char *in, *want;
  } lines[] = {
      {"ping", "+PONG\r\n"},
      {"PING hello", "$5\r\nhello\r\n"},
      {"ping a b", "-ERR wrong number of arguments for 'ping' command\r\n"},
      {"echo \"a b\"", "$3\r\na b\r\n"},
      {"ECHO", "-ERR wrong number of arguments for 'echo' command\r\n"},
      {"echo a b", "-ERR wrong number of arguments for 'echo' command\r\n"},
      {"get k", "$-1\r\n"},
      {"set k v", "+OK\r\n"},
      {"get k", "$1\r\nv\r\n"},
      {"GeT", "-ERR wrong number of arguments for 'get' command\r\n"},
      {"get a b", "-ERR wrong number of arguments for 'get' command\r\n"},
      {"set k", "-ERR wrong number of arguments for 'set' command\r\n"},
      {"set k w nx", "$-1\r\n"},
      {"set k w XX", "+OK\r\n"},
      {"get k", "$1\r\nw\r\n"},
      {"set n 1 xx", "$-1\r\n"},
      {"set n 1 NX", "+OK\r\n"},
      {"set n 1 nx xx", "-ERR syntax error\r\n"},
      {"set n 2 what", "-ERR syntax error\r\n"},
      {"set n 2 EX 10", "-ERR SET option 'ex' is not supported\r\n"},
      {"set n 2 px 10", "-ERR SET option 'px' is not supported\r\n"},
      {"set n 2 get", "-ERR SET option 'get' is not supported\r\n"},
      {"set n 2 keepttl", "-ERR SET option 'keepttl' is not supported\r\n"},
      {"get n", "$1\r\n1\r\n"},
      {"incr n", ":2\r\n"},
      {"incr new", ":1\r\n"},
      {"incr k", "-ERR value is not an integer or out of range\r\n"},
      {"set n 9223372036854775806", "+OK\r\n"},
      {"incr n", ":9223372036854775807\r\n"},
      {"incr n", "-ERR increment or decrement would overflow\r\n"},
      {"set n -9223372036854775808", "+OK\r\n"},
      {"incr n", ":-9223372036854775807\r\n"},
      {"set n 01", "+OK\r\n"},
      {"incr n", "-ERR value is not an integer or out of range\r\n"},
      {"set n \"\"", "+OK\r\n"},
      {"incr n", "-ERR value is not an integer or out of range\r\n"},
      {"incr", "-ERR wrong number of arguments for 'incr' command\r\n"},
      {"append k xyz", ":4\r\n"},
      {"append fresh abc", ":3\r\n"},
      {"append k", "-ERR wrong number of arguments for 'append' command\r\n"},
      {"strlen k", ":4\r\n"},
      {"strlen none", ":0\r\n"},
      {"strlen", "-ERR wrong number of arguments for 'strlen' command\r\n"},
      {"exists k none k", ":2\r\n"},
      {"exists", "-ERR wrong number of arguments for 'exists' command\r\n"},
      {"dbsize", ":4\r\n"},
      {"dbsize x", "-ERR wrong number of arguments for 'dbsize' command\r\n"},
      {"del k none k", ":1\r\n"},
      {"del", "-ERR wrong number of arguments for 'del' command\r\n"},
      {"mset a 1 b 2 a 3", "+OK\r\n"},
      {"mget a none b", "*3\r\n$1\r\n3\r\n$-1\r\n$1\r\n2\r\n"},
      {"mset a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n"},
      {"mset a", "-ERR wrong number of arguments for 'mset' command\r\n"},
      {"mget", "-ERR wrong number of arguments for 'mget' command\r\n"},
      {"flushall now", "-ERR syntax error\r\n"},
      {"flushall async", "+OK\r\n"},
      {"dbsize", ":0\r\n"},
      {"flushall", "+OK\r\n"},
      {"select 0", "+OK\r\n"},
      {"select 1", "-ERR DB index is out of range\r\n"},
      {"select -1", "-ERR DB index is out of range\r\n"},
      {"select x", "-ERR value is not an integer or out of range\r\n"},
      {"select", "-ERR wrong number of arguments for 'select' command\r\n"},
      {"command count", ":18\r\n"},
      {"command count x", "-ERR wrong number of arguments for 'command|count' command\r\n"},
      {"command docs get", "*0\r\n"},
      {"command what", "-ERR unknown subcommand 'what'.\r\n"},
      {"config get save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"},
      {"config get APPENDONLY", "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n"},
      {"config get max* appendonly", "*4\r\n$10\r\nappendonly\r\n$2\r\nno\r\n$9\r\nmaxmemory\r\n$7\r\n1048576\r\n"},
      {"config get nothing", "*0\r\n"},
      {"config get", "-ERR wrong number of arguments for 'config|get' command\r\n"},
      {"config set save x", "-ERR unknown subcommand 'set'.\r\n"},
      {"config", "-ERR wrong number of arguments for 'config' command\r\n"},
      {"client id", ":1\r\n"},
      {"client getname", "$-1\r\n"},
      {"client setname me", "+OK\r\n"},
      {"client getname", "$2\r\nme\r\n"},
      {"client setname \"a b\"",
       "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
      {"client setname", "-ERR wrong number of arguments for 'client|setname' command\r\n"},
      {"client setinfo lib-name x", "+OK\r\n"},
      {"client setinfo x", "-ERR wrong number of arguments for 'client|setinfo' command\r\n"},
      {"client id x", "-ERR wrong number of arguments for 'client|id' command\r\n"},
      {"client getname x", "-ERR wrong number of arguments for 'client|getname' command\r\n"},
      {"client kill x", "-ERR unknown subcommand 'kill'.\r\n"},
      {"client", "-ERR wrong number of arguments for 'client' command\r\n"},
      {"hello 3", "-ERR unknown command 'hello', with args beginning with: '3' \r\n"},
      {"nope", "-ERR unknown command 'nope', with args beginning with: \r\n"},
      {"ge t", "-ERR unknown command 'ge', with args beginning with: 't' \r\n"},
      {"\"a\\r\\nb\" \"c\\nd\"", "-ERR unknown command 'a  b', with args beginning with: 'c d' \r\n"},
      {"\"\"", "-ERR unknown command '', with args beginning with: \r\n"},
  };
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    char in[256];
    int n = snprintf(in, sizeof in, "%s\r\n", lines[i].in);
    talk(f, in, (size_t)n);
    if (f->got_len != strlen(lines[i].want)) print_error("line: %s", in);
    expect(f, lines[i].want, strlen(lines[i].want));
  }
}

static void test_quit_answers_then_closes(void **state)
{
  struct fixture *f = *state;
  TALK(f, "ping\r\nquit\r\nping\r\n", "+PONG\r\n+OK\r\n");
  assert_true(f->s.closing);
}

static void test_protocol_error_answers_then_closes(void **state)
{
  struct fixture *f = *state;
  TALK(f, "*1\r\n$4\r\nPING\r\n*1\r\nx\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n");
  assert_true(f->s.closing);
}

static void test_keys_and_values_are_binary_safe(void **state)
{
  struct fixture *f = *state;
  TALK(f, "*3\r\n$3\r\nSET\r\n$4\r\n\0\r\n\xff\r\n$5\r\n\r\n\0$*\r\n", "+OK\r\n");
  TALK(f, "*2\r\n$3\r\nGET\r\n$4\r\n\0\r\n\xff\r\n", "$5\r\n\r\n\0$*\r\n");
  TALK(f, "*3\r\n$6\r\nAPPEND\r\n$4\r\n\0\r\n\xff\r\n$1\r\n\0\r\n", ":6\r\n");
  TALK(f, "*3\r\n$6\r\nEXISTS\r\n$3\r\n\0\r\n\r\n$4\r\n\0\r\n\xff\r\n", ":1\r\n");
  TALK(f, "*2\r\n$4\r\nECHO\r\n$3\r\n\0\r\n\r\n", "$3\r\n\0\r\n\r\n");
  TALK(f, "*1\r\n$4\r\nGE\0T\r\n", "-ERR unknown command 'GE', with args beginning with: \r\n");
  TALK(f, "*2\r\n$3\r\nDEL\r\n$4\r\n\0\r\n\xff\r\n", ":1\r\n");
}

static void test_pipelined_requests_answer_in_order_at_every_cut(void **state)
{
  struct fixture *f = *state;
  static const char in[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\nhi\r\nget a\r\n*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\nflushall\r\nget a\n";
  static const char want[] = "+OK\r\n$2\r\nhi\r\n*2\r\n$2\r\nhi\r\n$-1\r\n+OK\r\n$-1\r\n";
  for (size_t cut = 0; cut < sizeof in; cut++) {
    char all[sizeof want];
    talk(f, in, cut);
    size_t first = f->got_len;
    memcpy(all, f->got, first);
    talk(f, in + cut, sizeof in - 1 - cut);
    assert_int_equal(first + f->got_len, sizeof want - 1);
    memcpy(all + first, f->got, f->got_len);
    assert_memory_equal(all, want, sizeof want - 1);
  }
}

static void test_session_takes_no_more_requests_while_replies_wait(void **state)
{
  struct fixture *f = *state;
  static char in[60000];
  size_t at = 0;
  for (size_t i = 0; i + 6 <= sizeof in; i += 6) memcpy(in + i, "ping\r\n", 6);
  f->got_len = 0;
  size_t n = kv_session_feed(&f->s, (uint8_t *)in, sizeof in);
  assert_true(n < KV_OUT_BYTES);
  assert_int_equal(kv_session_feed(&f->s, (uint8_t *)in + n, sizeof in - n), 0);
  for (at = n; at < sizeof in; at += n) {
    assert_true(take(f, 100) > 0);
    n = kv_session_feed(&f->s, (uint8_t *)in + at, sizeof in - at);
  }
  take(f, SIZE_MAX);
  assert_int_equal(f->got_len, sizeof in / 6 * 7);
  for (size_t i = 0; i < f->got_len; i += 7) assert_memory_equal(f->got + i, "+PONG\r\n", 7);
}

// 40 times a value of 10 kB through a buffer of 8 kB, while another session changes and deletes the key.
static void test_long_mget_is_sent_piecewise_and_is_one_moment(void **state)
{
  struct fixture *f = *state;
  static char set[10100], get[1000];
  static struct kv_session other;
  int n = snprintf(set, sizeof set, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10000\r\n");
  memset(set + n, 'x', 10000);
  memcpy(set + n + 10000, "\r\n", 2);
  talk(f, set, (size_t)n + 10002);
  expect(f, "+OK\r\n", 5);

  n = snprintf(get, sizeof get, "mget");
  for (int i = 0; i < 40; i++) n += snprintf(get + n, sizeof get - (size_t)n, " k");
  n += snprintf(get + n, sizeof get - (size_t)n, "\r\n");
  f->got_len = 0;
  assert_int_equal(kv_session_feed(&f->s, (uint8_t *)get, (size_t)n), n);
  assert_true(kv_session_busy(&f->s));
  kv_session_init(&other, &f->srv);
  kv_session_feed(&other, (const uint8_t *)"append k y\r\ndel k\r\n", 19);
  kv_session_free(&other);
  while (take(f, 3000) > 0) kv_session_feed(&f->s, NULL, 0);
  assert_false(kv_session_busy(&f->s));
  assert_int_equal(f->got_len, 5 + 40 * (8 + 10000 + 2));
  for (size_t i = 0; i < 40; i++) assert_memory_equal(f->got + 5 + i * 10010, "$10000\r\nxx", 10);
}

static void test_session_freed_in_a_long_reply_leaves_nothing(void **state)
{
  struct fixture *f = *state;
  static char value[9000];
  static struct kv_session other;
  static const char mget[] = "*17\r\n$4\r\nMGET\r\n";
  memset(value, 'x', sizeof value);
  assert_true(kv_db_set(f->srv.db, "k", 1, value, sizeof value));
  kv_session_init(&other, &f->srv);
  kv_session_feed(&other, (const uint8_t *)mget, sizeof mget - 1);
  for (int i = 0; i < 16; i++) kv_session_feed(&other, (const uint8_t *)"$1\r\nk\r\n", 7);
  assert_true(kv_session_busy(&other));
  kv_session_free(&other);
  assert_int_equal(f->srv.mem.used, kv_db_cost(1, sizeof value));
}

static void test_command_list_and_docs_are_well_formed(void **state)
{
  struct fixture *f = *state;
  talk(f, "command\r\n", 9);
  assert_memory_equal(f->got, "*18\r\n*6\r\n$6\r\nappend\r\n:3\r\n*2\r\n+write\r\n+fast\r\n:1\r\n:1\r\n:1\r\n", 56);
  talk(f, "command docs\r\n", 14);
  assert_memory_equal(f->got, "*36\r\n$6\r\nappend\r\n*6\r\n$7\r\nsummary\r\n", 34);
  assert_memory_equal(f->got + f->got_len - 8, "string\r\n", 8);
  talk(f, "ping\r\n", 6);
  expect(f, "+PONG\r\n", 7);
}

// A full store refuses what would grow, still reads, and can be emptied.
static void test_full_store_answers_oom_and_recovers(void **state)
{
  struct fixture *f = *state;
  char in[1000];
  int refused = 0;
  for (int i = 0; i < 200 && !refused; i++) {
    int n = snprintf(in, sizeof in, "set key:%d %0600d\r\n", i, i);
    talk(f, in, (size_t)n);
    refused = f->got[0] == '-';
  }
  expect(f, OOM, sizeof OOM - 1);
  assert_true(f->srv.mem.used <= f->srv.mem.max);
  size_t keys = kv_db_count(f->srv.db);
  talk(f, "get key:0\r\n", 11);
  assert_int_equal(f->got_len, 6 + 600 + 2);
  for (int i = 0; i < 200 && f->got[0] != '-'; i++) talk(f, "append key:0 0123456789012345678901234567890123456789\r\n", 55);
  expect(f, OOM, sizeof OOM - 1);
  int n = snprintf(in, sizeof in, "mset key:0 1 x %0600d y %0300d\r\n", 1, 2);
  talk(f, in, (size_t)n);
  expect(f, OOM, sizeof OOM - 1);
  assert_int_equal(kv_db_count(f->srv.db), keys);  // none of the three
  TALK(f, "del key:1 key:2\r\n", ":2\r\n");
  TALK(f, "set x y\r\n", "+OK\r\n");
  TALK(f, "flushall\r\n", "+OK\r\n");
  assert_int_equal(f->srv.mem.used, 0);
}

// Where the keys come to 1024, the table doubles: not into what the rest of the MSET needs, whatever is left of the budget.
static void test_mset_is_all_or_none_where_the_table_grows(void **state)
{
  static char in[30000], key[16];
  unsigned set = 0, refused = 0;
  size_t len = (size_t)snprintf(in, sizeof in, "*41\r\n$4\r\nMSET\r\n");
  for (int i = 0; i < 20; i++) len += (size_t)snprintf(in + len, sizeof in - len, "$2\r\nm%c\r\n$1000\r\n%01000d\r\n", 'a' + i, i);
  for (size_t room = 20000; room < 100000; room += 1000) {
    assert_int_equal(setup_with(1 << 20), 0);
    struct fixture *f = &fix;
    for (int i = 0; i < 1022; i++) {
      int n = snprintf(key, sizeof key, "k%d", i);
      assert_true(kv_db_set(f->srv.db, key, (size_t)n, "v", 1));
    }
    f->srv.mem.max = f->srv.mem.used + room;
    talk(f, in, len);
    bool ok = f->got[0] == '+';
    assert_int_equal(kv_db_count(f->srv.db), ok ? 1042 : 1022);
    set += ok;
    refused += !ok;
    *state = f;
    assert_int_equal(teardown(state), 0);
  }
  assert_true(set > 10 && refused > 10);
}

// A request too long for the budget is read to its end: the connection goes on.
static void test_request_over_budget_answers_oom_and_goes_on(void **state)
{
  struct fixture *f = *state;
  static char in[200000];
  int n = snprintf(in, sizeof in, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$150000\r\n");
  memset(in + n, 'x', 150000);
  memcpy(in + n + 150000, "\r\nPING\r\n", 8);
  talk(f, in, (size_t)n + 150008);
  expect(f, OOM "+PONG\r\n", sizeof OOM - 1 + 7);
  assert_int_equal(f->srv.mem.used, 0);

  n = snprintf(in, sizeof in, "*10000\r\n");
  for (int i = 0; i < 10000; i++) n += snprintf(in + n, sizeof in - (size_t)n, "$1\r\nk\r\n");
  n += snprintf(in + n, sizeof in - (size_t)n, "PING\r\n");
  talk(f, in, (size_t)n);
  expect(f, OOM "+PONG\r\n", sizeof OOM - 1 + 7);
}

// ECHO needs a copy: an argument that fits alone but not twice.
static void test_echo_without_room_for_its_copy_answers_oom(void **state)
{
  struct fixture *f = *state;
  static char in[40100];
  int n = snprintf(in, sizeof in, "*2\r\n$4\r\nECHO\r\n$30000\r\n");
  memset(in + n, 'x', 30000);
  memcpy(in + n + 30000, "\r\n", 2);
  assert_true(kv_db_set(f->srv.db, "k", 1, in, 10000));
  talk(f, in, (size_t)n + 30002);
  expect(f, OOM, sizeof OOM - 1);
}

static void test_long_garbage_is_answered_by_a_short_error(void **state)
{
  struct fixture *f = *state;
  static char in[5000];
  memset(in, 'a', 2000);
  memset(in + 2000, ' ', 1);
  memset(in + 2001, 'b', 2000);
  memcpy(in + 4001, "\r\n", 2);
  talk(f, in, 4003);
  assert_memory_equal(f->got, "-ERR unknown command 'aaa", 25);
  assert_true(f->got_len < 400);
  assert_memory_equal(f->got + f->got_len - 2, "\r\n", 2);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define T_SMALL(test) cmocka_unit_test_setup_teardown(test, setup_small, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(test_commands_answer_as_redis_does),
      T(test_quit_answers_then_closes),
      T(test_protocol_error_answers_then_closes),
      T(test_keys_and_values_are_binary_safe),
      T(test_pipelined_requests_answer_in_order_at_every_cut),
      T(test_session_takes_no_more_requests_while_replies_wait),
      T(test_long_mget_is_sent_piecewise_and_is_one_moment),
      T(test_session_freed_in_a_long_reply_leaves_nothing),
      T(test_command_list_and_docs_are_well_formed),
      T_SMALL(test_full_store_answers_oom_and_recovers),
      cmocka_unit_test(test_mset_is_all_or_none_where_the_table_grows),
      T_SMALL(test_request_over_budget_answers_oom_and_goes_on),
      T_SMALL(test_echo_without_room_for_its_copy_answers_oom),
      T(test_long_garbage_is_answered_by_a_short_error),
  };
  return cmocka_run_group_tests_name("kv_cmd", tests, NULL, NULL);
}
