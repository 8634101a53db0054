/* psm_connection.h: the side of a connection of Posix.SharedMemory.Channels (kind 2) that receives it, over psm_channel.h. C11, Linux, 64-bit, little-endian, header-only.
   A connection has two ends, which are those of a message channel: psm_try_write(&k.output, …), psm_try_read(&k.input, …), psm_end_wait, psm_complete. A message of type PSM_OBJECT stands where the peer
   has sent an object: pass over it, and take the object by psm_connection_object, in order; psm_connection_send_object sends one. psm_calls.h has calls. The bytes and protocols are in docs/spec/channels/connection.md.
   Functions return 0 or a positive outcome, or a negative errno, as those of psm_channel.h; -EILSEQ also for an object that is not memory, not sealed as required, or shorter than announced.
   A connection is for one thread at a time, but for its two ends: each may have a thread of its own. */
#ifndef PSM_CONNECTION_H
#define PSM_CONNECTION_H
#include "psm_channel.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif
enum { PSM_SEAL = 1, PSM_SHRINK = 2, PSM_GROW = 4, PSM_WRITE = 8 };                      /* seals of an object */
struct psm_connection { int socket; void *base; uint64_t length, sent; struct psm_end output, input; };

/* Closes the descriptors that a message has brought, but for the first, which is returned; -1: it has brought none, or several. */
static inline int psm_carried(struct msghdr *m) {
  int first = -1, count = 0;
  for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++, count++) {
      int fd; memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
      if (count == 0) first = fd; else close(fd);
    }
  }
  if (count > 1 || (count == 1 && m->msg_flags & MSG_CTRUNC)) { close(first); return -1; }
  return first;
}
/* Waits until a socket can be read, or written to, or has ended. */
static inline int psm_poll(int socket, short what, int64_t deadline) {
  for (;;) {
    int64_t left = deadline == INT64_MAX ? -1 : (deadline - psm_now() + 999999) / 1000000;
    struct pollfd p = {socket, what, 0}; int r = poll(&p, 1, deadline == INT64_MAX ? -1 : left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);
    if (r > 0 || (r < 0 && errno != EINTR)) return r > 0 ? 1 : -errno;
    if (r == 0 && psm_now() >= deadline) return -ETIMEDOUT;
  }
}
/* Receives an object message that the peer has sent, by a deadline of psm_now(). The descriptor, which is the caller's; *length is the object's. -ENOTCONN: the peer has closed the socket. */
static inline int psm_receive_object(int socket, int seals, uint64_t *length, int64_t deadline) {
  unsigned char bytes[16]; size_t got = 0; int fd = -1;
  while (got < sizeof bytes) {
    int r = psm_poll(socket, POLLIN, deadline); if (r < 0) { if (fd >= 0) close(fd); return r; }
    union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int) * 8)]; } control;
    struct iovec v = {bytes + got, sizeof bytes - got}; struct msghdr m = {0}; m.msg_iov = &v; m.msg_iovlen = 1; m.msg_control = &control; m.msg_controllen = sizeof control;
    ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) { n = -errno; if (fd >= 0) close(fd); return n == -ECONNRESET ? -ENOTCONN : (int)n; }
    int carried = psm_carried(&m); if (carried >= 0) { if (got || fd >= 0) { close(carried); if (fd >= 0) close(fd); return -EILSEQ; } fd = carried; }
    if (n == 0) { if (fd >= 0) close(fd); return -ENOTCONN; }
    if (got == 0 && bytes[0] == 1) { size_t bells = 0; while (bells < (size_t)n && bytes[bells] == 1) bells++; memmove(bytes, bytes + bells, (size_t)n - bells); n -= (ssize_t)bells; }
    if (!got && !n && deadline != INT64_MAX && psm_now() >= deadline) { if (fd >= 0) close(fd); return -ETIMEDOUT; }  /* a peer may ring without a pause */
    got += (size_t)n;
  }
  uint64_t announced; memcpy(&announced, bytes + 8, 8); struct stat of; int found;
  if (memcmp(bytes, "SHMOBJ\0\1", 8) || fd < 0 || (found = fcntl(fd, F_GET_SEALS)) < 0 || (found & seals) != seals || fstat(fd, &of) || announced > (uint64_t)of.st_size) { if (fd >= 0) close(fd); return -EILSEQ; }
  *length = (uint64_t)of.st_size; return fd;
}
/* Receives a connection over a connected stream socket, which belongs to it from then on. If this fails, the socket stays the caller's. */
static inline int psm_connection_receive(struct psm_connection *k, int socket, const char *label, int64_t deadline) {
  memset(k, 0, sizeof *k); uint64_t length = 0; int fd = psm_receive_object(socket, PSM_SEAL | PSM_SHRINK | PSM_GROW, &length, deadline); if (fd < 0) return fd;
  struct statfs on; if (fstatfs(fd, &on) || on.f_type == 0x958458f6) { close(fd); return -EILSEQ; }  /* huge pages can be punched although they are sealed */
  void *base = mmap(0, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); int r = base == MAP_FAILED ? -errno : 0; close(fd); if (r) return r == -EINVAL ? -EILSEQ : r;
  madvise(base, length, MADV_DONTFORK);
  if (!(r = psm_end_open_in(&k->output, base, length, PSM_CONNECTION_KIND, 1, 0, label)) && (r = psm_end_open_in(&k->input, base, length, PSM_CONNECTION_KIND, 0, 1, label))) psm_end_close(&k->output);
  if (r) { munmap(base, length); return r; }
  k->socket = socket; k->output.c.bell = k->input.c.bell = socket + 1; k->base = base; k->length = length; return 0;
}
/* Connects to a listener, and receives a connection. */
static inline int psm_connection_connect(struct psm_connection *k, const char *path, const char *label, int64_t deadline) {
  struct sockaddr_un at = {.sun_family = AF_UNIX}; if (strlen(path) >= sizeof at.sun_path) return -ENAMETOOLONG;
  strcpy(at.sun_path, path); int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r; if (s < 0) return -errno;
  while ((r = connect(s, (struct sockaddr *)&at, sizeof at) ? -errno : 0) == -EINTR) { }
  if (r || (r = psm_connection_receive(k, s, label, deadline))) close(s);
  return r;
}
/* The next object that the peer has sent: a descriptor, which is the caller's, sealed as required. */
static inline int psm_connection_object(struct psm_connection *k, int seals, uint64_t *length, int64_t deadline) { return psm_receive_object(k->socket, seals, length, deadline); }
/* Sends a memory object without copying it; it arrives in its place among the messages. The descriptor stays the caller's: seal it first where that matters. 1: it was sent; 0: the peer takes no more; after -ETIMEDOUT nothing was sent. */
static inline int psm_connection_send_object(struct psm_connection *k, int fd, int64_t deadline) {
  void *payload; int r; struct stat of; if (fstat(fd, &of)) return -errno;
  while (!(r = psm_reserve(&k->output, 8, &payload))) if ((r = psm_end_wait(&k->output, 8, deadline, 0)) <= 0) return r;
  if (r < 0) return r;
  unsigned char bytes[16] = "SHMOBJ\0\1"; uint64_t length = (uint64_t)of.st_size; memcpy(bytes + 8, &length, 8);
  union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control; memset(&control, 0, sizeof control);
  /* Under way before the record that names it is seen. The descriptor goes with the first byte; the rest of the message follows it, however long that takes. */
  for (size_t sent = 0; sent < sizeof bytes;) {
    struct iovec v = {bytes + sent, sizeof bytes - sent}; struct msghdr m = {0}; m.msg_iov = &v; m.msg_iovlen = 1;
    if (!sent) {
      m.msg_control = &control; m.msg_controllen = sizeof control; struct cmsghdr *h = CMSG_FIRSTHDR(&m);
      h->cmsg_level = SOL_SOCKET; h->cmsg_type = SCM_RIGHTS; h->cmsg_len = CMSG_LEN(sizeof(int)); memcpy(CMSG_DATA(h), &fd, sizeof fd);
    }
    ssize_t n = sendmsg(k->socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT); if (n >= 0) { sent += (size_t)n; continue; }
    if (errno == EPIPE || errno == ECONNRESET) return (r = psm_peer(&k->output, 1)) < 0 ? r : r == PSM_DIED ? -EOWNERDEAD : -ENOTCONN;
    if (errno != EINTR && errno != EAGAIN) return -errno;
    if (errno == EAGAIN && (r = psm_poll(k->socket, POLLOUT, sent ? INT64_MAX : deadline)) < 0) return r;
  }
  k->sent++; memcpy(payload, &k->sent, 8); psm_commit(&k->output, 8, PSM_OBJECT); psm_publish(&k->output); return 1;
}
/* Closes both ends and the socket. Say before that nothing more comes: psm_complete(&k->output, 0). */
static inline void psm_connection_close(struct psm_connection *k) {
  if (!k->base) return;
  psm_end_close(&k->output); psm_end_close(&k->input); shutdown(k->socket, SHUT_RDWR); close(k->socket); munmap(k->base, k->length); k->base = 0;
}
#endif
