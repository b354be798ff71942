/*
 * Preloaded into a process: kills it just before its n-th call, of all its threads together, by which something leaves it
 * (a write, a frame, a name of a file, a process). ORCHESTRA_DEATH is n; what there was in all goes to ORCHESTRA_CALLS at
 * a normal end. Processes that it starts are not touched: what names this file is gone before the first of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static long death;
static char *count_file;

__attribute__((constructor)) static void begin(void) {
	const char *number = getenv("ORCHESTRA_DEATH"), *file = getenv("ORCHESTRA_CALLS");
	death = number ? atol(number) : 0;
	count_file = file && asprintf(&count_file, "%s", file) >= 0 ? count_file : NULL;
	unsetenv("ORCHESTRA_DEATH");
	unsetenv("ORCHESTRA_CALLS");
	unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void end(void) {
	FILE *file = count_file ? fopen(count_file, "w") : NULL;
	if (file) {
		fprintf(file, "%ld", atomic_load(&calls));
		fclose(file);
	}
}

static void count(const char *name) {
	long number = atomic_fetch_add(&calls, 1) + 1;
	if (number == death) {
		dprintf(STDERR_FILENO, "died before call %ld, %s\n", number, name);
		kill(getpid(), SIGKILL);
	}
}

#define COUNTED(result, name, parameters, arguments, counts)                                                           \
	result name parameters {                                                                                       \
		static result(*next) parameters;                                                                       \
		if (!next)                                                                                             \
			next = (result(*) parameters)dlsym(RTLD_NEXT, #name);                                          \
		if (counts)                                                                                            \
			count(#name);                                                                                  \
		return next arguments;                                                                                 \
	}

/* Eight bytes wake up another thread: they leave the process nowhere. */
COUNTED(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), size != sizeof(uint64_t))
COUNTED(ssize_t, writev, (int fd, const struct iovec *parts, int number), (fd, parts, number), 1)
COUNTED(ssize_t, pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at), 1)
COUNTED(ssize_t, pwrite64, (int fd, const void *bytes, size_t size, off64_t at), (fd, bytes, size, at), 1)
COUNTED(ssize_t, send, (int fd, const void *bytes, size_t size, int flags), (fd, bytes, size, flags), 1)
COUNTED(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), 1)
COUNTED(int, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size), 1)
COUNTED(int, fsync, (int fd), (fd), 1)
COUNTED(int, fdatasync, (int fd), (fd), 1)
COUNTED(int, ftruncate, (int fd, off_t size), (fd, size), 1)
COUNTED(int, ftruncate64, (int fd, off64_t size), (fd, size), 1)
COUNTED(int, mkdir, (const char *path, mode_t mode), (path, mode), 1)
COUNTED(int, rmdir, (const char *path), (path), 1)
COUNTED(int, unlink, (const char *path), (path), 1)
COUNTED(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), 1)
COUNTED(int, rename, (const char *from, const char *to), (from, to), 1)
COUNTED(int, link, (const char *from, const char *to), (from, to), 1)
COUNTED(int, symlink, (const char *target, const char *path), (target, path), 1)
COUNTED(int, posix_spawn,
	(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
	 char *const arguments[], char *const environment[]),
	(pid, path, actions, attributes, arguments, environment), 1)
COUNTED(int, posix_spawnp,
	(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
	 char *const arguments[], char *const environment[]),
	(pid, path, actions, attributes, arguments, environment), 1)
COUNTED(pid_t, fork, (void), (), 1)
