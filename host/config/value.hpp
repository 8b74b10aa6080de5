// A value of a configuration as the user gave it, before a key says what it means.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace phaseselect {

struct Entry;

struct Value {
  enum class Kind { nothing, text, list, section };
  Kind kind = Kind::nothing;  // nothing: what YAML reads as null
  std::string text;
  bool quoted = false;  // of text: it stood in quotes, so that it is no number
  std::vector<Value> items;
  std::vector<Entry> entries;  // of a section, in order; a key may be there twice
};

// What a key takes, as far as options must know: one word (a number, a choice), any text, or a list.
enum class Form { word, text, list };

struct Entry {
  std::string key;
  int line = 0;  // 1-based
  Value value;
};

inline Value text_value(std::string text) {
  Value value;
  value.kind = Value::Kind::text;
  value.text = std::move(text);
  return value;
}

}  // namespace phaseselect
