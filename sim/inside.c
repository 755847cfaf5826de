// SPDX-License-Identifier: Apache-2.0
#include "inside.h"

#include <inttypes.h>

#include "tcp/core/core.h"

enum { COLUMNS = 110 };

// What is not 0.
static void print_fields(FILE *out, const char *title, const struct nic_field *f, size_t n, const uint32_t *v)
{
  int column = fprintf(out, "%-8s", title);
  for (size_t i = 0; i < n; i++) {
    uint64_t value = lw_bits_get(v, f[i].low, f[i].width);
    if (!value) continue;
    if (column > COLUMNS) column = fprintf(out, "\n%-8s", "");
    column += fprintf(out, " %s=%" PRIu64, f[i].name, value);
  }
  fputc('\n', out);
}

void inside_print(FILE *out, const struct rcv_ctx *rcv, const struct snd_ctx *snd)
{
  uint32_t r[(NIC_RCV_CTX_W + 31) / 32] = {0}, s[(NIC_SND_CTX_W + 31) / 32] = {0};
  if (!rcv || !snd) {
    fputs("its contexts cannot be seen: the NIC has not opened it yet, or the checker is off\n", out);
    return;
  }
  rcv_ctx_pack(rcv, r);
  snd_ctx_pack(snd, s);
  print_fields(out, "receive", rcv_ctx_fields, sizeof rcv_ctx_fields / sizeof *rcv_ctx_fields, r);
  print_fields(out, "send", snd_ctx_fields, sizeof snd_ctx_fields / sizeof *snd_ctx_fields, s);
}
