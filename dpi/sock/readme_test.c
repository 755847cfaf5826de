// SPDX-License-Identifier: Apache-2.0
// The program in README.md compiles, runs and says what it promises. Run from the top of the tree, as make does.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PATH_LEN = 300 };
static char build[PATH_LEN];   // where we were built
static char source[PATH_LEN + 40], program[PATH_LEN + 40];

// Copies what stands between ```c and ``` out of the README.
static void extract(void)
{
  char line[512];
  bool inside = false;
  unsigned lines = 0;
  FILE *in = fopen("dpi/sock/README.md", "r"), *out = fopen(source, "w");
  assert_non_null(in);
  assert_non_null(out);
  while (fgets(line, sizeof line, in)) {
    if (strncmp(line, "```", 3) == 0) {
      inside = strcmp(line, "```c\n") == 0;
    } else if (inside) {
      fputs(line, out);
      lines++;
    }
  }
  fclose(in);
  assert_int_equal(fclose(out), 0);
  assert_true(lines > 50);
}

static void test_program_in_the_readme_compiles_and_runs(void **state)
{
  (void)state;
  char said[256] = "", cc[4 * PATH_LEN + 300];
  extract();
  snprintf(cc, sizeof cc, "gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Idpi -I%s/gen -fsanitize=address,undefined -o %s %s %s/libdpi_san.a", build,
           program, source, build);
  assert_int_equal(system(cc), 0);
  FILE *run = popen(program, "r");
  assert_non_null(run);
  size_t n = fread(said, 1, sizeof said - 1, run);
  assert_int_equal(pclose(run), 0);
  assert_string_equal(said, "hello, lockwire\n");
  assert_int_equal(n, strlen(said));
}

int main(int argc, char **argv)
{
  const char *end = argc ? strstr(argv[0], "/unit/sock/") : NULL;   // BUILD/unit/sock/readme_test
  snprintf(build, sizeof build, "%.*s", end ? (int)(end - argv[0]) : 0, argv[0]);
  snprintf(source, sizeof source, "%s/unit/sock/readme_example.c", build);
  snprintf(program, sizeof program, "%s/unit/sock/readme_example", build);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_program_in_the_readme_compiles_and_runs)};
  return cmocka_run_group_tests_name("sock/readme", tests, NULL, NULL);
}
