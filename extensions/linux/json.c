#include "json.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

struct parser {
    char *bytes;
    size_t length;
    size_t at;
    struct json *values;
    size_t used;
    const char *error;
};

static bool fail(struct parser *parser, const char *error) {
    if (parser->error == NULL) {
        parser->error = error;
    }
    return false;
}

// The next byte, 0 at the end; a zero byte has no place in JSON outside of strings either.
static char peek(const struct parser *parser) {
    return parser->at < parser->length ? parser->bytes[parser->at] : 0;
}

static void skip_blanks(struct parser *parser) {
    while (peek(parser) == ' ' || peek(parser) == '\t' || peek(parser) == '\n' || peek(parser) == '\r') {
        parser->at++;
    }
}

static bool digits(struct parser *parser) {
    if (peek(parser) < '0' || peek(parser) > '9') {
        return fail(parser, "a digit is missing");
    }
    while (peek(parser) >= '0' && peek(parser) <= '9') {
        parser->at++;
    }
    return true;
}

static bool parse_number(struct parser *parser, struct json *value) {
    size_t begin = parser->at;
    if (peek(parser) == '-') {
        parser->at++;
    }
    if (peek(parser) == '0') {
        parser->at++;
    } else if (!digits(parser)) {
        return false;
    }
    if (peek(parser) == '.') {
        parser->at++;
        if (!digits(parser)) {
            return false;
        }
    }
    if (peek(parser) == 'e' || peek(parser) == 'E') {
        parser->at++;
        if (peek(parser) == '+' || peek(parser) == '-') {
            parser->at++;
        }
        if (!digits(parser)) {
            return false;
        }
    }
    value->kind = JSON_NUMBER;
    value->text = parser->bytes + begin;
    value->length = parser->at - begin;
    return true;
}

static int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The four digits after \u; -1 if they are none.
static long code_unit(struct parser *parser) {
    long unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(peek(parser));
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
        parser->at++;
    }
    return unit;
}

static size_t put_utf8(char *to, long point) {
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    to[0] = (char)((0xF00 >> length) | point);
    return length;
}

// After \u: one or two code units, never longer decoded than written.
static bool unicode_escape(struct parser *parser, char **to) {
    long point = code_unit(parser);
    if (point >= 0xD800 && point < 0xDC00 && peek(parser) == '\\' && parser->at + 1 < parser->length &&
        parser->bytes[parser->at + 1] == 'u') {
        parser->at += 2;
        long low = code_unit(parser);
        if (low < 0xDC00 || low > 0xDFFF) {
            return fail(parser, "half of a surrogate pair");
        }
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    if (point < 0 || (point >= 0xD800 && point < 0xE000)) {
        return fail(parser, point < 0 ? "four hexadecimal digits must follow \\u" : "half of a surrogate pair");
    }
    *to += put_utf8(*to, point);
    return true;
}

static bool escape(struct parser *parser, char **to) {
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    char name = peek(parser);
    parser->at++;
    if (name == 'u') {
        return unicode_escape(parser, to);
    }
    const char *found = name == 0 ? NULL : strchr(names, name);
    if (found == NULL) {
        return fail(parser, "an unknown escape");
    }
    *(*to)++ = meanings[found - names];
    return true;
}

static bool parse_string(struct parser *parser, const char **text, size_t *length) {
    if (peek(parser) != '"') {
        return fail(parser, "a string is missing");
    }
    char *begin = parser->bytes + ++parser->at;
    char *to = begin;
    while (parser->at < parser->length) {
        char next = parser->bytes[parser->at];
        size_t count = utf8_length(parser->bytes + parser->at, parser->length - parser->at);
        if (next == '"') {
            parser->at++;
            *to = 0;
            *text = begin;
            *length = (size_t)(to - begin);
            return true;
        }
        if (next == '\\') {
            parser->at++;
            if (!escape(parser, &to)) {
                return false;
            }
        } else if ((unsigned char)next < 0x20 || count == 0) {
            return fail(parser, count == 0 ? "not UTF-8" : "a control character in a string");
        } else {
            memmove(to, parser->bytes + parser->at, count);
            to += count;
            parser->at += count;
        }
    }
    return fail(parser, "a string without end");
}

static bool parse_value(struct parser *parser, struct json **result, int depth);

// The values of an array, or the members of an object, up to the closing bracket.
static bool parse_list(struct parser *parser, struct json *list, int depth) {
    bool object = list->kind == JSON_OBJECT;
    char close = object ? '}' : ']';
    const struct json **link = &list->first;
    parser->at++;
    skip_blanks(parser);
    if (peek(parser) == close) {
        parser->at++;
        return true;
    }
    while (true) {
        const char *key = NULL;
        size_t key_length = 0;
        skip_blanks(parser);
        if (object) {
            if (!parse_string(parser, &key, &key_length)) {
                return false;
            }
            skip_blanks(parser);
            if (peek(parser) != ':') {
                return fail(parser, "a colon is missing");
            }
            parser->at++;
        }
        struct json *value;
        if (!parse_value(parser, &value, depth + 1)) {
            return false;
        }
        value->key = key;
        *link = value;
        link = &value->next;
        skip_blanks(parser);
        char next = peek(parser);
        parser->at++;
        if (next == close) {
            return true;
        }
        if (next != ',') {
            parser->at--;
            return fail(parser, "a comma or a closing bracket is missing");
        }
    }
}

static bool parse_name(struct parser *parser, struct json *value) {
    static const struct {
        const char *name;
        enum json_kind kind;
    } names[] = {{"null", JSON_NULL}, {"false", JSON_FALSE}, {"true", JSON_TRUE}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i].name);
        if (parser->length - parser->at >= length &&
            memcmp(parser->bytes + parser->at, names[i].name, length) == 0) {
            parser->at += length;
            value->kind = names[i].kind;
            return true;
        }
    }
    return fail(parser, "a value is missing");
}

