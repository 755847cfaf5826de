// SPDX-License-Identifier: Apache-2.0
// The programs' options, and the socket side of echo, kv and echo-client.
#include "app/app_opt.h"
#include "app/apps.h"
#include "app/fake.h"

// --- options ---

static void test_opts_apply_by_table_and_say_what_is_wrong(void **state)
{
  (void)state;
  uint64_t flag = 0, number = 5, bytes = 0, addr = 0;
  const char *text = NULL;
  const struct app_opt_desc table[] = {
      {"flag", APP_OPT_FLAG, 0, 0, &flag},
      {"number", APP_OPT_NUMBER, 1, 10, &number},
      {"bytes", APP_OPT_BYTES, 1024, UINT64_MAX, &bytes},
      {"addr", APP_OPT_ADDR, 0, 0, &addr},
      {"text", APP_OPT_TEXT, 0, 0, &text},
  };
  static const struct {
    struct app_opt opt[2];
    const char *err;  // NULL when all is well
  } cases[] = {
      {{{"flag", ""}, {"number", "10"}}, NULL},
      {{{"bytes", "64k"}, {"number", "1"}}, NULL},
      {{{"bytes", "3G"}, {"number", "1"}}, NULL},
      {{{"addr", "10.0.0.1:80"}, {"number", "1"}}, NULL},
      {{{"text", "a=b"}, {"number", "1"}}, NULL},
      {{{"text", ""}, {"number", "1"}}, "x: text=: wants a value"},
      {{{"addr", "10.0.0.1"}, {"number", "1"}}, "x: addr=10.0.0.1: wants an address and port, as 10.0.0.1:80"},
      {{{"addr", "10.0.0.1:0"}, {"number", "1"}}, "x: addr=10.0.0.1:0: wants an address and port, as 10.0.0.1:80"},
      {{{"addr", "100.100.100.1000:80"}, {"number", "1"}}, "x: addr=100.100.100.1000:80: wants an address and port, as 10.0.0.1:80"},
      {{{"flag", "1"}, {"number", "1"}}, "x: flag=1: wants no value"},
      {{{"number", "1"}, {"number", "1"}}, "x: option 'number' is given twice"},
      {{{"number", "11"}, {"flag", ""}}, "x: number=11: wants a number from 1 to 10"},
      {{{"number", "0"}, {"flag", ""}}, "x: number=0: wants a number from 1 to 10"},
      {{{"number", "1k"}, {"flag", ""}}, "x: number=1k: wants a number from 1 to 10"},
      {{{"number", ""}, {"flag", ""}}, "x: number=: wants a number from 1 to 10"},
      {{{"number", "-1"}, {"flag", ""}}, "x: number=-1: wants a number from 1 to 10"},
      {{{"bytes", "1"}, {"flag", ""}}, "x: bytes=1: wants a number of bytes (k, M, G allowed) from 1024 to 18446744073709551615"},
      {{{"bytes", "1Mb"}, {"flag", ""}}, "x: bytes=1Mb: wants a number of bytes (k, M, G allowed) from 1024 to 18446744073709551615"},
      {{{"bytes", "99999999999999G"}, {"flag", ""}},
       "x: bytes=99999999999999G: wants a number of bytes (k, M, G allowed) from 1024 to 18446744073709551615"},
      {{{"maxmem", "1"}, {"flag", ""}}, "x: unknown option 'maxmem' (it has flag, number, bytes, addr, text, user-timeout)"},
  };
  struct app_common common;
  char err[APP_ERR_LEN];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bool ok = app_opts_apply("x", &common, table, 5, cases[i].opt, 2, err);
    assert_int_equal(ok, cases[i].err == NULL);
    if (cases[i].err) assert_string_equal(err, cases[i].err);
  }
  assert_int_equal(flag, 1);
  assert_string_equal(text, "a=b");
  assert_false(app_opts_apply("echo", &common, NULL, 0, cases[0].opt, 1, err));
  assert_string_equal(err, "echo: unknown option 'flag' (it has user-timeout)");
}

