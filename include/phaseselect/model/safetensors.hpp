// safetensors files (https://github.com/huggingface/safetensors): an 8-byte little-endian header length, a JSON header,
// raw little-endian data. Written atomically (temporary file, fsync, rename) and checksummed: metadata "sha256" is the
// SHA-256 of the header, with that value replaced by 64 zeros, followed by the data section.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace phaseselect {

enum class TensorType { f32, f64, i16, i32, u8, u32, u64 };

struct TensorInfo {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<std::size_t> shape;
  std::size_t elements() const;
  std::size_t bytes() const;
};

// Streams the tensors in the given order; nothing appears under `path` before commit(). The header is padded so that
// data starts at a multiple of 64 bytes. Throws Error naming the file when the disk is full or the folder cannot be
// written; the temporary file is removed then and when the writer is destroyed without commit.
class SafetensorsWriter {
 public:
  SafetensorsWriter(std::filesystem::path path, const std::vector<TensorInfo>& tensors,
                    std::map<std::string, std::string> metadata);
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  void append(std::span<const std::byte> bytes);
  template <typename T>
  void append(std::span<const T> values) {
    append(std::as_bytes(values));
  }
  // Of a file with all its bytes: its checksum, metadata "sha256", before it appears. Throws std::logic_error unless
  // exactly the declared bytes were appended.
  std::string seal();
  void commit();  // seals it unless that was done

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Opens a file for reading parts of tensors. Throws Error (file, what is wrong, what to do) for a missing, truncated,
// malformed or edited file.
class SafetensorsReader {
 public:
  enum class Verify { checksum, structure };
  explicit SafetensorsReader(std::filesystem::path path, Verify verify = Verify::checksum);
  ~SafetensorsReader();
  SafetensorsReader(SafetensorsReader&&) noexcept;
  SafetensorsReader& operator=(SafetensorsReader&&) noexcept;

  const std::filesystem::path& path() const;
  const std::map<std::string, std::string>& metadata() const;
  std::span<const TensorInfo> tensors() const;  // in file order
  bool contains(const std::string& name) const;
  const TensorInfo& info(const std::string& name) const;  // throws Error when there is none

  // Reads bytes.size() bytes of a tensor from `byte_offset` inside it.
  void read(const std::string& name, std::size_t byte_offset, std::span<std::byte> bytes) const;
  template <typename T>
  std::vector<T> read_all(const std::string& name) const {
    std::vector<T> values(info(name).bytes() / sizeof(T));
    read(name, 0, std::as_writable_bytes(std::span<T>(values)));
    return values;
  }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phaseselect
