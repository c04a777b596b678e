/* A disk that fails on demand: LD_PRELOAD shim around every call that writes.

   fault_arm(root, at, kind) counts the calls that write below `root`. The call of number `at` is
   not made: kind -1 kills the process before it, kind > 0 makes it fail with that errno (EIO once;
   ENOSPC and EDQUOT from then on, for whatever needs room). With `brief`, writes one after another
   to one file count as one. fault_calls() is how many there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static size_t root_length;
static int fault_at, fault_kind, fault_brief;
static _Atomic ino_t last_written;
static atomic_int calls;

void fault_arm(const char *path, int at, int kind, int brief) {
  root_length = strlen(path);
  memcpy(root, path, root_length + 1);
  fault_at = at;
  fault_kind = kind;
  fault_brief = brief;
  atomic_store(&last_written, 0);
  atomic_store(&calls, 0);
}

int fault_calls(void) { return atomic_load(&calls); }

static int below(const char *path) { return root_length && strncmp(path, root, root_length) == 0; }

static int fd_below(int fd) {
  char link[64], path[PATH_MAX];
  if (!root_length) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return below(path);
}

static int at_below(int dir, const char *path) {
  if (!root_length || !path) return 0;
  if (path[0] == '/') return below(path);
  if (dir != AT_FDCWD) return fd_below(dir);
  char here[PATH_MAX];
  return getcwd(here, sizeof here) && below(here);
}

/* 1 if the call is to fail. `room`: whether it needs room on the disk; `fd`: what it writes to. */
static int fails_on(int room, int fd) {
  struct stat status;
  ino_t written = fd >= 0 && fstat(fd, &status) == 0 ? status.st_ino : 0;
  int same = fault_brief && written && atomic_exchange(&last_written, written) == written;
  if (!written) atomic_store(&last_written, 0);
  int n = same ? atomic_load(&calls) : atomic_fetch_add(&calls, 1) + 1;
  if (!fault_at || n < fault_at) return 0;
  int full = fault_kind == ENOSPC || fault_kind == EDQUOT;
  if (same && !full) return 0; /* the fault was at the first of them */
  if (n > fault_at && !(full && room)) return 0;
  if (full && !room) return 0;
  if (fault_kind < 0) kill(getpid(), SIGKILL);
  errno = fault_kind;
  return 1;
}

static int fails(int room) { return fails_on(room, -1); }

#define REAL(type, name, ...)                                       \
  static type (*real)(__VA_ARGS__);                                 \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                                  \
  int name(const char *path, int flags, ...) {                      \
    REAL(int, name, const char *, int, ...);                        \
    va_list rest; va_start(rest, flags);                            \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                   \
    if (flags & (O_CREAT | O_TRUNC) && at_below(AT_FDCWD, path) && fails(1)) return -1; \
    return real(path, flags, mode);                                 \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                \
  int name(int dir, const char *path, int flags, ...) {             \
    REAL(int, name, int, const char *, int, ...);                   \
    va_list rest; va_start(rest, flags);                            \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                   \
    if (flags & (O_CREAT | O_TRUNC) && at_below(dir, path) && fails(1)) return -1; \
    return real(dir, path, flags, mode);                            \
  }
OPENAT(openat)
OPENAT(openat64)

#define OPENED(name)                                                \
  FILE *name(const char *path, const char *how) {                   \
    REAL(FILE *, name, const char *, const char *);                 \
    if (strpbrk(how, "wa+") && at_below(AT_FDCWD, path) && fails(1)) return NULL; \
    return real(path, how);                                         \
  }
OPENED(fopen)
OPENED(fopen64)

#define ON_FD(type, name, check, parameters, arguments, ...)        \
  type name parameters {                                            \
    REAL(type, name, __VA_ARGS__);                                  \
    if (fd_below(fd) && check) return -1;                           \
    return real arguments;                                          \
  }
ON_FD(ssize_t, write, fails_on(1, fd), (int fd, const void *b, size_t n), (fd, b, n), int,
      const void *, size_t)
ON_FD(ssize_t, pwrite, fails_on(1, fd), (int fd, const void *b, size_t n, off_t o), (fd, b, n, o),
      int, const void *, size_t, off_t)
ON_FD(ssize_t, pwrite64, fails_on(1, fd), (int fd, const void *b, size_t n, off64_t o),
      (fd, b, n, o), int, const void *, size_t, off64_t)
ON_FD(ssize_t, writev, fails_on(1, fd), (int fd, const struct iovec *v, int n), (fd, v, n), int,
      const struct iovec *, int)
ON_FD(int, fsync, fails(1), (int fd), (fd), int)
ON_FD(int, fdatasync, fails(1), (int fd), (fd), int)
ON_FD(int, ftruncate, fails(1), (int fd, off_t n), (fd, n), int, off_t)
ON_FD(int, ftruncate64, fails(1), (int fd, off64_t n), (fd, n), int, off64_t)
ON_FD(int, fchmod, fails(0), (int fd, mode_t m), (fd, m), int, mode_t)

ssize_t copy_file_range(int from, off64_t *a, int fd, off64_t *b, size_t n, unsigned flags) {
  REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
  if (fd_below(fd) && fails_on(1, fd)) return -1;
  return real(from, a, fd, b, n, flags);
}

#define SENDFILE(name, offset)                                      \
  ssize_t name(int fd, int from, offset *o, size_t n) {             \
    REAL(ssize_t, name, int, int, offset *, size_t);                \
    if (fd_below(fd) && fails_on(1, fd)) return -1;                        \
    return real(fd, from, o, n);                                    \
  }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)

#define ON_PATH(name, room, parameters, arguments, ...)             \
  int name parameters {                                             \
    REAL(int, name, __VA_ARGS__);                                   \
    if (at_below(AT_FDCWD, path) && fails(room)) return -1;         \
    return real arguments;                                          \
  }
ON_PATH(rename, 0, (const char *from, const char *path), (from, path), const char *, const char *)
ON_PATH(link, 1, (const char *from, const char *path), (from, path), const char *, const char *)
ON_PATH(symlink, 1, (const char *from, const char *path), (from, path), const char *, const char *)
ON_PATH(unlink, 0, (const char *path), (path), const char *)
ON_PATH(rmdir, 0, (const char *path), (path), const char *)
ON_PATH(mkdir, 1, (const char *path, mode_t m), (path, m), const char *, mode_t)
ON_PATH(truncate, 1, (const char *path, off_t n), (path, n), const char *, off_t)
ON_PATH(chmod, 0, (const char *path, mode_t m), (path, m), const char *, mode_t)

#define ON_AT(name, room, parameters, arguments, ...)               \
  int name parameters {                                             \
    REAL(int, name, __VA_ARGS__);                                   \
    if (at_below(dir, path) && fails(room)) return -1;              \
    return real arguments;                                          \
  }
ON_AT(renameat, 0, (int a, const char *from, int dir, const char *path), (a, from, dir, path), int,
      const char *, int, const char *)
ON_AT(linkat, 1, (int a, const char *from, int dir, const char *path, int f),
      (a, from, dir, path, f), int, const char *, int, const char *, int)
ON_AT(unlinkat, 0, (int dir, const char *path, int f), (dir, path, f), int, const char *, int)
ON_AT(mkdirat, 1, (int dir, const char *path, mode_t m), (dir, path, m), int, const char *, mode_t)
