// A stream channel: record reader and writer with their buffers, without I/O.
#pragma once

#include "record/record_reader.h"
#include "record/record_writer.h"
#include "wire/bytes.h"

namespace handfast {

struct StreamChannel {
  RecordReader reader;
  RecordWriter writer;

  // Received bytes: [begin, end) of the storage are not consumed yet.
  Bytes input;
  size_t input_begin = 0, input_end = 0;
  // Rest of an opened application_data record, a part of `input`.
  std::span<uint8_t> plaintext;

  // Sealed bytes from output_begin on have not left yet.
  Bytes output;
  size_t output_begin = 0;

  [[nodiscard]] std::span<uint8_t> received() {
    return {input.data() + input_begin, input_end - input_begin};
  }
  [[nodiscard]] bool unsent() const { return output.size() > output_begin; }
};

}  // namespace handfast
