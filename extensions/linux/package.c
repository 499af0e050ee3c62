#include "package.h"

#include "files.h"
#include "json.h"
#include "mounts.h"
#include "process.h"
#include "run_folder.h"
#include "scripts.h"
#include "sha256.h"
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOME "/var/lib/stillpoint"
#define FOLDER HOME "/" EXTENSION
#define STATE FOLDER "/state.json"

enum { MANIFEST_LENGTH_MAX = 256 << 10, WORD_LENGTH = 32 };

// What state.json holds.
struct installation {
    char version[WORD_LENGTH];
    char state[WORD_LENGTH]; // installed, enabled or disabled; empty if there is none
};

static void copy_words(char words[WORD_LENGTH], const char *from) {
    struct text text = {.bytes = words, .capacity = WORD_LENGTH};
    text_add(&text, from == NULL ? "" : from);
    text_words(&text);
}

// Empty words if nothing is installed, or what is there is not readable as ours: installing mends that.
static struct installation read_state(void) {
    struct path path;
    struct installation state = {0};
    size_t length;
    char *bytes = read_file(rooted(&path, STATE), CONFIGURATION_LENGTH_MAX, &length);
    if (bytes == NULL) {
        return state;
    }
    struct json_document document;
    if (json_parse(&document, bytes, length)) {
        copy_words(state.version, json_words(json_member(document.root, "version")));
        copy_words(state.state, json_words(json_member(document.root, "state")));
    }
    json_free(&document);
    free(bytes);
    return state;
}

static struct outcome write_state(const char *state) {
    struct path path;
    char bytes[256];
    struct text text = TEXT(bytes);
    json_begin(&text, NULL, '{');
    json_string(&text, "version", VERSION);
    json_string(&text, "state", state);
    json_end(&text, '}');
    text_add(&text, "\n");
    return replace_file(rooted(&path, STATE), text.bytes, text.length);
}

static bool is_installed(const struct installation *state) {
    return state->state[0] != 0 && strcmp(state->version, VERSION) == 0;
}

static struct outcome require_installed(struct installation *state) {
    *state = read_state();
    if (is_installed(state)) {
        return SUCCESS;
    }
    return outcome_of(NOT_INSTALLED, "this is " VERSION ", installed is ",
                      state->version[0] == 0 ? "none" : state->version, NULL);
}

struct outcome package_allows_snapshots(void) {
    struct installation state;
    struct outcome outcome = require_installed(&state);
    return outcome.code != OK || strcmp(state.state, "enabled") == 0 ? outcome
                                                                     : outcome_of(DISABLED, state.state, NULL);
}

// The folder that this program is in, open.
static int open_own_folder(void) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) {
        return -1;
    }
    path[length] = 0;
    *strrchr(path, '/') = 0;
    return open(path[0] == 0 ? "/" : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static struct outcome check_sum(int file, const char *name, long long bytes, const char *sum) {
    struct sha256 sha;
    char buffer[16384], digits[65];
    long long total = 0;
    ssize_t count;
    sha256_begin(&sha);
    while ((count = read(file, buffer, sizeof buffer)) > 0) {
        sha256_add(&sha, buffer, (size_t)count);
        total += count;
    }
    if (count < 0) {
        return outcome_of_errno("can't be read", name);
    }
    sha256_end(&sha, digits);
    if (total == bytes && strcasecmp(digits, sum) == 0) {
        return SUCCESS;
    }
    return outcome_of(BROKEN, name, ": its SHA-256 is ", digits, ", in the manifest ", sum, NULL);
}

static bool is_plain(const char *name) {
    return *name != 0 && *name != '/' && strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 &&
           strstr(name, "/../") == NULL && !(strlen(name) > 3 && strcmp(name + strlen(name) - 3, "/..") == 0);
}

static struct outcome check_file(int folder, const struct json *entry) {
    const char *name = json_words(json_member(entry, "path"));
    const char *sum = json_words(json_member(entry, "sha256"));
    long long bytes;
    if (name == NULL || sum == NULL || !is_plain(name) || !json_whole(json_member(entry, "bytes"), 0, 1LL << 40, &bytes)) {
        return outcome_of(BROKEN, "manifest.json: a file without path, bytes or sha256", NULL);
    }
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        return outcome_of(BROKEN, name, ": ", error_words(errno), NULL);
    }
    struct outcome outcome = check_sum(file, name, bytes, sum);
    close(file);
    return outcome;
}

