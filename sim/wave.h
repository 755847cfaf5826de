// SPDX-License-Identifier: Apache-2.0
// lockwire replay --wave: what happened in the NIC around a frame or a cycle of a recording, as an FST file for GTKWave and a save file
// (gtkw.h) that opens it well; and which frames were there. The replay runs from the last restart point before the window to its end.
#ifndef LW_WAVE_H
#define LW_WAVE_H
#include "nic.h"
#include "restart.h"

enum { WAVE_ERR_LEN = 300 };

struct wave_options {
  bool wave;                       // asked for; else only which frames were there
  const char *out;                 // NULL: in the recording's directory
  bool have_frame, have_cycle;     // neither: what the checker found
  uint32_t segment;                // of the frame
  uint64_t frame, cycle, around;   // around: cycles before and after; 0: WAVE_AROUND
};
extern const char wave_usage[];

// Takes argv[*i] and its values when it is one of these options. *why, an empty string, says what is wrong with it.
bool wave_option(struct wave_options *o, int argc, char **argv, int *i, char why[static WAVE_ERR_LEN]);
bool wave_wanted(const struct wave_options *o);   // any of them was given

struct wave;
// Finds the window and what was in it; force: in another build than recorded. NULL with one line in err: no such frame, no such cycle, a
// build that cannot trace.
struct wave *wave_open(const struct wave_options *o, const char *dir, uint32_t first, uint32_t last, bool force, char err[static WAVE_ERR_LEN]);
const struct restart *wave_start(const struct wave *w);   // where the replay has to begin
void wave_tell(const struct wave *w, FILE *out);           // the frames around
// Before each cycle. False: the window is over, or (err) the file cannot be written.
bool wave_turn(struct wave *w, struct nic *n, char err[static WAVE_ERR_LEN]);
// Ends the file, writes the save file and says how to open them. False with one line in err.
bool wave_end(struct wave *w, struct nic *n, FILE *out, char err[static WAVE_ERR_LEN]);
void wave_close(struct wave *w);   // NULL is allowed

// Goes on as the build that traces, if that stands beside this one as wave/lockwire: returns when it does not. argv as replay_main has it.
void wave_hand_over(int argc, char **argv);
// After a run whose checker found something, or the wire monitor a frame (its number; 0: none), when its recording is complete: makes
// the wave of it with that build, or says what does.
void wave_of_failure(const char *dir, uint64_t frame);
#endif
