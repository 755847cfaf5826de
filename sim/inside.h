// SPDX-License-Identifier: Apache-2.0
// A flow's contexts in words, member by member, as the RTL has them.
#ifndef LW_INSIDE_H
#define LW_INSIDE_H
#include <stdio.h>

struct rcv_ctx;
struct snd_ctx;

void inside_print(FILE *out, const struct rcv_ctx *rcv, const struct snd_ctx *snd);   // NULL: they cannot be seen
#endif
