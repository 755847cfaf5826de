// SPDX-License-Identifier: Apache-2.0
// What every client needs: a socket on its way to the other end, and its own end in words.
#ifndef LW_CLIENT_H
#define LW_CLIENT_H
#include "app/app.h"

// A socket of the program's, bound to `port` unless that is 0, with its common options; -1 with one line in err.
int client_socket(struct app *a, enum sock_type type, uint16_t port, char err[static APP_ERR_LEN]);
// Connects it to `to` (ip << 16 | port, as APP_OPT_ADDR has it). False with one line in err; the socket is closed then.
bool client_connect(struct app *a, int sid, uint64_t to, char err[static APP_ERR_LEN]);
// The program has ended, and why, in a line.
void client_end(struct app *a, enum app_end how, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
