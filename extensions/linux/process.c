#include "process.h"

#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

#define CONTROL_GROUPS "/sys/fs/cgroup"

enum { STACK_MAX = 256 << 10 };

void have_standard_files(void) {
    int file;
    do {
        file = open("/dev/null", O_RDWR);
    } while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0) {
        close(file);
    }
}

void close_inherited_files(void) {
    if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0) {
        return;
    }
    // Kernels before 5.9.
    struct rlimit limit;
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int file = STDERR_FILENO + 1; file < end; file++) {
        close(file);
    }
}

bool let_go_of_standard_files(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        return false;
    }
    for (int file = 0; file <= STDERR_FILENO; file++) {
        if (dup2(null, file) < 0) {
            return false;
        }
    }
    return null <= STDERR_FILENO || close(null) == 0;
}

static bool write_to(const char *path, const char *words) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    bool done = write_all(file, words, strlen(words));
    close(file);
    return done;
}

// Calls `done` for the file that moves a process to the root of each hierarchy; returns how often it was true.
static int each_hierarchy(bool (*done)(const char *path)) {
    struct path top, member;
    struct statfs at;
    rooted(&top, CONTROL_GROUPS);
    if (statfs(top.bytes, &at) == 0 && at.f_type == CGROUP2_SUPER_MAGIC) {
        return done(rooted(&member, CONTROL_GROUPS "/cgroup.procs"));
    }
    // Version 1: a folder for each hierarchy.
    int count = 0;
    DIR *folder = opendir(top.bytes);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct text text = TEXT(member.bytes);
        text_add(&text, top.bytes);
        text_add(&text, "/");
        text_add(&text, entry->d_name);
        text_add(&text, "/cgroup.procs");
        if (entry->d_name[0] != '.' && done(text_words(&text))) {
            count++;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

static bool move_here(const char *path) { return write_to(path, "0"); }

static bool is_writable(const char *path) { return access(path, W_OK) == 0; }

void leave_control_groups(void) { each_hierarchy(move_here); }

// By proc_pid_cgroup(5): lines of hierarchy, controllers and path, with colons between them.
static bool is_in_control_groups(void) {
    struct path path;
    char *rest, *text = read_file(rooted(&path, "/proc/self/cgroup"), CONFIGURATION_LENGTH_MAX, NULL);
    bool inside = false;
    if (text == NULL) {
        return false;
    }
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        const char *controllers = strchr(line, ':');
        const char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        inside |= group != NULL && strcmp(group, ":/") != 0;
    }
    free(text);
    return inside;
}

bool control_groups_can_be_left(void) { return !is_in_control_groups() || each_hierarchy(is_writable) > 0; }

void survive_memory_shortage(void) {
    struct path path;
    write_to(rooted(&path, "/proc/self/oom_score_adj"), "-1000");
}

static const int caught[] = {SIGTERM, SIGINT, SIGHUP};
static const int ignored[] = {SIGPIPE, SIGALRM,   SIGUSR1, SIGUSR2, SIGQUIT, SIGTSTP, SIGTTIN,
                              SIGTTOU, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGIO,   SIGPWR};

int catch_signals(void) {
    sigset_t ends, blocked;
    sigemptyset(&ends);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        sigaddset(&ends, caught[i]);
    }
    blocked = ends;
    sigaddset(&blocked, SIGCHLD);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        signal(ignored[i], SIG_IGN);
    }
    // The agent may ignore it, and children's ends would go by unseen.
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void touch_stack(void) {
    volatile char stack[STACK_MAX];
    for (size_t i = 0; i < sizeof stack; i += 1024) {
        stack[i] = 0;
    }
}

bool lock_in_memory(void) {
    touch_stack();
    prctl(PR_SET_DUMPABLE, 0);
    // Reclaiming memory on our behalf must not wait for a file system that we froze. Since Linux 5.6.
#ifdef PR_SET_IO_FLUSHER
    prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
#endif
    return mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
}

void behave_as_usual(void) {
    struct path path;
#ifdef PR_SET_IO_FLUSHER
    prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0);
#endif
    write_to(rooted(&path, "/proc/self/oom_score_adj"), "0");
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        signal(ignored[i], SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(022);
}

long long now_micros(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}
