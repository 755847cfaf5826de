// SPDX-License-Identifier: Apache-2.0
// What the tools share that play host and peer of the NIC by hand, with no stack on either side: the NIC under the checker, its
// flows by number (flow N is local port HAND_PORT, remote port HAND_PEER_PORT + N), and segments as frames, both ways.
#ifndef LW_HAND_H
#define LW_HAND_H
#include "net/eth.h"
#include "net/ipv4.h"
#include "nic.h"
#include "tcp/segment.h"

enum {
  HAND_MTU = 1500, HAND_FRAME = HAND_MTU + ETH_HDR_BYTES, HAND_PORT = 7, HAND_PEER_PORT = 10000,
  HAND_HEADERS = ETH_HDR_BYTES + IPV4_HDR_BYTES + TCP_HEADER_MIN,
  HAND_NIC_IP = 0x0a000001, HAND_PEER_IP = 0x0a000002
};

struct nic *hand_nic(void);   // NULL: out of memory
struct nic *hand_nic_recorded(struct recording *r);   // r may be NULL
// Opens f->flow; the addresses are filled in here, and the peer's port when there is none.
void hand_open(struct nic *n, const struct flow_open *f);
// The frame of a segment from a flow's peer; the ports are filled in here. Returns its length.
size_t hand_frame(uint8_t frame[static HAND_FRAME], unsigned flow, const struct segment *s);
// The same of a segment from the NIC to that peer.
size_t hand_answer(uint8_t frame[static HAND_FRAME], unsigned flow, const struct segment *s);
void hand_input(struct nic *n, const uint8_t *frame, size_t len);
// One cycle, or more, until something came out. False: nothing is left to do, or the checker has found a difference.
bool hand_run(struct nic *n, uint64_t now_us, unsigned *budget);
struct check *hand_failed(struct nic *n);   // the checker when it has found a difference, else NULL
// The next frame that left; its payload is valid until the next call. *flow is num_flows of the build or more when it is no flow's segment.
bool hand_hear(struct nic *n, unsigned *flow, struct segment *s);
// The same of any frame that left; the number is UINT_MAX when it is no flow's segment.
unsigned hand_flow_of(const uint8_t *frame, size_t len, struct segment *s);
#endif
