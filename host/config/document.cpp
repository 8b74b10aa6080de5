// yaml-cpp's parser, whose events are refused one by one, so that the bounds hold before anything is built.
#include "host/config/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

namespace fs = std::filesystem;

int line_of(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.line + 1; }

class DocumentBuilder : public YAML::EventHandler {
 public:
  explicit DocumentBuilder(const Source& source) : source_(source) {}
  Value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (begun_) refuse(mark, "another document or text begins after the value: keep one");
    begun_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, "", anchor, Value()); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (text.find('\0') != std::string::npos) refuse(mark, "a text holds the character NUL: remove it");
    Value value = text_value(text);
    value.quoted = tag == "!";
    add(mark, tag, anchor, std::move(value));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*name) are not read: write the value out, or put text that begins with * in quotes");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value::Kind::section);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Container {
    Value value;
    std::optional<Entry> entry;  // of a section: its key has been read, its value has not
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& reason) const {
    throw UsageError(fmt::format("{}: {}", source_.place(line_of(mark)), reason));
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().value.kind == Value::Kind::section && !open_.back().entry;
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      refuse(mark, "anchors (&name) are not read: write the value alone, or put text that begins with & in quotes");
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(mark, "tags (!name) are not read: write the value alone, or put text that begins with ! in quotes");
    }
    if (++values_ > most_values)
      refuse(mark, fmt::format("there are more than {} values: keep those of keys", most_values));
  }

  void add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value value) {
    check(mark, tag, anchor);
    if (!expects_key()) return put(std::move(value));
    if (value.kind != Value::Kind::text) refuse(mark, "a key is empty: write a word before the colon");
    open_.back().entry = Entry{std::move(value.text), line_of(mark), Value()};
  }

  void put(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Container& container = open_.back(); container.entry) {
      container.entry->value = std::move(value);
      container.value.entries.push_back(std::move(*container.entry));
      container.entry.reset();
    } else {
      container.value.items.push_back(std::move(value));
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value::Kind kind) {
    check(mark, tag, anchor);
    if (expects_key()) refuse(mark, "keys must be plain words: or is a bracket left open?");
    if (open_.size() == most_nested) refuse(mark, fmt::format("values are nested more than {} deep", most_nested));
    open_.emplace_back();
    open_.back().value.kind = kind;
  }

  void close() {
    Value value = std::move(open_.back().value);
    open_.pop_back();
    put(std::move(value));
  }

  const Source& source_;
  Value root_;
  std::vector<Container> open_;
  std::size_t values_ = 0;
  bool begun_ = false;
};

// Line ends as YAML counts them: CR LF and CR are ends of lines too, of which yaml-cpp misses the latter.
std::string with_plain_line_ends(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      result += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      result += '\n';
    }
  }
  return result;
}

// yaml-cpp ends a text at U+0004 and takes NULs and some first bytes for UTF-16.
void check_bytes(std::string_view text, const Source& source) {
  if (text.size() > most_bytes) {
    throw UsageError(
        fmt::format("{}: holds more than {} bytes: a configuration is a short text", source.name, most_bytes));
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    throw UsageError(fmt::format("{}: is UTF-16: save it as UTF-8", source.place(1)));
  }
  int line = 1;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n') ++line;
    if ((code >= 0x20 && code != 0x7f) || c == '\n' || c == '\t') continue;
    throw UsageError(fmt::format("{}: holds the control character U+{:04X}: {}", source.place(line), code,
                                 code == 0 ? "save it as UTF-8" : "remove it"));
  }
}

// yaml-cpp's word for an error, and what it most often comes from.
std::string explain(const YAML::Exception& error, std::string_view text) {
  for (int line = 0; line < error.mark.line; ++line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  const bool tabs = text.substr(0, text.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
  return error.msg + (tabs ? ": indent with blanks, not with tabs" : "");
}

}  // namespace

std::string Source::place(int line) const { return has_lines && line > 0 ? fmt::format("{}:{}", name, line) : name; }

std::string read_document_text(const fs::path& path) {
  std::error_code ignored;  // what cannot be looked at cannot be opened either, which says why
  if (fs::is_directory(path, ignored)) {
    throw UsageError(fmt::format("{}: is a folder, not a configuration file", path.string()));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(most_bytes + 1, '\0');  // one more than is allowed: what has no end is read no further
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    throw UsageError(fmt::format("{}: cannot read the configuration: {}", path.string(), std::strerror(errno)));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Value parse_document(std::string_view text, const Source& source) {
  const std::string lines = with_plain_line_ends(text);
  check_bytes(lines, source);
  DocumentBuilder builder(source);
  try {
    std::istringstream stream(lines);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    parser.HandleNextDocument(builder);  // refused by the builder if there is one
  } catch (const YAML::Exception& error) {
    throw UsageError(fmt::format("{}: not valid YAML: {}", source.place(line_of(error.mark)), explain(error, lines)));
  }
  return builder.take();
}

}  // namespace phaseselect
