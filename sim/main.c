// SPDX-License-Identifier: Apache-2.0
// lockwire: one binary, a subcommand a job.
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor_cmd.h"
#include "options.h"
#include "pair.h"
#include "replay.h"
#include "run.h"
#include "seeds.h"
#include "wave.h"

static const struct pair_nic pair_nic = {nic_build, nic_open};

// What takes so much has pages of its own, which go back when it is freed: the rings of a connection, wherever those of others lie.
// Said, it stays; unsaid, it grows with the first that is freed.
enum { OWN_PAGES_BYTES = 128 * 1024 };

// `lockwire run`, or a client's own command.
static int run(const struct app_ops *client, int argc, char **argv)
{
  struct run_options o;
  char err[OPT_ERR_LEN];
  if (!(client ? options_parse_client(&o, client, argc, argv, err) : options_parse_run(&o, argc, argv, err))) {
    fprintf(stderr, "lockwire: %s\n", err);
    return EXIT_USAGE;
  }
  if (o.help) {
    options_help(&o);
    return EXIT_GOOD;
  }
  int status = o.pair ? pair_main(&o, &pair_nic) : run_main(&o);
  if (status == EXIT_DIFFERENCE && o.record_dir && !o.engine_ref) wave_of_failure(o.record_dir, 0);
  return status;
}

static int cmd_run(int argc, char **argv) { return run(NULL, argc, argv); }

static int cmd_replay(int argc, char **argv) { return replay_main(argc, argv, &pair_nic); }

static int cmd_seeds(int argc, char **argv) { return seeds_main(argc, argv, &pair_nic); }

static const struct {
  const char *name, *text;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "put the simulated NIC on a network and serve it", cmd_run},
    {"replay", "drive the NIC from a recording, cycle for cycle, or from any capture", cmd_replay},
    {"seeds", "run many seeds of --wire pair, a line of JSON for each", cmd_seeds},
    {"monitor", "judge the TCP endpoints in a capture", monitor_cmd},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *out)
{
  fputs("lockwire: a TCP NIC that exists only as RTL, on a live network\n\nusage: lockwire COMMAND [--help]\n", out);
  for (size_t i = 0; i < N_COMMANDS; i++) fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].text);
  fputs("clients, each on a stack of its own:\n", out);
  for (size_t i = 0; app_table[i]; i++)
    if (app_table[i]->ends) fprintf(out, "  %s OPTION... %s\n", app_table[i]->name, app_table[i]->usage);
}

// Who starts us without standard input, output or error gets /dev/null there, and not what we open first.
static void fill_standard(void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
  fill_standard();
  mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES);
  if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))) {
    usage(stdout);
    return EXIT_GOOD;
  }
  for (size_t i = 0; argc > 1 && i < N_COMMANDS; i++)
    if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 2, argv + 2);
  const struct app_ops *client = argc > 1 ? app_find(argv[1]) : NULL;
  if (client && client->ends) return run(client, argc - 2, argv + 2);
  if (argc > 1) fprintf(stderr, "lockwire: %s: no such command (see lockwire --help)\n", argv[1]);
  else usage(stderr);
  return EXIT_USAGE;
}
