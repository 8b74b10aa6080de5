// The strict reader of the program's own files, and what all tables have in common.
#include "phaseselect/data/csv.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <span>
#include <system_error>
#include <utility>

#include "host/data/csv_scanner.hpp"
#include "host/io/input.hpp"
#include "host/io/unicode.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t most_names = 100;
constexpr std::size_t most_characters = 40;

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::string CsvTable::name() const { return input_name(path()); }

std::optional<std::size_t> CsvTable::find_column(std::string_view name) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < header().size(); ++i) {
    if (header()[i] != name) continue;
    if (found) throw Error(fmt::format("{}: two columns are named '{}'; rename one", this->name(), shown(name)));
    found = i;
  }
  return found;
}

std::size_t CsvTable::column(std::string_view name) const {
  if (const std::optional<std::size_t> found = find_column(name)) return *found;
  throw Error(fmt::format("{}: there is no column '{}'; the file has {}", this->name(), name, column_names(*this)));
}

std::string column_names(const CsvTable& table) {
  std::string names;
  for (std::size_t i = 0; i < table.header().size(); ++i) {
    if (i == most_names) return names + fmt::format(" and {} more", table.header().size() - i);
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", shown(table.header()[i], most_characters));
  }
  return names;
}

CsvTable read_csv(const std::filesystem::path& path) {
  std::error_code status;
  const std::filesystem::file_type type = std::filesystem::status(path, status).type();
  if (type == std::filesystem::file_type::fifo || type == std::filesystem::file_type::character ||
      type == std::filesystem::file_type::socket || type == std::filesystem::file_type::block) {
    throw Error(fmt::format("{}: this is a pipe or a device, a regular file is needed", path.string()));
  }
  Input input = read_input(path == "-" ? "./-" : path);
  CsvTable::Contents table;
  table.path = path;
  table.sha256 = std::move(input.sha256);
  table.text = std::move(input.bytes);
  const std::string name = path.string();
  if (table.text.empty()) throw Error(fmt::format("{}: the file is empty; a header line is needed", name));
  std::span<char> text = table.text;
  if (std::string_view(text.data(), text.size()).starts_with("\xEF\xBB\xBF")) text = text.subspan(3);
  CsvScanner scanner(name, text, ',', Strictness::strict);
  while (!scanner.done() && (scanner.pass_empty_line() || scanner.at_comment())) {
    if (!scanner.done() && scanner.at_comment()) scanner.pass_line();
  }
  if (scanner.done()) throw Error(fmt::format("{}: there is no header line", name));
  table.header = scanner.read_row(0).cells;
  for (std::string_view& each : table.header) each = without_blanks(each);
  while (!scanner.done()) {
    if (scanner.pass_empty_line()) continue;
    CsvRow row = scanner.read_row(table.header.size());
    if (row.cells.size() != table.header.size()) {
      throw Error(fmt::format("{}, line {}: the row has {} cells where the header has {}", name, row.line,
                              row.cells.size(), table.header.size()));
    }
    table.rows.push_back(std::move(row));
  }
  return CsvTable(std::move(table));
}

std::string csv_cell(std::string_view text) {
  const bool needs_quotes = text.find_first_of(",\"\r\n") != std::string_view::npos || text.substr(0, 1) == "#";
  if (!needs_quotes) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

std::string harmless_cell(std::string_view text) {
  const bool executed = !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
  return csv_cell(executed ? "'" + std::string(text) : std::string(text));
}

std::optional<double> parse_number(std::string_view cell) {
  cell = without_blanks(cell);
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace phaseselect