static struct outcome check_manifest(int folder, const struct json *manifest) {
    const char *type = json_words(json_member(manifest, "type"));
    const char *version = json_words(json_member(manifest, "version"));
    const char *executable = json_words(json_member(manifest, "executable"));
    const struct json *files = json_member(manifest, "files");
    if (type == NULL || strcmp(type, EXTENSION) != 0 || version == NULL || strcmp(version, VERSION) != 0) {
        return outcome_of(BROKEN, "manifest.json: is not of " EXTENSION " " VERSION, NULL);
    }
    bool listed = false;
    struct outcome outcome = SUCCESS;
    for (const struct json *at = files == NULL ? NULL : files->first; at != NULL && outcome.code == OK; at = at->next) {
        const char *name = json_words(json_member(at, "path"));
        listed |= name != NULL && executable != NULL && strcmp(name, executable) == 0;
        outcome = check_file(folder, at);
    }
    return outcome.code == OK && !listed ? outcome_of(BROKEN, "manifest.json: does not list the executable", NULL)
                                         : outcome;
}

struct outcome package_verify(void) {
    int folder = open_own_folder();
    if (folder < 0) {
        return outcome_of_errno("can't be opened", "the folder of this program");
    }
    size_t length = 0;
    int file = openat(folder, "manifest.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char *bytes = file < 0 ? NULL : read_open_file(file, MANIFEST_LENGTH_MAX, &length);
    struct outcome outcome;
    if (bytes == NULL) {
        outcome = outcome_of(BROKEN, "manifest.json: ", error_words(errno), NULL);
    } else {
        struct json_document document;
        outcome = json_parse(&document, bytes, length) ? check_manifest(folder, document.root)
                                                       : outcome_of(BROKEN, "manifest.json: ", document.error, NULL);
        json_free(&document);
    }
    free(bytes);
    if (file >= 0) {
        close(file);
    }
    close(folder);
    return outcome;
}

static struct outcome check_memory(void) {
    return run_folder_base() != NULL ? SUCCESS : outcome_of(UNSUPPORTED, "neither /run nor /dev/shm is in memory", NULL);
}

static struct outcome check_mounts(void) {
    struct mounts mounts;
    struct outcome outcome = mounts_look(&mounts);
    struct path path = {""};
    struct text text = TEXT(path.bytes);
    for (size_t i = 0; i < mounts.count && outcome.code == OK; i++) {
        const struct mount *mount = &mounts.list[i];
        if (mount->verdict == MOUNT_FAILED) {
            outcome = outcome_of(FAILED, mount->path, ": ", error_words(mount->error), NULL);
        } else if (mount->verdict == MOUNT_WANTED) {
            text_add(&text, text.length == 0 ? "" : " ");
            text_add(&text, mount->path);
        }
    }
    if (outcome.code == OK) {
        outcome = outcome_of(OK, text_words(&text), NULL);
    }
    mounts_close(&mounts);
    return outcome;
}

static struct outcome check_scripts(void) {
    static struct scripts scripts;
    scripts_read(&scripts, SCRIPT_SECONDS_MAX);
    bool good = scripts.code == SCRIPT_OK || scripts.code == CONFIGURATION_MISSING;
    struct outcome outcome = outcome_of(good ? OK : FAILED, scripts.detail, NULL);
    outcome.number = 0;
    return outcome;
}

static struct outcome check_control_groups(void) {
    return control_groups_can_be_left()
               ? SUCCESS
               : outcome_of(FAILED, "a snapshot may end with the agent: its control groups can't be left", NULL);
}

static struct outcome check_thawed(void) {
    return is_abandoned() ? outcome_of(FAILED, "a killed snapshot may have left file systems frozen: run thaw", NULL)
                          : SUCCESS;
}

// Those that must be good, and those that are only told: installing would not mend them, and a snapshot tells them, too.
static const struct check {
    const char *name;
    struct outcome (*run)(void);
    bool needed;
} checks[] = {
    {"files", package_verify, true},         {"memory", check_memory, true},
    {"thawed", check_thawed, true},          {"mounts", check_mounts, false},
    {"scripts", check_scripts, false},       {"control-groups", check_control_groups, false},
};

struct outcome package_health(struct text *text) {
    struct installation state;
    struct outcome answer = require_installed(&state);
    json_string(text, "state", is_installed(&state) ? state.state : "");
    json_begin(text, "checks", '[');
    bool healthy = answer.code == OK;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        struct outcome outcome = checks[i].run();
        json_begin(text, NULL, '{');
        json_string(text, "name", checks[i].name);
        json_bool(text, "ok", outcome.code == OK);
        json_string(text, "detail", outcome.detail);
        json_end(text, '}');
        if (checks[i].needed && outcome.code != OK) {
            healthy = false;
            answer = answer.code == OK ? outcome : answer;
        }
    }
    json_end(text, ']');
    json_bool(text, "healthy", healthy);
    return answer;
}

