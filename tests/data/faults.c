/* Put before a program with LD_PRELOAD, fails the FAIL_FROM-th change to the disk, and all that follow unless
 * FAIL_ONCE is set, as a full disk does. FAIL_COUNT names a file that is told how many changes there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long done;

static int fails(void) {
    const char *from = getenv("FAIL_FROM");
    long now = ++done;
    if (from == NULL || now < atol(from) || (getenv("FAIL_ONCE") != NULL && now > atol(from)))
        return 0;
    errno = ENOSPC;
    return 1;
}

static int plain(int fd) {
    struct stat about;
    return fd > 2 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t count) {
    return plain(fd) && fails() ? -1 : NEXT(write)(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return plain(fd) && fails() ? -1 : NEXT(writev)(fd, parts, count);
}

int fsync(int fd) { return plain(fd) && fails() ? -1 : NEXT(fsync)(fd); }

int fdatasync(int fd) { return plain(fd) && fails() ? -1 : NEXT(fdatasync)(fd); }

int rename(const char *from, const char *to) { return fails() ? -1 : NEXT(rename)(from, to); }

int mkdir(const char *path, mode_t mode) { return fails() ? -1 : NEXT(mkdir)(path, mode); }

int ftruncate64(int fd, off64_t size) { return fails() ? -1 : NEXT(ftruncate64)(fd, size); }

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return (flags & O_CREAT) && fails() ? -1 : NEXT(open64)(path, flags, mode);
}

__attribute__((destructor)) static void tell(void) {
    const char *name = getenv("FAIL_COUNT");
    FILE *file = name == NULL ? NULL : fopen(name, "w");
    if (file != NULL) {
        fprintf(file, "%ld", (long)done);
        fclose(file);
    }
}
