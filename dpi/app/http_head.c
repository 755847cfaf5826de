// SPDX-License-Identifier: Apache-2.0
#include "app/http_head.h"

#include <string.h>

// OTHER: visible, and what is above ASCII.
enum class { CR, LF, SP, HT, COLON, TOKEN, OTHER, CTL, CLASSES };

// RFC 9110 section 5.6.2.
static enum class class_of(uint8_t c)
{
  switch (c) {
    case '\r': return CR;
    case '\n': return LF;
    case ' ': return SP;
    case '\t': return HT;
    case ':': return COLON;
    default: break;
  }
  if (c < 0x20 || c == 0x7f) return CTL;
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return TOKEN;
  return strchr("!#$%&'*+-.^_`|~", c) ? TOKEN : OTHER;
}

// BEFORE the start-line; its first two words, and what comes behind them; where a field or the end of the head begins; ..._LF:
// behind CR.
enum at { BEFORE, WORD, REST, LINE_LF, FIELD, NAME, OWS, VALUE, VALUE_LF, END_LF, STATES };
enum act { REFUSE, SKIP, STORE, NEXT_WORD, END_LINE, NEW_FIELD, END_NAME, END_VALUE, END_HEAD };

// The next state, and what to do with the byte.
static const struct { uint8_t next, act; } grammar[STATES][CLASSES] = {
    //            CR                     LF                  SP               HT             ":"             token            other
    [BEFORE]   = {{BEFORE, SKIP},        {BEFORE, SKIP},     {0},             {0},           {0},            {WORD, STORE},   {0}},
    [WORD]     = {{LINE_LF, END_LINE},   {FIELD, END_LINE},  {WORD, NEXT_WORD}, {0},         {WORD, STORE},  {WORD, STORE},   {WORD, STORE}},
    [REST]     = {{LINE_LF, END_LINE},   {FIELD, END_LINE},  {REST, STORE},   {REST, STORE}, {REST, STORE},  {REST, STORE},   {REST, STORE}},
    [LINE_LF]  = {{0},                   {FIELD, SKIP}},
    [FIELD]    = {{END_LF, SKIP},        {FIELD, END_HEAD},  {0},             {0},           {0},            {NAME, NEW_FIELD}, {0}},
    [NAME]     = {{0},                   {0},                {0},             {0},           {OWS, END_NAME}, {NAME, STORE},  {0}},
    [OWS]      = {{VALUE_LF, END_VALUE}, {FIELD, END_VALUE}, {OWS, SKIP},     {OWS, SKIP},   {VALUE, STORE}, {VALUE, STORE},  {VALUE, STORE}},
    [VALUE]    = {{VALUE_LF, END_VALUE}, {FIELD, END_VALUE}, {VALUE, STORE},  {VALUE, STORE}, {VALUE, STORE}, {VALUE, STORE}, {VALUE, STORE}},
    [VALUE_LF] = {{0},                   {FIELD, SKIP}},
    [END_LF]   = {{0},                   {FIELD, END_HEAD}},
};

void http_head_init(struct http_head *h)
{
  h->end = HTTP_HEAD_MORE;
  h->at = BEFORE;
  h->used = h->len = 0;
  h->n_words = h->n_fields = 0;
  h->word[0] = 0;
}

// What begins here begins behind the last text's end.
static uint16_t over(struct http_head *h)
{
  h->text[h->len++] = '\0';
  return h->len;
}

static void trim(struct http_head *h)
{
  uint16_t from = h->field[h->n_fields - 1].value;
  while (h->len > from && (h->text[h->len - 1] == ' ' || h->text[h->len - 1] == '\t')) h->len--;
}

// Words that are not there are empty, and that is where the first ends.
static void end_line(struct http_head *h)
{
  uint16_t end = h->len;
  over(h);
  for (unsigned i = h->n_words + 1u; i < 3; i++) h->word[i] = end;
}

static void act(struct http_head *h, enum act a, uint8_t c)
{
  switch (a) {
    case STORE:
      if (h->at == NAME && c >= 'A' && c <= 'Z') c = (uint8_t)(c | 0x20);
      h->text[h->len++] = (char)c;
      break;
    case NEXT_WORD:
      h->word[++h->n_words] = over(h);
      if (h->n_words == 2) h->at = REST;
      break;
    case END_LINE: end_line(h); break;
    case NEW_FIELD:
      if (h->n_fields == HTTP_HEAD_FIELDS) {
        h->end = HTTP_HEAD_LONG;
        break;
      }
      h->field[h->n_fields++].name = h->len;
      act(h, STORE, c);
      break;
    case END_NAME: h->field[h->n_fields - 1].value = over(h); break;
    case END_VALUE:
      trim(h);
      over(h);
      break;
    case END_HEAD: h->end = HTTP_HEAD_WHOLE; break;
    case REFUSE: h->end = HTTP_HEAD_BAD; break;
    case SKIP: break;
  }
}

// Each byte taken stores at most one, the end of a text included, so there is always room.
size_t http_head_feed(struct http_head *h, const uint8_t *data, size_t len)
{
  size_t n = 0;
  while (n < len && h->end == HTTP_HEAD_MORE) {
    uint8_t c = data[n++];
    enum class k = class_of(c);
    enum act a = grammar[h->at][k].act;
    h->at = grammar[h->at][k].next;
    act(h, a, c);
    if (++h->used == HTTP_HEAD_BYTES && h->end == HTTP_HEAD_MORE) h->end = HTTP_HEAD_LONG;
  }
  return n;
}

const char *http_head_word(const struct http_head *h, unsigned i) { return h->text + h->word[i]; }

const char *http_head_field(const struct http_head *h, const char *name, unsigned n)
{
  for (unsigned i = 0; i < h->n_fields; i++)
    if (strcmp(h->text + h->field[i].name, name) == 0 && n-- == 0) return h->text + h->field[i].value;
  return NULL;
}
