/* A disk that is watched and can fail, for one process (LD_PRELOAD).
 *
 * Every change of a file below DISK_ROOT is written to DISK_JOURNAL in the order in which it was made, so that a test can rebuild what a loss
 * of power would have left at any moment. If the file DISK_FAULT exists, the next fsync or fdatasync does what it says and removes it:
 * "EIO" fails (and the kernel forgets what was to be written), "SLOW milliseconds" takes its time.
 *
 * Journal: records of kind, length of the path, offset, length of the data (four 64-bit numbers of the machine), then path and data; of a
 * second name the data is the first one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE = 1, SYNC = 2, TRUNCATE = 3, UNLINK = 4, FORGOTTEN = 5, LINK = 6 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;

static int ours(int fd, char *path) {
    const char *root = getenv("DISK_ROOT");
    char link[64];
    if (root == NULL) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, root, strlen(root)) == 0;
}

static void note(enum kind kind, const char *path, off_t offset, const void *data, size_t length) {
    if (journal < 0) journal = syscall(SYS_openat, AT_FDCWD, getenv("DISK_JOURNAL"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    uint64_t head[4] = {kind, strlen(path), (uint64_t)offset, data == NULL ? 0 : length};
    struct iovec parts[3] = {{head, sizeof head}, {(void *)path, head[1]}, {(void *)data, head[3]}};
    ssize_t wanted = sizeof head + head[1] + head[3];
    if (syscall(SYS_writev, journal, parts, 3) != wanted) abort();
}

static int fault(void) {
    char said[64] = "";
    const char *path = getenv("DISK_FAULT");
    int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    syscall(SYS_read, fd, said, sizeof said - 1);
    syscall(SYS_close, fd);
    syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (strncmp(said, "SLOW ", 5) == 0) {
        long ms = atol(said + 5);
        struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
        nanosleep(&pause, NULL);
        return 0;
    }
    errno = EIO;
    return -1;
}

static int synced(int fd, long call) {
    char path[PATH_MAX];
    if (!ours(fd, path)) return syscall(call, fd);
    pthread_mutex_lock(&lock);
    if (fault() != 0) {
        note(FORGOTTEN, path, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
        errno = EIO;
        return -1;
    }
    int done = syscall(call, fd);
    if (done == 0) note(SYNC, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    char path[PATH_MAX];
    if (!ours(fd, path)) return syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_pwrite64, fd, data, length, offset);
    if (done > 0) note(WRITE, path, offset, data, done);
    pthread_mutex_unlock(&lock);
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    char path[PATH_MAX];
    if (!ours(fd, path)) return syscall(SYS_write, fd, data, length);
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_write, fd, data, length);
    if (done > 0) note(WRITE, path, lseek(fd, 0, SEEK_CUR) - done, data, done);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate64(int fd, off_t length) {
    char path[PATH_MAX];
    if (!ours(fd, path)) return syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_ftruncate, fd, length);
    if (done == 0) note(TRUNCATE, path, length, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
    const char *root = getenv("DISK_ROOT");
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done == 0 && root != NULL && strncmp(path, root, strlen(root)) == 0) note(UNLINK, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int link(const char *from, const char *to) {
    const char *root = getenv("DISK_ROOT");
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (done == 0 && root != NULL && strncmp(to, root, strlen(root)) == 0) note(LINK, to, 0, from, strlen(from));
    pthread_mutex_unlock(&lock);
    return done;
}