// What a program cannot do without: an option of its own, and what it says when that is missing.
static const struct need { const char *name; struct app_opt opt; const char *missing; bool datagrams; } needs[] = {
    {"echo-client", {"to", "10.0.0.1:7"}, "echo-client: to=ADDR:PORT is missing", false},
    {"forward", {"to", "127.0.0.1:1"}, "forward: to=ADDR:PORT is missing", false},
    {"httpd", {"root", "/"}, "httpd: root=DIR is missing", false},
    {"ping", {"to", "10.0.0.1"}, "ping: to=ADDR is missing", true},
    {"udpecho", {"to", "10.0.0.1:7"}, "udpecho: to=ADDR:PORT is missing", true},
    {"wget", {"to", "10.0.0.1:7/x"}, "wget: to=: wants a URL, as http://10.0.0.1:80/file", false},
};

static const struct need *need_of(const struct app_ops *ops)
{
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
    if (strcmp(needs[i].name, ops->name) == 0) return &needs[i];
  return NULL;
}

static void test_open_says_what_is_wrong(void **state)
{
  (void)state;
  char err[APP_ERR_LEN];
  const struct app_opt bad = {"maxmem", "1"};
  fake = (struct stack){.bind_fails = true, .udp_bind_fails = true, .udp_error = -EADDRINUSE};
  for (size_t i = 0; app_table[i]; i++) {
    const struct need *need = need_of(app_table[i]);
    bool shell = app_table[i]->no_target;   // opens its sockets later
    if (!shell) assert_null(app_table[i]->open(&env, 80, NULL, 0, err));
    if (need) assert_string_equal(err, need->missing);
    if (!shell) assert_null(app_table[i]->open(&env, 80, need ? &need->opt : NULL, need ? 1 : 0, err));
    if (!shell) assert_non_null(strstr(err, app_table[i]->ends ? "port 80: Address already in use" : "port 80: cannot listen: Address already in use"));
    assert_null(app_table[i]->open(&env, 80, &bad, 1, err));
    assert_non_null(strstr(err, "maxmem"));
    app_table[i]->close(NULL);
    assert_ptr_equal(app_find(app_table[i]->name), app_table[i]);
  }
  assert_false(fake.sid[0].open || fake.sid[UDP_SID].open);
  assert_int_equal(fds_watched(), 0);
  assert_null(app_find("nope"));
}

static void test_user_timeout_is_an_option_of_every_program(void **state)
{
  (void)state;
  char err[APP_ERR_LEN];
  struct app_opt opt[] = {{"user-timeout", "30"}, {"", ""}}, long_one = {"user-timeout", "2147484"};
  for (size_t i = 0; app_table[i]; i++) {
    const struct need *need = need_of(app_table[i]);
    if (need) opt[1] = need->opt;
    size_t n = need ? 2 : 1;
    fake = (struct stack){0};
    struct app *a = app_table[i]->open(&env, 80, opt, n, err);
    assert_non_null(a);
    bool later = (need && need->datagrams) || app_table[i]->no_target;   // or never
    assert_int_equal(fake.user_timeout_ms, later ? 0 : 30000);
    app_table[i]->close(a);
    assert_null(app_table[i]->open(&env, 80, &long_one, 1, err));
    assert_non_null(strstr(err, "user-timeout=2147484: wants a number from 1 to 2147483"));
    if (later) continue;
    fake = (struct stack){.tunes_not = true};
    assert_null(app_table[i]->open(&env, 80, opt, n, err));
    assert_non_null(strstr(err, "user-timeout: not with this engine"));
    assert_false(fake.sid[0].open);
  }
}

// --- echo ---

