// JSON (RFC 8259): a writer, and a reader for our own small files.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Writes one value from front to back; puts the commas and nothing else.
class JsonWriter {
  public:
    JsonWriter &beginObject();
    JsonWriter &endObject();
    JsonWriter &beginArray();
    JsonWriter &endArray();
    JsonWriter &key(std::string_view name);
    JsonWriter &value(std::string_view text);
    JsonWriter &value(const char *text) { return value(std::string_view(text)); }
    JsonWriter &value(bool truth);
    JsonWriter &value(int64_t number);
    template <class T> JsonWriter &field(std::string_view name, const T &content) { return key(name).value(content); }

    const std::string &text() const { return written; }

  private:
    void separate();

    std::string written;
    bool first = true;
};

/// A value that was read. Numbers are whole: our files have no others.
class Json {
  public:
    enum class Kind { null, truth, number, text, array, object };

    /// Nothing if it is no JSON, nests deeper than 16, or has a number that is not whole.
    static std::optional<Json> parse(std::string_view source);

    Kind kind() const { return type; }
    /// The member of that name; a null if there is none, or this is no object.
    const Json &operator[](std::string_view name) const;
    /// The elements; none if this is no array.
    const std::vector<Json> &items() const { return elements; }
    std::string text(std::string_view otherwise = "") const;
    int64_t number(int64_t otherwise) const;
    bool truth(bool otherwise) const;

  private:
    friend class JsonParser;

    Kind type = Kind::null;
    bool yes = false;
    int64_t whole = 0;
    std::string characters;
    std::vector<std::string> names;
    std::vector<Json> elements;
};
