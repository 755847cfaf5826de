// SPDX-License-Identifier: Apache-2.0
// Between glue and checker, for the fuzzer alone; see feedback.c.
#ifndef LW_FEEDBACK_H
#define LW_FEEDBACK_H
#include "check/check.h"

void feedback_clear(void);   // a run begins

void __wrap_check_cycle(struct check *k, uint64_t cycle, uint64_t now_us);
void __wrap_check_frame(struct check *k, enum rx_class_e class_id);
void __wrap_check_rcv(struct check *k, const struct check_rcv *e);
void __wrap_check_snd(struct check *k, const struct check_snd *e);
void __wrap_check_sample(struct check *k, const struct check_sample *e);
void __real_check_cycle(struct check *k, uint64_t cycle, uint64_t now_us);
void __real_check_frame(struct check *k, enum rx_class_e class_id);
void __real_check_rcv(struct check *k, const struct check_rcv *e);
void __real_check_snd(struct check *k, const struct check_snd *e);
void __real_check_sample(struct check *k, const struct check_sample *e);
#endif
