// SPDX-License-Identifier: Apache-2.0
// A wire: something that carries Ethernet frames (without FCS). One vtable, many kinds; fault and record wrap
// another wire. All calls are non-blocking. A wire is owned by whoever opened it; a wrapping wire owns the inner one.
#ifndef LW_WIRE_H
#define LW_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { WIRE_FRAME_MAX = 65600, WIRE_ERR_LEN = 160 };

struct wire;

struct wire_ops {
  // One frame into buf (at most cap bytes; cap >= WIRE_FRAME_MAX takes anything a kernel hands out).
  // Returns its length in bytes, 0 when there is none now, -1 when the wire is dead (text in err).
  int (*recv)(struct wire *w, uint8_t *buf, size_t cap);
  // One frame out. False when it could not be sent: counted in tx_drops; err says why when the wire is dead.
  bool (*send)(struct wire *w, const uint8_t *frame, size_t len);
  // A descriptor for epoll, readable when recv has something; -1 when there is none.
  int (*fd)(struct wire *w);
  void (*close)(struct wire *w);
  // When recv has to be called although fd says nothing; see wire_deadline. May be NULL: never.
  uint64_t (*deadline)(const struct wire *w);
};

struct wire {
  const struct wire_ops *ops;
  uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes, tx_drops;
  uint64_t rx_unfinished_csum;  // frames the kernel handed over with checksum left to offload (TP_STATUS_CSUMNOTREADY)
  bool dead;
  char err[WIRE_ERR_LEN];
};

static inline int wire_recv(struct wire *w, uint8_t *buf, size_t cap) { return w->ops->recv(w, buf, cap); }
static inline bool wire_send(struct wire *w, const uint8_t *f, size_t len) { return w->ops->send(w, f, len); }
static inline int wire_fd(struct wire *w) { return w->ops->fd(w); }

// A wire that holds frames back (fault) says when the first of them, of either direction, is due: recv then moves it on. On
// the clock the wire was given; UINT64_MAX for never, in the past when recv was not called often enough.
static inline uint64_t wire_deadline(const struct wire *w) { return w->ops->deadline ? w->ops->deadline(w) : UINT64_MAX; }

// Closes any wire, and what it wraps; NULL is allowed.
static inline void wire_close(struct wire *w)
{
  if (w) w->ops->close(w);
}

// --- afpacket: a raw socket on a network interface (afpacket.c) ---
struct wire_afpacket_opts {
  const char *ifname;
  uint8_t mac[6];           // the address frames to us carry; joined as a unicast membership
  bool shared_ip;           // the host's own address: keep the kernel quiet on `ports` of `ip`, see only TCP to them, ICMP errors and ARP replies
  uint32_t ip;              // with shared_ip: our IPv4 address, host order
  const uint16_t *ports;    // with shared_ip: TCP ports, host order
  size_t n_ports;
};
// NULL on error, with one clear line in err (names the interface, the privilege that is missing, the cure).
struct wire *wire_afpacket_open(const struct wire_afpacket_opts *o, char err[static WIRE_ERR_LEN]);
// The interface's own MAC and MTU. False with err set when there is no such interface.
bool wire_if_info(const char *ifname, uint8_t mac[static 6], unsigned *mtu, char err[static WIRE_ERR_LEN]);
// True when the interface holds this IPv4 address (host order).
bool wire_if_has_ip(const char *ifname, uint32_t ip);

// --- privileges (privilege.c) ---
// Gives up every capability of the calling thread, for good: the effective, permitted, inheritable and ambient sets become
// empty, and PR_SET_NO_NEW_PRIVS keeps anything executed later from winning them back (also as uid 0). The user id stays.
// Sockets that are open stay usable, so call it once, after all wires (and files that only root may write) are open and
// before the first thread is started (capabilities belong to a thread; later threads inherit none). A process without
// privileges may call it, too. False with one line in err when the kernel refuses; then nothing is promised: end the run.
bool wire_drop_privileges(char err[static WIRE_ERR_LEN]);

