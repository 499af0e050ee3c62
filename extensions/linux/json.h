// JSON read strictly (RFC 8259). A byte order mark in front is passed over; lone surrogates are refused, as they
// are no text.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_DEPTH_MAX = 32 };

// A value. Objects and arrays have their values as a list from `first` on.
struct json {
    enum json_kind kind;
    const struct json *first;
    const struct json *next;
    const char *key;  // of a member of an object, ended by a zero byte
    const char *text; // of a string decoded, of a number as it stands; ended by a zero byte
    size_t length;
};

// What one parse made.
struct json_document {
    struct json *values;
    const struct json *root;
    const char *error; // null, or what is wrong
    size_t error_at;   // in bytes from the front
};

// Parses `length` bytes, and changes them: strings are decoded in place. There must be one byte more behind them.
// The document points into the bytes; json_free it.
bool json_parse(struct json_document *document, char *bytes, size_t length);
void json_free(struct json_document *document);

// The member of an object, of several with this key the last; null if there is none.
const struct json *json_member(const struct json *object, const char *key);

// A whole number between these; false if the value is something else.
bool json_whole(const struct json *value, long long min, long long max, long long *result);

// A string without zero characters in it; null if the value is something else.
const char *json_words(const struct json *value);
