#include "scripts.h"

#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECONDS_DEFAULT = 10, RETRIES_MAX = 100 };

static bool wrong(struct scripts *scripts, int code, const char *what, const char *why) {
    struct text text = TEXT(scripts->detail);
    text_add(&text, what);
    text_add(&text, ": ");
    text_add(&text, why);
    text_words(&text);
    scripts->code = code;
    return false;
}

// A number of seconds in the host file limits the script's; without the file it is 1800.
static bool read_host_file(struct scripts *scripts, long long *seconds_max) {
    struct path path = scripts->configuration;
    struct text text = {.bytes = path.bytes, .capacity = sizeof path.bytes};
    text.length = (size_t)(strrchr(path.bytes, '/') + 1 - path.bytes);
    text_add(&text, "VMSnapshotPluginHost.conf");
    text_words(&text);
    struct stat stat;
    int file = open(path.bytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0 && errno == ENOENT) {
        return true;
    }
    if (file < 0 || fstat(file, &stat) != 0) {
        wrong(scripts, HOST_FILE_UNREADABLE, path.bytes, error_words(errno));
        if (file >= 0) {
            close(file);
        }
        return false;
    }
    // Others may read it or not, and nothing else.
    bool safe = S_ISREG(stat.st_mode) && stat.st_uid == files_owner() && (stat.st_mode & 033) == 0;
    char *ini = safe ? read_open_file(file, CONFIGURATION_LENGTH_MAX, NULL) : NULL;
    int number = errno;
    close(file);
    if (!safe) {
        return wrong(scripts, HOST_FILE_NOT_SAFE, path.bytes, "must be root's, and others may at most read it");
    }
    if (ini == NULL) {
        return wrong(scripts, HOST_FILE_UNREADABLE, path.bytes, error_words(number));
    }
    char value[16], *end;
    bool found = ini_value(ini, "pre_post", "timeoutInSeconds", value, sizeof value);
    free(ini);
    long seconds = found ? strtol(value, &end, 10) : 0;
    if (!found || value[0] == 0 || *end != 0 || seconds < 1) {
        return wrong(scripts, HOST_FILE_WRONG, path.bytes, "timeoutInSeconds of [pre_post] must be a number from 1 on");
    }
    *seconds_max = seconds < *seconds_max ? seconds : *seconds_max;
    return true;
}

static bool read_bool(struct scripts *scripts, const struct json *root, const char *key, bool *result) {
    const struct json *value = json_member(root, key);
    if (value == NULL) {
        return true;
    }
    *result = value->kind == JSON_TRUE;
    return *result || value->kind == JSON_FALSE || wrong(scripts, CONFIGURATION_WRONG, key, "must be true or false");
}

static bool read_number(struct scripts *scripts, const struct json *root, const char *key, long long min,
                        long long max, long long *result) {
    const struct json *value = json_member(root, key);
    return value == NULL || json_whole(value, min, max, result) ||
           wrong(scripts, CONFIGURATION_WRONG, key, "must be a whole number in its bounds");
}

// The names of one script's keys, and its codes.
struct keys {
    const char *location, *parameters, *retries;
    int missing, not_safe;
};
static const struct keys pre_keys = {"preScriptLocation", "preScriptParams", "preScriptNoOfRetries", PRE_MISSING,
                                     PRE_NOT_SAFE};
static const struct keys post_keys = {"postScriptLocation", "postScriptParams", "postScriptNoOfRetries", POST_MISSING,
                                      POST_NOT_SAFE};

static bool read_script(struct scripts *scripts, const struct json *root, const struct keys *keys,
                        struct script *script) {
    const char *location = json_words(json_member(root, keys->location));
    const struct json *parameters = json_member(root, keys->parameters);
    if (location == NULL) {
        return wrong(scripts, CONFIGURATION_WRONG, keys->location, "is missing or no string");
    }
    if (parameters != NULL && parameters->kind != JSON_ARRAY) {
        return wrong(scripts, CONFIGURATION_WRONG, keys->parameters, "must be a list of strings");
    }
    size_t count = 0;
    for (const struct json *at = parameters == NULL ? NULL : parameters->first; at != NULL; at = at->next) {
        if (json_words(at) == NULL) {
            return wrong(scripts, CONFIGURATION_WRONG, keys->parameters, "must be a list of strings");
        }
        count++;
    }
    if (!read_number(scripts, root, keys->retries, 0, RETRIES_MAX, &script->retries)) {
        return false;
    }
    if (*location == 0) {
        return true;
    }
    char **command = calloc(count + 3, sizeof *command);
    if (command == NULL) {
        return wrong(scripts, CONFIGURATION_WRONG, keys->parameters, error_words(ENOMEM));
    }
    script->command = command;
    *command++ = "/bin/sh";
    *command++ = (char *)location;
    for (const struct json *at = parameters == NULL ? NULL : parameters->first; at != NULL; at = at->next) {
        *command++ = (char *)at->text;
    }
    return true;
}

