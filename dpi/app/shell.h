// SPDX-License-Identifier: Apache-2.0
// What the files of the shell share: itself, and its commands. A command changes nothing unless all of its line is right.
#ifndef LW_SHELL_H
#define LW_SHELL_H
#include "app/app.h"

enum { SHELL_LINE = 4096, SHELL_WORDS = 6 };

struct shell_command;
struct transfer;

// The line that is under way waits for its socket; lines behind it wait, too.
struct shell_wait {
  enum { SHELL_NOTHING, SHELL_CONNECT, SHELL_SEND, SHELL_READ } for_what;
  int sid;
  size_t off, len;             // SEND: of text; READ: len is the most to be read
  char text[SHELL_LINE];
};

struct shell {
  struct app base;
  bool edited;                 // somebody types, and sees a prompt
  bool ended, skipping;        // the input has; the rest of a line that was too long is left out
  bool quitting;               // as soon as no file is under way
  unsigned failed;             // lines
  const struct shell_command *command;   // of the line
  uint64_t timeout_us;         // when SHELL_READ gives up
  uint64_t look_us;            // when to look whether a file has arrived; 0: none is that far
  struct shell_wait wait;
  struct transfer *transfers;
  size_t len;                  // of in
  char in[SHELL_LINE];
};

struct shell_command {
  const char *name, *args, *text;
  int least, most;             // words behind the name
  bool (*run)(struct shell *h, char **arg);   // NULL behind the last; false: it has said why not
};

// Lines for whoever typed. fail returns false, and counts.
void shell_say(struct shell *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool shell_fail(struct shell *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool shell_wrong(struct shell *h, const char *text, const char *what);   // a word of the command's; false
bool shell_port(struct shell *h, const char *text, uint16_t *port);     // false: said
bool shell_addr(struct shell *h, const char *text, uint32_t *ip);
// A socket of the shell's own, bound unless port is 0; -1: said. And on its way; false: said, and the socket is closed.
int shell_socket(struct shell *h, uint16_t port);
bool shell_connect(struct shell *h, int sid, uint32_t ip, uint16_t port);

// shell_net.c
bool shell_interfaces(struct shell *h, char **arg);     // li
bool shell_routes(struct shell *h, char **arg);         // lr
bool shell_ifconfig(struct shell *h, char **arg);       // ifconfig [add ADDR/LEN | del ADDR]
bool shell_route(struct shell *h, char **arg);          // route add|del NET/LEN|default [GATEWAY]
// shell_file.c
bool shell_send_file(struct shell *h, char **arg);      // sf FILE ADDR PORT
bool shell_receive_file(struct shell *h, char **arg);   // rf FILE PORT
bool transfer_ready(struct shell *h, int sid);                 // false: the socket is no transfer's
bool transfer_owns(const struct shell *h, int sid);
void transfer_timer(struct shell *h);
void transfer_drop_all(struct shell *h);
#endif
