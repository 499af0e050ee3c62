// Text of bounded length, and JSON written into it. Neither allocates nor calls a library, so that both work
// while file systems are frozen.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// What does not fit is left out, and `full` says so.
struct text {
    char *bytes;
    size_t length;
    size_t capacity;
    bool full;
};

// A text in a given array.
#define TEXT(array) ((struct text){.bytes = (array), .capacity = sizeof(array)})

void text_add(struct text *text, const char *words);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_add_number(struct text *text, long long number);

// The words so far, ended by a zero byte; one byte of the capacity is for that.
const char *text_words(struct text *text);

// JSON: `key` is null inside of arrays and for the outermost value. Commas come by themselves.
void json_begin(struct text *text, const char *key, char bracket);
void json_end(struct text *text, char bracket);
void json_string(struct text *text, const char *key, const char *value);
// Bytes that are not UTF-8 become U+FFFD.
void json_bytes(struct text *text, const char *key, const char *bytes, size_t count);
void json_number(struct text *text, const char *key, long long value);
void json_bool(struct text *text, const char *key, bool value);

// How many bytes of JSON a string of this length takes at most.
#define JSON_LENGTH_MAX(length) (6 * (length) + 2)

// The length of the UTF-8 character at the front of `count` bytes (RFC 3629), 0 if there is none.
size_t utf8_length(const char *bytes, size_t count);
