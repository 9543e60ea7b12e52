/* The same job as ours in plain C: a message's levels into sorted arrays, then the scan of its
   symbol. No state of the sequence, no check of what is malformed: a limit, not a scanner. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS (1 << 17)
#define SLOTS 4096
#define VENUES 5

typedef struct { int64_t price, size; } Digits;   /* as they were written, without the point */
typedef struct { double *price, *size; Digits *digits; int n, room; } Side;  /* the best comes last */
typedef struct { Side side[2]; int keep; } Book;  /* keep: levels a side, 0: all */
typedef struct { char name[32]; int length; Book book[VENUES]; } Market;

static Market *markets;
static int table[SLOTS], market_count;
static double row_price[ROWS], row_size[ROWS];
static Digits row_digits[ROWS];
static unsigned char row_side[ROWS];
static long sums_right, sums_wrong;
static uint32_t crc_table[256];
static long passed, sequence_seen;
static const double FEE = 0.001;
static const double POWER[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

static unsigned hashed(const char *s, int n) {
  uint64_t h = 0x9E3779B97F4A7C15ull;
  for (int i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001B3ull;
  return (unsigned)(h >> 20) & (SLOTS - 1);
}

static Market *market_of(const char *s, int n) {
  for (unsigned at = hashed(s, n);; at = (at + 1) & (SLOTS - 1)) {
    if (!table[at]) return NULL;
    Market *m = &markets[table[at] - 1];
    if (m->length == n && !memcmp(m->name, s, n)) return m;
  }
}

static void market_add(const char *s, int n) {
  if (market_count == SLOTS / 2 || n > (int)sizeof markets->name) exit(4);
  Market *m = &markets[market_count++];
  memcpy(m->name, s, n);
  m->length = n;
  unsigned at = hashed(s, n);
  while (table[at]) at = (at + 1) & (SLOTS - 1);
  table[at] = market_count;
}

static const char *number(const char *p, double *out, int64_t *digits) {
  int64_t whole = 0;
  int places = 0;
  if (*p == '"') p++;
  while ((unsigned)(*p - '0') < 10) whole = whole * 10 + (*p++ - '0');
  if (*p == '.')
    for (p++; (unsigned)(*p - '0') < 10; places++) whole = whole * 10 + (*p++ - '0');
  if (*p == 'e' || *p == 'E') {
    int down = p[1] == '-', e = 0;
    for (p += 1 + (p[1] == '-' || p[1] == '+'); (unsigned)(*p - '0') < 10;) e = e * 10 + (*p++ - '0');
    places += down ? e : -e;
  }
  if (*p == '"') p++;
  *digits = whole;
  *out = places >= 0 ? whole / POWER[places] : whole * POWER[-places];
  return p;
}

static void set_level(Side *s, int is_ask, double price, double size, Digits digits) {
  int low = 0, high = s->n;
  while (low < high) {
    int mid = (low + high) >> 1;
    if (is_ask ? s->price[mid] > price : s->price[mid] < price) low = mid + 1; else high = mid;
  }
  int there = low < s->n && s->price[low] == price, move = s->n - low - (there && size == 0);
  if (there && size != 0) { s->size[low] = size; s->digits[low] = digits; return; }
  if (size == 0) {
    if (!there) return;
    memmove(s->price + low, s->price + low + 1, move * sizeof(double));
    memmove(s->size + low, s->size + low + 1, move * sizeof(double));
    memmove(s->digits + low, s->digits + low + 1, move * sizeof(Digits));
    s->n--;
    return;
  }
  if (s->n == s->room) {
    s->room = s->room ? 2 * s->room : 64;
    s->price = realloc(s->price, s->room * sizeof(double));
    s->size = realloc(s->size, s->room * sizeof(double));
    s->digits = realloc(s->digits, s->room * sizeof(Digits));
  }
  memmove(s->price + low + 1, s->price + low, move * sizeof(double));
  memmove(s->size + low + 1, s->size + low, move * sizeof(double));
  memmove(s->digits + low + 1, s->digits + low, move * sizeof(Digits));
  s->price[low] = price;
  s->size[low] = size;
  s->digits[low] = digits;
  s->n++;
}

/* What one can earn by buying from `ask` and selling to `bid`: the whole overlap. */
static double walk(const Side *ask, const Side *bid) {
  int i = ask->n - 1, j = bid->n - 1;
  double left = ask->size[i], right = bid->size[j], earned = 0;
  for (;;) {
    double margin = bid->price[j] * (1 - FEE) - ask->price[i] * (1 + FEE);
    if (margin <= 0) return earned;
    double size = left < right ? left : right;
    earned += size * margin;
    left -= size;
    right -= size;
    if (left <= 0) { if (--i < 0) return earned; left = ask->size[i]; }
    if (right <= 0) { if (--j < 0) return earned; right = bid->size[j]; }
  }
}

static double best(const Side *s, double none) { return s->n ? s->price[s->n - 1] : none; }

static double scan(Market *m, int venue) {
  Book *own = &m->book[venue];
  double earned = 0, sell = best(&own->side[0], 0) * (1 - FEE);
  double buy = best(&own->side[1], 1e300) * (1 + FEE);
  for (int v = 0; v < VENUES; v++) {
    if (v == venue) continue;
    Book *other = &m->book[v];
    if (best(&other->side[0], 0) * (1 - FEE) > buy) earned += walk(&own->side[1], &other->side[0]);
    if (best(&other->side[1], 1e300) * (1 + FEE) < sell) earned += walk(&other->side[1], &own->side[0]);
  }
  return earned;
}

#define IS(text) (length == sizeof(text) - 1 && !memcmp(key, text, sizeof(text) - 1))

/* Behind the string that starts here. */
static const char *past(const char *p) {
  for (p++; *p != '"'; p++);
  return p + 1;
}

/* The levels of a message into rows; its market and whether it is a whole book. What has no list of
   levels is of another channel, and of no market. */
static int read_rows(const char *p, const char *end, Market **of, int *whole, int64_t *sum) {
  int n = 0, side = 0, has_price = 0, has_size = 0, lists = 0;
  double price = 0, size = 0;
  Digits digits = {0, 0};
  int64_t other;
  *whole = 0;
  *sum = -1;
  for (; p < end;) {
    if (n >= ROWS - 1) exit(4);
    if (*p == '}' && has_price && has_size) {
      row_price[n] = price; row_size[n] = size; row_digits[n] = digits; row_side[n++] = side; has_price = has_size = 0;
    }
    if (*p++ != '"') continue;
    const char *key = p;
    while (*p != '"') p++;
    int length = p++ - key;
    if (p >= end || *p++ != ':') continue;
    if (*p == '[') {
      if (IS("b") || IS("bids")) side = 0; else if (IS("a") || IS("asks")) side = 1;
      else { lists += IS("updates"); continue; }
      lists++;
      for (p++; *p == '[';) {
        if (n >= ROWS - 1) exit(4);
        p = number(p + 1, &row_price[n], &row_digits[n].price);
        p = number(p + 1, &row_size[n], &row_digits[n].size);
        row_side[n] = side;
        if (row_price[n] > 0) n++;
        while (*p != ']') p++;
        if (*++p == ',') p++;
      }
    } else if (IS("price") || IS("price_level")) { p = number(p, &price, &digits.price); has_price = 1; }
    else if (IS("qty") || IS("new_quantity")) { p = number(p, &size, &digits.size); has_size = 1; }
    else if (IS("side")) { side = p[1] != 'b'; p = past(p); }
    else if (IS("s") || IS("instId") || IS("symbol") || IS("product_id")) {
      const char *name = ++p;
      while (*p != '"') p++;
      int n = p++ - name;
      if (n > 7 && !memcmp(name, "ob.", 3)) { name += 3; for (n -= 3; name[n - 1] != '.'; n--); n--; }
      *of = market_of(name, n);
    } else if (IS("type") || IS("action")) { if (p[1] == 's') *whole = 1; p = past(p); }
    else if (IS("full")) *whole = *p == 't';
    else if (IS("u") || IS("seq") || IS("seqId") || IS("sequenceEnd") || IS("sequence_num")) {
      double seen;
      p = number(p, &seen, &other);
      sequence_seen += (long)seen;
    } else if (IS("checksum")) {
      double seen;
      if (*p == '-') p++;
      p = number(p, &seen, sum);
    } else if (*p == '"') p = past(p);
  }
  if (!lists) *of = NULL;
  return n;
}

/* Where a checksum is in use, a venue shows the depth that was asked for and says nothing of what
   falls out of it; the depths that there are. */
static int depth_of(const Book *b) {
  static const int depths[] = {10, 25, 100, 500, 1000};
  int most = b->side[0].n > b->side[1].n ? b->side[0].n : b->side[1].n;
  for (int i = 0; i < 5; i++) if (most <= depths[i]) return depths[i];
  return 0;
}

static void drop_worst(Side *s, int keep) {
  int surplus = s->n - keep;
  if (!keep || surplus <= 0) return;
  memmove(s->price, s->price + surplus, keep * sizeof(double));
  memmove(s->size, s->size + surplus, keep * sizeof(double));
  memmove(s->digits, s->digits + surplus, keep * sizeof(Digits));
  s->n = keep;
}

static void apply(Book *b, int n, int whole) {
  if (whole) b->side[0].n = b->side[1].n = 0;
  for (int i = 0; i < n; i++)
    set_level(&b->side[row_side[i]], row_side[i], row_price[i], row_size[i], row_digits[i]);
  if (whole) b->keep = crc_table[1] ? depth_of(b) : 0;
  for (int i = 0; i < 2; i++) drop_worst(&b->side[i], b->keep);
}

/* CRC32 over the digits of the best ten asks, then bids: where a venue has such a checksum. */
static uint32_t crc(const Book *b) {
  uint32_t value = 0xFFFFFFFFu;
  for (int s = 1; s >= 0; s--)
    for (int k = b->side[s].n - 1; k >= 0 && k > b->side[s].n - 11; k--)
      for (int which = 0; which < 2; which++) {
        int64_t left = which ? b->side[s].digits[k].size : b->side[s].digits[k].price;
        char text[24], *p = text + sizeof text;
        for (; left; left /= 10) *--p = '0' + left % 10;
        for (; p < text + sizeof text; p++) value = crc_table[(value ^ *p) & 255] ^ (value >> 8);
      }
  return ~value;
}

static void crc_ready(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    crc_table[i] = c;
  }
}

/* One message of venue `venue`, from bytes to scan; whether it was one of a book. */
static int take(const char *p, int length, int venue) {
  Market *m = NULL;
  int64_t sum;
  int whole, n = read_rows(p, p + length, &m, &whole, &sum);
  if (!m) return 0;
  apply(&m->book[venue], n, whole);
  if (crc_table[1] && sum >= 0) {
    if (crc(&m->book[venue]) == (uint32_t)sum) sums_right++; else sums_wrong++;
  }
  if (scan(m, venue) > 0) passed++;
  return 1;
}
