// SPDX-License-Identifier: Apache-2.0
// The programs there are; app.c puts them into app_table.
#ifndef LW_APPS_H
#define LW_APPS_H
#include "app/app.h"

extern const struct app_ops echo_ops;         // echo.c: RFC 862 over TCP and UDP
extern const struct app_ops echo_client_ops;  // echo_client.c
extern const struct app_ops forward_ops;      // forward.c: to a real server
extern const struct app_ops httpd_ops;        // httpd.c: files by HTTP/1.1
extern const struct app_ops kv_ops;           // kv.c: a key-value store speaking RESP2
extern const struct app_ops nc_ops;           // nc.c: standard input and output
extern const struct app_ops ping_ops, udpecho_ops;   // ping.c: times an echo, of the host or of a service
extern const struct app_ops shell_ops;        // shell.c: commands by the line
extern const struct app_ops sink_ops, source_ops;  // bulk.c: one way, for measuring
extern const struct app_ops wget_ops;         // wget.c: a file by HTTP
#endif
