// SPDX-License-Identifier: Apache-2.0
// `lockwire monitor FILE`: the wire monitor (dpi/check/monitor.h) over a capture.
#ifndef LW_MONITOR_CMD_H
#define LW_MONITOR_CMD_H

// argv after the subcommand. EXIT_GOOD: nothing wrong; EXIT_DIFFERENCE: violations, a line each; EXIT_USAGE: bad usage, or a file
// that cannot be read or judged.
int monitor_cmd(int argc, char **argv);
#endif