static void test_echo_sends_back_all_whatever_the_room(void **state)
{
  (void)state;
  static uint8_t data[20000];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7 + (i >> 8));
  static const size_t rooms[] = {1, 3, 1000, 4096, 5000, 60000};
  for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
    struct app *a = open_app("echo");
    fake.room = rooms[i];
    connect_one(a);
    size_t len = rooms[i] < 10 ? 500 : sizeof data;
    say(a, 1, data, len);
    assert_true(fake.sid[1].out.len <= rooms[i]);
    take_all(a, 1);
    assert_int_equal(fake.sid[1].out.len, len);
    assert_memory_equal(fake.sid[1].out.bytes, data, len);
    assert_true(fake.sid[1].open);
    finish(a, 1);
    assert_false(fake.sid[1].open);
    a->ops->close(a);
    assert_false(fake.sid[0].open);
  }
}

static void test_echo_does_not_read_what_it_cannot_send(void **state)
{
  (void)state;
  static uint8_t data[60000];
  struct app *a = open_app("echo");
  fake.room = 100;
  connect_one(a);
  say(a, 1, data, sizeof data);
  assert_true(fake.sid[1].in.off <= 4096);
  finish(a, 1);
  assert_true(fake.sid[1].open);  // there is more to send back
  take_all(a, 1);
  assert_int_equal(fake.sid[1].out.len, sizeof data);
  assert_false(fake.sid[1].open);
  a->ops->close(a);
}

static void test_echo_drops_a_reset_connection_and_serves_others(void **state)
{
  (void)state;
  struct app *a = open_app("echo");
  fake.waiting = 3;
  a->ops->ready(a, 0, SOCK_IN);
  fake.sid[2].reset = true;
  a->ops->ready(a, 2, SOCK_ERR);
  assert_false(fake.sid[2].open);
  a->ops->ready(a, 2, SOCK_IN);  // a late edge of a socket that is gone
  say(a, 1, "one", 3);
  say(a, 3, "three", 5);
  assert_memory_equal(fake.sid[1].out.bytes, "one", 3);
  assert_memory_equal(fake.sid[3].out.bytes, "three", 5);
  a->ops->close(a);
  for (int i = 0; i < SIDS; i++) assert_false(fake.sid[i].open);
}

// --- echo of datagrams ---

static const struct app_opt udp_opt = {"udp", ""};

static void test_echo_sends_datagrams_back_to_their_senders(void **state)
{
  (void)state;
  static uint8_t data[9000];
  static const size_t len[] = {3, 0, sizeof data};
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7 + (i >> 8));
  struct app *a = open_app_with("echo", &udp_opt);
  assert_ptr_equal(fake.sid[UDP_SID].user, a);
  for (uint16_t i = 0; i < 3; i++) hear(i == 2 ? a : NULL, (uint16_t)(1000 + i), data + i, len[i] - (i == 2 ? i : 0));
  assert_int_equal(fake.said.n, 3);
  for (uint16_t i = 0; i < 3; i++) {
    assert_int_equal(fake.said.of[i].addr.ip, 0x0a000001);
    assert_int_equal(fake.said.of[i].addr.port, 1000 + i);
    assert_int_equal(fake.said.of[i].len, fake.heard.of[i].len);
    assert_memory_equal(fake.said.of[i].bytes, data + i, fake.said.of[i].len);
  }
  hear(a, 7, data, 5);   // another echo service, it may be
  hear(a, 0, data, 5);   // wants no answer
  assert_int_equal(fake.heard.taken, 5);
  assert_int_equal(fake.said.n, 3);
  connect_one(a);        // and TCP goes on
  say(a, 1, "tcp", 3);
  assert_memory_equal(fake.sid[1].out.bytes, "tcp", 3);
  a->ops->close(a);
  assert_false(fake.sid[UDP_SID].open);
}