static bool check_script(struct scripts *scripts, const struct keys *keys, const struct script *script) {
    if (script->command == NULL) {
        return true;
    }
    const char *location = script->command[1];
    struct stat stat_;
    if (*location != '/' || stat(location, &stat_) != 0 || !S_ISREG(stat_.st_mode)) {
        return wrong(scripts, keys->missing, location, "is no file");
    }
    bool safe = stat_.st_uid == files_owner() && (stat_.st_mode & 077) == 0;
    return safe || wrong(scripts, keys->not_safe, location, "must be root's, and nobody else may have any right");
}

// The text of the configuration; null if it is missing or not to be used, as told in `scripts`. Its strings are used
// until the process ends.
static char *read_configuration(struct scripts *scripts, size_t *length) {
    const char *path = scripts->configuration.bytes;
    struct stat stat;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0 || fstat(file, &stat) != 0) {
        wrong(scripts, CONFIGURATION_WRONG, path, error_words(errno));
        if (file >= 0) {
            close(file);
        }
        return NULL;
    }
    char *bytes = NULL;
    if (!S_ISREG(stat.st_mode) || stat.st_uid != files_owner() || (stat.st_mode & 0177) != 0) {
        wrong(scripts, CONFIGURATION_NOT_SAFE, path,
              "must be root's, not to be executed, and nobody else may have any right");
    } else {
        bytes = read_open_file(file, CONFIGURATION_LENGTH_MAX, length);
        if (bytes == NULL) {
            wrong(scripts, CONFIGURATION_WRONG, path, error_words(errno));
        }
    }
    close(file);
    return bytes;
}

static bool read_keys(struct scripts *scripts, const struct json *root, long long seconds_max) {
    if (root->kind != JSON_OBJECT) {
        return wrong(scripts, CONFIGURATION_WRONG, scripts->configuration.bytes, "must be an object");
    }
    // continueBackupOnFailure first: it counts for mistakes in the scripts.
    if (!read_bool(scripts, root, "continueBackupOnFailure", &scripts->continue_on_failure) ||
        !read_bool(scripts, root, "fsFreezeEnabled", &scripts->freeze_enabled) ||
        !read_number(scripts, root, "timeoutInSeconds", 1, 1LL << 40, &scripts->seconds) ||
        !read_script(scripts, root, &pre_keys, &scripts->pre) ||
        !read_script(scripts, root, &post_keys, &scripts->post)) {
        return false;
    }
    if (!read_host_file(scripts, &seconds_max)) {
        return false;
    }
    if (scripts->seconds > seconds_max) {
        scripts->seconds = seconds_max;
    }
    return check_script(scripts, &pre_keys, &scripts->pre) && check_script(scripts, &post_keys, &scripts->post);
}

bool scripts_name_any(const struct scripts *scripts) {
    return scripts->pre.command != NULL || scripts->post.command != NULL;
}

bool scripts_are_wrong(const struct scripts *scripts) {
    return scripts->code == PRE_MISSING || scripts->code == POST_MISSING || scripts->code == PRE_NOT_SAFE ||
           scripts->code == POST_NOT_SAFE;
}

void scripts_read(struct scripts *scripts, long long seconds_max) {
    *scripts = (struct scripts){.continue_on_failure = true, .freeze_enabled = true, .seconds = SECONDS_DEFAULT};
    const char *name = "VMSnapshotScriptPluginConfig.json";
    if (!configuration_path(name, &scripts->configuration)) {
        scripts->configuration.bytes[0] = 0;
        wrong(scripts, CONFIGURATION_MISSING, name, "is neither in /etc/stillpoint nor in /etc/azure");
        return;
    }
    size_t length;
    char *bytes = read_configuration(scripts, &length);
    if (bytes == NULL) {
        return;
    }
    struct json_document document;
    if (!json_parse(&document, bytes, length)) {
        char where[DETAIL_LENGTH];
        struct text text = TEXT(where);
        text_add(&text, document.error);
        text_add(&text, ", at byte ");
        text_add_number(&text, (long long)document.error_at);
        wrong(scripts, CONFIGURATION_WRONG, scripts->configuration.bytes, text_words(&text));
    } else {
        read_keys(scripts, document.root, seconds_max);
    }
    json_free(&document);
    if (scripts->code != SCRIPT_OK && !scripts_are_wrong(scripts)) {
        // As if the file said nothing: a mistake in it must not keep a guest from being backed up.
        scripts->continue_on_failure = scripts->freeze_enabled = true;
    }
}
