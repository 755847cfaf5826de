// SPDX-License-Identifier: Apache-2.0
// The shell over a stand-in for the sockets, its lines from a pipe.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/apps.h"
#include "app/fake.h"

enum { SECOND = 1000000, LEN = 40000 };

static int in[2];                // we write in[1]
static char *said;
static size_t said_len, said_before;
static char dir[] = "/tmp/lockwire-shell-XXXXXX";
static uint8_t data[LEN];
static struct app *shell;

static int make_dir(void **state)
{
  (void)state;
  for (size_t i = 0; i < LEN; i++) data[i] = (uint8_t)(i * 7 + (i >> 8));
  return !mkdtemp(dir) || chdir(dir);
}

static int remove_dir(void **state)
{
  (void)state;
  char cmd[100];
  snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
  return chdir("/") || system(cmd);
}

static int setup(void **state)
{
  (void)state;
  char err[APP_ERR_LEN];
  assert_int_equal(pipe2(in, O_NONBLOCK | O_CLOEXEC), 0);
  fake = (struct stack){.room = 1 << 14};
  fake_prompts = 0;
  env.in_fd = in[0];
  env.now_us = 1000;
  env.say = open_memstream(&said, &said_len);
  said_before = said_len = 0;
  shell = shell_ops.open(&env, 0, NULL, 0, err);
  return shell ? 0 : -1;
}

static int teardown(void **state)
{
  (void)state;
  shell->ops->close(shell);
  close(in[0]);
  if (in[1] >= 0) close(in[1]);
  fclose(env.say);
  free(said);
  fake_tty = false;
  for (int i = 0; i <= SIDS; i++)
    if (fake.sid[i].open) return -1;
  return fds_watched() ? -1 : 0;
}

static void type(const char *text)
{
  assert_int_equal(write(in[1], text, strlen(text)), strlen(text));
  fds_ready();
}

static void end_input(void)
{
  close(in[1]);
  in[1] = -1;
  fds_ready();
}

// What it has said since.
static void assert_said(const char *want)
{
  fflush(env.say);
  assert_string_equal(said + said_before, want);
  said_before = said_len;
}

static void pass(uint64_t us)
{
  env.now_us += us;
  if (!shell->due_us || shell->due_us > env.now_us) return;
  shell->due_us = 0;
  shell->ops->timer(shell);
}

static void stands(int sid)
{
  fake.half_open = false;
  shell->ops->ready(shell, sid, SOCK_OUT);
}

static void test_lines_wait_for_their_sockets(void **state)
{
  (void)state;
  fake.half_open = true;
  type("c 10.0.0.1 7\ns 0 hello,  world\nr 0 5\ncl 0\n");
  assert_said("");
  fake.room = 5;
  stands(0);
  assert_said("socket 0 is connected\n");
  take_all(shell, 0);
  assert_said("sent 13 bytes\n");
  assert_memory_equal(fake.sid[0].out.bytes, "hello,  world", 13);
  say(shell, 0, "a\n\\\x01z and more", 14);
  assert_said("read 5 bytes: a\\n\\x5c\\x01z\nsocket 0 is closed\n");
  assert_false(fake.sid[0].open);
}

static void test_connection_that_fails_is_told(void **state)
{
  (void)state;
  fake.half_open = true;
  type("c 10.0.0.1 7\nls\n");
  fake.sid[0].reset = true;
  shell->ops->ready(shell, 0, SOCK_ERR);
  assert_said("no connection: Connection reset by peer\nsid  type state        local                 peer                   to read  to send\n");
  assert_false(fake.sid[0].open);
  fake.no_way = true;
  type("c 10.0.0.1 7\n");
  assert_said("shell: to 10.0.0.1:7: Network is unreachable\n");
}

