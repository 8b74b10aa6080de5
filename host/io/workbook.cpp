// The parts of an Excel workbook: a zip by libarchive, XML by pugixml.
#include "host/io/workbook.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>

#include "host/io/archive.hpp"
#include "host/io/xml.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool is_part(const std::string& path) {
  if (path == "_rels/.rels") return true;
  const bool is_xml = path.ends_with(".xml") || path.ends_with(".rels");
  return is_xml && path.starts_with("xl/") && !path.starts_with("xl/theme/") && !path.starts_with("xl/drawings/") &&
         !path.starts_with("xl/charts/");
}

// What a zip is that is no workbook of Excel, and what to do.
std::string_view other_kind(const std::string& path) {
  if (path == "xl/workbook.bin") return "a binary workbook (.xlsb): save it as .xlsx or CSV";
  if (path == "content.xml") return "an OpenDocument file: save it as .xlsx or CSV";
  if (path == "index.zip" || path.starts_with("index/")) return "a Numbers file: export it as .xlsx or CSV";
  return {};
}

// "xl/worksheets/sheet1.xml" of "worksheets/sheet1.xml" beside "xl/workbook.xml", or of "/xl/worksheets/sheet1.xml".
std::string target_path(const std::string& source, std::string_view target) {
  const std::filesystem::path path = target.starts_with('/') ? std::filesystem::path(target.substr(1))
                                                             : std::filesystem::path(source).parent_path() / target;
  return lower(path.lexically_normal().string());
}

// "xl/_rels/workbook.xml.rels" of "xl/workbook.xml".
std::string relations_path(const std::filesystem::path& path) {
  return (path.parent_path() / "_rels" / (path.filename().string() + ".rels")).string();
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_true(std::string_view text) { return text == "1" || text == "true"; }

// Characters that XML cannot hold are written as _x000D_.
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    const bool marked = text.substr(at, 2) == "_x" && text.size() >= at + 7 && text[at + 6] == '_';
    const char* const end = text.data() + at + 6;
    if (marked && std::from_chars(text.data() + at + 2, end, value, 16).ptr == end && value != 0 &&
        !(value >= 0xD800 && value < 0xE000)) {
      utf8::append(static_cast<char32_t>(value), std::back_inserter(result));
      at += 6;
    } else {
      result += text[at];
    }
  }
  return result;
}

std::string with_digits(std::string_view text, std::string_view const (&digits)[10]) {
  std::string result;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      result += digits[c - '0'];
    } else {
      result += c;
    }
  }
  return result;
}

std::string run_text(pugi::xml_node run) {
  static constexpr std::string_view lowered[10] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
  static constexpr std::string_view raised[10] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = unescaped(child(run, "t").text().get());
  const std::string_view place = attribute(child(child(run, "rPr"), "vertAlign"), "val");
  if (place == "subscript") return with_digits(text, lowered);
  if (place == "superscript") return with_digits(text, raised);
  return text;
}

}  // namespace

std::string rich_text(pugi::xml_node item) {
  std::string text;
  for (const pugi::xml_node each : item.children()) {
    const std::string_view name = local_name(each.name());
    if (name == "t") text += unescaped(each.text().get());
    if (name == "r") text += run_text(each);
  }
  return text;
}

Workbook::Workbook(std::string_view bytes, const std::string& name) : name_(name) {
  read_parts(bytes);
  std::string path = "xl/workbook.xml";
  for (const auto& [id, part] : related("")) {
    if (part.type.ends_with("/officeDocument")) path = part.path;
  }
  const std::map<std::string, Part> parts = related(path);
  read_worksheets(path, parts);
  for (const auto& [id, part] : parts) {
    if (part.type.ends_with("/sharedStrings")) read_strings(part.path);
    if (part.type.ends_with("/styles")) read_styles(part.path);
  }
}

void Workbook::read_parts(std::string_view bytes) {
  ArchiveReader reader(bytes, name_, ArchiveReader::Kind::zip);
  std::string_view other = "a zip archive: unpack it";
  while (reader.next()) {
    const std::string path = lower(reader.entry());
    if (!other_kind(path).empty()) other = other_kind(path);
    if (is_part(path)) reader.append_data(parts_[path]);
  }
  const bool is_workbook =
      std::any_of(parts_.begin(), parts_.end(), [](const auto& part) { return part.first.starts_with("xl/workbook"); });
  if (!is_workbook) throw Error(fmt::format("{}: this is {}", name_, other));
}

bool Workbook::parse(const std::string& path, pugi::xml_document& document) {
  const auto part = parts_.find(path);
  if (part == parts_.end()) return false;
  parse_xml(document, part->second, fmt::format("{}: {}", name_, path));
  return true;
}

std::map<std::string, Workbook::Part> Workbook::related(const std::string& path) {
  std::map<std::string, Part> parts;
  pugi::xml_document document;
  if (!parse(relations_path(path), document)) return parts;
  for (const pugi::xml_node each : child(document, "Relationships").children()) {
    parts[std::string(attribute(each, "Id"))] = {target_path(path, attribute(each, "Target")),
                                                 std::string(attribute(each, "Type"))};
  }
  return parts;
}

void Workbook::read_worksheets(const std::string& path, const std::map<std::string, Part>& parts) {
  pugi::xml_document document;
  if (!parse(path, document)) throw Error(fmt::format("{}: the workbook has no {}; save it again", name_, path));
  const pugi::xml_node workbook = child(document, "workbook");
  if (is_true(attribute(child(workbook, "workbookPr"), "date1904"))) dates_ = DateSystem::from_1904;
  for (const pugi::xml_node sheet : child(workbook, "sheets").children()) {
    const auto part =
        parts.find(sheet.attribute("r:id") ? sheet.attribute("r:id").value() : std::string(attribute(sheet, "id")));
    const std::string_view state = attribute(sheet, "state");
    if (part == parts.end() || !part->second.type.ends_with("/worksheet")) continue;
    if (state.empty() || state == "visible") {
      worksheets_.push_back({std::string(attribute(sheet, "name")), part->second.path});
    }
  }
}

void Workbook::read_strings(const std::string& path) {
  pugi::xml_document document;
  if (!parse(path, document)) return;
  for (const pugi::xml_node item : child(document, "sst").children()) {
    if (local_name(item.name()) == "si") strings_.push_back(rich_text(item));
  }
}

void Workbook::read_styles(const std::string& path) {
  pugi::xml_document document;
  if (!parse(path, document)) return;
  const pugi::xml_node sheet = child(document, "styleSheet");
  std::map<std::size_t, bool> own;  // the workbook's own formats
  for (const pugi::xml_node format : child(sheet, "numFmts").children()) {
    own[number(attribute(format, "numFmtId"))] = is_date_format(attribute(format, "formatCode"));
  }
  for (const pugi::xml_node style : child(sheet, "cellXfs").children()) {
    if (local_name(style.name()) != "xf") continue;
    const std::size_t id = number(attribute(style, "numFmtId"));
    const auto found = own.find(id);
    date_styles_.push_back(found != own.end() ? found->second
                                              : is_date_format(static_cast<int>(std::min<std::size_t>(id, 1000))));
  }
}

}  // namespace phaseselect