static struct outcome make_folder(void) {
    struct path path;
    static const char *const folders[] = {HOME, FOLDER};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (mkdir(rooted(&path, folders[i]), 0700) != 0 && errno != EEXIST) {
            return outcome_of_errno("can't be made", path.bytes);
        }
    }
    return SUCCESS;
}

// Runs something while no snapshot can be made: BUSY if one is.
static struct outcome while_idle(struct outcome (*change)(const char *), const char *argument) {
    struct run_folder run;
    struct outcome outcome = is_abandoned() ? thaw(NULL) : SUCCESS;
    if (outcome.code != OK) {
        return outcome;
    }
    outcome = run_folder_open(&run, true);
    if (outcome.code == OK) {
        outcome = run_folder_lock(&run);
    }
    if (outcome.code == OK) {
        outcome = change(argument);
    }
    run_folder_close(&run);
    return outcome;
}

struct outcome package_install(void) {
    struct outcome outcome = package_verify();
    if (outcome.code == OK) {
        outcome = check_memory();
    }
    // Before anything is written: the disk may be frozen.
    if (outcome.code == OK && is_abandoned()) {
        outcome = thaw(NULL);
    }
    if (outcome.code == OK) {
        outcome = make_folder();
    }
    const struct installation state = read_state();
    if (outcome.code == OK) {
        // What was enabled stays so.
        outcome = write_state(state.state[0] == 0 ? "installed" : state.state);
    }
    return outcome;
}

struct outcome package_enable(void) {
    struct installation state;
    struct outcome outcome = require_installed(&state);
    return outcome.code == OK ? write_state("enabled") : outcome;
}

struct outcome package_disable(void) {
    struct installation state;
    // Thawing comes first, whatever is installed.
    struct outcome outcome = thaw(NULL);
    if (outcome.code == OK) {
        outcome = require_installed(&state);
    }
    return outcome.code == OK ? write_state("disabled") : outcome;
}

struct version {
    long parts[3];
};

// major.minor.patch and nothing else.
static bool read_version(const char *words, struct version *version) {
    for (int part = 0; part < 3; part++) {
        char *end;
        if (*words < '0' || *words > '9') {
            return false;
        }
        version->parts[part] = strtol(words, &end, 10);
        if (*end != (part < 2 ? '.' : 0)) {
            return false;
        }
        words = end + 1;
    }
    return true;
}

static bool is_newer(const struct version *version, const struct version *other) {
    int part = 0;
    while (part < 2 && version->parts[part] == other->parts[part]) {
        part++;
    }
    return version->parts[part] > other->parts[part];
}

static struct outcome replace_version(const char *from) {
    const struct installation state = read_state();
    struct outcome outcome = make_folder();
    if (outcome.code == OK) {
        outcome = write_state(state.state[0] == 0 ? "installed" : state.state);
    }
    if (outcome.code != OK || strcmp(from, VERSION) == 0) {
        return outcome;
    }
    char absolute[128];
    struct path path;
    struct text text = TEXT(absolute);
    text_add(&text, FOLDER "/");
    text_add(&text, from);
    return remove_tree(rooted(&path, text_words(&text)));
}

struct outcome package_update(const char *from) {
    struct version older, own;
    // Longer ones would not fit into its folder's name.
    if (strlen(from) >= WORD_LENGTH || !read_version(from, &older) || !read_version(VERSION, &own)) {
        return outcome_of(USAGE, from, ": is no version", NULL);
    }
    if (is_newer(&older, &own)) {
        return outcome_of(USAGE, from, ": is newer than this, " VERSION, NULL);
    }
    struct outcome outcome = package_verify();
    return outcome.code == OK ? while_idle(replace_version, from) : outcome;
}

static struct outcome remove_all(const char *unused) {
    (void)unused;
    struct path path;
    struct outcome outcome = remove_tree(rooted(&path, FOLDER));
    if (outcome.code == OK && rmdir(rooted(&path, HOME)) != 0 && errno != ENOENT && errno != ENOTEMPTY &&
        errno != EEXIST) {
        outcome = outcome_of_errno("can't be removed", path.bytes);
    }
    return outcome;
}

struct outcome package_uninstall(void) {
    struct outcome outcome = while_idle(remove_all, NULL);
    struct run_folder run;
    if (outcome.code == OK && run_folder_open(&run, false).code == OK) {
        run_folder_close(&run);
        outcome = remove_tree(run.path.bytes);
        *strrchr(run.path.bytes, '/') = 0;
        // Others of ours may have theirs there.
        rmdir(run.path.bytes);
    }
    return outcome;
}
