// Compressed text and workbooks in memory, for tests of what reads them.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace phaseselect {

using ArchiveFilter = int (*)(archive*);

inline la_ssize_t append_packed(archive*, void* packed, const void* bytes, std::size_t size) {
  static_cast<std::string*>(packed)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

inline void write_entry(archive* writer, const std::string& path, std::string_view bytes) {
  archive_entry* entry = archive_entry_new();
  archive_entry_set_pathname(entry, path.c_str());
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
  EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
  EXPECT_EQ(archive_write_data(writer, bytes.data(), bytes.size()), static_cast<la_ssize_t>(bytes.size()));
  archive_entry_free(entry);
}

// The text through archive_write_add_filter_gzip and its like.
inline std::string compressed(std::string_view text, ArchiveFilter filter) {
  std::string packed;
  archive* writer = archive_write_new();
  filter(writer);
  archive_write_set_format_raw(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  archive_write_open(writer, &packed, nullptr, append_packed, nullptr);
  write_entry(writer, "text", text);
  archive_write_free(writer);
  return packed;
}

inline std::string zipped(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string packed;
  archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  archive_write_open(writer, &packed, nullptr, append_packed, nullptr);
  for (const auto& [path, bytes] : files) write_entry(writer, path, bytes);
  archive_write_free(writer);
  return packed;
}

// A workbook with these sheets, each the content of its sheetData; parts are given whole.
struct Sheets {
  std::vector<std::pair<std::string, std::string>> sheets;  // name (and attributes after it), rows
  std::string strings;                                      // content of sst
  std::string styles;                                       // content of styleSheet
  std::string properties;                                   // attributes of workbookPr
};

inline std::string workbook(const Sheets& book) {
  const std::string relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const auto related = [&](const std::string& id, const std::string& type, const std::string& target) {
    return "<Relationship Id=\"" + id + "\" Type=\"" + relations + "/" + type + "\" Target=\"" + target + "\"/>";
  };
  std::vector<std::pair<std::string, std::string>> parts;
  std::string sheets;
  std::string links =
      related("strings", "sharedStrings", "sharedStrings.xml") + related("styles", "styles", "styles.xml");
  for (std::size_t i = 0; i < book.sheets.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    sheets += "<sheet name=\"" + book.sheets[i].first + "\" sheetId=\"" + number + "\" r:id=\"rId" + number + "\"/>";
    links += related("rId" + number, "worksheet", "worksheets/sheet" + number + ".xml");
    parts.emplace_back("xl/worksheets/sheet" + number + ".xml", "<?xml version=\"1.0\"?><worksheet><sheetData>" +
                                                                    book.sheets[i].second + "</sheetData></worksheet>");
  }
  parts.emplace_back("[Content_Types].xml", "<Types/>");
  parts.emplace_back("_rels/.rels",
                     "<Relationships>" + related("rId1", "officeDocument", "xl/workbook.xml") + "</Relationships>");
  parts.emplace_back("xl/workbook.xml", "<workbook xmlns:r=\"" + relations + "\"><workbookPr " + book.properties +
                                            "/><sheets>" + sheets + "</sheets></workbook>");
  parts.emplace_back("xl/_rels/workbook.xml.rels", "<Relationships>" + links + "</Relationships>");
  parts.emplace_back("xl/sharedStrings.xml", "<sst>" + book.strings + "</sst>");
  parts.emplace_back("xl/styles.xml", "<styleSheet>" + book.styles + "</styleSheet>");
  return zipped(parts);
}

}  // namespace phaseselect
