// A channel: record reader and writer with their buffers, without I/O. Over datagrams it has a
// DatagramChannel too.
#pragma once

#include "record/datagram_channel.h"
#include "record/record_reader.h"
#include "record/record_writer.h"
#include "wire/allocate.h"
#include "wire/bytes.h"

namespace handfast {

struct Channel {
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

  Unique<DatagramChannel> datagram;  // nullptr: a stream

  [[nodiscard]] std::span<uint8_t> received() {
    return {input.data() + input_begin, input_end - input_begin};
  }
  [[nodiscard]] bool unsent() const { return output.size() > output_begin; }

  // Records start anew, unprotected. `datagrams`: over datagrams; what the application has set for
  // them stays. False: memory.
  [[nodiscard]] bool restart(bool datagrams);
  // Nothing is to be sent any more.
  void drop_output();

  // --- Datagrams ---
  // What may still be written to the datagram at the end of the output.
  [[nodiscard]] size_t room() const;
  // Longest content of a record that fits into `room` bytes; 0: none.
  [[nodiscard]] size_t fitting(size_t room) const;
  // The next record begins a datagram. False: memory.
  [[nodiscard]] bool end_datagram();
  // The same, unless a record of `length` bytes of content still fits.
  [[nodiscard]] bool make_room(size_t length);
};

}  // namespace handfast