static void test_listener_accepts_whoever_comes(void **state)
{
  (void)state;
  type("a 4000\n");
  assert_said("socket 0 listens on port 4000\n");
  fake.waiting = 2;
  shell->ops->ready(shell, 0, SOCK_IN);
  assert_said("socket 1 is 10.0.0.1:5000, come to socket 0\nsocket 2 is 10.0.0.1:5000, come to socket 0\n");
  say(shell, 2, "abc", 3);
  type("ls\nst 0\nst 2\nr 2 100\n");
  assert_said("sid  type state        local                 peer                   to read  to send\n"
              "0    tcp  LISTEN       *:4000                -                            0        0\n"
              "1    tcp  ESTABLISHED  10.0.0.2:4000         10.0.0.1:7                   0        0\n"
              "2    tcp  ESTABLISHED  10.0.0.2:4000         10.0.0.1:7                   3        0\n"
              "socket 0: LISTEN, without a connection\n"
              "socket 2: ESTABLISHED, flow 2, our first sequence number 100, the peer's 200, segments of 1460 bytes, window scale 0 (ours 0), SACK\n"
              "inside of 2\nread 3 bytes: abc\n");
  fake.sid[1].reset = true;
  shell->ops->ready(shell, 1, SOCK_ERR);
  assert_said("socket 1: Connection reset by peer\n");
  type("s 1 x\nr 1 1\ns 0 x\n");
  assert_said("socket 1: Connection reset by peer\nsocket 1: Connection reset by peer\nsent 1 bytes\n");
}

static void test_read_tells_the_end_and_gives_up(void **state)
{
  (void)state;
  type("c 10.0.0.1 7\nr 0 10\n");
  assert_said("socket 0 is connected\n");
  pass(5 * SECOND - 1);
  assert_said("");
  pass(1);
  assert_said("socket 0: nothing within 5 s\n");
  fake.sid[0].fin = true;
  type("r 0 10\n");
  assert_said("socket 0: the peer has ended\n");
}

static void test_bad_line_gets_one_line_and_changes_nothing(void **state)
{
  (void)state;
  static const char *const bad[] = {
      "x", "A 1", "a", "a 0", "a 65536", "a x", "a 1 2", "c", "c 10.0.0.1", "c 10.0.0 1", "c 10.0.0.1 0", "c 10.0.0.1 1 2", "ls all", "s", "s 1",
      "s 9 x", "s x x", "r", "r 0", "r 0 5", "cl", "cl 0", "cl -1", "cl 99999999999", "st", "st 7", "help me", "q now", "sf", "sf a 10.0.0.1", "sf a 10.0.0.1 x",
      "li x", "lr x", "ifconfig add", "ifconfig add 10.0.0.2", "ifconfig set 10.0.0.2/24", "ifconfig add 10.0.0.0/24", "ifconfig del 10.0.0.2/24", "ifconfig del 10.0.0.9",
      "ifconfig add 10.0.0.2/24 x", "route", "route add", "route get default", "route add 10.0.0.1", "route add default x", "route add default 1.2.3.4", "route del default",
      "route add 10.0.0.1/24", "route add 10.0.0.0/24 10.0.0.1 x", "sf a b 1", "sf a 10.0.0.1 1 2", "sf nothing 10.0.0.1 7", "sf . 10.0.0.1 7", "rf", "rf a", "rf a x", "rf a 1 2", "rf . 4000", "rf nowhere/x 4000",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    size_t before = said_len;
    type(bad[i]);
    type("\n");
    fflush(env.say);
    const char *line = said + before, *end = strchr(line, '\n');
    if (!end || end[1]) print_error("%s: %s\n", bad[i], line);
    assert_true(end && end > line && !end[1]);
    for (int sid = 0; sid <= SIDS; sid++) assert_false(fake.sid[sid].open);
    assert_int_equal(shell->end, APP_RUNS);
    assert_int_equal(fake.net.n_addrs + fake.net.n_routes, 0);
  }
  assert_int_equal(access("a", F_OK), -1);
  type(" \t \n\n");
  end_input();
  assert_int_equal(shell->end, APP_FAILED);
  assert_string_equal(shell->why, "59 of the lines failed");
}

