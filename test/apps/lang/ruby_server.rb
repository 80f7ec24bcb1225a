# A server with OpenSSL::SSL: one port a service, one connection at a time. Prints the ports, then
# answers the requests that test/support/languages.py describes.

require "digest"
require "json"
require "openssl"
require "socket"

$stdout.sync = true

def credentials(name)
  [OpenSSL::X509::Certificate.new(File.read("#{name}.pem")),
   OpenSSL::PKey.read(File.read("#{name}.key"))]
end

VERSIONS = { 12 => OpenSSL::SSL::TLS1_2_VERSION, 13 => OpenSSL::SSL::TLS1_3_VERSION }.freeze
ECDSA, RSA, OTHER = %w[ecdsa rsa other].map { |name| credentials(name) }
AUTHORITY = OpenSSL::X509::Certificate.new(File.read("ca.pem"))

# What the callbacks of the connection at hand have been told.
Seen = Struct.new(:name, :sessions)
$seen = Seen.new(nil, 0)

def context(version, key)
  OpenSSL::SSL::SSLContext.new.tap do |context|
    context.min_version = context.max_version = version
    context.add_certificate(*key)
    context.session_id_context = "lab"
    context.session_cache_mode = OpenSSL::SSL::SSLContext::SESSION_CACHE_SERVER
    context.alpn_select_cb = ->(offered) { (%w[h2 http/1.1] & offered).first }
    yield context if block_given?
  end
end

def named(version)
  other = context(version, OTHER)
  context(version, ECDSA) do |context|
    context.servername_cb = lambda do |(_, name)|
      $seen.name = name
      other if name == "other.example"
    end
  end
end

def asking(version)
  context(version, ECDSA) do |context|
    context.verify_mode = OpenSSL::SSL::VERIFY_PEER | OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT
    context.ca_file = "ca.pem"
    context.client_ca = [AUTHORITY]
  end
end

# Sessions are kept here, as DER, and not by the library.
def cache_outside(version)
  kept = {}
  context(version, ECDSA) do |context|
    context.options |= OpenSSL::SSL::OP_NO_TICKET
    context.session_cache_mode = OpenSSL::SSL::SSLContext::SESSION_CACHE_SERVER |
                                 OpenSSL::SSL::SSLContext::SESSION_CACHE_NO_INTERNAL_STORE
    context.session_new_cb = lambda do |(_, session)|
      $seen.sessions += 1
      kept[session.id] = session.to_der
    end
    context.session_get_cb = lambda do |(_, id)|
      OpenSSL::SSL::Session.new(kept[id]) if kept.key?(id)
    end
  end
end

def services
  VERSIONS.flat_map do |n, version|
    [["tls#{n}", named(version)],
     ["rsa#{n}", context(version, RSA)],
     ["auth#{n}", asking(version)],
     ["cache#{n}", cache_outside(version)],
     ["p384#{n}", context(version, ECDSA) { |context| context.ecdh_curves = "P-384" }],
     ["plain#{n}", context(version, ECDSA)]]
  end + [["dhe12", context(VERSIONS[12], RSA) { |context| context.ciphers = "DHE" }]]
end

def facts(connection)
  JSON.generate(
    version: connection.ssl_version, cipher: connection.cipher[0], sni: $seen.name,
    alpn: connection.alpn_protocol, peer: connection.peer_cert&.subject&.to_s,
    reused: connection.session_reused?, sessions: $seen.sessions,
    finished: connection.peer_finished_message.unpack1("H*"))
end

def http(connection, path)
  nil until connection.gets == "\r\n"
  body = File.binread(File.basename(path))
  connection.write("HTTP/1.1 200 OK\r\nContent-Length: #{body.bytesize}\r\n\r\n", body)
end

# Returns whether the connection goes on.
def answer(connection, request)
  verb, what = request.split
  case verb
  when "FACTS" then connection.puts(facts(connection))
  when "SEND" then connection.write(File.binread(what))
  when "TAKE" then connection.puts(Digest::SHA256.hexdigest(connection.read(what.to_i)))
  when "GET" then http(connection, what)
  else return false
  end
  true
end

def serve(connection)
  while (request = connection.gets)
    break unless answer(connection, request)
  end
ensure
  connection.close
end

# TLS begins on the client's word.
def serve_plain(socket, context)
  return if socket.gets != "STARTTLS\n"

  socket.puts("go")
  serve(OpenSSL::SSL::SSLSocket.new(socket, context).accept)
ensure
  socket.close
end

contexts = services.to_h
listeners = contexts.to_h { |name, _| [TCPServer.new("127.0.0.1", 0), name] }
puts "listening #{JSON.generate(listeners.to_h { |socket, name| [name, socket.addr[1]] })}"

loop do
  IO.select(listeners.keys)[0].each do |listener|
    name = listeners[listener]
    $seen.name = nil
    if name.start_with?("plain")
      serve_plain(listener.accept, contexts[name])
    else
      serve(OpenSSL::SSL::SSLServer.new(listener, contexts[name]).accept)
    end
  # A TypeError is what becomes of an ALPN callback that selects nothing.
  rescue OpenSSL::SSL::SSLError, SystemCallError, TypeError => error
    warn "#{name}: #{error.message}"
  end
end