static bool parse_value(struct parser *parser, struct json **result, int depth) {
    skip_blanks(parser);
    if (depth > JSON_DEPTH_MAX) {
        return fail(parser, "too many brackets in each other");
    }
    struct json *value = &parser->values[parser->used++];
    *value = (struct json){0};
    *result = value;
    char next = peek(parser);
    if (next == '{' || next == '[') {
        value->kind = next == '{' ? JSON_OBJECT : JSON_ARRAY;
        return parse_list(parser, value, depth);
    }
    if (next == '"') {
        value->kind = JSON_STRING;
        return parse_string(parser, &value->text, &value->length);
    }
    if (next == '-' || (next >= '0' && next <= '9')) {
        return parse_number(parser, value);
    }
    return parse_name(parser, value);
}

// Numbers are ended by a zero only when all is parsed: it replaces the byte behind them.
static void end_numbers(struct parser *parser) {
    for (size_t i = 0; i < parser->used; i++) {
        if (parser->values[i].kind == JSON_NUMBER) {
            ((char *)parser->values[i].text)[parser->values[i].length] = 0;
        }
    }
}

bool json_parse(struct json_document *document, char *bytes, size_t length) {
    struct parser parser = {.bytes = bytes, .length = length};
    *document = (struct json_document){0};
    // Each value has at least a byte of its own; one more is for an empty text's missing value.
    parser.values = calloc(length + 1, sizeof *parser.values);
    if (parser.values == NULL) {
        document->error = "out of memory";
        return false;
    }
    if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        parser.at = 3;
    }
    struct json *root = NULL;
    if (parse_value(&parser, &root, 1)) {
        skip_blanks(&parser);
        if (parser.at < length) {
            fail(&parser, "something follows the value");
        }
    }
    document->values = parser.values;
    document->error = parser.error;
    document->error_at = parser.at;
    if (parser.error == NULL) {
        end_numbers(&parser);
        document->root = root;
    }
    return parser.error == NULL;
}

void json_free(struct json_document *document) {
    free(document->values);
    *document = (struct json_document){0};
}

const struct json *json_member(const struct json *object, const char *key) {
    const struct json *found = NULL;
    if (object == NULL || object->kind != JSON_OBJECT) {
        return NULL;
    }
    for (const struct json *member = object->first; member != NULL; member = member->next) {
        if (strcmp(member->key, key) == 0) {
            found = member;
        }
    }
    return found;
}

bool json_whole(const struct json *value, long long min, long long max, long long *result) {
    if (value == NULL || value->kind != JSON_NUMBER || strpbrk(value->text, ".eE") != NULL || value->length > 18) {
        return false;
    }
    long long number = strtoll(value->text, NULL, 10);
    if (number < min || number > max) {
        return false;
    }
    *result = number;
    return true;
}

const char *json_words(const struct json *value) {
    bool words = value != NULL && value->kind == JSON_STRING && strlen(value->text) == value->length;
    return words ? value->text : NULL;
}
