#include "process.h"
#include "scripts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OUTPUT_PART = 8000,       // of the output's front, and of its end
    DRAIN_MAX = 1 << 20,      // what is still read when the script has ended, but something it left goes on writing
    ORPHANS_MAX = 256,        // that are told from what the next script starts
    KILL_MICROS_MAX = 5000000 // a process that waits for a broken disk can't be killed
};

static const char cut_mark[] = "\n[...]\n";

// The front of an output and its end.
struct capture {
    char front[OUTPUT_PART];
    size_t front_length;
    char end[2 * OUTPUT_PART];
    size_t end_length;
    bool cut;
};

static void capture_add(struct capture *capture, const char *bytes, size_t count) {
    while (count > 0) {
        if (capture->front_length < OUTPUT_PART) {
            capture->front[capture->front_length++] = *bytes;
        } else {
            if (capture->end_length == sizeof capture->end) {
                memcpy(capture->end, capture->end + OUTPUT_PART, OUTPUT_PART);
                capture->end_length = OUTPUT_PART;
                capture->cut = true;
            }
            capture->end[capture->end_length++] = *bytes;
        }
        bytes++;
        count--;
    }
}

static void capture_end(const struct capture *capture, struct script_result *result) {
    size_t end = capture->end_length < OUTPUT_PART ? capture->end_length : OUTPUT_PART;
    result->cut = capture->cut || end < capture->end_length;
    memcpy(result->output, capture->front, capture->front_length);
    result->length = capture->front_length;
    if (result->cut) {
        memcpy(result->output + result->length, cut_mark, sizeof cut_mark - 1);
        result->length += sizeof cut_mark - 1;
    }
    memcpy(result->output + result->length, capture->end + capture->end_length - end, end);
    result->length += end;
}

// Reads what there is, at most so much; false when nobody can write any more.
static bool drain(int output, struct capture *capture, size_t most) {
    char bytes[4096];
    for (size_t total = 0; total < most;) {
        ssize_t count = read(output, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 && errno == EAGAIN;
        }
        capture_add(capture, bytes, (size_t)count);
        total += (size_t)count;
    }
    return true;
}

struct processes {
    pid_t list[ORPHANS_MAX];
    size_t count;
};

static bool contains(const struct processes *processes, pid_t process) {
    for (size_t i = 0; i < processes->count; i++) {
        if (processes->list[i] == process) {
            return true;
        }
    }
    return false;
}

// Of a line of /proc/PID/stat: the parent stands behind the name, which may hold anything, and the state.
static pid_t parent_of(const char *name) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = file < 0 ? -1 : read(file, line, sizeof line - 1);
    if (file >= 0) {
        close(file);
    }
    if (count <= 0) {
        return -1;
    }
    line[count] = 0;
    const char *behind = strrchr(line, ')');
    int parent;
    return behind != NULL && sscanf(behind + 1, " %*c %d", &parent) == 1 ? parent : -1;
}

