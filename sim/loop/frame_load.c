// SPDX-License-Identifier: Apache-2.0
// Loads a wire with frames of one size and counts those that come back: what the loop-back (loop_top.sv) is measured with.
//
//     frame_load --numbered frames, at most WINDOW of them out--> the other end --the same with addresses swapped--> frame_load
//
// A frame that comes back otherwise than it was sent, but for its addresses, ends the run; one that does not come back is lost and counted.
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/text.h"
#include "net/eth.h"
#include "wire/wire.h"

enum { FRAME_MIN = 60, FRAME_MAX = 9014, ETHERTYPE = 0x88b5,   // for local experiments (IEEE 802)
       WINDOW_MAX = 4096, SECONDS_MAX = 86400, LOST_MS = 200, NUMBER_AT = ETH_HDR_BYTES };

struct load {
  struct wire *wire;
  uint8_t mac[6], peer[6];
  size_t len;
  uint32_t sent, back, lost, window;
  uint32_t next_back;            // the number of the next to come back
  uint8_t frame[FRAME_MAX], got[WIRE_FRAME_MAX];
};

static int fail(const char *why)
{
  fprintf(stderr, "frame_load: %s\n", why);
  return 2;
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void make_frame(struct load *l)
{
  struct eth_hdr h = {.type = ETHERTYPE};
  memcpy(h.dst, l->peer, 6);
  memcpy(h.src, l->mac, 6);
  for (size_t i = 0; i < l->len; i++) l->frame[i] = (uint8_t)(i * 7 + 1);
  eth_emit(l->frame, ETH_HDR_BYTES, &h);
}

static void send_window(struct load *l)
{
  while (l->sent - l->back - l->lost < l->window) {
    put_be32(l->frame + NUMBER_AT, l->sent);
    if (!wire_send(l->wire, l->frame, l->len)) return;
    l->sent++;
  }
}

// False: something came back that was not sent so.
static bool take(struct load *l)
{
  int len;
  while ((len = wire_recv(l->wire, l->got, sizeof l->got)) > 0) {
    if (len < FRAME_MIN || get_be16(l->got + 12) != ETHERTYPE) continue;
    uint32_t number = get_be32(l->got + NUMBER_AT);
    bool same = (size_t)len == l->len && !memcmp(l->got, l->mac, 6) && !memcmp(l->got + 6, l->peer, 6)
                && !memcmp(l->got + NUMBER_AT + 4, l->frame + NUMBER_AT + 4, l->len - NUMBER_AT - 4);
    if (!same || number >= l->sent) return false;
    if (number < l->next_back) continue;   // late: it counts as lost already
    l->lost += number - l->next_back;
    l->next_back = number + 1;
    l->back++;
  }
  return len == 0;
}

static int run(struct load *l, double seconds)
{
  struct pollfd p = {.fd = wire_fd(l->wire), .events = POLLIN};
  double began = now(), at;
  while ((at = now()) < began + seconds) {
    send_window(l);
    if (poll(&p, 1, LOST_MS) == 0) {
      l->lost = l->sent - l->back;
      l->next_back = l->sent;
    }
    if (!take(l)) return fail(l->wire->dead ? l->wire->err : "a frame came back that was not sent so");
  }
  printf("{\"bytes\": %zu, \"sent\": %" PRIu32 ", \"back\": %" PRIu32 ", \"lost\": %" PRIu32 ", \"back_per_second\": %.1f}\n", l->len, l->sent, l->back,
         l->lost, l->back / (at - began));
  return l->back ? 0 : 1;
}

static const char usage[] =
    "frame_load: loads a wire with frames and counts those that come back\n\n"
    "usage: frame_load INTERFACE MAC BYTES SECONDS WINDOW\n"
    "  MAC     of whoever sends them back\n"
    "  BYTES   of a frame, 60 to 9014\n"
    "  WINDOW  frames on their way at most, up to 4096\n";

int main(int argc, char **argv)
{
  static struct load l;
  char err[WIRE_ERR_LEN], *end;
  unsigned mtu;
  uint64_t bytes, window;
  if (argc == 2 && !strcmp(argv[1], "--help")) return fputs(usage, stdout) < 0;
  if (argc != 6) return fail("five arguments, see frame_load --help");
  if (!text_parse_mac(argv[2], l.peer)) return fail("MAC: 02:00:5e:10:00:01, say");
  if (!text_parse_uint(argv[3], FRAME_MIN, FRAME_MAX, &bytes)) return fail("BYTES: 60 to 9014");
  double seconds = strtod(argv[4], &end);
  if (*end || !(seconds > 0 && seconds <= SECONDS_MAX)) return fail("SECONDS: more than 0, and up to 86400");
  if (!text_parse_uint(argv[5], 1, WINDOW_MAX, &window)) return fail("WINDOW: 1 to 4096");
  l.len = bytes;
  l.window = (uint32_t)window;
  if (!wire_if_info(argv[1], l.mac, &mtu, err)) return fail(err);
  struct wire_afpacket_opts o = {.ifname = argv[1]};
  memcpy(o.mac, l.mac, 6);
  if (!(l.wire = wire_afpacket_open(&o, err))) return fail(err);
  make_frame(&l);
  int status = run(&l, seconds);
  wire_close(l.wire);
  return status;
}