static void test_addresses_and_routes_are_seen_and_changed(void **state)
{
  (void)state;
  type("li\nlr\n");
  assert_said("ether 02:00:00:00:00:02 mtu 1500\n");
  type("ifconfig add 10.0.0.2/24\nifconfig add 10.0.1.2/30\nroute add default 10.0.0.1\nroute add 10.9.0.0/16\nifconfig\nlr\n");
  assert_said("ether 02:00:00:00:00:02 mtu 1500\ninet 10.0.0.2/24\ninet 10.0.1.2/30\n"
              "10.0.0.0/24        on the link, from 10.0.0.2\n10.0.1.0/30        on the link, from 10.0.1.2\n"
              "default            via 10.0.0.1\n10.9.0.0/16        on the link\n");
  type("ifconfig add 10.0.0.2/24\nifconfig del 10.0.0.3\nroute add 10.8.0.0/16 10.7.0.1\nroute del 10.8.0.0/16\nroute add default 10.0.0.1\n");
  assert_said("10.0.0.2/24: File exists\n10.0.0.3: No such file or directory\n10.8.0.0/16: Network is unreachable\n"
              "10.8.0.0/16: No such file or directory\ndefault: File exists\n");
  type("ifconfig set 10.0.1.2\nroute set default\n");
  assert_said("usage: ifconfig [add ADDR/LEN | del ADDR]: give us an address, or take it; alone as li\n"
              "usage: route add|del NET/LEN|default [GATEWAY]: the way to a network; without a GATEWAY it is on the link\n");
  type("route del default\nroute del 10.9.0.0/16\nifconfig del 10.0.1.2\nli\nlr\n");
  assert_said("ether 02:00:00:00:00:02 mtu 1500\ninet 10.0.0.2/24\n10.0.0.0/24        on the link, from 10.0.0.2\n");
}

static void test_read_wants_a_number_that_it_can_hold(void **state)
{
  (void)state;
  type("c 10.0.0.1 7\nr 0 0\nr 0 4097\nr 0 x\n");
  assert_said("socket 0 is connected\n0: not a number of bytes from 1 to 4096 (usage: r SID N)\n"
              "4097: not a number of bytes from 1 to 4096 (usage: r SID N)\nx: not a number of bytes from 1 to 4096 (usage: r SID N)\n");
}

static void test_lines_may_end_as_they_like(void **state)
{
  (void)state;
  static char longest[5000];
  memset(longest, 'x', sizeof longest - 1);
  type("\t a  4000 \r\n");
  assert_said("socket 0 listens on port 4000\n");
  type("cl ");
  assert_said("");
  type("0\n");
  assert_said("socket 0 is closed\n");
  type(longest);
  type("\nls\n");
  assert_said("a line of more than 4094 bytes\nsid  type state        local                 peer                   to read  to send\n");
  type("a 4001");
  assert_said("");
  end_input();
  assert_said("socket 0 listens on port 4001\n");
  assert_int_equal(shell->end, APP_FAILED);
  assert_string_equal(shell->why, "1 of the lines failed");
  assert_false(fake.sid[0].open);
}

// --- files ---

static void write_file(const char *name)
{
  FILE *f = fopen(name, "w");
  assert_int_equal(fwrite(data, 1, LEN, f), LEN);
  fclose(f);
}

static void test_sf_sends_a_file_and_waits_until_it_has_arrived(void **state)
{
  (void)state;
  write_file("file");
  fake.half_open = true;
  fake.room = 1000;
  type("sf file 10.0.0.1 7\ns 0 x\nq\n");
  assert_said("socket 0 is busy with a file\nwhen all files are through (q again: now)\n");
  stands(0);
  for (int i = 0; i < 100 && !fake.sid[0].shut; i++) {
    fake.sid[0].out.off = fake.sid[0].out.len;
    shell->ops->ready(shell, 0, SOCK_OUT);
  }
  fake.sid[0].out.off = LEN - 1;
  shell->ops->ready(shell, 0, SOCK_OUT);
  pass(SECOND);
  assert_int_equal(shell->end, APP_RUNS);   // a byte has not arrived
  fake.sid[0].out.off = LEN;
  pass(SECOND);
  assert_said("sf file: 40000 bytes to 10.0.0.1:7\n");
  assert_int_equal(fake.sid[0].out.len, LEN);
  assert_memory_equal(fake.sid[0].out.bytes, data, LEN);
  assert_false(fake.sid[0].aborted);
  assert_int_equal(shell->end, APP_FAILED);   // the line to the busy socket
}

