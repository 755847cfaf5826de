// SPDX-License-Identifier: Apache-2.0
// What a capture says: which host is the one that the NIC stands in for, the connections of that host with what each side sent, and
// what its program did. The recorded endpoint is "near", whoever talks to it "far".
#ifndef LW_CONV_H
#define LW_CONV_H
#include "capture.h"
#include "net/ipv4.h"
#include "net/tuple.h"
#include "tcp/segment.h"

enum { CONV_NEAR_MAX = 64, CONV_PIECES = 64 };

// Why a frame is neither played nor held against.
enum conv_unused {
  CONV_USED, CONV_CUT, CONV_NOT_IP, CONV_OTHERS, CONV_BOTH_NEAR, CONV_BROKEN, CONV_LONG,
  CONV_NOT_SENT, CONV_NOT_SEEN, CONV_RESET, CONV_UNUSED
};
const char *conv_unused_text(enum conv_unused u);

enum conv_kind { CONV_SEGMENT, CONV_ICMP_ERROR, CONV_PLAIN };

// One datagram of the far side. Of a fragmented one the pieces are put together, and cut again when it is played.
struct conv_item {
  enum conv_kind kind;
  const struct capture_frame *frame;   // its (last) frame
  uint64_t us;
  uint8_t *ip;                         // the whole packet; of CONV_PLAIN NULL: the frame goes as it is
  size_t ip_len;
  bool own;                            // ip is the item's to free
  struct segment seg;                  // CONV_SEGMENT; CONV_ICMP_ERROR: the sequence number that it quotes, in seq
  bool bad_sum, bad_ip_sum;            // its checksums were wrong, and are to be
  uint8_t n_pieces;                    // 0: it is whole
  struct {
    uint16_t offset, len;              // of the IP payload
  } piece[CONV_PIECES];
  // What the near side had done before: how far it had sent, and its window's edge.
  bool knew_sent, knew_edge;
  struct seq sent, edge;
  enum conv_unused unused;             // set when it could not be played
};

// What the near side's program does: writes `to` bytes in all, once `after` bytes have come and the time is there.
struct conv_write {
  uint64_t us, to, after;
};
enum conv_end { CONV_OPEN, CONV_FIN, CONV_RST };

struct conv_side {                     // of a stream, as the capture has it
  uint64_t bytes;                      // sent, each counted once
  uint64_t acked;                      // of these, acknowledged by the other side
  uint64_t again;                      // segments sent again
  enum conv_end end;
};

struct conv {
  struct tuple_node node;              // first; the far side is its remote
  bool active;                         // the near side opened it
  bool midway;                         // no handshake was captured
  bool answered;                       // the near side said yes to the SYN, or nothing else
  bool know_irs, know_iss;
  struct seq irs, iss;                 // far, near
  struct conv_item *item;
  size_t n_items;
  bool near_seen;                      // frames of the near side were captured
  bool no_wscale, no_sack, no_timestamps;   // the near side did not agree to what the far side's SYN offered
  uint8_t near_scale;                  // its windows' shift as recorded, where both sides agreed
  uint64_t open_us;                    // of the near side's SYN
  struct conv_side near, far;
  uint8_t *out;                        // the near side's stream
  struct conv_write *write;
  size_t n_writes;
  bool closes, resets;                 // its program; `to` of these two has no meaning
  struct conv_write close, reset;
  uint8_t *in;                         // the far side's stream, and which bytes of it are known
  uint8_t *have;
  size_t in_len;
  // While it is read.
  size_t out_room, in_room, item_room, write_room;
  struct seq sent, edge, acked;        // the near side's highest
  bool knew_sent, knew_edge, knew_acked, syn_near, syn_far;
  uint8_t syn_scale_near;
  bool far_fin_seen, far_rst_missed;   // its FIN came; its RST was not at the number at which one counts
  uint64_t far_fin;                    // the bytes before it
  bool has_scale_near, has_scale_far;
};

struct convs {
  struct conv **conv;
  size_t n;
  struct conv_item *loose;             // what belongs to no connection
  size_t n_loose;
  uint32_t near[CONV_NEAR_MAX];        // the addresses that the NIC takes on; none of them: that of `as` is in no packet
  size_t n_near;
  size_t near_frames;                  // of the near side
  size_t mended, lengthened;           // whose checksums, whose total length were left to an adapter
  size_t unused[CONV_UNUSED];          // frames, by why
  unsigned first_unused[CONV_UNUSED];  // the first of them
  // While it is read.
  struct tuple_map map;
  size_t room, loose_room;
};

struct conv_options {
  uint32_t as;                         // the near side's address; 0: who listens
  unsigned mtu;                        // longer segments are cut
};

// Lent: the frames of c must outlive it. False: out of memory.
bool convs_read(struct convs *v, const struct capture *c, const struct conv_options *o);
void convs_free(struct convs *v);
#endif
