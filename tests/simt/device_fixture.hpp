// Launches of the executor's own tests, from host vectors to host vectors.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/simt/executor.hpp"
#include "tests/simt/host_device.hpp"
#include "tests/simt/test_kernels.hpp"

namespace phaseselect::simt {

class DeviceTest : public testing::Test {
 protected:
  ~DeviceTest() override { set_schedule_seed(1); }

  template <typename T>
  std::vector<T> download(const cuda::DeviceBuffer<T>& buffer) {
    std::vector<T> values(buffer.size());
    buffer.download(values);
    stream_.synchronise();
    return values;
  }

  // A kernel from `in` to `out_size` floats; its count is that of `in`.
  std::vector<float> run_arrays(const char* name, void (*kernel)(cuda::FloatArrays), const cuda::LaunchShape& shape,
                                const std::vector<float>& in, std::size_t out_size) {
    const cuda::DeviceBuffer<float> source(stream_, in, "test"), target(stream_, out_size, "test");
    cuda::launch(stream_, name, kernel, shape, {source.data(), target.data(), static_cast<int>(in.size())});
    return download(target);
  }

  // A kernel to `size` words.
  std::vector<std::uint32_t> run_words(const char* name, void (*kernel)(cuda::Words), const cuda::LaunchShape& shape,
                                       std::size_t size) {
    const cuda::DeviceBuffer<std::uint32_t> out(stream_, size, "test");
    cuda::launch(stream_, name, kernel, shape, {out.data()});
    return download(out);
  }

  cuda::Stream stream_;
};

}  // namespace phaseselect::simt