static void test_echo_leaves_udp_alone_unless_asked_and_says_why_it_cannot(void **state)
{
  (void)state;
  static const struct { bool bind; int error; const char *want; } t[] = {
      {true, -EADDRINUSE, "echo: UDP port 80: Address already in use"},
      {false, -ENOMEM, "echo: UDP port 80: Cannot allocate memory"},
      {false, -EPROTONOSUPPORT, "echo: UDP port 80: on a shared address UDP is the kernel's"},
  };
  struct app *a = open_app("echo");
  assert_false(fake.sid[UDP_SID].open);
  a->ops->close(a);
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    char err[APP_ERR_LEN];
    fake = (struct stack){.udp_error = t[i].error, .udp_bind_fails = t[i].bind};
    assert_null(echo_ops.open(&env, 80, &udp_opt, 1, err));
    assert_string_equal(err, t[i].want);
    assert_false(fake.sid[0].open || fake.sid[UDP_SID].open);
  }
}

// --- kv ---

static void test_kv_answers_whatever_the_room(void **state)
{
  (void)state;
  static const char want[] = "+PONG\r\n+OK\r\n$3\r\nabc\r\n";
  for (size_t room = 1; room < 30; room++) {
    struct app *a = open_app("kv");
    fake.room = room;
    connect_one(a);
    say(a, 1, "ping\r\nset a abc\r\nget a\r\n", 24);
    take_all(a, 1);
    assert_int_equal(fake.sid[1].out.len, sizeof want - 1);
    assert_memory_equal(fake.sid[1].out.bytes, want, sizeof want - 1);
    finish(a, 1);
    assert_false(fake.sid[1].open);
    a->ops->close(a);
  }
}

static void test_kv_does_not_read_while_replies_wait(void **state)
{
  (void)state;
  static char in[60000];
  struct app *a = open_app("kv");
  for (size_t i = 0; i + 6 <= sizeof in; i += 6) memcpy(in + i, "ping\r\n", 6);
  fake.room = 10;
  connect_one(a);
  say(a, 1, in, sizeof in / 2);
  assert_true(fake.sid[1].in.off < 12000);
  finish(a, 1);
  assert_true(fake.sid[1].open);
  take_all(a, 1);
  assert_int_equal(fake.sid[1].out.len, sizeof in / 2 / 6 * 7);
  assert_false(fake.sid[1].open);
  a->ops->close(a);
}

static void test_kv_closes_after_quit_and_after_a_protocol_error(void **state)
{
  (void)state;
  struct app *a = open_app("kv");
  fake.waiting = 2;
  a->ops->ready(a, 0, SOCK_IN);
  fake.room = 4;
  say(a, 1, "quit\r\nping\r\n", 12);
  assert_true(fake.sid[1].open);
  take_all(a, 1);
  assert_int_equal(fake.sid[1].out.len, 5);
  assert_false(fake.sid[1].open);
  say(a, 2, "*1\r\n!", 5);
  take_all(a, 2);
  assert_memory_equal(fake.sid[2].out.bytes, "-ERR Protocol error: expected '$', got '!'\r\n", 44);
  assert_false(fake.sid[2].open);
  a->ops->close(a);
}

static void test_kv_connections_share_one_store(void **state)
{
  (void)state;
  struct app *a = open_app("kv");
  fake.waiting = 2;
  a->ops->ready(a, 0, SOCK_IN);
  say(a, 1, "set a 1\r\n", 9);
  say(a, 2, "incr a\r\n", 8);
  assert_memory_equal(fake.sid[2].out.bytes, ":2\r\n", 4);
  fake.sid[1].reset = true;
  a->ops->ready(a, 1, SOCK_ERR);
  assert_false(fake.sid[1].open);
  a->ops->close(a);
}

// --- echo-client ---

static struct app *open_client(char err[static APP_ERR_LEN])
{
  static const struct app_opt opts[] = {{"to", "10.0.0.1:7"}, {"bytes", "1000"}};
  return app_find("echo-client")->open(&env, 5000, opts, 2, err);
}

