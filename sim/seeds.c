// SPDX-License-Identifier: Apache-2.0
#include "seeds.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "run.h"

static const char usage_line[] = "usage: lockwire seeds FIRST COUNT [--twice] [--hard] [--engine rtl|ref] [--fault SPEC]...\n";

static int usage(const char *why)
{
  fprintf(stderr, "lockwire: seeds: %s\n%s", why, usage_line);
  return EXIT_USAGE;
}

static int help(void)
{
  printf("%sRuns COUNT seeds of `lockwire run --wire pair`, from FIRST on, and tells each in a line of JSON.\n"
         "  --twice       each again, to see that it comes to the same\n"
         "  --hard        less is left to the draw: always many connections, losses, and a stranger\n"
         "  --engine E    at host 0's end: rtl (default, where it is built in) or ref\n"
         "  --fault SPEC  harm to the frames, in place of what the seed draws (see lockwire run --help)\n", usage_line);
  return EXIT_GOOD;
}

// An exit status, as of a run.
static int one_seed(const struct pair_options *o, bool twice)
{
  struct pair_result r, again;
  pair_run(o, &r);
  if (twice && r.ok) {
    pair_run(o, &again);
    if (again.hash != r.hash) {
      r.ok = false;
      snprintf(r.why, sizeof r.why, "the second run of the seed differs: hash %016llx", (unsigned long long)again.hash);
    }
  }
  if (!pair_json(stdout, o->seed, &r) || r.no_run) return EXIT_USAGE;
  return r.ok ? EXIT_GOOD : EXIT_DIFFERENCE;
}

int seeds_main(int argc, char **argv, const struct pair_nic *nic)
{
  uint64_t first, count;
  int status = EXIT_GOOD;
  bool twice = false, have_fault = false, hard = false;
  struct wire_fault_opts fault = {0};
  char err[WIRE_ERR_LEN];
  if (argc == 1 && !strcmp(argv[0], "--help")) return help();
  if (argc < 2 || !text_parse_uint(argv[0], 0, UINT64_MAX, &first) || !text_parse_uint(argv[1], 1, 1000000, &count))
    return usage("FIRST and COUNT are numbers");
  for (int i = 2; i < argc; i++) {
    if (!strcmp(argv[i], "--twice")) {
      twice = true;
    } else if (!strcmp(argv[i], "--hard")) {
      hard = true;
    } else if (!strcmp(argv[i], "--engine") && i + 1 < argc && (!strcmp(argv[i + 1], "ref") || (!strcmp(argv[i + 1], "rtl") && nic))) {
      if (!strcmp(argv[++i], "ref")) nic = NULL;
    } else if (!strcmp(argv[i], "--fault") && i + 1 < argc) {
      if (!wire_fault_parse(&fault, argv[++i], err)) return usage(err);
      have_fault = true;
    } else {
      return usage(argv[i]);
    }
  }
  for (uint64_t seed = first; seed - first < count; seed++) {
    struct wire_fault_opts f = fault;
    for (int i = 0; i < 2; i++)
      if (!f.dir[i].have_seed) f.dir[i].seed = seed;
    int s = one_seed(&(struct pair_options){.seed = seed, .nic = nic, .hard = hard, .fault = have_fault ? &f : NULL}, twice);
    if (status != EXIT_USAGE && s) status = s;
  }
  return status;
}
