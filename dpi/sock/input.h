// SPDX-License-Identifier: Apache-2.0
// The way in: Ethernet, ARP, IPv4, ICMP, and a TCP segment to whom it belongs. Each drop has a counter.
#ifndef LW_INPUT_H
#define LW_INPUT_H
#include <stddef.h>
#include <stdint.h>

struct stack;

void input_frame(struct stack *s, const uint8_t *frame, size_t len);
// Gives up the datagrams of which fragments are missing for too long.
void input_run(struct stack *s);
#endif
