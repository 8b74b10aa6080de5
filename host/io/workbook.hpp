// The parts of an Excel workbook (.xlsx, ECMA-376) that say how its cells are to be read.
#pragma once

#include <cstddef>
#include <map>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/spreadsheet_date.hpp"

namespace phaseselect {

class Workbook {
 public:
  struct Worksheet {
    std::string name;
    std::string path;  // of its part
  };

  // Throws Error, which begins with `name`: damaged, or another kind of file.
  Workbook(std::string_view bytes, const std::string& name);

  const std::vector<Worksheet>& worksheets() const { return worksheets_; }  // the visible ones, in order
  const std::vector<std::string>& strings() const { return strings_; }      // that cells name by number
  DateSystem dates() const { return dates_; }
  bool shows_dates(std::size_t style) const { return style < date_styles_.size() && date_styles_[style]; }

  // Parses a part into a document that must not outlive the workbook; false where there is no such part.
  bool parse(const std::string& path, pugi::xml_document& document);

 private:
  struct Part {
    std::string path, type;
  };
  void read_parts(std::string_view bytes);
  std::map<std::string, Part> related(const std::string& path);  // by the identifier of the relation
  void read_worksheets(const std::string& path, const std::map<std::string, Part>& parts);
  void read_strings(const std::string& path);
  void read_styles(const std::string& path);

  std::string name_;
  std::map<std::string, std::vector<char>> parts_;  // by path in lower case
  std::vector<Worksheet> worksheets_;
  std::vector<std::string> strings_;
  std::vector<bool> date_styles_;
  DateSystem dates_ = DateSystem::from_1900;
};

// The text of a string item (CT_Rst): of its one text or of its runs, with the digits of lowered and raised runs as
// subscripts and superscripts.
std::string rich_text(pugi::xml_node item);

}  // namespace phaseselect
