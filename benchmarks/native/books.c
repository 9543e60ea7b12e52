/* The limit as a program of benchmarks.peers: books VENUE SESSION. */
#include "book.h"
#include <time.h>

static double cpu(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

typedef struct { char *text; int length, kind; char *name; int named; int64_t until; } Line;

static int64_t number_after(const char *p, const char *key) {
  const char *at = strstr(p, key);
  if (!at) return 0;
  for (at += strlen(key); *at == '"' || *at == ':'; at++);
  return atoll(at);
}

static void told(Line *line, int venue) {
  if (line->kind == 's') {
    Market *m = market_of(line->name, line->named);
    int64_t sum;
    int whole, n = m ? read_rows(line->text, line->text + line->length, &m, &whole, &sum) : 0;
    m = market_of(line->name, line->named);
    if (m) apply(&m->book[venue], n, 1);
  } else take(line->text, line->length, venue);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  if (!strcmp(arguments[1], "kraken")) crc_ready();  /* the one whose checksum is in use */
  FILE *file = fopen(arguments[2], "rb");
  if (!file) return 2;
  fseek(file, 0, SEEK_END);
  long size = ftell(file), lines = 0, used = 0, timed = 0;
  rewind(file);
  char *all = malloc(size + 1), *p = all;
  if (fread(all, 1, size, file) != (size_t)size) return 2;
  all[size] = 0;
  for (long i = 0; i < size; i++) lines += all[i] == '\n';
  Line *line = calloc(lines + 1, sizeof(Line));
  markets = calloc(SLOTS / 2, sizeof(Market));
  int64_t (*seeded) = calloc(SLOTS / 2, sizeof(int64_t));
  while (p < all + size) {
    char *name = strchr(p, '\t') + 1, *text = strchr(name, '\t') + 1, *end = strchr(text, '\n');
    *end = 0;
    if (!memcmp(p, "market", 6)) market_add(name, text - name - 1);
    else {
      Line l = {text, end - text, *p, name, text - name - 1, 0};
      int64_t last = 0;
      Market *m = NULL;
      if (l.kind == 's') {
        m = market_of(name, l.named);
        last = number_after(text, "\"lastUpdateId\"");
        if (!last) last = number_after(text, "\"sequence\"");
        if (m) seeded[m - markets] = last;
      } else {
        int whole;
        int64_t sum;
        read_rows(text, end, &m, &whole, &sum);
        last = number_after(text, "\"u\"");
        if (!last) last = number_after(text, "\"sequenceEnd\"");
        /* what a snapshot holds already is dropped before anything is measured */
        if (l.kind == 'f' && m && seeded[m - markets] && last <= seeded[m - markets]) l.kind = 'x';
      }
      if (l.kind != 'x') line[used++] = l;
      timed += l.kind == 't';
    }
    p = end + 1;
  }
  for (int c; (c = getchar()) != EOF;) {
    if (c != '\n') continue;
    for (int m = 0; m < market_count; m++)
      for (int v = 0; v < VENUES; v++) markets[m].book[v].side[0].n = markets[m].book[v].side[1].n = 0;
    for (int v = 0; v < VENUES; v++)
      for (long i = 0; i < used; i++) if (line[i].kind != 't') told(&line[i], v);
    double since = cpu();
    for (long i = 0; i < used; i++)
      if (line[i].kind == 't') take(line[i].text, line[i].length, VENUES - 1);
    double spent = cpu() - since;
    if (sums_wrong) return 3;
    printf("{\"us\": %.6f, \"books\": {", spent / timed * 1e6);
    for (int m = 0; m < market_count; m++) {
      printf("%s\"%s\": [", m ? ", " : "", markets[m].name);
      for (int s = 0; s < 2; s++) {
        Side *side = &markets[m].book[VENUES - 1].side[s];
        printf("%s[", s ? ", " : "");
        for (int k = 0; k < 10 && k < side->n; k++)
          printf("%s[%.17g, %.17g]", k ? ", " : "", side->price[side->n - 1 - k], side->size[side->n - 1 - k]);
        printf("]");
      }
      printf("]");
    }
    printf("}}\n");
    fflush(stdout);
  }
  return 0;
}
