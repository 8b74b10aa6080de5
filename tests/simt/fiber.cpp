#include "tests/simt/fiber.hpp"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <new>

#include "tests/simt/sanitizer.hpp"

namespace phaseselect::simt {
namespace {

namespace context = boost::context::detail;

// Most of it is never touched. A report of AddressSanitizer, made on the fiber's stack, needs the most.
constexpr std::size_t stack_bytes = std::size_t{256} << 10;
constexpr std::size_t page_bytes = 4096;

struct Passage {
  Fiber* from;
  Fiber* to;
};

// The first thing to run on a stack that was just switched to.
void arrive(const context::transfer_t& transfer) {
  const Passage& passage = *static_cast<const Passage*>(transfer.data);
  Fiber& from = *passage.from;
  from.context = transfer.fctx;
  finish_switch(passage.to->fake_stack, &from.bottom, &from.size);
}

void begin(context::transfer_t transfer) {
  void (*entry)() = static_cast<const Passage*>(transfer.data)->to->entry;
  arrive(transfer);
  entry();
}

}  // namespace

Fiber make_fiber(unsigned index, void (*entry)()) {
  void* memory = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, page_bytes, PROT_NONE);
  // Tops at the same place of a page would share the same few lines of the first-level cache.
  const std::size_t colour = index * 320 % page_bytes / 64 * 64;
  std::byte* bottom = static_cast<std::byte*>(memory) + page_bytes;
  const std::size_t size = stack_bytes - page_bytes - colour;
  Fiber fiber;
  fiber.context = context::make_fcontext(bottom + size, size, begin);
  fiber.bottom = bottom;
  fiber.size = size;
  fiber.entry = entry;
  return fiber;
}

void switch_fiber(Fiber& from, Fiber& to) {
  Passage passage{&from, &to};
  start_switch(&from.fake_stack, to.bottom, to.size);
  arrive(context::jump_fcontext(to.context, &passage));
}

}  // namespace phaseselect::simt
