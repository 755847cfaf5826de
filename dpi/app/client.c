// SPDX-License-Identifier: Apache-2.0
#include "app/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/app_opt.h"
#include "base/text.h"

int client_socket(struct app *a, enum sock_type type, uint16_t port, char err[static APP_ERR_LEN])
{
  int sid = sock_socket(a->stack, type), rc = sid;
  if (sid >= 0 && type == SOCK_TCP && !app_tune(a, sid, err)) {
    sock_close(a->stack, sid);
    return -1;
  }
  if (sid >= 0) sock_set_user(a->stack, sid, a);
  if (sid >= 0 && port) rc = sock_bind(a->stack, sid, 0, port);
  if (rc >= 0) return sid;
  const char *why = rc == -EPROTONOSUPPORT ? "on a shared address it is the kernel's" : strerror(-rc);
  if (sid >= 0) sock_close(a->stack, sid);
  snprintf(err, APP_ERR_LEN, "%s: port %u: %s", a->ops->name, port, why);
  return -1;
}

bool client_connect(struct app *a, int sid, uint64_t to, char err[static APP_ERR_LEN])
{
  char ip[TEXT_IPV4_LEN], port[8] = "";
  int rc = sock_connect(a->stack, sid, (uint32_t)(to >> 16), (uint16_t)to);
  if (rc == 0 || rc == -EINPROGRESS) return true;
  sock_close(a->stack, sid);
  if (to & 0xffff) snprintf(port, sizeof port, ":%u", (unsigned)(to & 0xffff));
  snprintf(err, APP_ERR_LEN, "%s: to %s%s: %s", a->ops->name, text_format_ipv4(ip, (uint32_t)(to >> 16)), port, strerror(-rc));
  return false;
}

void client_end(struct app *a, enum app_end how, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(a->why, sizeof a->why, fmt, ap);
  va_end(ap);
  a->end = how;
}
