// SPDX-License-Identifier: Apache-2.0
// A frame as a line of text, as tcpdump would show it.
#ifndef LW_FRAME_TEXT_H
#define LW_FRAME_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct frame_text;

// relative: sequence numbers are counted from where each side of a connection began. NULL: out of memory.
struct frame_text *frame_text_open(FILE *out, bool relative);
void frame_text_close(struct frame_text *t);     // NULL is allowed; out stays open
// way: '>' to the NIC, '<' from it. us: since the beginning.
void frame_text_put(struct frame_text *t, char way, const uint8_t *frame, size_t len, uint64_t us);
// A frame alone, without time, way and end of line; its sequence numbers are those in it.
void frame_text_line(FILE *out, const uint8_t *frame, size_t len);
#endif
