#include "answer.h"

#include "files.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

struct outcome outcome_of(enum code code, const char *words, ...) {
    struct outcome outcome = {.code = code};
    struct text text = TEXT(outcome.detail);
    va_list more;
    va_start(more, words);
    for (const char *next = words; next != NULL; next = va_arg(more, const char *)) {
        text_add(&text, next);
    }
    va_end(more);
    text_words(&text);
    return outcome;
}

struct outcome outcome_of_errno(const char *what, const char *path) {
    int number = errno;
    enum code code = number == EROFS ? READ_ONLY : number == ENOSPC || number == EDQUOT ? NO_SPACE : FAILED;
    struct outcome outcome = outcome_of(code, path, ": ", what, ": ", error_words(number), NULL);
    outcome.number = number;
    return outcome;
}

static const char *name_of(enum code code) {
    switch (code) {
    case OK:
        return "ok";
    case DEFECT:
        return "defect";
    case USAGE:
        return "usage";
    case NOT_ROOT:
        return "not-root";
    case READ_ONLY:
        return "read-only";
    case NO_SPACE:
        return "no-space";
    case BUSY:
        return "busy";
    case UNSUPPORTED:
        return "unsupported";
    case BROKEN:
        return "broken";
    case NOT_INSTALLED:
        return "not-installed";
    case DISABLED:
        return "disabled";
    case FAILED:
        return "failed";
    }
    return "defect";
}

static const char *message_of(enum code code) {
    switch (code) {
    case OK:
        return "";
    case DEFECT:
        return "a defect of this program";
    case USAGE:
        return "wrong arguments";
    case NOT_ROOT:
        return "only root can do this";
    case READ_ONLY:
        return "the disk can't be written";
    case NO_SPACE:
        return "the disk is full";
    case BUSY:
        return "a snapshot is being made";
    case UNSUPPORTED:
        return "this guest can't have the extension";
    case BROKEN:
        return "a file of the extension is missing or not as in its manifest";
    case NOT_INSTALLED:
        return "this version is not the installed one: run install or update first";
    case DISABLED:
        return "snapshots are switched off: run enable first";
    case FAILED:
        return "an error of the system";
    }
    return "";
}

void answer_begin(struct text *text, const char *verb, const struct outcome *outcome) {
    json_begin(text, NULL, '{');
    json_string(text, "extension", EXTENSION);
    json_string(text, "version", VERSION);
    json_string(text, "verb", verb);
    json_string(text, "code", name_of(outcome->code));
    json_string(text, "message", message_of(outcome->code));
    json_string(text, "detail", outcome->detail);
    json_number(text, "number", outcome->number);
}

int answer_end(struct text *text, const struct outcome *outcome) {
    json_end(text, '}');
    text_add(text, "\n");
    bool written = !text->full && write_all(STDOUT_FILENO, text->bytes, text->length);
    int code = outcome->code == DISABLED ? NOT_INSTALLED : (int)outcome->code;
    return written || code != OK ? code : DEFECT;
}
