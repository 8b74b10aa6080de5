// safetensors files: round trips, the checksum, and every way in which a file can be damaged.
#include "phaseselect/model/safetensors.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "host/io/sha256.hpp"
#include "phaseselect/error.hpp"
#include "tests/temporary_folder.hpp"
#include "tests/unit/temporary_file.hpp"

namespace phaseselect {
namespace {

const std::vector<float> weights = {1.5f, -2.25f, 3e-38f, 4, 5, 6};
const std::vector<std::uint32_t> ids = {7, 4294967295u};

void write_sample(const std::filesystem::path& path) {
  SafetensorsWriter file(
      path,
      {{"a.weights", TensorType::f32, {1, 2, 3}}, {"none", TensorType::f64, {0, 4}}, {"ids", TensorType::u32, {2}}},
      {{"format", "test \"quoted\" \xC3\xA9"}});
  file.append(std::span<const float>(weights).first(2));
  file.append(std::span<const float>(weights).subspan(2));
  file.append(std::span<const std::uint32_t>(ids));
  file.commit();
}

// A file with this header and these data bytes; no checksum.
void write_raw(const std::filesystem::path& path, const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  write_bytes(path, bytes + header + data);
}

std::string object(const std::vector<std::string>& entries) { return fmt::format("{{{}}}", fmt::join(entries, ",")); }

class SafetensorsTest : public ::testing::Test {
 protected:
  std::string error(SafetensorsReader::Verify verify = SafetensorsReader::Verify::checksum) {
    return message_of<Error>([&] { SafetensorsReader reader(path_, verify); });
  }
  std::string structure_error(const std::string& header, const std::string& data) {
    write_raw(path_, header, data);
    return error(SafetensorsReader::Verify::structure);
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "file.safetensors";
};

TEST_F(SafetensorsTest, ReadsBackWhatWasWritten) {
  write_sample(path_);
  const SafetensorsReader file(path_);
  EXPECT_EQ(file.metadata().at("format"), "test \"quoted\" \xC3\xA9");
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensors()[0].name, "a.weights");
  EXPECT_EQ(file.info("a.weights").shape, (std::vector<std::size_t>{1, 2, 3}));
  EXPECT_EQ(file.read_all<float>("a.weights"), weights);
  EXPECT_EQ(file.read_all<std::uint32_t>("ids"), ids);
  EXPECT_TRUE(file.read_all<double>("none").empty());
  std::vector<float> part(2);
  file.read("a.weights", 4 * sizeof(float), std::as_writable_bytes(std::span(part)));
  EXPECT_EQ(part, (std::vector<float>{5, 6}));
  EXPECT_TRUE(contains(message_of<Error>([&] { file.info("b"); }), "no tensor 'b'"));
  EXPECT_FALSE(message_of<Error>([&] {
                 file.read("a.weights", 5 * sizeof(float), std::as_writable_bytes(std::span(part)));
               }).empty());
  EXPECT_FALSE(has_partial_files(folder_.path()));
}

TEST_F(SafetensorsTest, TheHeaderIsJsonAndDataStartAtAMultipleOf64) {
  write_sample(path_);
  const std::string bytes = read_bytes(path_);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 64, 0u);
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  EXPECT_EQ(header.at("a.weights").at("dtype"), "F32");
  EXPECT_EQ(header.at("ids").at("data_offsets"), nlohmann::json({24, 32}));
  EXPECT_EQ(bytes.size(), 8 + length + 32);
}

TEST_F(SafetensorsTest, EveryEditedByteIsFound) {
  write_sample(path_);
  const std::string original = read_bytes(path_);
  for (std::size_t i = 0; i < original.size(); ++i) {
    for (const char flip : {char(1), char(0x80)}) {
      std::string edited = original;
      edited[i] = static_cast<char>(edited[i] ^ flip);
      write_bytes(path_, edited);
      ASSERT_TRUE(contains(error(), "damaged")) << "byte " << i << ": " << error();
    }
  }
}

TEST_F(SafetensorsTest, EveryTruncationIsFound) {
  write_sample(path_);
  const std::string original = read_bytes(path_);
  for (std::size_t size = 0; size < original.size(); ++size) {
    write_bytes(path_, original.substr(0, size));
    ASSERT_TRUE(contains(error(SafetensorsReader::Verify::structure), "damaged")) << size;
  }
  write_bytes(path_, original + "x");
  EXPECT_TRUE(contains(error(SafetensorsReader::Verify::structure), "bytes behind its last tensor"));
}

TEST_F(SafetensorsTest, MalformedHeaders) {
  const std::string data(8, 'x');
  const auto tensor = [](const char* name, const std::string& entry) { return fmt::format("\"{}\":{}", name, entry); };
  const std::string good = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  EXPECT_EQ(structure_error(object({tensor("a", good)}), data), "");
  EXPECT_TRUE(contains(structure_error(object({tensor("a", good)}), data + data), "behind its last tensor"));
  EXPECT_TRUE(contains(structure_error(object({tensor("a", good)}) + "}", data), "header is malformed"));
  EXPECT_TRUE(contains(structure_error("[1]", data), "no JSON object"));
  EXPECT_TRUE(contains(structure_error("\xFF\xFE", data), "header is malformed"));
  EXPECT_TRUE(contains(structure_error(std::string(100000, '['), data), "header is malformed"));
  EXPECT_TRUE(contains(structure_error(R"({"__metadata__":{"n":1}})", ""), "header is malformed"));
  for (const char* entry :
       {R"({"dtype":"F32","shape":[2],"data_offsets":[0,9]})", R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})",
        R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})",
        R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})",
        R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})",
        R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})", R"({"dtype":"F33","shape":[2]})",
        R"({"dtype":"F32","shape":[2],"data_offsets":[4611686018427387904,4611686018427387912]})", R"({"shape":[2]})",
        R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})", "[]", "null", "7"}) {
    EXPECT_TRUE(contains(structure_error(object({tensor("a", entry)}), data), "damaged")) << entry;
  }
  const std::string first = R"({"dtype":"U8","shape":[5],"data_offsets":[0,5]})";
  const std::string overlapping = R"({"dtype":"U8","shape":[4],"data_offsets":[4,8]})";
  const std::string late = R"({"dtype":"U8","shape":[2],"data_offsets":[6,8]})";
  EXPECT_TRUE(contains(structure_error(object({tensor("a", first), tensor("b", overlapping)}), data), "overlaps"));
  EXPECT_TRUE(contains(structure_error(object({tensor("a", first), tensor("b", late)}), data), "leaves a hole"));
  EXPECT_TRUE(contains(structure_error(object({tensor("a", good), tensor("a", first)}), data), "damaged"));
}

