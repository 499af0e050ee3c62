// vmsnapshot, the extension VMSnapshotLinux: docs/extensions.md.
#include "package.h"
#include "process.h"
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEADLINE_SECONDS_MAX = 600 };

struct arguments {
    const char *verb;
    const char *task, *from;
    long long deadline, script_limit;
    bool scripts, freeze;
};

static bool read_seconds(const char *words, long long max, long long *result) {
    char *end;
    if (*words < '0' || *words > '9') {
        return false;
    }
    *result = strtoll(words, &end, 10);
    return *end == 0 && *result >= 1 && *result <= max;
}

static bool read_yes_or_no(const char *words, bool *result) {
    *result = strcmp(words, "yes") == 0;
    return *result || strcmp(words, "no") == 0;
}

static bool read_task(const char *words, const char **task) {
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
    *task = words;
    size_t length = strlen(words);
    return length >= 1 && length <= TASK_LENGTH_MAX && strspn(words, allowed) == length;
}

static bool read_option(struct arguments *arguments, const char *name, const char *value) {
    if (strcmp(name, "--task") == 0) {
        return read_task(value, &arguments->task);
    }
    if (strcmp(name, "--deadline") == 0) {
        return read_seconds(value, DEADLINE_SECONDS_MAX, &arguments->deadline);
    }
    if (strcmp(name, "--script-limit") == 0) {
        return read_seconds(value, SCRIPT_SECONDS_MAX, &arguments->script_limit);
    }
    if (strcmp(name, "--scripts") == 0) {
        return read_yes_or_no(value, &arguments->scripts);
    }
    if (strcmp(name, "--freeze") == 0) {
        return read_yes_or_no(value, &arguments->freeze);
    }
    if (strcmp(name, "--from") == 0) {
        arguments->from = value;
        return true;
    }
    // For tests: another root, whose files are ours; another who stands for root.
    if (strcmp(name, "--root") == 0) {
        files_move_root(value);
        files_be_owned_by(geteuid());
        return *value == '/';
    }
    if (strcmp(name, "--owner") == 0 && files_root_is_moved()) {
        files_be_owned_by((uid_t)strtoul(value, NULL, 10));
        return true;
    }
    return false;
}

static struct outcome read_arguments(int count, char **words, struct arguments *arguments) {
    *arguments = (struct arguments){
        .verb = count > 1 ? words[1] : "", .script_limit = SCRIPT_SECONDS_MAX, .scripts = true, .freeze = true};
    for (int i = 2; i < count; i += 2) {
        if (i + 1 >= count || !read_option(arguments, words[i], words[i + 1])) {
            return outcome_of(USAGE, words[i], ": is unknown, or its value is missing or out of bounds", NULL);
        }
    }
    return SUCCESS;
}

static int answer(const char *verb, struct outcome outcome) {
    char bytes[JSON_LENGTH_MAX(DETAIL_LENGTH) + 1024];
    struct text text = TEXT(bytes);
    answer_begin(&text, verb, &outcome);
    return answer_end(&text, &outcome);
}

// The health, after what was done before.
static int answer_health(const char *verb, struct outcome outcome) {
    static char health[HEALTH_LENGTH_MAX], bytes[HEALTH_LENGTH_MAX + 8192];
    struct text checks = TEXT(health), text = TEXT(bytes);
    if (outcome.code != OK) {
        return answer(verb, outcome);
    }
    // Its members are written first, as its code stands before them; an object's first has no comma.
    json_begin(&checks, NULL, '{');
    outcome = package_health(&checks);
    answer_begin(&text, verb, &outcome);
    text_add(&text, ",");
    text_add(&text, text_words(&checks) + 1);
    text.full |= checks.full;
    return answer_end(&text, &outcome);
}

static int run_snapshot(const struct arguments *arguments) {
    if (arguments->task == NULL || arguments->deadline == 0) {
        return answer("snapshot", outcome_of(USAGE, "--task and --deadline are needed", NULL));
    }
    const struct wishes wishes = {.task = arguments->task,
                                  .deadline_seconds = arguments->deadline,
                                  .script_seconds_max = arguments->script_limit,
                                  .scripts = arguments->scripts,
                                  .freeze = arguments->freeze};
    return snapshot(&wishes);
}

static int run(const struct arguments *arguments) {
    const char *verb = arguments->verb;
    if (strcmp(verb, "verify") == 0) {
        return answer(verb, package_verify());
    }
    if (strcmp(verb, "install") == 0) {
        return answer(verb, package_install());
    }
    if (strcmp(verb, "enable") == 0) {
        return answer_health(verb, package_enable());
    }
    if (strcmp(verb, "disable") == 0) {
        return answer(verb, package_disable());
    }
    if (strcmp(verb, "update") == 0) {
        return answer(verb, arguments->from == NULL ? outcome_of(USAGE, "--from is needed", NULL)
                                                    : package_update(arguments->from));
    }
    if (strcmp(verb, "uninstall") == 0) {
        return answer(verb, package_uninstall());
    }
    if (strcmp(verb, "health") == 0) {
        return answer_health(verb, SUCCESS);
    }
    if (strcmp(verb, "snapshot") == 0) {
        return run_snapshot(arguments);
    }
    if (strcmp(verb, "status") == 0) {
        return status();
    }
    if (strcmp(verb, "thaw") == 0) {
        return answer(verb, thaw(arguments->task));
    }
    if (strcmp(verb, "test-scripts") == 0) {
        return test_scripts(arguments->script_limit);
    }
    return answer(verb, outcome_of(USAGE,
                                   "verbs are verify, install, enable, disable, update, uninstall, health, snapshot, "
                                   "status, thaw and test-scripts",
                                   NULL));
}

int main(int count, char **words) {
    struct arguments arguments;
    have_standard_files();
    struct outcome outcome = read_arguments(count, words, &arguments);
    if (outcome.code == OK && geteuid() != 0 && !files_root_is_moved()) {
        outcome = outcome_of(NOT_ROOT, "run it as root", NULL);
    }
    return outcome.code == OK ? run(&arguments) : answer(arguments.verb, outcome);
}
