// SPDX-License-Identifier: Apache-2.0
// The programs of a run: opens them, gives them sockets that are ready, time and descriptors, and says how they ended.
#ifndef LW_PROGRAMS_H
#define LW_PROGRAMS_H
#include "endpoint.h"
#include "options.h"

struct edit;
struct watch;

struct programs {
  struct app_env env;         // first: lent to each
  const struct run_options *opt;
  struct endpoint *endpoint;  // borrowed
  struct edit *edit;          // the terminal's; NULL: nobody edits
  struct app *app[OPT_MAX_APPS];
  size_t n;                   // open ones
  int epoll_fd;               // borrowed; the events of programs have data.u64 other than 0
  struct watch *watch;        // by descriptor
  size_t n_watch, watched;
  bool told_once;             // some are to be told whatever epoll says
  bool made_nonblocking[2];   // standard input and output, by us: to be undone
};

// Opens all programs of the command line. False with one line in err; then, too, close them.
bool programs_open(struct programs *p, const struct run_options *o, struct endpoint *e, int epoll_fd, uint64_t now_us,
                   char err[static OPT_ERR_LEN]);
void programs_close(struct programs *p);
void programs_set_time(struct programs *p, uint64_t now_us);
void programs_serve(struct programs *p);                       // sockets that became ready
void programs_descriptor(struct programs *p, uint64_t data);   // epoll's, other than 0
bool programs_due(struct programs *p);                         // runs what is due by time alone; false: nothing was
uint64_t programs_deadline(const struct programs *p);          // UINT64_MAX: none
bool programs_over(const struct programs *p);                  // there are clients, and all have ended
// What the clients came to, a line each to stderr; the worst of it is the exit status. Those that go on are asked to stop.
int programs_end(struct programs *p);
#endif
