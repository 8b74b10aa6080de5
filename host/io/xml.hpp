// XML parts of documents, read by pugixml, which follows no references to the outside.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace phaseselect {

// Names without the prefix that some programs write: "row" of "x:row".
std::string_view local_name(std::string_view name);

// The first child with this local name, and the value of an attribute; empty where there is none.
pugi::xml_node child(pugi::xml_node node, std::string_view name);
std::string_view attribute(pugi::xml_node node, std::string_view name);

// Parses in place: the bytes are changed and must outlive the document. Throws Error that begins with `name`.
void parse_xml(pugi::xml_document& document, std::vector<char>& bytes, const std::string& name);

}  // namespace phaseselect
