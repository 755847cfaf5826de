// SPDX-License-Identifier: Apache-2.0
// What carries the data of an established connection: the NIC behind its host port. The endpoint above (sock/) does
// handshake and TIME-WAIT itself and hands everything between over to an engine, one flow a connection.
// All calls only queue; nothing blocks. Results come back as events, in order per flow.
#ifndef LW_ENGINE_H
#define LW_ENGINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seq.h"
#include "net/ipv4.h"

// What a program may choose for a flow, when it opens and later.
struct flow_tuning {
  bool nagle_off;
  uint32_t user_timeout_ms;          // RFC 9293 section 3.9.1; 0: the engine's own limit
  uint32_t pace_rate, pace_burst;    // bytes a tick of 1.024 ms, bytes at once; rate 0: no pacing
  // RFC 9293 section 3.8.4: after so long without a sign of the peer a probe, then one each interval; after keep_count
  // unanswered ones the connection has timed out, and RST is sent. keep_idle_ms 0: none of it.
  uint32_t keep_idle_ms, keep_interval_ms;
  uint8_t keep_count;
  struct ipv4_choice ip;             // for the headers of all its packets
  uint16_t mss;                      // when it is less than that of the flow: the path takes no more, what is out is sent again; 0: as it is
};

// What a flow starts from: the connection's state when the handshake is done.
struct flow_open {
  uint16_t flow;
  uint8_t local_mac[6], remote_mac[6];
  uint32_t local_ip, remote_ip;      // host order, as everywhere
  uint16_t local_port, remote_port;
  struct seq snd_nxt;                // ISS + 1
  struct seq rcv_nxt;                // IRS + 1
  uint32_t snd_wnd;                  // peer's window in bytes (already scaled)
  uint16_t mss;                      // largest segment payload to the peer (Eff.snd.MSS)
  uint16_t rcv_mss;                  // largest segment payload we announced
  uint8_t snd_wscale, rcv_wscale;    // 0 when not negotiated
  bool ts_ok, sack_ok;               // options negotiated (within the engine's caps)
  bool ecn_echoes, ecn_marks;        // ECN likewise: what comes may be marked; what leaves may be
  bool syn_again;                    // our SYN or SYN-ACK had to be sent again
  uint32_t ts_recent;                // peer's last TSval, with ts_ok
  struct flow_tuning tuning;
};

// A flow's state as the engine tells it: levels, not edges. The receiver compares with what it knew.
struct engine_event {
  uint16_t flow;
  struct seq rx_ready;     // all bytes before this sequence number can be consumed
  bool peer_closed;        // the peer's FIN was taken in order, behind rx_ready (RCV.NXT is rx_ready + 1 then)
  bool reset;              // the peer reset the connection
  struct seq tx_freed;     // all before this sequence number is acknowledged and its space is free again (counts our FIN)
  bool fin_acked;          // our FIN was acknowledged
  bool stalled;            // nothing is acknowledged though it was sent again three times: R1 of RFC 9293 section 3.8.3
  bool timed_out;          // given up: too many retransmissions
  uint32_t ts_recent;      // with ts_ok: the peer's TSval to be echoed, as of this event
  bool released;           // after release(): the flow id is free to be opened again; nothing of its last use comes later
};

struct engine;
struct rcv_ctx;   // core/core.h
struct snd_ctx;

// An open can fail for want of room in the engine's flow table: its fence says so (stack_fence). All that is called for
// such a flow is ignored, but for release, which is answered by `released` as ever.
struct engine_ops {
  void (*open)(struct engine *e, const struct flow_open *o);
  // Payload to send, copied before the call returns. The caller has credit: never more than tx_ring_bytes past tx_freed (FIN not counted).
  void (*payload)(struct engine *e, uint16_t flow, const uint8_t *data, size_t len);
  // FIN after all payload given so far.
  void (*close)(struct engine *e, uint16_t flow);
  // RST now; the flow sends and delivers nothing more. Still needs release.
  void (*abort)(struct engine *e, uint16_t flow);
  // Forget the flow: its tuple leaves the flow table, `released` follows. Never called before the flow's fence came back.
  // An open() of the same tuple under another flow id may follow at once.
  void (*release)(struct engine *e, uint16_t flow);
  // Deliver the next len bytes of the flow (they were announced by rx_ready) through next_payload, and free their space.
  void (*consume)(struct engine *e, uint16_t flow, uint32_t len);
  // A frame of an open flow that reached the slow path before the flow was open, or that was re-made since (IP options
  // taken off): give it to the engine's receive side. Copied before the call returns; may lack Ethernet padding.
  void (*input)(struct engine *e, const uint8_t *frame, size_t len);
  // Changes what was chosen at open. NULL: the engine cannot.
  void (*tune)(struct engine *e, uint16_t flow, const struct flow_tuning *t);
  // True with the next event.
  bool (*next_event)(struct engine *e, struct engine_event *ev);
  // True with delivered payload of a flow; `data` is valid until the next call.
  bool (*next_payload)(struct engine *e, uint16_t *flow, const uint8_t **data, size_t *len);
};

struct engine {
  const struct engine_ops *ops;
  uint16_t num_flows;
  uint32_t tx_ring_bytes, rx_ring_bytes;
  bool timestamps, sack, ecn;        // what it can do: options beyond that are not offered to a peer
  bool nagle, user_timeout, pacing, keepalive;   // ... nor to a program; without Nagle nothing ever waits for an ACK
  bool ip_choice;
  // What an engine cannot tell stays false in its events: stalled.
  // A flow's contexts, to be looked at before the next call; false: not open. NULL: this engine cannot be looked into.
  bool (*contexts)(struct engine *e, uint16_t flow, const struct rcv_ctx **rcv, const struct snd_ctx **snd);
};
#endif
