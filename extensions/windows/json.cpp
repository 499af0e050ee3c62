#include "json.h"

#include <cstdio>

void JsonWriter::separate() {
    if (!first) written += ',';
    first = false;
}

JsonWriter &JsonWriter::beginObject() {
    separate();
    written += '{';
    first = true;
    return *this;
}

JsonWriter &JsonWriter::endObject() {
    written += '}';
    first = false;
    return *this;
}

JsonWriter &JsonWriter::beginArray() {
    separate();
    written += '[';
    first = true;
    return *this;
}

JsonWriter &JsonWriter::endArray() {
    written += ']';
    first = false;
    return *this;
}

JsonWriter &JsonWriter::key(std::string_view name) {
    value(name);
    written += ':';
    first = true;
    return *this;
}

JsonWriter &JsonWriter::value(std::string_view text) {
    separate();
    written += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') {
            written += '\\';
            written += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[7];
            snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            written += escape;
        } else {
            written += c;
        }
    }
    written += '"';
    return *this;
}

JsonWriter &JsonWriter::value(bool truth) {
    separate();
    written += truth ? "true" : "false";
    return *this;
}

JsonWriter &JsonWriter::value(int64_t number) {
    separate();
    written += std::to_string(number);
    return *this;
}

/// Descends through a text; every method leaves `rest` behind what it took, or returns false.
class JsonParser {
  public:
    explicit JsonParser(std::string_view source) : rest(source) {}

    bool document(Json &value) {
        if (!any(value, 0)) return false;
        skipSpace();
        return rest.empty();
    }

  private:
    static constexpr int DEPTH_MAX = 16;

    void skipSpace() {
        while (!rest.empty() && std::string_view(" \t\r\n").find(rest[0]) != std::string_view::npos) rest.remove_prefix(1);
    }

    bool take(std::string_view word) {
        skipSpace();
        if (rest.substr(0, word.size()) != word) return false;
        rest.remove_prefix(word.size());
        return true;
    }

    bool any(Json &value, int depth) {
        skipSpace();
        if (rest.empty() || depth > DEPTH_MAX) return false;
        switch (rest[0]) {
        case '{': return object(value, depth);
        case '[': return array(value, depth);
        case '"': value.type = Json::Kind::text; return string(value.characters);
        case 't': value.type = Json::Kind::truth; value.yes = true; return take("true");
        case 'f': value.type = Json::Kind::truth; return take("false");
        case 'n': return take("null");
        default: value.type = Json::Kind::number; return number(value.whole);
        }
    }

    bool object(Json &value, int depth) {
        value.type = Json::Kind::object;
        take("{");
        if (take("}")) return true;
        do {
            skipSpace();
            value.names.emplace_back();
            value.elements.emplace_back();
            if (!string(value.names.back()) || !take(":") || !any(value.elements.back(), depth + 1)) return false;
        } while (take(","));
        return take("}");
    }

    bool array(Json &value, int depth) {
        value.type = Json::Kind::array;
        take("[");
        if (take("]")) return true;
        do {
            value.elements.emplace_back();
            if (!any(value.elements.back(), depth + 1)) return false;
        } while (take(","));
        return take("]");
    }

    bool number(int64_t &whole) {
        bool negative = !rest.empty() && rest[0] == '-';
        if (negative) rest.remove_prefix(1);
        size_t digits = 0;
        // 18 digits always fit; another one is what no number can go on with.
        while (digits < 18 && digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') whole = whole * 10 + (rest[digits++] - '0');
        if (digits == 0) return false;
        rest.remove_prefix(digits);
        if (!rest.empty() && std::string_view(".eE0123456789").find(rest[0]) != std::string_view::npos) return false;
        if (negative) whole = -whole;
        return true;
    }

    bool string(std::string &text) {
        if (rest.empty() || rest[0] != '"') return false;
        rest.remove_prefix(1);
        while (!rest.empty()) {
            char c = rest[0];
            rest.remove_prefix(1);
            if (c == '"') return true;
            if (static_cast<unsigned char>(c) < 0x20) return false;
            if (c != '\\') {
                text += c;
            } else if (!escape(text)) {
                return false;
            }
        }
        return false;
    }

    bool escape(std::string &text) {
        if (rest.empty()) return false;
        char c = rest[0];
        rest.remove_prefix(1);
        if (c == 'u') return codePoint(text);
        size_t which = std::string_view("\"\\/bfnrt").find(c);
        if (which == std::string_view::npos) return false;
        text += "\"\\/\b\f\n\r\t"[which];
        return true;
    }

    bool codePoint(std::string &text) {
        uint32_t point;
        if (!fourDigits(point)) return false;
        if (point >= 0xD800 && point < 0xDC00) {
            uint32_t low;
            if (rest.substr(0, 2) != "\\u") return false;
            rest.remove_prefix(2);
            if (!fourDigits(low) || low < 0xDC00 || low > 0xDFFF) return false;
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        }
        if (point < 0x80) {
            text += static_cast<char>(point);
        } else if (point < 0x800) {
            text += static_cast<char>(0xC0 | point >> 6);
            text += static_cast<char>(0x80 | (point & 0x3F));
        } else if (point < 0x10000) {
            text += static_cast<char>(0xE0 | point >> 12);
            text += static_cast<char>(0x80 | (point >> 6 & 0x3F));
            text += static_cast<char>(0x80 | (point & 0x3F));
        } else {
            text += static_cast<char>(0xF0 | point >> 18);
            text += static_cast<char>(0x80 | (point >> 12 & 0x3F));
            text += static_cast<char>(0x80 | (point >> 6 & 0x3F));
            text += static_cast<char>(0x80 | (point & 0x3F));
        }
        return true;
    }

    bool fourDigits(uint32_t &number) {
        if (rest.size() < 4) return false;
        number = 0;
        for (char c : rest.substr(0, 4)) {
            uint32_t digit;
            if (c >= '0' && c <= '9') digit = c - '0';
            else if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
            else if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
            else return false;
            number = number * 16 + digit;
        }
        rest.remove_prefix(4);
        return true;
    }

    std::string_view rest;
};

std::optional<Json> Json::parse(std::string_view source) {
    Json value;
    if (!JsonParser(source).document(value)) return std::nullopt;
    return value;
}

const Json &Json::operator[](std::string_view name) const {
    static const Json nothing;
    for (size_t i = 0; i < names.size(); i++) {
        if (names[i] == name) return elements[i];
    }
    return nothing;
}

std::string Json::text(std::string_view otherwise) const {
    return type == Kind::text ? characters : std::string(otherwise);
}

int64_t Json::number(int64_t otherwise) const {
    return type == Kind::number ? whole : otherwise;
}

bool Json::truth(bool otherwise) const {
    return type == Kind::truth ? yes : otherwise;
}