// What the other end does with the bytes: `spoil` one of them (none: -1), or leaves out those from `stop`.
static struct app *echo_back(size_t room, int spoil, size_t stop)
{
  char err[APP_ERR_LEN];
  fake = (struct stack){.room = room};
  struct app *a = open_client(err);
  struct queue *out = &fake.sid[0].out, *in = &fake.sid[0].in;
  assert_non_null(a);
  for (a->ops->ready(a, 0, SOCK_OUT); out->off < out->len && a->end == APP_RUNS && in->len < stop;) {
    in->bytes[in->len] = (uint8_t)(out->bytes[out->off++] ^ (in->len == (size_t)spoil));
    in->len++;
    a->ops->ready(a, 0, SOCK_IN | SOCK_OUT);
  }
  if (a->end == APP_RUNS) finish(a, 0);
  assert_false(fake.sid[0].open);
  return a;
}

static void test_echo_client_ends_well_when_all_came_back(void **state)
{
  (void)state;
  for (size_t room = 1; room <= 4096; room *= 8) {
    struct app *a = echo_back(room, -1, BYTES);
    assert_int_equal(a->end, APP_DONE);
    assert_true(fake.sid[0].shut && !fake.sid[0].aborted);
    assert_string_equal(a->why, "1000 bytes came back as they were sent");
    a->ops->close(a);
  }
}

static void test_echo_client_tells_what_differs(void **state)
{
  (void)state;
  struct app *a = echo_back(4096, 300, BYTES);
  assert_int_equal(a->end, APP_DIFFERS);
  assert_string_equal(a->why, "byte 300 came back as 2c, was sent as 2d");
  assert_true(fake.sid[0].aborted);
  a->ops->close(a);
  a = echo_back(4096, -1, 999);
  assert_int_equal(a->end, APP_DIFFERS);
  assert_string_equal(a->why, "999 of 1000 bytes came back");
  a->ops->close(a);
}

static void test_echo_client_refuses_more_than_it_sent(void **state)
{
  (void)state;
  char err[APP_ERR_LEN];
  fake = (struct stack){.room = 0};
  struct app *a = open_client(err);
  say(a, 0, "", 1);
  assert_int_equal(a->end, APP_DIFFERS);
  a->ops->close(a);
}

static void test_echo_client_fails_without_a_connection(void **state)
{
  (void)state;
  char err[APP_ERR_LEN];
  fake = (struct stack){.no_way = true};
  assert_null(open_client(err));
  assert_string_equal(err, "echo-client: to 10.0.0.1:7: Network is unreachable");
  assert_false(fake.sid[0].open);
  fake = (struct stack){.room = 10};
  struct app *a = open_client(err);
  fake.sid[0].reset = true;
  a->ops->ready(a, 0, SOCK_ERR);
  assert_int_equal(a->end, APP_FAILED);
  a->ops->close(a);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_opts_apply_by_table_and_say_what_is_wrong),
      cmocka_unit_test(test_open_says_what_is_wrong),
      cmocka_unit_test(test_user_timeout_is_an_option_of_every_program),
      cmocka_unit_test(test_echo_sends_back_all_whatever_the_room),
      cmocka_unit_test(test_echo_does_not_read_what_it_cannot_send),
      cmocka_unit_test(test_echo_drops_a_reset_connection_and_serves_others),
      cmocka_unit_test(test_echo_sends_datagrams_back_to_their_senders),
      cmocka_unit_test(test_echo_leaves_udp_alone_unless_asked_and_says_why_it_cannot),
      cmocka_unit_test(test_kv_answers_whatever_the_room),
      cmocka_unit_test(test_kv_does_not_read_while_replies_wait),
      cmocka_unit_test(test_kv_closes_after_quit_and_after_a_protocol_error),
      cmocka_unit_test(test_kv_connections_share_one_store),
      cmocka_unit_test(test_echo_client_ends_well_when_all_came_back),
      cmocka_unit_test(test_echo_client_tells_what_differs),
      cmocka_unit_test(test_echo_client_refuses_more_than_it_sent),
      cmocka_unit_test(test_echo_client_fails_without_a_connection),
  };
  return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