TEST_F(SafetensorsTest, AHeaderLengthBeyondTheFileAndOtherFiles) {
  write_bytes(path_, std::string(8, '\xFF') + "{}");
  EXPECT_TRUE(contains(error(), "header reaches beyond its end"));
  write_bytes(path_, "");
  EXPECT_TRUE(contains(error(), "shorter than its first field"));
  write_raw(path_, "{}", "");
  EXPECT_TRUE(contains(error(), "no checksum"));
  std::filesystem::remove(path_);
  EXPECT_TRUE(contains(error(), "No such file"));
  std::filesystem::create_directory(path_);
  EXPECT_TRUE(contains(error(), "not a regular file"));
}

TEST_F(SafetensorsTest, NothingAppearsBeforeCommit) {
  write_bytes(path_, "before");
  {
    SafetensorsWriter file(path_, {{"a", TensorType::u8, {3}}}, {});
    file.append(std::span<const std::uint8_t>(std::vector<std::uint8_t>{1, 2}));
    EXPECT_THROW(file.commit(), std::logic_error);
    EXPECT_THROW(file.append(std::span<const float>(weights)), std::logic_error);
    EXPECT_TRUE(has_partial_files(folder_.path()));
  }
  EXPECT_EQ(read_bytes(path_), "before");
  EXPECT_FALSE(has_partial_files(folder_.path()));
}

TEST_F(SafetensorsTest, FoldersThatCannotBeWritten) {
  EXPECT_TRUE(contains(message_of<Error>([&] { write_sample(folder_ / "missing/file"); }), "create its folder"));
  write_bytes(path_, "a file");
  EXPECT_TRUE(contains(message_of<Error>([&] { write_sample(path_ / "below"); }), "cannot write"));
  EXPECT_TRUE(contains(message_of<Error>([&] { write_sample(folder_.path()); }), "Is a directory"));
}

TEST_F(SafetensorsTest, Sha256OfAFile) {
  write_bytes(path_, "abc");  // FIPS 180-4, example B.1
  EXPECT_EQ(sha256_file(path_), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  write_bytes(path_, "");
  EXPECT_EQ(sha256_file(path_), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_THROW(sha256_file(folder_ / "missing"), Error);
  EXPECT_THROW(sha256_file(folder_.path()), Error);
}

}  // namespace
}  // namespace phaseselect