// Our children, but for those that are already in `besides`.
static void find_children(struct processes *children, const struct processes *besides) {
    children->count = 0;
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        pid_t process = (pid_t)atol(entry->d_name);
        if (process > 0 && parent_of(entry->d_name) == getpid() && !contains(besides, process) &&
            children->count < ORPHANS_MAX) {
            children->list[children->count++] = process;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

// Kills the script, and whatever it left wherever it hid: orphans become our children, again and again.
static void kill_all(pid_t script, const struct processes *before) {
    long long end = now_micros() + KILL_MICROS_MAX;
    kill(-script, SIGKILL);
    while (now_micros() < end) {
        struct processes children;
        find_children(&children, before);
        if (children.count == 0) {
            return;
        }
        for (size_t i = 0; i < children.count; i++) {
            kill(children.list[i], SIGKILL);
            waitpid(children.list[i], NULL, WNOHANG);
        }
        usleep(10000);
    }
}

static void become_script(const struct script *script, int output) {
    static char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                        "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh", NULL};
    // A session of its own, to be killed as a whole.
    setsid();
    behave_as_usual();
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ready = null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
                 dup2(output, STDERR_FILENO) >= 0 && chdir("/") == 0;
    if (ready) {
        execve(script->command[0], script->command, environment);
    }
    const char *words = error_words(errno);
    write_all(output, words, strlen(words));
    _exit(127);
}

// How an attempt ended.
enum ending { ENDED, TIMED_OUT, STOPPED };

static enum ending watch(pid_t process, long long deadline, int output, int ended, int stop, struct capture *capture,
                         int *status) {
    while (true) {
        struct pollfd files[] = {{.fd = output, .events = POLLIN}, {.fd = ended, .events = POLLIN},
                                 {.fd = stop, .events = POLLIN}};
        long long left = deadline - now_micros();
        if (left <= 0) {
            return TIMED_OUT;
        }
        // In slices, since poll's clock stands while the guest sleeps; and one micro is not to become none.
        poll(files, 3, left < 500000 ? (int)(left / 1000 + 1) : 500);
        if (files[0].revents != 0 && !drain(output, capture, DRAIN_MAX)) {
            output = -1;
        }
        struct signalfd_siginfo info;
        if (read(ended, &info, sizeof info) < 0 && errno != EAGAIN) {
            return STOPPED;
        }
        for (pid_t gone; (gone = waitpid(-1, status, WNOHANG)) > 0;) {
            if (gone == process) {
                return ENDED;
            }
        }
        if (files[2].revents != 0) {
            return STOPPED;
        }
    }
}

// One attempt; returns the reading end of its output if something else has still the writing end.
static int attempt(const struct script *script, long long seconds, int ended, int stop, struct script_result *result,
                   enum ending *ending) {
    struct processes none = {0}, before;
    struct capture capture = {0};
    int pipe[2], status = 0;
    *ending = STOPPED;
    if (pipe2(pipe, O_CLOEXEC) != 0) {
        return -1;
    }
    fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    find_children(&before, &none);
    pid_t process = fork();
    if (process == 0) {
        become_script(script, pipe[1]);
    }
    close(pipe[1]);
    if (process < 0) {
        close(pipe[0]);
        return -1;
    }
    result->process = process;
    *ending = watch(process, now_micros() + seconds * 1000000, pipe[0], ended, stop, &capture, &status);
    if (*ending != ENDED) {
        kill_all(process, &before);
        status = SIGKILL;
    }
    result->process = 0;
    bool open = drain(pipe[0], &capture, DRAIN_MAX);
    capture_end(&capture, result);
    result->exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (open && *ending == ENDED) {
        return pipe[0];
    }
    close(pipe[0]);
    return -1;
}

int script_run(const struct script *script, long long seconds, int code_failed, int code_timeout, int stop,
               struct script_result *result) {
    long long begin = now_micros();
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    int left = -1;
    result->ran = true;
    result->attempts = 0;
    for (long long i = 0; i <= script->retries; i++) {
        enum ending ending;
        if (left >= 0) {
            close(left);
        }
        result->exit = 127;
        left = attempt(script, seconds, ended, stop, result, &ending);
        result->attempts++;
        result->code = ending == TIMED_OUT ? code_timeout : result->exit == 0 ? SCRIPT_OK : code_failed;
        if (result->code == SCRIPT_OK || ending == STOPPED) {
            break;
        }
    }
    close(ended);
    result->millis = (now_micros() - begin) / 1000;
    return left;
}

void script_result_json(struct text *text, const char *key, const struct script *script,
                        const struct script_result *result) {
    json_begin(text, key, '{');
    json_number(text, "retries", script->retries);
    json_bool(text, "ran", result->ran);
    json_number(text, "attempts", result->attempts);
    json_number(text, "exit", result->exit);
    json_number(text, "code", result->code);
    json_number(text, "millis", result->millis);
    json_bytes(text, "output", result->output, result->length);
    json_bool(text, "cut", result->cut);
    json_end(text, '}');
}