static void test_rf_writes_what_comes_into_a_file(void **state)
{
  (void)state;
  static uint8_t back[LEN + 1];
  type("rf got 4000\n");
  fake.waiting = 1;
  shell->ops->ready(shell, 0, SOCK_IN);
  assert_false(fake.sid[0].open);   // one is enough
  say(shell, 1, data, LEN);
  end_input();
  assert_int_equal(shell->end, APP_RUNS);
  finish(shell, 1);
  assert_said("rf got: waits on port 4000\nrf got: 40000 bytes from 10.0.0.1:5000\n");
  FILE *f = fopen("got", "r");
  assert_int_equal(fread(back, 1, sizeof back, f), LEN);
  fclose(f);
  assert_memory_equal(back, data, LEN);
  assert_int_equal(shell->end, APP_DONE);
}

static void test_files_that_break_off_are_told(void **state)
{
  (void)state;
  write_file("file");
  type("rf /dev/full 4000\nrf got 4000\nsf file 10.0.0.1 7\n");
  fake.room = 100;
  shell->ops->ready(shell, 1, SOCK_OUT);
  fake.sid[1].reset = true;
  shell->ops->ready(shell, 1, SOCK_ERR);
  assert_said("/dev/full: not a file\nrf got: waits on port 4000\nsf file: after 100 bytes: Connection reset by peer\n");
  fake.waiting = 1;
  fake.sid[1].reset = false;
  shell->ops->ready(shell, 0, SOCK_IN);
  say(shell, 1, data, 10);
  fake.sid[1].reset = true;
  shell->ops->ready(shell, 1, SOCK_ERR);
  assert_said("rf got: after 10 bytes: Connection reset by peer\n");
  assert_true(fake.sid[1].aborted);
  end_input();
  assert_int_equal(shell->end, APP_FAILED);
}

static void test_q_twice_gives_files_up(void **state)
{
  (void)state;
  type("rf got 4000\nq\n");
  assert_int_equal(shell->end, APP_RUNS);
  type("q\nls\n");
  assert_said("rf got: waits on port 4000\nwhen all files are through (q again: now)\n");
  assert_int_equal(shell->end, APP_DONE);
  assert_false(fake.sid[0].open);
}

// --- a terminal ---

static void test_terminal_gets_a_prompt_for_each_line(void **state)
{
  (void)state;
  char err[APP_ERR_LEN];
  shell->ops->close(shell);
  fake_tty = true;
  shell = shell_ops.open(&env, 0, NULL, 0, err);
  assert_int_equal(fake_prompts, 1);
  fake.half_open = true;
  type("nonsense\n");
  assert_int_equal(fake_prompts, 2);
  type("c 10.0.0.1 7\nls\n");
  assert_int_equal(fake_prompts, 2);   // not while a line waits
  stands(0);
  assert_int_equal(fake_prompts, 4);
  end_input();
  assert_int_equal(shell->end, APP_DONE);   // who sees what is wrong needs no status
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(test_lines_wait_for_their_sockets),
      TEST(test_connection_that_fails_is_told),
      TEST(test_listener_accepts_whoever_comes),
      TEST(test_read_tells_the_end_and_gives_up),
      TEST(test_bad_line_gets_one_line_and_changes_nothing),
      TEST(test_addresses_and_routes_are_seen_and_changed),
      TEST(test_read_wants_a_number_that_it_can_hold),
      TEST(test_lines_may_end_as_they_like),
      TEST(test_sf_sends_a_file_and_waits_until_it_has_arrived),
      TEST(test_rf_writes_what_comes_into_a_file),
      TEST(test_files_that_break_off_are_told),
      TEST(test_q_twice_gives_files_up),
      TEST(test_terminal_gets_a_prompt_for_each_line),
  };
  return cmocka_run_group_tests_name("shell", tests, make_dir, remove_dir);
}
