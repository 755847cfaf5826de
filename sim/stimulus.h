// SPDX-License-Identifier: Apache-2.0
// stimulus.bin: everything that entered the NIC at its cycle, and enough of what left to tell at which cycle a replay differs.
//
//   file   "LWSTIM1\n", u32 length of head, head, then blocks
//   block  u32 length, u32 crc32 of the bytes, u32 crc32 of these two, bytes: whole cycles. A block that is cut off is not there.
//   item   varint (cycles since the item before) << 4 | kind, then
//            time      varint now_us minus the last one
//            in beat   [flow u16 of payload] u8 (nbytes - 1) | last << 7, the bytes; a command: its packed words
//            out beat  u16: low bits of a hash over every out beat of the run so far (port, flow, bytes, last, cycle)
//            end       nothing: the cycles up to here were clocked
// Of a recording in segments each has such a file; cycle and time begin anew at 0 in it, the hash goes on.
// Numbers are little-endian, varints have 7 bits a byte, least significant first.
#ifndef LW_STIMULUS_H
#define LW_STIMULUS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glue/glue.h"

enum { STIM_ERR_LEN = 200, STIM_ID_LEN = 65, STIM_TIME = GLUE_PORTS, STIM_END };

// What the NIC was built from and reset with.
struct stim_head {
  char identity[STIM_ID_LEN];          // of the build of the RTL, hexadecimal
  uint8_t mac[6];
  uint16_t max_frame;
  uint64_t hash_key[2], seed;
};

struct stim_item {
  uint64_t cycle;
  unsigned kind;                       // enum glue_port, STIM_TIME or STIM_END
  uint64_t now_us;                     // of STIM_TIME
  struct glue_beat beat;               // of what entered; data is valid until the next call
  uint16_t hash;                       // of what left
};

// Over what leaves, beat by beat.
uint64_t stim_hash(uint64_t hash, uint64_t cycle, const struct glue_beat *b);
static inline bool stim_is_in(unsigned kind) { return kind <= GLUE_CMD; }
static inline bool stim_is_out(unsigned kind) { return kind >= GLUE_TX && kind <= GLUE_EVENT; }

// --- writing ---
struct stim_writer;
// hash: 0, or of the out beats before this file. NULL with one line in err.
struct stim_writer *stim_create(const char *path, const struct stim_head *h, uint64_t hash, char err[static STIM_ERR_LEN]);
void stim_put_time(struct stim_writer *w, uint64_t cycle, uint64_t now_us);
void stim_put_beat(struct stim_writer *w, uint64_t cycle, const struct glue_beat *b);
// All put so far is in the file, also when the process is killed next. False: a write failed (errno), and so will all that follow.
bool stim_flush(struct stim_writer *w);
uint64_t stim_written(const struct stim_writer *w);   // bytes put so far
uint64_t stim_hash_now(const struct stim_writer *w);
// Where the writer stands, between two cycles: a reader that goes there finds what is put next.
struct stim_place {
  uint64_t offset, cycle, now_us;      // in the file; of what was put last
};
struct stim_place stim_place(struct stim_writer *w);
// Ends the recording at this cycle. False when it could not be written in full. NULL is allowed.
bool stim_close(struct stim_writer *w, uint64_t cycle);

// --- reading ---
struct stim_reader;
// NULL with one line in err: no such file, none of ours.
struct stim_reader *stim_open(const char *path, struct stim_head *h, char err[static STIM_ERR_LEN]);
// The next item; false at the end of what is there.
bool stim_next(struct stim_reader *r, struct stim_item *it);
// To a place in this file, before or after what was read. False: the file ends before it.
bool stim_seek(struct stim_reader *r, const struct stim_place *p);
// After the last item: the recording has its end; bytes behind the last whole block.
bool stim_complete(const struct stim_reader *r, uint64_t *lost_bytes);
// A block's checksum was wrong: what follows this cycle is not as it was recorded.
bool stim_damaged(const struct stim_reader *r, uint64_t *cycle);
void stim_reader_close(struct stim_reader *r);        // NULL is allowed
#endif
