#include "record/channel.h"

#include <algorithm>

namespace handfast {

bool Channel::restart(bool datagrams) {
  reader = RecordReader();
  writer = RecordWriter();
  if (!datagrams) {
    datagram.reset();
    return true;
  }
  if (datagram == nullptr) {
    datagram.reset(make<DatagramChannel>());
    if (datagram == nullptr) return false;
  } else {
    DatagramChannel fresh;
    fresh.keep_settings(*datagram);
    *datagram = std::move(fresh);
    plaintext = {};
    drop_output();
  }
  reader.use_datagrams(&datagram->read);
  writer.use_datagrams(&datagram->write);
  return true;
}

void Channel::drop_output() {
  output.clear();
  output_begin = 0;
  if (datagram == nullptr) return;
  datagram->ends.clear();
  datagram->sent = 0;
}

namespace {

// Of several records: more than one of full length is more than a peer may read at once.
// OpenSSL 3.0 reads so much.
constexpr size_t kMaxFilled = kDatagramRecordHeaderLength + kMaxPlaintextLength + 320;

size_t open_length(const Channel& channel) {
  const Array<size_t>& ends = channel.datagram->ends;
  return channel.output.size() - (ends.empty() ? 0 : ends[ends.size() - 1]);
}

}  // namespace

size_t Channel::room() const {
  size_t used = open_length(*this);
  size_t limit = std::min(datagram->mtu, kMaxFilled);
  return limit > used ? limit - used : 0;
}

size_t Channel::fitting(size_t room) const {
  size_t length = room < kMaxPlaintextLength ? room : kMaxPlaintextLength;
  // Block ciphers pad: what is over may be less than what must go.
  for (size_t sealed = writer.sealed_length(length); sealed > room && length > 0;
       sealed = writer.sealed_length(length)) {
    size_t over = sealed - room;
    length -= over < length ? over : length;
  }
  if (writer.sealed_length(length) > room) return 0;
  while (length < kMaxPlaintextLength && writer.sealed_length(length + 1) <= room) ++length;
  return length;
}

bool Channel::end_datagram() {
  return open_length(*this) == 0 || datagram->ends.push_back(output.size());
}

bool Channel::make_room(size_t length) {
  return writer.sealed_length(length) <= room() || end_datagram();
}

}  // namespace handfast