// --- record: a wire around a wire that writes each frame to a pcapng file (record.c) ---
struct wire_record_note {
  uint64_t cycle;    // of the simulation, when the frame passed
  uint64_t now_us;   // the run's clock; recorded as the packet's timestamp (microseconds since the run's start + epoch_us)
  int (*flow_of)(void *user, const uint8_t *frame, size_t len);  // flow id of a frame, -1 for none; may be NULL
  void *user;
};
// Takes over `inner` (also on error, where it is closed). `note` is borrowed and read at each frame: the caller keeps it
// current. Frame comments read "cycle=N dir=rx|tx flow=N|-". A write error (full disk) ends recording and is left in *error, an errno,
// at close at the latest; frames go on. A frame to send is recorded when it is given to this wire, whether or not inner can send it.
// The file is flushed at least once per second of note->now_us while frames are asked for, and at close. The wire's
// counters, its death and its error text are those of inner.
struct wire *wire_record_open(struct wire *inner, const char *path, uint64_t epoch_us, const struct wire_record_note *note, int *error,
                              char err[static WIRE_ERR_LEN]);
uint64_t wire_record_bytes(const struct wire *w);            // of a record wire: in its present file
void wire_record_next(struct wire *w, const char *path);     // the frames from now on go to another file; errors as above

// --- pair: two wires joined in process (pair.c) ---
// What one end sends the other receives, at once and in order; a direction holds at most max_bytes (queue included), beyond
// that send refuses and counts. The ends are closed each by itself. No descriptor: the owner asks. False with err set.
bool wire_pair_open(struct wire *end[static 2], size_t max_bytes, char err[static WIRE_ERR_LEN]);

// --- fault: a wire around a wire that loses, doubles, reorders, damages and delays frames, by seed (fault.c) ---
enum { WIRE_FAULT_DELAY_MAX_US = 60000000 };
enum wire_fault_way { WIRE_FAULT_RX, WIRE_FAULT_TX };   // rx: from inner to us

// Probabilities are in parts of 10^9 and independent of each other. What happens to the n-th frame of a direction depends
// on seed, n and these alone.
struct wire_fault_dir {
  uint32_t loss_ppb;
  uint32_t dup_ppb;        // a second copy follows at once
  uint32_t reorder_ppb;    // held back until 1 to 4 later frames have passed it, or for 10 ms
  uint32_t corrupt_ppb;    // one bit flipped behind the Ethernet addresses; only IPv4, which has checksums
  uint32_t delay_us;       // of every frame; keeps their order
  uint64_t seed;           // the directions draw different numbers from equal seeds
  bool have_seed;          // set by wire_fault_parse
};
struct wire_fault_opts {
  struct wire_fault_dir dir[2];   // by enum wire_fault_way
};
struct wire_fault_stats {
  uint64_t frames, lost, duplicated, reordered, corrupted, delayed;
  uint64_t overflow;       // dropped because more than 4096 frames were held
};

// Adds "[rx:|tx:]loss=P,dup=P,reorder=P,corrupt=P,delay=US,seed=N" to o, which starts zeroed; without a direction both are
// meant, what is said later counts. False with one line in err.
bool wire_fault_parse(struct wire_fault_opts *o, const char *spec, char err[static WIRE_ERR_LEN]);
// Takes over `inner` (also on error, where it is closed). *now_us is the caller's clock, borrowed and read at each frame. The
// wire's own counters, death and error text are those of inner: what the cable carried; a frame lost on its way out counts as
// sent for the caller. Frames still held at close are gone. `log` is borrowed and may be NULL; a line for each fault but delay:
//   t=US dir=rx|tx frame=N fault=loss|dup|reorder|corrupt|overflow len=BYTES [bit=N] head=HEX
// N counts the direction's frames from 1; head is the frame's first 54 bytes as they were before the damage.
struct wire *wire_fault_open(struct wire *inner, const struct wire_fault_opts *o, const uint64_t *now_us, FILE *log,
                             char err[static WIRE_ERR_LEN]);
const struct wire_fault_stats *wire_fault_stats(const struct wire *w, enum wire_fault_way way);   // of a fault wire
#endif
