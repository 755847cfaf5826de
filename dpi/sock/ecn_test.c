// SPDX-License-Identifier: Apache-2.0
// Who agrees to ECN (RFC 3168 section 6.1.1), on either side of the handshake, against a peer of hand-written frames. That nothing
// which leaves from here is marked as capable is seen by bed_expect_out, for every test of this room.
#include "sock/testbed.h"

enum { ASK = TCP_ECE | TCP_CWR };

static struct bed *open_bed(bool can, bool listens)
{
  struct bed *b = bed_open(&start_wrap, (struct bed_opts){.no_listener = !listens});
  b->engine.ecn = can;
  return b;
}

static struct segment answer_to(struct bed *b, uint16_t port, int flags)
{
  bed_send(b, port, &(struct segment){.seq = seq_of(b->start.irs), .flags = (uint8_t)(TCP_SYN | flags)});
  return bed_expect_out(b);
}

static struct flow_open completed(struct bed *b, uint16_t port, const struct segment *synack)
{
  bed_send(b, port, &(struct segment){.seq = seq_of(b->start.irs + 1), .ack = seq_add(synack->seq, 1), .flags = TCP_ACK});
  return bed_expect_call(b, CALL_OPEN)->open;
}

static void expect_agreed(const struct flow_open *o, bool echoes, bool marks)
{
  assert_int_equal(o->ecn_echoes, echoes);
  assert_int_equal(o->ecn_marks, marks);
}

static void test_ecn_is_agreed_to_when_a_syn_asks_by_both_flags_and_the_engine_can(void **state)
{
  (void)state;
  const struct { bool can; int ask; bool agreed; } rows[] = {{true, ASK, true}, {true, TCP_ECE, false}, {true, TCP_CWR, false}, {true, 0, false}, {false, ASK, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct bed *b = open_bed(rows[i].can, true);
    struct segment synack = answer_to(b, PEER_PORT, rows[i].ask);
    assert_int_equal(synack.flags, TCP_SYN | TCP_ACK | (rows[i].agreed ? TCP_ECE : 0));
    bed_pass(b, SECOND);
    assert_int_equal(bed_expect_out(b).flags, synack.flags);   // again
    struct flow_open o = completed(b, PEER_PORT, &synack);
    expect_agreed(&o, rows[i].agreed, rows[i].agreed);
    bed_close(b);
  }
}

// Its first SYN or our answer was lost, perhaps for the flags: what we send is not marked, but what came of the first may be.
static void test_ecn_is_dropped_when_the_peer_asks_again_without(void **state)
{
  (void)state;
  struct bed *b = open_bed(true, true);
  answer_to(b, PEER_PORT, ASK);
  struct segment synack = answer_to(b, PEER_PORT, 0);
  assert_int_equal(synack.flags, TCP_SYN | TCP_ACK);
  struct flow_open o = completed(b, PEER_PORT, &synack);
  expect_agreed(&o, true, false);
  bed_close(b);
}

static void test_ecn_is_not_agreed_to_by_a_cookie(void **state)
{
  (void)state;
  struct bed *b = open_bed(true, false);
  b->listener = sock_socket(b->s, SOCK_TCP);
  assert_int_equal(sock_bind(b->s, b->listener, 0, BED_PORT), 0);
  assert_int_equal(sock_listen(b->s, b->listener, 1), 0);
  answer_to(b, PEER_PORT + 1, ASK);
  struct segment synack = answer_to(b, PEER_PORT, ASK);
  assert_int_equal(stack_stat(b->s, ST_TCP_COOKIE_SENT), 1);
  assert_int_equal(synack.flags, TCP_SYN | TCP_ACK);
  struct flow_open o = completed(b, PEER_PORT, &synack);
  expect_agreed(&o, false, false);
  bed_close(b);
}

// A socket whose first SYN has left, or the first two.
static struct bed *dialled(bool can, bool twice)
{
  struct bed *b = open_bed(can, false);
  int sid = sock_socket(b->s, SOCK_TCP);
  bed_answer_arp(b, PEER_IP);
  assert_int_equal(sock_bind(b->s, sid, 0, BED_PORT), 0);
  assert_int_equal(sock_connect(b->s, sid, PEER_IP, PEER_PORT), -EINPROGRESS);
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN | (can ? ASK : 0));
  if (!twice) return b;
  bed_pass(b, SECOND);
  assert_int_equal(bed_expect_out(b).flags, TCP_SYN);   // perhaps the flags were to blame
  return b;
}

static void answer(struct bed *b, int flags)
{
  bed_send(b, PEER_PORT, &(struct segment){.seq = seq_of(b->start.irs), .ack = seq_of(b->start.iss + 1), .flags = (uint8_t)(TCP_SYN | TCP_ACK | flags)});
}

static void test_ecn_is_asked_for_once_and_agreed_to_by_ece_alone(void **state)
{
  (void)state;
  const struct { bool can, twice; int said; bool echoes, marks; } rows[] = {
    {true, false, TCP_ECE, true, true}, {true, false, ASK, false, false}, {true, false, TCP_CWR, false, false}, {true, false, 0, false, false},
    {true, true, TCP_ECE, true, false}, {true, true, 0, false, false}, {false, false, TCP_ECE, false, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct bed *b = dialled(rows[i].can, rows[i].twice);
    answer(b, rows[i].said);
    expect_agreed(&bed_expect_call(b, CALL_OPEN)->open, rows[i].echoes, rows[i].marks);
    assert_int_equal(bed_expect_out(b).flags, TCP_ACK);
    bed_close(b);
  }
}

static void test_ecn_of_crossing_syns_needs_every_one_of_them(void **state)
{
  (void)state;
  const struct { bool twice; int crossing, said; bool echoes, marks; } rows[] = {
    {false, ASK, TCP_ECE, true, true}, {false, ASK, 0, true, false}, {false, 0, TCP_ECE, false, false}, {true, ASK, TCP_ECE, true, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct bed *b = dialled(true, rows[i].twice);
    assert_int_equal(answer_to(b, PEER_PORT, rows[i].crossing).flags, TCP_SYN | TCP_ACK | (rows[i].crossing && !rows[i].twice ? TCP_ECE : 0));
    answer(b, rows[i].said);
    expect_agreed(&bed_expect_call(b, CALL_OPEN)->open, rows[i].echoes, rows[i].marks);
    bed_close(b);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ecn_is_agreed_to_when_a_syn_asks_by_both_flags_and_the_engine_can),
    cmocka_unit_test(test_ecn_is_dropped_when_the_peer_asks_again_without),
    cmocka_unit_test(test_ecn_is_not_agreed_to_by_a_cookie),
    cmocka_unit_test(test_ecn_is_asked_for_once_and_agreed_to_by_ece_alone),
    cmocka_unit_test(test_ecn_of_crossing_syns_needs_every_one_of_them),
  };
  return cmocka_run_group_tests_name("sock/ecn", tests, NULL, NULL);
}
