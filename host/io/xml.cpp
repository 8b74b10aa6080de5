// XML parts of documents.
#include "host/io/xml.hpp"

#include <fmt/format.h>

#include "phaseselect/error.hpp"

namespace phaseselect {

std::string_view local_name(std::string_view name) { return name.substr(name.find(':') + 1); }

pugi::xml_node child(pugi::xml_node node, std::string_view name) {
  for (const pugi::xml_node each : node.children()) {
    if (local_name(each.name()) == name) return each;
  }
  return {};
}

std::string_view attribute(pugi::xml_node node, std::string_view name) {
  for (const pugi::xml_attribute each : node.attributes()) {
    if (local_name(each.name()) == name) return each.value();
  }
  return {};
}

void parse_xml(pugi::xml_document& document, std::vector<char>& bytes, const std::string& name) {
  // Blanks alone are text too: "Nb", " ", "Sn" in three runs.
  constexpr unsigned options = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata;
  const pugi::xml_parse_result result = document.load_buffer_inplace(bytes.data(), bytes.size(), options);
  if (!result) {
    throw Error(fmt::format("{} is damaged ({} at byte {}); save the workbook again, or as CSV", name,
                            result.description(), result.offset));
  }
}

}  // namespace phaseselect
