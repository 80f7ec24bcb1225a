// Stack of coroutine frames: frames end in the reverse order of their beginning.
#pragma once

#include <openssl/crypto.h>

#include <cstddef>
#include <cstdint>

namespace handfast {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    while (block_ != nullptr) drop();
  }

  // nullptr when memory is short.
  void* push(size_t size) {
    size_t needed = sizeof(Frame) + (size + kAlign - 1) / kAlign * kAlign;
    if (block_ == nullptr || block_->size - block_->used < needed) {
      size_t room = needed > kBlock ? needed : kBlock;
      auto* block = static_cast<Block*>(OPENSSL_malloc(sizeof(Block) + room));
      if (block == nullptr) return nullptr;
      *block = {block_, room, 0};
      block_ = block;
    }
    auto* frame = reinterpret_cast<Frame*>(reinterpret_cast<uint8_t*>(block_ + 1) + block_->used);
    *frame = {this, needed};
    block_->used += needed;
    return frame + 1;
  }
  static void pop(void* memory) {
    Frame* frame = static_cast<Frame*>(memory) - 1;
    Arena* arena = frame->arena;
    // Frames hold secrets in their locals.
    size_t size = frame->size;
    OPENSSL_cleanse(frame, size);
    arena->block_->used -= size;
    if (arena->block_->used == 0 && arena->block_->below != nullptr) arena->drop();
  }

 private:
  static constexpr size_t kAlign = 16;
  static constexpr size_t kBlock = 4096;
  struct alignas(kAlign) Frame {
    Arena* arena;
    size_t size;
  };
  struct alignas(kAlign) Block {
    Block* below;
    size_t size;
    size_t used;
  };
  void drop() {
    // Frames that were not popped: those of an abandoned handshake.
    OPENSSL_cleanse(block_ + 1, block_->used);
    Block* below = block_->below;
    OPENSSL_free(block_);
    block_ = below;
  }
  Block* block_ = nullptr;
};

}  // namespace handfast
