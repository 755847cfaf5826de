// SPDX-License-Identifier: Apache-2.0
// Dropping capabilities by the raw system call: libcap is not needed for "none at all".
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire/wire.h"

static bool fail(char err[static WIRE_ERR_LEN], const char *what)
{
  snprintf(err, WIRE_ERR_LEN, "dropping privileges: %s: %s", what, strerror(errno));
  return false;
}

bool wire_drop_privileges(char err[static WIRE_ERR_LEN])
{
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(err, "no_new_privs");
  // Before capset: a capability leaves the ambient set by itself with permitted, but say it for the reader. A kernel
  // without ambient capabilities (before 4.3) says EINVAL.
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return fail(err, "ambient set");

  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
  memset(none, 0, sizeof none);
  if (syscall(SYS_capset, &head, none) != 0) return fail(err, "capset");
  return true;
}
