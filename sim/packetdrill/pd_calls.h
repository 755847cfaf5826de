// SPDX-License-Identifier: Apache-2.0
// The table that packetdrill gets, but for its userdata: a struct pd, or NULL, with which every call fails with ENODEV.
#ifndef LW_PD_CALLS_H
#define LW_PD_CALLS_H
#include "packetdrill.h"

extern const struct packetdrill_interface pd_calls;
#endif
