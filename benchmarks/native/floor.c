#define _GNU_SOURCE
/* The floor end to end: epoll, recv, frames, the book and scan of book.h.
   floor PORT VENUES SYMBOLS MESSAGES */
#include "book.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define START 1000000000000LL
#define BUFFER (1 << 20)

typedef struct { long late, count; } Late;
static unsigned char *buffer[VENUES];
static long start[VENUES], end[VENUES];

static double clock_of(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
static long micros(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return START + t.tv_sec * 1000000L + t.tv_nsec / 1000;
}
static int by_late(const void *a, const void *b) {
  long x = ((Late *)a)->late, y = ((Late *)b)->late;
  return (x > y) - (x < y);
}
static double quantile(Late *late, long n, double share) {
  double left = 0;
  for (long i = 0; i < n; i++) left += late[i].count;
  left *= share;
  for (long i = 0; i < n; i++) if ((left -= late[i].count) <= 0) return late[i].late;
  return 0;
}
static void say(int fd, const char *text) {
  unsigned char frame[256] = {0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0};
  int n = strlen(text);
  frame[2] = n >> 8; frame[3] = n & 255;
  memcpy(frame + 8, text, n);
  if (write(fd, frame, n + 8) < 0) exit(3);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int port = atoi(argv[1]), venues = atoi(argv[2]), symbols = atoi(argv[3]), fd[VENUES];
  long expected = atol(argv[4]), count = 0, reads = 0;
  if (venues > VENUES) return 2;
  markets = calloc(SLOTS / 2, sizeof(Market));
  for (int s = 0; s < symbols; s++) {
    char name[32];
    market_add(name, sprintf(name, "C%dUSDT", s));
  }
  Late *late = malloc((expected + 1) * sizeof(Late));
  int poll = epoll_create1(0);
  for (int v = 0; v < venues; v++) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd[v] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd[v], (void *)&to, sizeof to)) return 3;
    char text[512];
    int n = sprintf(text, "GET /%d/v5/public/spot HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n", v);
    if (write(fd[v], text, n) < 0) return 3;
    buffer[v] = malloc(BUFFER);
    for (n = 0; n < 4 || memcmp(buffer[v] + n - 4, "\r\n\r\n", 4); n++)
      if (read(fd[v], buffer[v] + n, 1) != 1) return 3;
    for (int s = 0; s < symbols; s++) {
      sprintf(text, "{\"op\":\"subscribe\",\"args\":[\"orderbook.50.C%dUSDT\"]}", s);
      say(fd[v], text);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = v};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd[v], &event);
  }
  double since = 0, cpu = 0;
  while (count < expected) {
    struct epoll_event ready[VENUES];
    int n = epoll_wait(poll, ready, VENUES, 20000);
    if (n <= 0) return 4;
    for (int e = 0; e < n; e++) {
      int v = ready[e].data.u32;
      long got = recv(fd[v], buffer[v] + end[v], BUFFER - end[v], 0), first = 0, taken = 0;
      if (got <= 0) return 5;
      end[v] += got;
      for (;;) {
        unsigned char *p = buffer[v] + start[v];
        long left = end[v] - start[v], head = 2;
        if (left < 4) break;
        long size = p[1] & 127;
        if (size == 126) { size = p[2] << 8 | p[3]; head = 4; }
        if (left < head + size) break;
        char *text = (char *)p + head;
        int delta = size > 90 && !memcmp(text, "{\"ts\":", 6) && memmem(text, 90, "\"delta\"", 7);
        if (!since && delta) { since = clock_of(CLOCK_MONOTONIC); cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID); }
        if (take(text, size, v) && delta) { if (!taken++) first = atoll(text + 6); }
        start[v] += head + size;
      }
      if (taken) { late[reads++] = (Late){micros() - first, taken}; count += taken; }
      if (start[v] == end[v]) start[v] = end[v] = 0;
      else if (end[v] > BUFFER / 2) {
        memmove(buffer[v], buffer[v] + start[v], end[v] - start[v]);
        end[v] -= start[v];
        start[v] = 0;
      }
    }
  }
  double took = clock_of(CLOCK_MONOTONIC) - since, spent = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  long skip = reads / 10;
  qsort(late + skip, reads - skip, sizeof(Late), by_late);
  printf("{\"rate\": %.1f, \"us\": %.4f, \"late\": {\"0.5\": %.0f, \"0.99\": %.0f, \"0.999\": %.0f}}\n",
    count / took, spent / count * 1e6, quantile(late + skip, reads - skip, .5),
    quantile(late + skip, reads - skip, .99), quantile(late + skip, reads - skip, .999));
  return 0;
}
