// SPDX-License-Identifier: Apache-2.0
// What a program has chosen for a socket (sock_setsockopt), in the words of the engine.
#ifndef LW_SOCKOPT_H
#define LW_SOCKOPT_H
#include "sock/socks.h"
#include "tcp/engine.h"

struct flow_tuning sockopt_tuning(const struct sock_options *o);
#endif
