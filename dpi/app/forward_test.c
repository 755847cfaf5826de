// SPDX-License-Identifier: Apache-2.0
// forward between a stand-in for the sockets and real ones on loopback.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/apps.h"
#include "app/fake.h"

static int server;            // listens
static struct app *fwd;

static uint16_t listen_somewhere(void)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  server = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(server, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(server, 8), 0);
  assert_int_equal(getsockname(server, (struct sockaddr *)&a, &len), 0);
  return ntohs(a.sin_port);
}

static void open_forward(uint16_t port)
{
  char to[32], err[APP_ERR_LEN];
  snprintf(to, sizeof to, "127.0.0.1:%u", port);
  const struct app_opt opt = {"to", to};
  fake = (struct stack){.room = 1 << 14};
  fwd = forward_ops.open(&env, 7, &opt, 1, err);
  assert_non_null(fwd);
}

// A connection from the peer all the way; the server's end of it.
static int through(void)
{
  connect_one(fwd);
  int fd = accept(server, NULL, NULL);
  assert_true(fd >= 0);
  return fd;
}

// Loopback may deliver a moment later, so wait until there is something.
static void await(int fd)
{
  struct pollfd p = {.fd = fd, .events = POLLIN};
  assert_int_equal(poll(&p, 1, 5000), 1);
}

static int setup(void **state)
{
  (void)state;
  open_forward(listen_somewhere());
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  if (fwd) fwd->ops->close(fwd);
  close(server);
  return fds_watched() ? -1 : 0;
}

static void test_bytes_go_both_ways(void **state)
{
  (void)state;
  char buf[100];
  int fd = through();
  say(fwd, 1, "question", 8);
  await(fd);
  assert_int_equal(recv(fd, buf, sizeof buf, 0), 8);
  assert_memory_equal(buf, "question", 8);
  assert_int_equal(send(fd, "answer", 6, 0), 6);
  while (!fake.sid[1].out.len) fds_ready();
  assert_memory_equal(fake.sid[1].out.bytes, "answer", 6);
  close(fd);
}

static void test_more_than_either_end_has_room_for(void **state)
{
  (void)state;
  enum { LEN = 60000 };
  static uint8_t data[LEN], back[LEN];
  for (size_t i = 0; i < LEN; i++) data[i] = (uint8_t)(i * 7 + (i >> 8));
  fake.room = 100;
  int fd = through();
  say(fwd, 1, data, LEN);
  for (size_t n = 0; n < LEN;) {
    fds_ready();
    ssize_t rc = recv(fd, back + n, LEN - n, MSG_DONTWAIT);
    if (rc > 0) n += (size_t)rc;
  }
  assert_memory_equal(back, data, LEN);
  assert_int_equal(send(fd, data, LEN, 0), LEN);
  while (fake.sid[1].out.len < LEN) {
    assert_true(fake.sid[1].out.len - fake.sid[1].out.off <= 100);
    take_all(fwd, 1);
    fds_ready();
  }
  assert_memory_equal(fake.sid[1].out.bytes, data, LEN);
  close(fd);
}

static void test_server_that_does_not_read_stops_the_peer(void **state)
{
  (void)state;
  static uint8_t data[BYTES];
  int small = 4096, fd = through();
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  size_t sent = 0;
  for (int i = 0; i < 1000 && fake.sid[1].in.off == fake.sid[1].in.len; i++) {
    struct queue *q = &fake.sid[1].in;
    q->off = q->len = 0;
    say(fwd, 1, data, sizeof data);
    fds_ready();
    sent += sizeof data;
  }
  assert_true(fake.sid[1].in.off < fake.sid[1].in.len);
  assert_true(sent < 1000 * sizeof data);
  close(fd);
}

static void test_half_closes_are_passed_on(void **state)
{
  (void)state;
  char c;
  int fd = through();
  say(fwd, 1, "x", 1);
  finish(fwd, 1);
  await(fd);
  assert_int_equal(recv(fd, &c, 1, 0), 1);
  await(fd);
  assert_int_equal(recv(fd, &c, 1, 0), 0);
  assert_true(fake.sid[1].open && !fake.sid[1].shut);
  assert_int_equal(send(fd, "late", 4, 0), 4);
  close(fd);
  while (fake.sid[1].open) fds_ready();
  assert_memory_equal(fake.sid[1].out.bytes, "late", 4);
  assert_true(fake.sid[1].shut && !fake.sid[1].aborted);
  assert_int_equal(fds_watched(), 0);
}

static void test_resets_are_passed_on(void **state)
{
  (void)state;
  static const struct linger reset = {1, 0};
  char c;
  int fd = through();
  fake.sid[1].reset = true;
  fwd->ops->ready(fwd, 1, SOCK_ERR);
  assert_false(fake.sid[1].open);
  await(fd);
  assert_int_equal(recv(fd, &c, 1, 0), -1);
  assert_int_equal(errno, ECONNRESET);
  close(fd);
  fake.sid[1].reset = fake.sid[1].aborted = false;
  fd = through();
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(fd);
  while (fake.sid[1].open) fds_ready();
  assert_true(fake.sid[1].aborted);
  assert_int_equal(fds_watched(), 0);
}

static void test_without_a_server_the_peer_is_reset(void **state)
{
  (void)state;
  uint16_t port = listen_somewhere();
  close(server);
  fwd->ops->close(fwd);
  open_forward(port);
  connect_one(fwd);
  while (fake.sid[1].open) fds_ready();
  assert_true(fake.sid[1].aborted);
  assert_int_equal(fds_watched(), 0);
}

static void test_close_ends_what_is_open(void **state)
{
  (void)state;
  char c;
  int fd = through();
  fwd->ops->close(fwd);
  fwd = NULL;
  assert_false(fake.sid[0].open || fake.sid[1].open);
  await(fd);
  assert_int_equal(recv(fd, &c, 1, 0), 0);
  close(fd);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_bytes_go_both_ways, setup, teardown),
      cmocka_unit_test_setup_teardown(test_more_than_either_end_has_room_for, setup, teardown),
      cmocka_unit_test_setup_teardown(test_server_that_does_not_read_stops_the_peer, setup, teardown),
      cmocka_unit_test_setup_teardown(test_half_closes_are_passed_on, setup, teardown),
      cmocka_unit_test_setup_teardown(test_resets_are_passed_on, setup, teardown),
      cmocka_unit_test_setup_teardown(test_without_a_server_the_peer_is_reset, setup, teardown),
      cmocka_unit_test_setup_teardown(test_close_ends_what_is_open, setup, teardown),
  };
  return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
